"""Golden file of the metrics of entities.

    python tools/reference/entity_metrics_golden.py

writes crates/cloze-tasks/tests/golden/entity_metrics.json: a list of cases with the tag `scheme`,
the `tags` and the `predicted` tags of sentences, their `accuracy`, and what `seqeval` gives for them
in its `default` mode and in its `strict` mode with the scheme: `micro`, `macro` and `weighted`
precision, recall and F1, and the same with the support for every type of entity, `by_type`.

Predictions are drawn without regard to the scheme, so that many are invalid: there the two modes
differ.
"""

import json
import random
import warnings
from pathlib import Path

from seqeval.metrics import accuracy_score, classification_report
from seqeval.scheme import IOB2, IOBES

FILE = Path(__file__).resolve().parents[2] / "crates/cloze-tasks/tests/golden/entity_metrics.json"
SCHEMES = {"bio": IOB2, "bioes": IOBES}
LETTERS = {"bio": "BI", "bioes": "BIES"}
AVERAGES = {"micro": "micro avg", "macro": "macro avg", "weighted": "weighted avg"}

Sentences = list[list[str]]


def scores(report: dict) -> dict:
    """One row of a report; numpy's numbers as Python's."""
    names = {"precision": "precision", "recall": "recall", "f1": "f1-score", "support": "support"}
    return {name: float(report[key]) for name, key in names.items()}


def mode(tags: Sentences, predicted: Sentences, **options) -> dict:
    """What a mode of seqeval gives."""
    report = classification_report(tags, predicted, output_dict=True, zero_division=0, **options)
    averages = {name: scores(report.pop(key)) for name, key in AVERAGES.items()}
    return averages | {"by_type": {kind: scores(row) for kind, row in report.items()}}


def case(name: str, scheme: str, tags: Sentences, predicted: Sentences) -> dict:
    """A case with both modes."""
    return {
        "name": name,
        "scheme": scheme,
        "tags": tags,
        "predicted": predicted,
        "accuracy": float(accuracy_score(tags, predicted)),
        "default": mode(tags, predicted),
        "strict": mode(tags, predicted, mode="strict", scheme=SCHEMES[scheme]),
    }


def entity(draw: random.Random, scheme: str, kind: str) -> list[str]:
    """The tags of an entity of up to four words."""
    words = draw.randint(1, 4)
    if scheme == "bio":
        return [f"B-{kind}"] + [f"I-{kind}"] * (words - 1)
    if words == 1:
        return [f"S-{kind}"]
    return [f"B-{kind}"] + [f"I-{kind}"] * (words - 2) + [f"E-{kind}"]


def sentence(draw: random.Random, scheme: str, kinds: list[str]) -> list[str]:
    """Valid tags."""
    tags: list[str] = []
    for _ in range(draw.randint(1, 6)):
        tags += ["O"] * draw.randint(0, 3)
        if draw.random() < 0.7:
            tags += entity(draw, scheme, draw.choice(kinds))
    return tags or ["O"]


def disturbed(draw: random.Random, scheme: str, kinds: list[str], tags: list[str], rate: float) -> list[str]:
    """Some of the tags replaced by any others."""
    every = ["O"] + [f"{letter}-{kind}" for letter in LETTERS[scheme] for kind in kinds]
    return [draw.choice(every) if draw.random() < rate else tag for tag in tags]


def drawn(name: str, scheme: str, kinds: list[str], sentences: int, rate: float, seed: int) -> dict:
    """A case of random sentences."""
    draw = random.Random(seed)
    tags = [sentence(draw, scheme, kinds) for _ in range(sentences)]
    return case(name, scheme, tags, [disturbed(draw, scheme, kinds, row, rate) for row in tags])


def main() -> None:
    warnings.simplefilter("ignore")
    lamb = ["B-ORG", "O", "B-MISC", "O", "O", "O", "B-MISC", "O", "O"]
    missed = ["B-ORG", "O", "O", "O", "O", "O", "B-MISC", "O", "O"]
    three = ["LOC", "ORG", "PER"]
    cases = [
        case("the third tag is missed", "bio", [lamb], [missed]),
        case("all right", "bioes", [["S-A", "O", "B-B", "E-B"]], [["S-A", "O", "B-B", "E-B"]]),
        case("nothing is predicted", "bio", [["B-A", "I-A", "O"]], [["O", "O", "O"]]),
        case("a type that is not there", "bio", [["B-A", "O"]], [["B-B", "I-B"]]),
        case("no beginnings", "bio", [["B-A", "I-A", "O", "B-B"]], [["I-A", "I-A", "O", "I-B"]]),
        case("an end too many", "bioes", [["S-A", "O", "O"]], [["S-A", "E-A", "E-A"]]),
        case("entities do not go on in the next sentence", "bio", [["B-A"], ["B-A"]], [["B-A"], ["I-A"]]),
        drawn("few mistakes", "bio", three, 40, 0.1, 1),
        drawn("many mistakes", "bio", three, 40, 0.5, 2),
        drawn("hyphens in types", "bio", ["geo-loc", "org"], 20, 0.3, 3),
        drawn("few mistakes with ends", "bioes", three, 40, 0.1, 4),
        drawn("many mistakes with ends", "bioes", three, 40, 0.5, 5),
    ]
    found = cases[0]["default"]["micro"]
    if (found["precision"], round(found["recall"], 4), round(found["f1"], 4)) != (1.0, 0.6667, 0.8):
        raise AssertionError(found)
    if not any(entry["default"]["micro"] != entry["strict"]["micro"] for entry in cases):
        raise AssertionError("no case tells the modes apart")
    FILE.write_text(json.dumps(cases, indent=None, ensure_ascii=False).replace('{"name"', '\n{"name"') + "\n")
    print(f"{FILE.name}: {len(cases)} cases, {FILE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
