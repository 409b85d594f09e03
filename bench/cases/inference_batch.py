"""Inference on batches of 16 x 128 tokens, BERT-base size."""

from cases import forward
from measurement import Comparison
from settings import Settings

NAME = "inference-batch"
ROUNDS = 5


def prepare(settings: Settings) -> list[Comparison]:
    """cloze beside ONNX Runtime and PyTorch."""
    return [
        forward.comparison(
            settings,
            "inference, BERT-base size, 16×128",
            sequences=16,
            length=128,
            batches=2,
            passes=5,
            peers=["onnx_forward", "torch_forward"],
        )
    ]
