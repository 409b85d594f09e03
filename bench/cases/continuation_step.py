"""A training step of continuation, BERT-base size: 64 windows of 32 tokens, one target each, dropout 0.1."""

from statistics import median

from batches import random_window_batches
from cases import same_losses
from measurement import Comparison, Finished, Side
from settings import Settings

NAME = "continuation-step"
ROUNDS = 5
MODEL, VOCAB_SIZE = "bert-base-continuation", 30_522
SEQUENCES, WINDOW, STEPS = 64, 32, 4


def prepare(settings: Settings) -> list[Comparison]:
    """Both sides take the same steps from the same weights."""
    same_losses.check(settings, MODEL, VOCAB_SIZE, same_losses.WINDOWS)
    model = settings.model(MODEL)
    batches = settings.folder / f"{NAME}.json"
    steps = 2 if settings.quick else STEPS
    # `[CLS]` and `[SEP]` stand around a window.
    random_window_batches(batches, steps, SEQUENCES, WINDOW + 2, VOCAB_SIZE)
    inputs = ["--model", model, "--batches", batches, "--warmup", 1 if settings.quick else 2]
    return [
        Comparison(
            f"continuation training step, BERT-base size, {SEQUENCES} windows of {WINDOW}",
            "s",
            {
                "cloze": Side(settings.cloze("continuation_step", *inputs), a_step),
                "PyTorch": Side(settings.peer("torch_continuation_steps", *inputs), a_step),
            },
        )
    ]


def a_step(finished: Finished) -> float:
    """Seconds of the median step."""
    return median(finished.json["seconds"])
