"""Batches of `bench/batches.py` as PyTorch's models want them."""

import json
from pathlib import Path

import torch


def read(file: Path) -> list[dict]:
    """`input_ids`, rows of different length, and `labels` of each batch."""
    return json.loads(file.read_text())["batches"]


def padded(batch: dict, width: int | None = None) -> dict[str, torch.Tensor]:
    """Ids and mask of a batch, `[batch, width]`; its longest row decides where no width is given."""
    rows = batch["input_ids"]
    width = width or max(map(len, rows))
    return {
        "input_ids": torch.tensor([row + [0] * (width - len(row)) for row in rows]),
        "attention_mask": torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows]),
    }
