"""Adapts and pretrains with cloze and loads with `transformers`: perplexities and fillings are equal.

    .venv/bin/python tools/reference/masked_roundtrip.py target/release/cloze

Uses BERT-tiny and the movie snippets. Ends with status 1 on a warning of `transformers`, on a perplexity
that differs by more than 1e-3 of it, on a filling that differs, or on a score that differs by more
than 1e-4.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import transformers
from transformers import pipeline

ASSETS = Path(__file__).resolve().parents[2] / "assets"
HERE = Path(__file__).parent
PERPLEXITY_TOLERANCE = 1e-3
SCORE_TOLERANCE = 1e-4
TEXTS = ["The [MASK] was wonderful.", "A [MASK], funny and quietly [MASK] film."]
CONFIG = """
task = "{task}"
output = "{output}"
[model]
path = "{model}"
[data]
train = "{data}"
split = {{ validation = 0.1, seed = 1 }}
limit = {{ train = 320 }}
{data_keys}
[train]
epochs = 1
batch_size = 32
learning_rate = 2e-4
"""
TASKS = {
    "masked-lm": 'text = "text"\nchunk_size = 64',
    "pretraining": "max_length = 64",
}


def run(program: str, *arguments: object) -> str:
    """The standard output of cloze."""
    command = [program, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def check_perplexity(program: str, config: Path, output: Path) -> bool:
    """Whether `transformers` finds the perplexity that cloze has written down."""
    masked = config.with_suffix(".jsonl")
    masked.write_text(run(program, "data", config, "--split", "validation", "--json"))
    command = [sys.executable, str(HERE / "perplexity.py"), str(output / "model"), str(masked)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    wanted = json.loads((output / "metrics.json").read_text())["validation"]["perplexity"]
    difference = abs(found["perplexity"] - wanted) / wanted
    print(f"{config.stem}: perplexity {wanted:.4f}, in transformers {found['perplexity']:.4f}: {difference:.1e}")
    return difference < PERPLEXITY_TOLERANCE


def check_fillings(program: str, model: Path) -> bool:
    """Whether a fill-mask pipeline gives what `cloze predict` gives."""
    lines = run(program, "predict", model, "--json", *TEXTS).splitlines()
    filler = pipeline("fill-mask", model=str(model), device="cpu")
    largest = 0.0
    for text, line in zip(TEXTS, lines, strict=True):
        found, wanted = json.loads(line), filler(text)
        pairs = [(found, wanted)] if isinstance(wanted[0], dict) else zip(found, wanted, strict=True)
        for mine, theirs in pairs:
            for one, other in zip(mine, theirs, strict=True):
                if any(one[key] != other[key] for key in ("token", "token_str", "sequence")):
                    print(f"FAILED {text}: {one} and {other}")
                    return False
                largest = max(largest, abs(one["score"] - other["score"]))
    print(f"{model.parent.name}: scores of fillings differ by at most {largest:.1e}")
    return largest < SCORE_TOLERANCE


def main() -> int:
    program = sys.argv[1]
    transformers.utils.logging.disable_progress_bar()
    fine = True
    with tempfile.TemporaryDirectory() as place:
        for task, data_keys in TASKS.items():
            data = ASSETS / "data/snippets-en.csv"
            output, config = Path(place) / task, Path(place) / f"{task}.toml"
            if task == "pretraining":
                # Four sentences a document, as the snippets have one each.
                rows = data.read_text(encoding="utf-8").splitlines()[1:2001]
                data = Path(place) / "essay.txt"
                texts = [row.rpartition(",")[0].strip('"') for row in rows]
                groups = ["\n".join(texts[start : start + 4]) for start in range(0, len(texts), 4)]
                data.write_text("\n\n".join(groups) + "\n", encoding="utf-8")
            values = {"task": task, "output": output, "model": ASSETS / "bert-tiny", "data": data}
            config.write_text(CONFIG.format(**values, data_keys=data_keys))
            run(program, "train", config)
            fine &= check_perplexity(program, config, output)
            fine &= check_fillings(program, output / "model")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
