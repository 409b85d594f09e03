"""The batches that both sides of a speed measurement train on, as one JSON file.

`{"batches": [{"input_ids": [[…], …], "labels": [0, …]}, …]}`: rows of token ids without padding.
Who reads the file pads, or packs, as it sees fit.
"""

import json
import random
from pathlib import Path

from tokenizers import Tokenizer

from rows import read_rows


def random_batches(file: Path, steps: int, sequences: int, length: int, vocab_size: int, labels: int) -> None:
    """Batches of random ids, all of the same length; ids of special tokens are not drawn."""
    generator = random.Random(1)
    batches = [
        {
            "input_ids": [[generator.randrange(1000, vocab_size) for _ in range(length)] for _ in range(sequences)],
            "labels": [generator.randrange(labels) for _ in range(sequences)],
        }
        for _ in range(steps)
    ]
    file.write_text(json.dumps({"batches": batches}))


def epoch_batches(file: Path, model: Path, data: Path, rows: list[int], batch_size: int, max_length: int) -> None:
    """One epoch over rows of a CSV file in random order."""
    texts, labels = read_rows(data)
    names = sorted(set(labels))
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length)
    order = list(rows)
    random.Random(1).shuffle(order)
    batches = []
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        encoded = tokenizer.encode_batch([texts[row] for row in chosen])
        batches.append(
            {
                "input_ids": [one.ids for one in encoded],
                "labels": [names.index(labels[row]) for row in chosen],
            }
        )
    file.write_text(json.dumps({"batches": batches}))
