"""Masked-LM training steps of `transformers` on PyTorch, timed one by one: the peer of `mlm_step`.

    python -m peers.transformers_mlm_steps --model FOLDER --batches FILE [--warmup N] [--given-masks]

FOLDER has a tokenizer besides the model. A step masks and pads its rows with
`DataCollatorForLanguageModeling`, computes logits of all positions with the head of `transformers`,
and ends with fused AdamW. With `--given-masks` the rows are masked as the file says, so that losses
can be compared. Prints `seconds`, one number a step without the warm-up, `losses`, those of the
warm-up first, and `memory`.
"""

import argparse
import json
import time
from pathlib import Path

import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer, DataCollatorForLanguageModeling

from batches import unmasked
from peers import process_memory
from peers.padded import padded, read
from transformers_fine_tune import optimizer_of

NO_TARGET = -100


def as_given(batch: dict) -> dict[str, torch.Tensor]:
    """A batch with the masks of the file, `[batch, seq]` each."""
    inputs = padded(batch)
    inputs["labels"] = torch.full_like(inputs["input_ids"], NO_TARGET)
    for row, (positions, targets) in enumerate(zip(batch["positions"], batch["targets"], strict=True)):
        inputs["labels"][row, positions] = torch.tensor(targets, dtype=torch.long)
    return inputs


def examples(batch: dict, tokenizer) -> list[dict]:
    """The rows before masking, with the mask of special tokens that a tokenizer would have returned."""
    rows = map(unmasked, batch["input_ids"], batch["positions"], batch["targets"])
    special = set(tokenizer.all_special_ids)
    return [{"input_ids": row, "special_tokens_mask": [int(id in special) for id in row]} for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--batches", type=Path, required=True)
    parser.add_argument("--warmup", type=int, default=2, help="steps that are not timed")
    parser.add_argument("--given-masks", action="store_true", help="mask as the file says")
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    parser.add_argument("--threads", type=int, required=True)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    batches, collate = read(arguments.batches), as_given
    if not arguments.given_masks:
        tokenizer = AutoTokenizer.from_pretrained(arguments.model)
        batches = [examples(batch, tokenizer) for batch in batches]
        collate = DataCollatorForLanguageModeling(tokenizer)
    before = process_memory.resident()
    model = AutoModelForMaskedLM.from_pretrained(arguments.model).train()
    optimizer = optimizer_of(model, arguments.learning_rate)
    seconds, losses = [], []
    for batch in batches[: arguments.warmup] + batches:
        start = time.perf_counter()
        loss = model(**collate(batch)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        seconds.append(time.perf_counter() - start)
    memory = {"resident_before": before, "peak": process_memory.peak()}
    print(json.dumps({"seconds": seconds[arguments.warmup :], "losses": losses, "memory": memory}))


if __name__ == "__main__":
    main()
