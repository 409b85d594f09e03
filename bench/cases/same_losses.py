"""Without dropout, both sides have the same losses: then they train the same model."""

from agreement import agree
from batches import random_batches
from measurement import run
from settings import Settings

STEPS = 3
TOLERANCE = 1e-3


def check(settings: Settings, kind: str, vocab_size: int) -> None:
    """Takes a few steps on each side, not timed; stops everything if the losses differ."""
    model = settings.model(kind, dropout=0.0)
    batches = settings.folder / f"{kind}-check.json"
    random_batches(batches, STEPS, sequences=4, length=24, vocab_size=vocab_size)
    inputs = ["--model", model, "--batches", batches, "--warmup", 0]
    ours, theirs = (
        run(command, settings.environment).json["losses"]
        for command in (settings.cloze("train_step", *inputs), settings.peer("transformers_steps", *inputs))
    )
    difference = agree("losses without dropout", ours, theirs, TOLERANCE)
    settings.report({"model": kind, "losses_without_dropout": ours, "largest_difference": difference})
