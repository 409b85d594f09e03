"""Token-classification training steps of `transformers` on PyTorch, timed one by one: the peer of `token_step`.

    python -m peers.transformers_token_steps --model FOLDER --batches FILE [--warmup N]

FOLDER has a tokenizer besides the model. A step pads its rows and their labels with
`DataCollatorForTokenClassification` and ends with fused AdamW. Prints `seconds`, one number a step
without the warm-up, `losses`, those of the warm-up first, and `memory`.
"""

import argparse
import json
import time
from pathlib import Path

import torch
from transformers import AutoModelForTokenClassification, AutoTokenizer, DataCollatorForTokenClassification

from peers import process_memory
from peers.padded import read
from transformers_fine_tune import optimizer_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--batches", type=Path, required=True)
    parser.add_argument("--warmup", type=int, default=2, help="steps that are not timed")
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    parser.add_argument("--threads", type=int, required=True)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    collate = DataCollatorForTokenClassification(AutoTokenizer.from_pretrained(arguments.model))
    batches = [
        [{"input_ids": ids, "labels": labels} for ids, labels in zip(batch["input_ids"], batch["labels"])]
        for batch in read(arguments.batches)
    ]
    before = process_memory.resident()
    model = AutoModelForTokenClassification.from_pretrained(arguments.model).train()
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
