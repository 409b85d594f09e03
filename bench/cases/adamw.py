"""A step of AdamW over the parameters of BERT-base, without anything around it."""

from statistics import median

from agreement import agree
from measurement import Comparison, Finished, Side
from settings import Settings

NAME = "adamw"
ROUNDS = 5
TOLERANCE = 1e-7
"""Values are up to 0.02, and some steps of 5e-5 change them."""


def prepare(settings: Settings) -> list[Comparison]:
    """The same parameters, gradients and settings on both sides."""
    parameters = settings.model("bert-base") / "parameters.json"
    inputs = ["--parameters", parameters, "--steps", 3 if settings.quick else 15]
    return [
        Comparison(
            "AdamW step, the parameters of BERT-base",
            "ms",
            {
                "cloze": Side(settings.cloze("adamw_step", *inputs), a_step),
                "PyTorch, fused": Side(settings.peer("torch_adamw", *inputs), a_step),
            },
            same_parameters,
        )
    ]


def a_step(finished: Finished) -> float:
    """Milliseconds of the median step."""
    return median(finished.json["seconds"]) * 1000


def same_parameters(finished: dict[str, Finished]) -> float:
    """The first and the last element of each parameter after all steps."""
    ours, theirs = (one.json["ends"] for one in finished.values())
    return agree("parameters", ours, theirs, TOLERANCE)
