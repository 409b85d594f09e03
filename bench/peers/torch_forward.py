"""Forward passes of `transformers` on PyTorch, timed one by one: a peer of `forward_pass`.

    python -m peers.torch_forward --model FOLDER --batches FILE [--warmup N] [--passes N]

Eager, in inference mode, with SDPA attention. Prints `seconds` of each timed batch, `logits`,
`[text][label]`, and `memory`.
"""

import argparse
import json
import time
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification

from peers import process_memory
from peers.padded import padded, read


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--batches", type=Path, required=True)
    parser.add_argument("--warmup", type=int, default=1, help="times that all batches are computed first")
    parser.add_argument("--passes", type=int, default=1, help="times that all batches are timed")
    parser.add_argument("--threads", type=int, required=True)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    batches = [padded(batch) for batch in read(arguments.batches)]
    before = process_memory.resident()
    model = AutoModelForSequenceClassification.from_pretrained(arguments.model, attn_implementation="sdpa").eval()
    for _ in range(arguments.warmup):
        for batch in batches:
            model(**batch)
    seconds, logits = [], []
    for _ in range(arguments.passes):
        logits.clear()
        for batch in batches:
            start = time.perf_counter()
            found = model(**batch).logits
            seconds.append(time.perf_counter() - start)
            logits.extend(found.tolist())
    memory = {"resident_before": before, "peak": process_memory.peak()}
    print(json.dumps({"seconds": seconds, "logits": logits, "memory": memory}))


if __name__ == "__main__":
    main()
