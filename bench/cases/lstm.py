"""A layer of an LSTM, 768 to 512, forward and backward with all gradients, over 64 windows of 32 rows."""

from statistics import median

from agreement import agree
from measurement import Comparison, Finished, Side
from settings import Settings

NAME = "lstm"
ROUNDS = 5
SEQUENCES, LENGTH, INPUTS, HIDDEN, PASSES = 64, 32, 768, 512, 20
TOLERANCE = 2e-3
"""Gradients of weights are sums over 2,048 rows, up to some tens."""


def prepare(settings: Settings) -> list[Comparison]:
    """The same weights, inputs and gradients on both sides."""
    inputs = ["--sequences", SEQUENCES, "--length", LENGTH, "--inputs", INPUTS, "--hidden", HIDDEN]
    inputs += ["--warmup", 1 if settings.quick else 3, "--repeats", 2 if settings.quick else PASSES]
    return [
        Comparison(
            f"LSTM, {INPUTS}→{HIDDEN}, {SEQUENCES} windows of {LENGTH}, forward and backward",
            "ms",
            {
                "cloze": Side(settings.cloze("lstm_layer", *inputs), a_pass),
                "PyTorch": Side(settings.peer("torch_lstm", *inputs), a_pass),
            },
            same_gradients,
        )
    ]


def a_pass(finished: Finished) -> float:
    """Milliseconds of the median pass."""
    return median(finished.json["seconds"]) * 1000


def same_gradients(finished: dict[str, Finished]) -> float:
    """The first and the last element of the output and of every gradient."""
    ours, theirs = (one.json["ends"] for one in finished.values())
    return agree("output and gradients", ours, theirs, TOLERANCE)
