"""Heads, lengths, ways to make samples, and rules of decoding, compared by what they write.

    .venv/bin/python bench/novels.py --cloze target/release/cloze --text zh heads
    .venv/bin/python bench/novels.py --cloze target/release/cloze --text zh decoding

`heads` trains the example of that text with every head and both kinds of samples at length 32, and one of
these at 64 and 128 too, all on as many samples, and has each model continue the same prompts. `decoding`
has the example's own model continue them by different rules. Both print tables in Markdown, with the text
itself beside them, and write all that was written into `runs/novels`. A run that is there already is
read, not repeated: remove its folder to have it done again; one that was broken off is begun anew. Plain Python is enough.
"""

import argparse
import json
import shutil
import subprocess
import tomllib
from collections import Counter
from dataclasses import dataclass
from math import exp, log
from pathlib import Path
from statistics import mean

from written_text import distinct, repeated, units

HEADS = ["linear", "masked-lm", "lstm", "lstm-attention"]
SAMPLES = ["windows", "prefixes"]
SHORTEST = 32
MODELS = [(head, kind, SHORTEST) for head in HEADS for kind in SAMPLES]
MODELS += [("masked-lm", "prefixes", length) for length in (64, 128)]
TOKENS = 100
BATCH = 16
SEEDS = [1, 2, 3]


@dataclass
class Novel:
    """A text, and what is asked for."""

    config: str
    text: str
    prompts: list[str]
    plain: list[str]
    """The rules by which the models of the comparison write."""
    samples: int
    """That each model of the comparison is trained on."""


NOVELS = {
    "zh": Novel(
        "examples/novel-zh.toml",
        "assets/data/peoples-daily-plain.txt",
        ["新华社上海１月８日电", "春节期间，各地市场", "本报北京１月１０日讯", "中国女子排球队在"],
        ["--top-k", "40", "--no-repeat", "30"],
        30_000,
    ),
    "en": Novel(
        "examples/novel-en.toml",
        "assets/data/moby-dick.txt",
        ["The whale", "Captain Ahab stood upon the deck", "In the morning the sea was", "I looked at Queequeg, and"],
        ["--top-k", "40", "--no-repeat-ngram", "3"],
        5_000,
    ),
}

DECODING = {
    "greedy": ["--greedy"],
    "greedy, no repeat within 30": ["--greedy", "--no-repeat", "30"],
    "greedy, no three tokens twice": ["--greedy", "--no-repeat-ngram", "3"],
    "greedy, repetition penalty 1.3": ["--greedy", "--repetition-penalty", "1.3"],
    "5 beams": ["--beams", "5"],
    "5 beams, no three tokens twice": ["--beams", "5", "--no-repeat-ngram", "3"],
    "sampling": ["--top-k", "0"],
    "temperature 0.7": ["--top-k", "0", "--temperature", "0.7"],
    "top-k 40": ["--top-k", "40"],
    "top-k 5": ["--top-k", "5"],
    "top-k 40, no repeat within 30": ["--top-k", "40", "--no-repeat", "30"],
    "top-p 0.9": ["--top-k", "0", "--top-p", "0.9"],
    "top-k 40, top-p 0.9, temperature 0.8, no three tokens twice": [
        "--top-k", "40", "--top-p", "0.9", "--temperature", "0.8", "--no-repeat-ngram", "3",
    ],
}  # fmt: skip


def trained(program: str, novel: Novel, run: Path, changes: list[str]) -> dict:
    """The metrics of a run."""
    if not (run / "metrics.json").exists():
        shutil.rmtree(run, ignore_errors=True)
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
            texts.append(text["continuation"])
    return texts


def variety(novel: Novel, texts: list[str]) -> list[str]:
    """distinct-1, distinct-2 and the repeated share: means over the seeds, as both fall, and rise, with the
    length of what is counted together."""
    together = len(novel.prompts)
    groups = [[units(text) for text in texts[at : at + together]] for at in range(0, len(texts), together)]
    measures = [lambda group: distinct(group, 1), lambda group: distinct(group, 2), repeated]
    return [f"{mean(map(measure, groups)):.3f}" for measure in measures]


def of_the_text(novel: Novel, length: int) -> list[str]:
    """As many pieces of the end of the text, which no model was trained on, as one that draws writes, each
    of `length` characters."""
    text = Path(novel.text).read_text(encoding="utf-8").replace("\n", "")
    pieces = len(novel.prompts) * len(SEEDS)
    between = len(text) // 20 // pieces
    return [text[len(text) - number * between :][:length] for number in range(1, pieces + 1)]


def samples_a_second(run: Path) -> float:
    """By the speed, in tokens, that a tenth of the steps exceed: what else the machine had to do meanwhile
    does not change it."""
    lines = (run / "log.jsonl").read_text(encoding="utf-8").splitlines()
    steps = [event for event in map(json.loads, lines) if event["event"] == "step"]
    speeds = sorted(step["tokens"] / step["seconds"] for step in steps)
    return speeds[len(speeds) * 9 // 10] * BATCH / mean(step["tokens"] for step in steps)


def by_frequency(program: str, novel: Novel) -> tuple[float, float]:
    """Perplexity and accuracy of a writer who knows how frequent each token of the first 93% of the text is,
    and no more, on the last 5%."""
    model = tomllib.loads(Path(novel.config).read_text(encoding="utf-8"))["model"]["path"]
    command = [program, "tokenize", model, "--file", novel.text, "--show", "ids", "--no-special-tokens"]
    tokens = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    known, unseen = tokens[: len(tokens) * 93 // 100], tokens[len(tokens) * 95 // 100 :]
    counts = Counter(known)
    # A tenth more for each, as some tokens come at the end alone.
    total = len(known) + 0.1 * len(counts)
    loss = -mean(log((counts[token] + 0.1) / total) for token in unseen)
    [(likeliest, _)] = counts.most_common(1)
    return exp(loss), unseen.count(likeliest) / len(unseen)


def row(*cells: str) -> None:
    """A row of a table in Markdown."""
    print("| " + " | ".join(cells) + " |", flush=True)


def heads(program: str, novel: Novel, folder: Path, samples: int) -> None:
    """A model for every head, kind of samples and length."""
    row("head", "samples", "length", "perplexity", "next token", "samples/s", "distinct-1", "distinct-2", "repeated")
    row(*["---"] * 9)
    written = []
    for head, kind, length in MODELS:
        run = folder / f"{head}-{kind}-{length}"
        changes = [f"continuation.head={head}", f"continuation.samples={kind}", f"train.batch_size={BATCH}"]
        changes += [f"continuation.length={length}", "train.epochs=1", f"data.limit.train={samples}"]
        test = trained(program, novel, run, changes)["test"]
        texts = continuations(program, run, novel, novel.plain)
        written += texts
        numbers = [f"{test['perplexity']:.1f}", f"{test['next_token_accuracy']:.3f}", f"{samples_a_second(run):,.0f}"]
        row(head, kind, str(length), *numbers, *variety(novel, texts))
        (run / "continuations.json").write_text(json.dumps(texts, ensure_ascii=False, indent=1))
    perplexity, accuracy = by_frequency(program, novel)
    row("frequencies alone", "", "", f"{perplexity:.1f}", f"{accuracy:.3f}", *[""] * 4)
    row("the text itself", *[""] * 5, *variety(novel, of_the_text(novel, round(mean(map(len, written))))))


def decoding(program: str, novel: Novel, folder: Path) -> None:
    """The example's model, by every rule."""
    model = Path("runs") / Path(novel.config).stem
    trained(program, novel, model, [])
    found = {name: continuations(program, model, novel, rules) for name, rules in DECODING.items()}
    (folder / "decoding.json").write_text(json.dumps(found, ensure_ascii=False, indent=1))
    row("rules", "distinct-1", "distinct-2", "repeated")
    row(*["---"] * 4)
    length = round(mean(len(text) for texts in found.values() for text in texts))
    row("the text itself", *variety(novel, of_the_text(novel, length)))
    for name, texts in found.items():
        row(name, *variety(novel, texts))
    for name, texts in found.items():
        print(f"\n{name}\n")
        for prompt, text in zip(novel.prompts, texts):
            print(f"> **{prompt}**{text}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("comparison", choices=["heads", "decoding"])
    parser.add_argument("--cloze", default="target/release/cloze", help="the program")
    parser.add_argument("--text", choices=list(NOVELS), default="zh")
    parser.add_argument("--samples", type=int, help="that each model is trained on")
    arguments = parser.parse_args()
    novel = NOVELS[arguments.text]
    folder = Path("runs/novels") / arguments.text
    folder.mkdir(parents=True, exist_ok=True)
    if arguments.comparison == "heads":
        heads(arguments.cloze, novel, folder, arguments.samples or novel.samples)
    else:
        decoding(arguments.cloze, novel, folder)


if __name__ == "__main__":
    main()
