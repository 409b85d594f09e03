"""Golden file of the metrics of multi-label classification.

    python tools/reference/multi_label_golden.py

writes crates/cloze-tasks/tests/golden/multi_label_metrics.json: a list of cases with `logits`
[rows, labels], `targets` (for each row the ids of its labels), a `threshold`, and what scikit-learn
gives for the sigmoids of the logits: `subset_accuracy`, `macro_f1`, `micro_f1`, `weighted_f1`,
`mean_average_precision` and `average_precision` of every label, `best_f1` of every label over all
thresholds (null where the label never applies). Nothing divided by nothing is 0; a label that never
applies has an average precision of 0. A row is given a label whose probability is the threshold or
more.
"""

import json
import warnings
from pathlib import Path

import numpy
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, precision_recall_curve

FILE = Path(__file__).resolve().parents[2] / "crates/cloze-tasks/tests/golden/multi_label_metrics.json"


def best_f1(truths: numpy.ndarray, scores: numpy.ndarray) -> float | None:
    """The best F1 of one label over all thresholds."""
    if not truths.any():
        return None
    precision, recall, _ = precision_recall_curve(truths, scores)
    total = precision + recall
    return float(numpy.max(2 * precision * recall / numpy.where(total > 0, total, 1)))


def case(name: str, logits: numpy.ndarray, truths: numpy.ndarray, threshold: float) -> dict:
    """One case with every metric of scikit-learn."""
    # As the Rust side reads them: single precision.
    logits = logits.astype(numpy.float32)
    scores = 1 / (1 + numpy.exp(-logits.astype(numpy.float64)))
    predictions = (scores >= threshold).astype(int)

    def average_f1(average: str) -> float:
        return float(f1_score(truths, predictions, average=average, zero_division=0))

    with warnings.catch_warnings():
        # A label that never applies is among the cases on purpose.
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        warnings.filterwarnings("ignore", message="No positive class found")
        precisions = [float(p) for p in average_precision_score(truths, scores, average=None)]
        mean = float(average_precision_score(truths, scores, average="macro"))
    return {
        "name": name,
        "logits": logits.tolist(),
        "targets": [numpy.flatnonzero(row).tolist() for row in truths],
        "threshold": threshold,
        "subset_accuracy": float(accuracy_score(truths, predictions)),
        "macro_f1": average_f1("macro"),
        "micro_f1": average_f1("micro"),
        "weighted_f1": average_f1("weighted"),
        "mean_average_precision": mean,
        "average_precision": precisions,
        "best_f1": [best_f1(truths[:, label], scores[:, label]) for label in range(truths.shape[1])],
    }


def drawn(labels: int, rows: int, noise: float, seed: int, digits: int = 6) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Logits, and truths of uneven frequency that follow them but for noise. Few digits make equal logits."""
    generator = numpy.random.default_rng(seed)
    frequency = generator.uniform(0.05, 0.6, size=labels)
    truths = (generator.random((rows, labels)) < frequency).astype(int)
    logits = 2 * (2 * truths - 1) + noise * generator.standard_normal((rows, labels))
    return logits.round(digits), truths


def main() -> None:
    never, always = drawn(3, 20, 2.0, 5), drawn(3, 20, 2.0, 6)
    never[1][:, 1] = 0
    always[1][:, 1] = 1
    nothing = drawn(3, 12, 1.0, 7)
    cases = [
        case("four labels", *drawn(4, 60, 2.5, 1), 0.5),
        case("a low threshold", *drawn(4, 60, 2.5, 2), 0.2),
        case("equal scores", *drawn(3, 60, 2.0, 3, digits=0), 0.5),
        case("twenty labels", *drawn(20, 100, 3.0, 4), 0.5),
        case("a label that never applies", *never, 0.5),
        case("a label that always applies", *always, 0.5),
        case("nothing is predicted", nothing[0] - 20, nothing[1], 0.5),
        case("everything is predicted", nothing[0] + 20, nothing[1], 0.5),
    ]
    # Labels that are mixed up, or rows that are, must show.
    for first in cases[:4]:
        assert len({round(p, 6) for p in first["average_precision"]}) > 1, first["name"]
        assert 0 < first["subset_accuracy"] < 1 and first["micro_f1"] != first["macro_f1"], first["name"]
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text("[\n" + ",\n".join(json.dumps(entry) for entry in cases) + "\n]\n")
    print(f"{FILE.name}: {len(cases)} cases")


if __name__ == "__main__":
    main()
