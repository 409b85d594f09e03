"""Heads, lengths, ways to make samples, and rules of decoding, compared by what they write.

    .venv/bin/python bench/novels.py --cloze target/release/cloze --text zh heads
    .venv/bin/python bench/novels.py --cloze target/release/cloze --text zh decoding

`heads` trains the example of that text with every head, both kinds of samples and three lengths, all on
as many samples, and has each model continue the same prompts. `decoding` has the example's own model
continue them by different rules. Both print tables in Markdown. A run that is there already is read,
not repeated: remove its folder to have it done again. Plain Python is enough.
"""

import argparse
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from written_text import distinct, repeated, units

HEADS = ["linear", "masked-lm", "lstm", "lstm-attention"]
SAMPLES = ["windows", "prefixes"]
LENGTHS = [32, 64, 128]
TOKENS = 100
SEEDS = [1, 2, 3]
PLAIN = ["--top-k", "40", "--no-repeat", "30"]


@dataclass
class Novel:
    """A text, and what is asked for."""

    config: str
    prompts: list[str]
    samples: int
    """That each model of the comparison is trained on."""


NOVELS = {
    "zh": Novel(
        "examples/novel-zh.toml",
        ["国家主席江泽民今天在人民大会堂", "春节期间，各地市场", "本报北京１月１０日讯", "中国女子排球队在"],
        40_000,
    ),
    "en": Novel(
        "examples/novel-en.toml",
        ["The whale", "Captain Ahab stood upon the deck", "In the morning the sea was", "I looked at Queequeg, and"],
        10_000,
    ),
}

DECODING = {
    "greedy": ["--greedy"],
    "greedy, no repeat within 30": ["--greedy", "--no-repeat", "30"],
    "greedy, repetition penalty 1.3": ["--greedy", "--repetition-penalty", "1.3"],
    "5 beams": ["--beams", "5"],
    "5 beams, no repeat within 30": ["--beams", "5", "--no-repeat", "30"],
    "sampling": ["--top-k", "0"],
    "temperature 0.7": ["--top-k", "0", "--temperature", "0.7"],
    "top-k 40": ["--top-k", "40"],
    "top-k 5": ["--top-k", "5"],
    "top-p 0.9": ["--top-k", "0", "--top-p", "0.9"],
    "top-k 40, top-p 0.9, temperature 0.8, no repeat within 30": [
        "--top-k", "40", "--top-p", "0.9", "--temperature", "0.8", "--no-repeat", "30",
    ],
}  # fmt: skip


def trained(program: str, novel: Novel, run: Path, changes: list[str]) -> dict:
    """The metrics of a run."""
    if not (run / "metrics.json").exists():
        settings = [argument for change in [*changes, f"output={run}"] for argument in ("--set", change)]
        subprocess.run([program, "train", novel.config, *settings], check=True)
    return json.loads((run / "metrics.json").read_text(encoding="utf-8"))


def continuations(program: str, model: Path, novel: Novel, rules: list[str]) -> list[str]:
    """What a model writes behind each prompt, with each seed where the rules draw."""
    seeds = SEEDS if not {"--greedy", "--beams"} & set(rules) else SEEDS[:1]
    texts = []
    for seed in seeds:
        for prompt in novel.prompts:
            command = [program, "generate", str(model), "--prompt", prompt, "--max-new-tokens", str(TOKENS)]
            command += ["--seed", str(seed), "--json", *rules]
            printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            text = json.loads(printed)
            text = text[0] if isinstance(text, list) else text
            texts.append(text["generated_text"].removeprefix(prompt))
    return texts


def variety(texts: list[str]) -> list[str]:
    """distinct-1, distinct-2 and the repeated share."""
    written = [units(text) for text in texts]
    return [f"{value:.3f}" for value in (distinct(written, 1), distinct(written, 2), repeated(written))]


def row(*cells: str) -> None:
    """A row of a table in Markdown."""
    print("| " + " | ".join(cells) + " |", flush=True)


def heads(program: str, novel: Novel, folder: Path, lengths: list[int], samples: int) -> None:
    """A model for every head, kind of samples and length."""
    row("head", "samples", "length", "perplexity", "next token", "tokens/s", "distinct-1", "distinct-2", "repeated")
    row(*["---"] * 9)
    for head in HEADS:
        for kind in SAMPLES:
            for length in lengths:
                run = folder / f"{head}-{kind}-{length}"
                changes = [f"continuation.head={head}", f"continuation.samples={kind}"]
                changes += [f"continuation.length={length}", "train.epochs=1", f"data.limit.train={samples}"]
                metrics = trained(program, novel, run, changes)
                test = metrics["test"]
                texts = continuations(program, run, novel, PLAIN)
                numbers = [f"{test['perplexity']:.1f}", f"{test['next_token_accuracy']:.3f}"]
                numbers.append(f"{metrics['tokens_per_second']:,.0f}")
                row(head, kind, str(length), *numbers, *variety(texts))
                (run / "continuations.json").write_text(json.dumps(texts, ensure_ascii=False, indent=1))


def decoding(program: str, novel: Novel, folder: Path) -> None:
    """The example's model, by every rule."""
    model = Path("runs") / Path(novel.config).stem
    trained(program, novel, model, [])
    row("rules", "distinct-1", "distinct-2", "repeated")
    row(*["---"] * 4)
    found = {}
    for name, rules in DECODING.items():
        found[name] = continuations(program, model, novel, rules)
        row(name, *variety(found[name]))
    (folder / "decoding.json").write_text(json.dumps(found, ensure_ascii=False, indent=1))
    for name, texts in found.items():
        print(f"\n{name} (mean of {mean(map(len, texts)):.0f} characters)\n")
        for prompt, text in zip(novel.prompts, texts):
            print(f"> **{prompt}**{text}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("comparison", choices=["heads", "decoding"])
    parser.add_argument("--cloze", default="target/release/cloze", help="the program")
    parser.add_argument("--text", choices=list(NOVELS), default="zh")
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS)
    parser.add_argument("--samples", type=int, help="that each model is trained on")
    arguments = parser.parse_args()
    novel = NOVELS[arguments.text]
    folder = Path("runs/novels") / arguments.text
    folder.mkdir(parents=True, exist_ok=True)
    if arguments.comparison == "heads":
        heads(arguments.cloze, novel, folder, arguments.lengths, arguments.samples or novel.samples)
    else:
        decoding(arguments.cloze, novel, folder)


if __name__ == "__main__":
    main()
