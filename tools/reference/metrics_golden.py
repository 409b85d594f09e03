"""Golden file of the classification metrics.

    python tools/reference/metrics_golden.py

writes crates/cloze-tasks/tests/golden/classification_metrics.json: a list of cases with the number
of `labels`, `targets` and `predictions` (class indices), and what scikit-learn gives for them:
`accuracy`, `macro_f1`, `micro_f1`, `weighted_f1`, `per_class` precision, recall, F1 and support,
and the `confusion_matrix` with a row a target and a column a prediction. Nothing divided by nothing
is 0, and every label counts in the macro average, whether it occurs or not.
"""

import json
from pathlib import Path

import numpy
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_recall_fscore_support

FILE = Path(__file__).resolve().parents[2] / "crates/cloze-tasks/tests/golden/classification_metrics.json"


def case(name: str, labels: int, targets: list[int], predictions: list[int]) -> dict:
    """One case with every metric of scikit-learn."""
    every = list(range(labels))
    precision, recall, f1, support = precision_recall_fscore_support(
        targets, predictions, labels=every, zero_division=0
    )

    def average_f1(average: str) -> float:
        return float(f1_score(targets, predictions, labels=every, average=average, zero_division=0))

    return {
        "name": name,
        "labels": labels,
        "targets": targets,
        "predictions": predictions,
        "accuracy": float(accuracy_score(targets, predictions)),
        "macro_f1": average_f1("macro"),
        "micro_f1": average_f1("micro"),
        "weighted_f1": average_f1("weighted"),
        "per_class": {
            "precision": precision.tolist(),
            "recall": recall.tolist(),
            "f1": f1.tolist(),
            "support": support.tolist(),
        },
        "confusion_matrix": confusion_matrix(targets, predictions, labels=every).tolist(),
    }


def drawn(labels: int, rows: int, correct: float, seed: int) -> tuple[list[int], list[int]]:
    """Targets of uneven frequency, and predictions of which about the given share is right."""
    generator = numpy.random.default_rng(seed)
    frequency = generator.dirichlet(numpy.full(labels, 0.5))
    targets = generator.choice(labels, size=rows, p=frequency)
    guesses = generator.integers(labels, size=rows)
    predictions = numpy.where(generator.random(rows) < correct, targets, guesses)
    return targets.tolist(), predictions.tolist()


def main() -> None:
    cases = [
        case("binary", 2, *drawn(2, 40, 0.6, 1)),
        case("three classes", 3, *drawn(3, 50, 0.5, 2)),
        case("all right", 3, [0, 1, 2, 1], [0, 1, 2, 1]),
        case("all wrong", 3, [0, 1, 2, 1], [1, 2, 0, 0]),
        case("a class never predicted", 3, [0, 0, 1, 1, 2, 2], [0, 1, 1, 1, 0, 1]),
        case("a class never a target", 3, [0, 0, 1, 1, 1, 0], [0, 2, 1, 1, 2, 0]),
        case("a class in neither", 4, [0, 0, 1, 3, 3], [0, 1, 1, 3, 0]),
        case("one class only", 2, [1, 1, 1], [1, 1, 1]),
        case("one sample, right", 2, [1], [1]),
        case("one sample, wrong", 2, [1], [0]),
        case("119 classes", 119, *drawn(119, 600, 0.6, 3)),
    ]
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text("[\n" + ",\n".join(json.dumps(entry) for entry in cases) + "\n]\n")
    print(f"{FILE.name}: {len(cases)} cases")


if __name__ == "__main__":
    main()
