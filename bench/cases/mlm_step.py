"""A training step of a masked language model, BERT-base size, 16 x 128 tokens, dropout 0.1.

The peer computes logits of all positions, as `transformers` does; about 15% of them have a target.
"""

from statistics import median

from batches import random_masked_batches
from cases import same_losses
from measurement import Comparison, Finished, Side
from settings import Settings

NAME = "mlm-step"
ROUNDS = 5
MODEL, VOCAB_SIZE = "bert-base-mlm", 30_522
SEQUENCES, LENGTH, STEPS = 16, 128, 5


def prepare(settings: Settings) -> list[Comparison]:
    """Both sides take their steps from the same weights, on the same texts.

    The peer's collator masks them anew in each step; cloze's masks are those of the file.
    """
    same_losses.check(settings, MODEL, VOCAB_SIZE, same_losses.MASKED_LM)
    model = settings.model(MODEL)
    batches = settings.folder / f"{NAME}.json"
    random_masked_batches(batches, 2 if settings.quick else STEPS, SEQUENCES, LENGTH, VOCAB_SIZE)
    inputs = ["--model", model, "--batches", batches, "--warmup", 1 if settings.quick else 2]
    return [
        Comparison(
            f"masked-LM training step, BERT-base size, {SEQUENCES}×{LENGTH}",
            "s",
            {
                "cloze": Side(settings.cloze("mlm_step", *inputs), a_step),
                "transformers": Side(settings.peer("transformers_mlm_steps", *inputs), a_step),
            },
        )
    ]


def a_step(finished: Finished) -> float:
    """Seconds of the median step."""
    return median(finished.json["seconds"])
