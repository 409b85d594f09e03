"""Inference on one text at a time, BERT-base size: how long an answer takes."""

from cases import forward
from measurement import Comparison
from settings import Settings

NAME = "inference-one-text"
ROUNDS = 5


def prepare(settings: Settings) -> list[Comparison]:
    """A short text and a longer one, beside ONNX Runtime."""
    return [
        forward.comparison(
            settings,
            f"inference, BERT-base size, one text of {length} tokens",
            sequences=1,
            length=length,
            batches=8,
            passes=passes,
            peers=["onnx_forward"],
        )
        for length, passes in ((16, 25), (128, 8))
    ]
