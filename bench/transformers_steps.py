"""Training steps of `transformers` on PyTorch, timed one by one: the peer of `train_step`.

    .venv/bin/python bench/transformers_steps.py --model FOLDER --batches FILE [--warmup N]

FOLDER holds a checkpoint, or only a config.json for random weights. Prints one line of JSON:
`seconds`, one number a step without the warm-up, and `losses`.
"""

import argparse
import json
import time
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForSequenceClassification

from transformers_fine_tune import optimizer_of


def padded(batch: dict) -> dict[str, torch.Tensor]:
    """A batch padded to its longest row, as `[batch, seq]` ids and mask, and `[batch]` labels."""
    width = max(map(len, batch["input_ids"]))
    rows = [row + [0] * (width - len(row)) for row in batch["input_ids"]]
    mask = [[1] * len(row) + [0] * (width - len(row)) for row in batch["input_ids"]]
    return {
        "input_ids": torch.tensor(rows),
        "attention_mask": torch.tensor(mask),
        "labels": torch.tensor(batch["labels"]),
    }


def load(folder: Path, labels: int) -> torch.nn.Module:
    """The checkpoint with a new classification head, or random weights where it has none."""
    if (folder / "model.safetensors").exists():
        return AutoModelForSequenceClassification.from_pretrained(folder, num_labels=labels)
    config = AutoConfig.from_pretrained(folder, num_labels=labels)
    return AutoModelForSequenceClassification.from_config(config)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--batches", type=Path, required=True)
    parser.add_argument("--warmup", type=int, default=2, help="steps that are not timed")
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    arguments = parser.parse_args()

    batches = json.loads(arguments.batches.read_text())["batches"]
    labels = 1 + max(label for batch in batches for label in batch["labels"])
    torch.manual_seed(1)
    model = load(arguments.model, labels).train()
    optimizer = optimizer_of(model, arguments.learning_rate)
    seconds, losses = [], []
    for batch in batches[: arguments.warmup] + batches:
        start = time.perf_counter()
        loss = model(**padded(batch)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        seconds.append(time.perf_counter() - start)
    timed = slice(arguments.warmup, None)
    print(json.dumps({"seconds": seconds[timed], "losses": losses[timed]}))


if __name__ == "__main__":
    main()
