"""A linear head on a frozen encoder, trained with `transformers`: the peer of `cloze train` with
`freeze = "encoder"`.

    python -m peers.transformers_frozen --model FOLDER --data FILE --epochs N

FILE is a CSV file with the columns `text` and `label`. The encoder runs in every epoch, without
gradients and without dropout; batches come in random order and are padded to their longest row. The
head is a linear layer on the `[CLS]` row. Prints `seconds`, from the first text to the last step
without loading the model, `losses`, the mean of each epoch, and `memory`.
"""

import argparse
import json
import time
from pathlib import Path

import torch
from torch.utils.data import DataLoader
from transformers import AutoModel, AutoTokenizer, DataCollatorWithPadding

from peers import process_memory
from rows import read_rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--max-length", type=int, default=500)
    parser.add_argument("--learning-rate", type=float, default=2e-4)
    parser.add_argument("--threads", type=int, required=True)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    before = process_memory.resident()
    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    encoder = AutoModel.from_pretrained(arguments.model).eval()

    start = time.perf_counter()
    texts, names = read_rows(arguments.data)
    labels = sorted(set(names))
    encoded = tokenizer(texts, truncation=True, max_length=arguments.max_length)
    examples = [
        {"input_ids": ids, "attention_mask": mask, "labels": labels.index(name)}
        for ids, mask, name in zip(encoded["input_ids"], encoded["attention_mask"], names)
    ]
    loader = DataLoader(
        examples, arguments.batch_size, shuffle=True, collate_fn=DataCollatorWithPadding(tokenizer)
    )
    head = torch.nn.Linear(encoder.config.hidden_size, len(labels))
    optimizer = torch.optim.AdamW(head.parameters(), lr=arguments.learning_rate, fused=True)
    losses = []
    for _ in range(arguments.epochs):
        total = 0.0
        for batch in loader:
            targets = batch.pop("labels")
            with torch.no_grad():
                features = encoder(**batch).last_hidden_state[:, 0]
            loss = torch.nn.functional.cross_entropy(head(features), targets)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(head.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            total += loss.item() * len(targets)
        losses.append(total / len(examples))
    seconds = time.perf_counter() - start
    memory = {"resident_before": before, "peak": process_memory.peak()}
    print(json.dumps({"seconds": seconds, "losses": losses, "memory": memory}))


if __name__ == "__main__":
    main()
