"""The rows of a CSV file, and the parts that a run of cloze split them into."""

import csv
import json
from pathlib import Path


def read_rows(file: Path, text: str = "text", label: str = "label") -> tuple[list[str], list[str]]:
    """Texts and labels of a CSV file with a header line."""
    with file.open(encoding="utf-8", newline="") as content:
        rows = list(csv.DictReader(content))
    return [row[text] for row in rows], [row[label] for row in rows]


def read_splits(run: Path) -> dict[str, list[int]]:
    """Row numbers (0 is the first row after the header) of `train`, `validation` and `test`."""
    return json.loads((run / "splits.json").read_text())


def read_test_predictions(run: Path) -> list[str]:
    """The label that cloze gave each test row, in the order of `test` in the splits."""
    lines = (run / "predictions-test.jsonl").read_text(encoding="utf-8").splitlines()
    predicted = {line["row"]: line["predicted"] for line in map(json.loads, lines)}
    return [predicted[row] for row in read_splits(run)["test"]]
