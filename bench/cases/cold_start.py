"""From the start of a process to one prediction, MiniLM (90 MB), with the file cache warm."""

import json
import sys

from agreement import agree
from measurement import Comparison, Finished, Side
from settings import Settings

NAME = "cold-start"
ROUNDS = 9
TEXT = "A warm and funny film."
TOLERANCE = 1e-3


def prepare(settings: Settings) -> list[Comparison]:
    """`cloze predict` beside the shortest script that does the same."""
    model = settings.model("minilm")
    script = [sys.executable, "-m", "peers.transformers_predict", str(model), TEXT, str(settings.threads)]
    return [
        Comparison(
            "one prediction from a cold start, MiniLM",
            "s",
            {
                "cloze": whole(settings.cloze("cloze", "predict", model, TEXT, "--json")),
                "transformers": whole(script),
            },
            same_answer,
        )
    ]


def whole(command: list[str]) -> Side:
    """A process from its start to its end."""
    return Side(command, lambda finished: finished.elapsed, reports_memory=False)


def same_answer(finished: dict[str, Finished]) -> float:
    """The label, and its score."""
    ours, theirs = (json.loads(one.output) for one in finished.values())
    if ours["label"] != theirs["label"]:
        return agree("labels", [0.0], [1.0], 0.0)
    return agree("scores", [ours["score"]], [theirs["score"]], TOLERANCE)
