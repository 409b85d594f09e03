"""Trains with cloze and loads with `transformers`, and the other way round: the scores are equal.

    .venv/bin/python tools/reference/roundtrip.py target/release/cloze

Uses BERT-tiny and a few hundred rows of the movie snippets. Ends with status 1 on a warning of
`transformers`, on a label that differs, or on a score that differs by more than 1e-4.
"""

import csv
import json
import logging
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

ASSETS = Path(__file__).resolve().parents[2] / "assets"
TOLERANCE = 1e-4
TEXTS = [
    "A warm, funny and quietly devastating film.",
    "Two hours of my life that I will never get back.",
    "Eh.",
    "Crème brûlée, CAPITALS & punctuation!? — 床前明月光",
    "word " * 300,
]
CONFIG = """
task = "{task}"
output = "{output}"
[model]
path = "{model}"
[data]
train = "{data}"
label = "{label}"
split = {{ validation = 0.2, test = 0.2, seed = 1 }}
max_length = 64
[train]
epochs = 8
learning_rate = 1e-3
{extra}
"""
OTHER_HEAD = '[head]\nfeatures = "mean"\nhidden = [20]\nactivation = "relu"\n'
CASES = {
    "the architecture's own head": ("text-classification", ""),
    "a head that transformers lacks": ("text-classification", OTHER_HEAD),
    "several labels": ("multi-label", '[multi_label]\nthreshold = "tuned"\n'),
    "several labels, another head": ("multi-label", OTHER_HEAD),
    "numbers": ("regression", ""),
    "numbers, another head": ("regression", OTHER_HEAD),
}
"""For each, the task and the rest of the configuration."""


class Warnings(logging.Handler):
    """Collects what the loggers of `transformers` say at warning level or above."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def cloze_scores(program: str, model: Path) -> list[dict[str, float]]:
    """The score of every label for every text, from `cloze predict`; the number of a regression."""
    config = json.loads((model / "config.json").read_text())
    every = [] if config.get("problem_type") == "regression" else ["--all"]
    command = [program, "predict", str(model), *every, "--json", *TEXTS]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = [json.loads(line) for line in output.splitlines()]
    rows = [row if isinstance(row, list) else [row] for row in rows]
    return [{one["label"]: one["score"] for one in row} for row in rows]


def transformers_scores(model: Path, max_length: int) -> list[dict[str, float]]:
    """The score of every label for every text, from a text-classification pipeline."""
    classifier = pipeline("text-classification", model=str(model), trust_remote_code=True, device="cpu")
    rows = classifier(TEXTS, top_k=None, truncation=True, max_length=max_length)
    return [{one["label"]: one["score"] for one in row} for row in rows]


def compare(case: str, found: list[dict[str, float]], wanted: list[dict[str, float]]) -> bool:
    """Print the largest difference; whether labels and scores agree."""
    if len(found) != len(wanted) or any(a.keys() != b.keys() for a, b in zip(found, wanted)):
        print(f"FAILED {case}: labels differ: {found} and {wanted}")
        return False
    spread = max(max(row[label] for row in wanted) - min(row[label] for row in wanted) for label in wanted[0])
    if spread < 0.01:
        print(f"FAILED {case}: all texts have nearly the same scores, which compares nothing")
        return False
    worst = max(abs(a[label] - b[label]) for a, b in zip(found, wanted) for label in a)
    print(f"{'ok' if worst <= TOLERANCE else 'FAILED'} {case}: scores differ by at most {worst:.1e}")
    return worst <= TOLERANCE


def some_rows(file: Path) -> None:
    """Write some 600 movie snippets to a file, with their labels as numbers too; evenly spaced, for the
    first ones are all positive."""
    with (ASSETS / "data/snippets-en.csv").open(encoding="utf-8", newline="") as content:
        header, *rows = csv.reader(content)
    numbers = {"positive": 4.5, "negative": 1.5}
    rows = [[text, label, numbers[label]] for text, label in rows[::18]]
    with file.open("w", encoding="utf-8", newline="") as content:
        csv.writer(content).writerows([[*header, "score"], *rows])


def from_cloze(program: str, folder: Path, heard: Warnings) -> bool:
    """Models that cloze trained, loaded by `transformers`."""
    some_rows(folder / "rows.csv")
    passed = True
    for number, (case, (task, extra)) in enumerate(CASES.items()):
        run = folder / f"run-{number}"
        config = folder / f"run-{number}.toml"
        model = ASSETS / "bert-tiny"
        label = "score" if task == "regression" else "label"
        settings = dict(task=task, output=run, model=model, data=folder / "rows.csv", label=label, extra=extra)
        config.write_text(CONFIG.format(**settings))
        subprocess.run([program, "train", str(config)], check=True, capture_output=True)
        heard.messages.clear()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            wanted = transformers_scores(run / "model", max_length=64)
        said = heard.messages + [str(one.message) for one in caught]
        if said:
            print(f"FAILED trained by cloze with {case}: transformers warned: {said}")
            passed = False
        passed &= compare(f"trained by cloze with {case}", cloze_scores(program, run / "model"), wanted)
    return passed


def from_transformers(program: str, folder: Path, heard: Warnings) -> bool:
    """Classifiers that `transformers` saved, loaded by cloze."""
    passed = True
    heard.messages.clear()
    for name in ("bert-tiny", "minilm"):
        torch.manual_seed(3)
        labels = {0: "bad", 1: "fair", 2: "good"}
        model = AutoModelForSequenceClassification.from_pretrained(
            ASSETS / name, id2label=labels, label2id={label: index for index, label in labels.items()}
        )
        # A new head is so small that all scores would be nearly equal.
        model.classifier.weight.data.normal_(0.0, 1.0)
        saved = folder / name
        model.save_pretrained(saved)
        AutoTokenizer.from_pretrained(ASSETS / name).save_pretrained(saved)
        wanted = transformers_scores(saved, max_length=512)
        passed &= compare(f"{name} saved by transformers", cloze_scores(program, saved), wanted)
        model.config.problem_type = "multi_label_classification"
        model.save_pretrained(saved)
        wanted = transformers_scores(saved, max_length=512)
        passed &= compare(f"{name} with several labels, saved by transformers", cloze_scores(program, saved), wanted)
    # It warns of the new heads; were that not heard, silence above would mean nothing.
    if not any("classifier.weight" in message for message in heard.messages):
        print("FAILED warnings of transformers are not heard")
        passed = False
    return passed


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: roundtrip.py PROGRAM", file=sys.stderr)
        return 2
    transformers.utils.logging.disable_progress_bar()
    heard = Warnings()
    logging.getLogger("transformers").addHandler(heard)
    with tempfile.TemporaryDirectory() as folder:
        passed = from_cloze(sys.argv[1], Path(folder), heard)
        passed &= from_transformers(sys.argv[1], Path(folder), heard)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
