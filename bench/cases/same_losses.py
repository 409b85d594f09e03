"""Without dropout, both sides have the same losses: then they train the same model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agreement import agree
from batches import random_batches, random_masked_batches, random_tagged_batches, random_window_batches
from measurement import run
from settings import Settings

STEPS = 3
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Work:
    """What is trained: how its batches are written, and the programs of both sides."""

    batches: Callable[..., None]
    program: str
    peer: str
    peer_options: Sequence[str] = ()


CLASSIFICATION = Work(random_batches, "train_step", "transformers_steps")
MASKED_LM = Work(random_masked_batches, "mlm_step", "transformers_mlm_steps", ["--given-masks"])
TAGS = Work(random_tagged_batches, "token_step", "transformers_token_steps")
WINDOWS = Work(random_window_batches, "continuation_step", "torch_continuation_steps")


def check(settings: Settings, kind: str, vocab_size: int, work: Work = CLASSIFICATION) -> None:
    """Takes a few steps on each side, not timed; stops everything if the losses differ."""
    model = settings.model(kind, dropout=0.0)
    batches = settings.folder / f"{kind}-check.json"
    work.batches(batches, STEPS, sequences=4, length=24, vocab_size=vocab_size)
    inputs = ["--model", model, "--batches", batches, "--warmup", 0]
    ours, theirs = (
        run(command, settings.environment).json["losses"]
        for command in (settings.cloze(work.program, *inputs), settings.peer(work.peer, *inputs, *work.peer_options))
    )
    difference = agree("losses without dropout", ours, theirs, TOLERANCE)
    settings.report({"model": kind, "losses_without_dropout": ours, "largest_difference": difference})
