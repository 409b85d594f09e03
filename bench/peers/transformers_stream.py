"""Labels of a stream of texts by a `transformers` pipeline: the peer of `cloze predict --file`.

    python -m peers.transformers_stream --model FOLDER --data FILE [--batch-size N]

FILE is a CSV file with a column `text`. Prints `seconds`, from the first text to the last label
without loading the model, `scores`, `{label: score}` of each text, and `memory`.
"""

import argparse
import json
import time
from pathlib import Path

import torch
from transformers import pipeline

from peers import process_memory
from rows import read_rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--threads", type=int, required=True)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    texts, _ = read_rows(arguments.data)
    before = process_memory.resident()
    classify = pipeline("text-classification", model=str(arguments.model), device="cpu")
    start = time.perf_counter()
    found = classify(texts, batch_size=arguments.batch_size, truncation=True, max_length=512, top_k=None)
    scores = [{one["label"]: one["score"] for one in labels} for labels in found]
    seconds = time.perf_counter() - start
    memory = {"resident_before": before, "peak": process_memory.peak()}
    print(json.dumps({"seconds": seconds, "scores": scores, "memory": memory}))


if __name__ == "__main__":
    main()
