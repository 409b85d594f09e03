"""Forward passes of one classifier in cloze, ONNX Runtime and PyTorch."""

from pathlib import Path
from statistics import median

from agreement import agree
from batches import random_batches
from measurement import Comparison, Finished, Side
from settings import Settings

TOLERANCE = 1e-3
MILLISECONDS = 1000


def comparison(
    settings: Settings, title: str, *, sequences: int, length: int, batches: int, passes: int, peers: list[str]
) -> Comparison:
    """The median time of a batch of `sequences` texts of `length` tokens, in milliseconds.

    There are `batches` different ones, each computed `passes` times. `peers` are modules of
    `bench/peers`. The logits of all texts have to agree.
    """
    model = settings.model("bert-base", onnx=True)
    if settings.quick:
        passes = 2
    file = settings.folder / f"forward-{sequences}x{length}.json"
    random_batches(file, batches, sequences, length, vocab_size=30_522)
    inputs: list[str | Path | int] = ["--model", model, "--batches", file, "--warmup", 2, "--passes", passes]
    sides = {"cloze": Side(settings.cloze("forward_pass", *inputs), a_batch)}
    for peer in peers:
        sides[NAMES[peer]] = Side(settings.peer(peer, *inputs), a_batch)
    return Comparison(title, "ms", sides, same_logits)


NAMES = {"onnx_forward": "ONNX Runtime", "torch_forward": "PyTorch"}


def a_batch(finished: Finished) -> float:
    """Milliseconds of the median batch."""
    return median(finished.json["seconds"]) * MILLISECONDS


def same_logits(finished: dict[str, Finished]) -> float:
    """The largest difference to any peer."""
    ours = finished["cloze"].json["logits"]
    return max(
        agree(f"logits of cloze and {peer}", ours, theirs.json["logits"], TOLERANCE)
        for peer, theirs in finished.items()
        if peer != "cloze"
    )
