"""Trains token classifiers with cloze and loads them with `transformers`: entities and metrics are equal.

    .venv/bin/python tools/reference/token_roundtrip.py target/release/cloze

Uses BERT-tiny and sentences of a few names, and a DistilBERT of random weights. Ends with status 1 on a
warning of `transformers`, on an entity that differs, on a score that differs by more than 1e-4, or where
`seqeval` finds other metrics over the predictions of `transformers` than cloze has written down.
"""

import json
import logging
import random
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import torch
import transformers
from seqeval.metrics import accuracy_score, f1_score
from seqeval.scheme import IOB2
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    DistilBertConfig,
    DistilBertForTokenClassification,
    pipeline,
)

BERT_TINY = Path(__file__).resolve().parents[2] / "assets/bert-tiny"
TOLERANCE = 1e-4
STRATEGIES = ["none", "simple", "first", "average", "max"]
TEXTS = [
    "Angela Merkel lives in Berlin.",
    "Wolfeschlegelsteinhausen went from Reykjavik to Ouagadougou",
    "Zoë, naïve & CAPITALS 🐶 in São Paulo — 床前明月光!",
    "in",
]
FIRST = "Angela Zoë Wolfgang Ada Grace Alan Umaru Ngozi".split()
LAST = "Merkel Lovelace Hopper Turing Featherstonehaugh Yar'Adua Okonjo".split()
PLACES = [["Berlin"], ["São", "Paulo"], ["Reykjavik"], ["New", "York", "City"], ["Ouagadougou"]]
CONFIG = """
task = "token-classification"
output = "{output}"
[model]
path = "{model}"
[data]
train = "{folder}/train.conll"
test = "{folder}/test.conll"
max_length = 32
[train]
epochs = {epochs}
learning_rate = 1e-3
"""
Sentence = list[tuple[str, str]]


def sentences(seed: int, count: int) -> list[Sentence]:
    """Somebody somewhere."""
    draw = random.Random(seed)
    found = []
    for _ in range(count):
        name = [(draw.choice(FIRST), "B-PER")] + [(draw.choice(LAST), "I-PER")] * draw.randint(0, 1)
        place = [(word, "I-LOC" if at else "B-LOC") for at, word in enumerate(draw.choice(PLACES))]
        verb = [(word, "O") for word in draw.choice(["lives in", "went to", "flew , unbelievably , over"]).split()]
        found.append([*name, *verb, *place, (draw.choice(".!"), "O")])
    return found


def write(file: Path, rows: list[Sentence]) -> None:
    """Sentences as columns."""
    file.write_text("\n".join("".join(f"{word}\t{tag}\n" for word, tag in row) for row in rows))


class Warnings(logging.Handler):
    """Collects what the loggers of `transformers` say at warning level or above."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def found_by_cloze(program: str, model: Path, strategy: str) -> list[list[dict]]:
    """The entities of every text."""
    command = [program, "predict", str(model), "--json", "--aggregation", strategy, *TEXTS]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in output.splitlines()]


def compare_entities(case: str, program: str, model: Path) -> bool:
    """Whether cloze finds what the pipeline of `transformers` finds, with every strategy."""
    tagger = pipeline("token-classification", model=str(model), device="cpu")
    worst, count = 0.0, 0
    for strategy in STRATEGIES:
        wanted = [tagger(text, aggregation_strategy=strategy) for text in TEXTS]
        found = found_by_cloze(program, model, strategy)
        for own, other in zip(sum(found, []), sum(wanted, []), strict=True):
            other = {key: getattr(value, "item", lambda value=value: value)() for key, value in other.items()}
            worst = max(worst, abs(own.pop("score") - other.pop("score")))
            count += 1
            if own != other:
                print(f"FAILED {case}, {strategy}: {own} and {other}")
                return False
    passed = worst <= TOLERANCE and count > len(STRATEGIES)
    print(f"{'ok' if passed else 'FAILED'} {case}: {count} entities, scores differ by at most {worst:.1e}")
    return passed


def tags_by_transformers(model: Path, rows: list[Sentence]) -> list[list[str]]:
    """The tag of every word, by its first sub-word."""
    tokenizer = AutoTokenizer.from_pretrained(model)
    network = AutoModelForTokenClassification.from_pretrained(model).eval()
    found = []
    for row in rows:
        inputs = tokenizer([word for word, _ in row], is_split_into_words=True, return_tensors="pt")
        with torch.no_grad():
            labels = network(**inputs).logits[0].argmax(-1).tolist()
        words = inputs.word_ids()
        first = [words.index(word) for word in range(len(row))]
        found.append([network.config.id2label[labels[at]] for at in first])
    return found


def compare_metrics(case: str, run: Path, rows: list[Sentence]) -> bool:
    """Whether seqeval agrees with what cloze has written down."""
    tags = [[tag for _, tag in row] for row in rows]
    predicted = tags_by_transformers(run / "model", rows)
    written = json.loads((run / "metrics.json").read_text())["test"]
    wanted = {
        "f1": f1_score(tags, predicted),
        "strict_f1": f1_score(tags, predicted, mode="strict", scheme=IOB2),
        "macro_f1": f1_score(tags, predicted, average="macro"),
        "accuracy": accuracy_score(tags, predicted),
    }
    passed = all(abs(written[name] - value) < 1e-9 for name, value in wanted.items())
    shown = ", ".join(f"{name} {value:.4f}" for name, value in wanted.items())
    print(f"{'ok' if passed else 'FAILED'} {case}: {shown}")
    return passed


def from_cloze(program: str, folder: Path, heard: Warnings) -> bool:
    """A model that cloze trained."""
    test = sentences(2, 100)
    write(folder / "train.conll", sentences(1, 300))
    write(folder / "test.conll", test)
    passed = True
    # A little training leaves mistakes, among them invalid tags; then hardly any.
    for epochs in (1, 6):
        run = folder / f"run-{epochs}"
        config = folder / f"run-{epochs}.toml"
        config.write_text(CONFIG.format(output=run, model=BERT_TINY, folder=folder, epochs=epochs))
        subprocess.run([program, "train", str(config)], check=True, capture_output=True)
        heard.messages.clear()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            passed &= compare_entities(f"{epochs} epochs by cloze", program, run / "model")
        said = heard.messages + [str(one.message) for one in caught]
        if said:
            print(f"FAILED {epochs} epochs by cloze: transformers warned: {said}")
            passed = False
        passed &= compare_metrics(f"{epochs} epochs by cloze", run, test)
    return passed


def from_transformers(program: str, folder: Path) -> bool:
    """A DistilBERT that `transformers` saved."""
    torch.manual_seed(3)
    labels = {0: "O", 1: "B-PER", 2: "I-PER", 3: "B-LOC", 4: "I-LOC"}
    tokenizer = AutoTokenizer.from_pretrained(BERT_TINY)
    sizes = {"dim": 48, "n_layers": 2, "n_heads": 4, "hidden_dim": 96, "initializer_range": 0.3}
    names = {"id2label": labels, "label2id": {label: index for index, label in labels.items()}}
    model = DistilBertForTokenClassification(DistilBertConfig(vocab_size=len(tokenizer), **sizes, **names))
    saved = folder / "distilbert"
    model.save_pretrained(saved)
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    tokenizer.save_pretrained(saved)
    return compare_entities("DistilBERT saved by transformers", program, saved)


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: token_roundtrip.py PROGRAM", file=sys.stderr)
        return 2
    transformers.utils.logging.disable_progress_bar()
    heard = Warnings()
    logging.getLogger("transformers").addHandler(heard)
    with tempfile.TemporaryDirectory() as folder:
        passed = from_cloze(sys.argv[1], Path(folder), heard)
        passed &= from_transformers(sys.argv[1], Path(folder))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
