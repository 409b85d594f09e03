"""Trains models that answer questions with cloze and loads them with `transformers`: answers are equal.

    .venv/bin/python tools/reference/question_roundtrip.py target/release/cloze

Uses BERT-tiny and questions about somebody somewhere, and a DistilBERT of random weights. Ends with status 1 on a
warning of `transformers`, on an answer or a place that differs, on a score that differs by more than 1e-4, or
where exact match and F1 over the answers of `transformers` are others than cloze has written down.
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
from transformers import (
    AutoModelForQuestionAnswering,
    AutoTokenizer,
    DistilBertConfig,
    DistilBertForQuestionAnswering,
)

from answer_metrics_golden import normalized, squad_f1
from question_answering_golden import spans_of, windows_of
from token_roundtrip import BERT_TINY, TOLERANCE, Warnings

TOP = 3
MAX_LENGTH = 40
LIMITS = {"n_best": 20, "max_answer_length": 30}
NAMES = ["Angela Merkel", "Zoë 🐶 Hopper", "Umaru Musa Yar'Adua", "Ngozi", "床前明月"]
PLACES = ["Berlin", "São Paulo", "New York City", "Reykjavik"]
CONFIG = """
task = "question-answering"
output = "{output}"
[model]
path = "{model}"
[data]
train = "{folder}/train.json"
test = "{folder}/test.json"
max_length = {max_length}
[train]
epochs = {epochs}
learning_rate = 1e-3
"""


def squad(seed: int, count: int) -> dict:
    """Who went where, in contexts of which some are longer than the model reads; some do not say it."""
    draw = random.Random(seed)
    paragraphs = []
    for number in range(count):
        name, place = draw.choice(NAMES), draw.choice(PLACES)
        filler = [draw.choice(["It rained.", "Nobody knew why — not even they."]) for _ in range(draw.randint(0, 12))]
        filler.insert(draw.randint(0, len(filler)), f"On Monday {name} went to {place}, unbelievably.")
        context = " ".join(filler)
        question, answer = draw.choice([("Who went?", name), ("Where to?", place), ("Who stayed?", "")])
        answers = [{"text": answer, "answer_start": context.index(answer)}] if answer else []
        row = {"id": f"q{number}", "question": question, "answers": answers, "is_impossible": not answers}
        paragraphs.append({"context": context, "qas": [row]})
    return {"data": [{"paragraphs": [paragraph]} for paragraph in paragraphs]}


def rows_of(file: dict) -> list[tuple[str, dict]]:
    return [(part["context"], part["qas"][0]) for article in file["data"] for part in article["paragraphs"]]


def found_by_transformers(model: Path, rows: list[tuple[str, dict]]) -> list[dict]:
    """The best spans of every question, and the score of none."""
    tokenizer = AutoTokenizer.from_pretrained(model)
    network = AutoModelForQuestionAnswering.from_pretrained(model).eval()
    found = []
    for context, row in rows:
        windows = windows_of(tokenizer, row["question"], context, MAX_LENGTH)
        for window in windows:
            inputs = {"input_ids": torch.tensor([window["ids"]])}
            if network.config.model_type == "bert":
                inputs["token_type_ids"] = torch.tensor([window["types"]])
            with torch.no_grad():
                output = network(**inputs)
            window["logits"] = list(zip(output.start_logits[0].tolist(), output.end_logits[0].tolist()))
        found.append(spans_of(windows, context, LIMITS, least_gap=0.0))
    return found


def compare_answers(case: str, program: str, model: Path, file: Path, wanted: list[dict], unanswerable: bool) -> bool:
    """Whether cloze gives the same answers, at the same places."""
    command = [program, "predict", str(model), "--file", str(file), "--json", "--top-k", str(TOP)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    worst, count, close = 0.0, 0, 0
    for line, expected in zip(output.splitlines(), wanted, strict=True):
        answers = json.loads(line)
        declined = unanswerable and expected["null_score_difference"] > 0
        if (answers[0]["answer"] == "") != declined:
            print(f"FAILED {case}: {answers[0]} where the difference is {expected['null_score_difference']}")
            return False
        answers = [answer for answer in answers if answer["answer"]]
        for answer, span in zip(answers, expected["spans"]):
            worst = max(worst, abs(answer["score"] - span["probability"]))
            count += 1
            if (answer["start"], answer["end"]) == tuple(span["place"]) and answer["answer"] == span["text"]:
                continue
            # Two spans whose scores are equal but for rounding may change places.
            close += 1
            if abs(answer["score"] - span["probability"]) > TOLERANCE:
                print(f"FAILED {case}: {answer} and {span}")
                return False
    passed = worst <= TOLERANCE and count > len(wanted) and close * 100 <= count
    print(f"{'ok' if passed else 'FAILED'} {case}: {count} answers, scores differ by at most {worst:.1e}")
    return passed


def compare_metrics(case: str, run: Path, rows: list[tuple[str, dict]], wanted: list[dict]) -> bool:
    """Whether the script's numbers are what cloze has written down."""
    exact, f1 = [], []
    for (_, row), expected in zip(rows, wanted):
        declined = expected["null_score_difference"] > 0
        answer = "" if declined else expected["spans"][0]["text"]
        gold = row["answers"][0]["text"] if row["answers"] else ""
        exact.append(normalized(gold) == normalized(answer))
        f1.append(squad_f1(gold, answer, 2))
    written = json.loads((run / "metrics.json").read_text())["test"]
    numbers = {"exact_match": sum(exact) / len(rows), "f1": sum(f1) / len(rows)}
    passed = all(abs(written[name] - value) < 1e-9 for name, value in numbers.items())
    shown = ", ".join(f"{name} {value:.4f} and {written[name]:.4f}" for name, value in numbers.items())
    print(f"{'ok' if passed else 'FAILED'} {case}: {shown}")
    return passed


def from_cloze(program: str, folder: Path, heard: Warnings) -> bool:
    """A model that cloze trained."""
    test = squad(2, 80)
    (folder / "train.json").write_text(json.dumps(squad(1, 300)))
    (folder / "test.json").write_text(json.dumps(test, ensure_ascii=False))
    passed = True
    for epochs in (1, 6):
        run = folder / f"run-{epochs}"
        config = folder / f"run-{epochs}.toml"
        settings = {"output": run, "model": BERT_TINY, "folder": folder, "epochs": epochs, "max_length": MAX_LENGTH}
        config.write_text(CONFIG.format(**settings))
        subprocess.run([program, "train", str(config)], check=True, capture_output=True)
        heard.messages.clear()
        case = f"{epochs} epochs by cloze"
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            wanted = found_by_transformers(run / "model", rows_of(test))
        said = heard.messages + [str(one.message) for one in caught]
        if said:
            print(f"FAILED {case}: transformers warned: {said}")
            passed = False
        passed &= compare_answers(case, program, run / "model", folder / "test.json", wanted, True)
        passed &= compare_metrics(case, run, rows_of(test), wanted)
    return passed


def from_transformers(program: str, folder: Path) -> bool:
    """A DistilBERT that `transformers` saved."""
    torch.manual_seed(3)
    tokenizer = AutoTokenizer.from_pretrained(BERT_TINY)
    sizes = {"dim": 48, "n_layers": 2, "n_heads": 4, "hidden_dim": 96, "initializer_range": 0.3}
    config = DistilBertConfig(vocab_size=len(tokenizer), max_position_embeddings=MAX_LENGTH, **sizes)
    saved = folder / "distilbert"
    DistilBertForQuestionAnswering(config).save_pretrained(saved)
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    tokenizer.model_max_length = MAX_LENGTH
    tokenizer.save_pretrained(saved)
    file = folder / "test.json"
    wanted = found_by_transformers(saved, rows_of(json.loads(file.read_text())))
    return compare_answers("DistilBERT saved by transformers", program, saved, file, wanted, False)


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: question_roundtrip.py PROGRAM", file=sys.stderr)
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
