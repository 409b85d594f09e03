"""The batches that both sides of a speed measurement compute, as one JSON file.

`{"batches": [{"input_ids": [[…], …], "labels": [0, …]}, …]}`: rows of token ids without padding.
Who reads the file pads, or packs, as it sees fit.
"""

import json
import random
from pathlib import Path


def random_batches(file: Path, batches: int, sequences: int, length: int, vocab_size: int) -> None:
    """Batches of random ids, all of the same length, with labels 0 and 1 in turns; the low ids,
    where special tokens are, are not drawn."""
    generator = random.Random(1)
    ids = [
        [[generator.randrange(1000, vocab_size) for _ in range(length)] for _ in range(sequences)]
        for _ in range(batches)
    ]
    labels = [row % 2 for row in range(sequences)]
    write(file, [{"input_ids": one, "labels": labels} for one in ids])


def ordered_batches(
    file: Path, ids: list[list[int]], labels: list[int], order: list[int], batch_size: int
) -> None:
    """Batches of the rows in the given order; the last one may be smaller."""
    starts = range(0, len(order), batch_size)
    chosen = [order[start : start + batch_size] for start in starts]
    write(
        file,
        [{"input_ids": [ids[row] for row in rows], "labels": [labels[row] for row in rows]} for rows in chosen],
    )


def write(file: Path, batches: list[dict]) -> None:
    """Write the file."""
    file.write_text(json.dumps({"batches": batches}))


def encode(model: Path, texts: list[str], max_length: int) -> list[list[int]]:
    """Token ids of each text with special tokens, cut to `max_length`."""
    from tokenizers import Tokenizer  # only the environment of the peers has it

    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length)
    return [one.ids for one in tokenizer.encode_batch(texts)]
