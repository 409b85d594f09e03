"""The batches that both sides of a speed measurement compute, as one JSON file.

`{"batches": [{"input_ids": [[…], …], "labels": [0, …]}, …]}`: rows of token ids without padding.
Who reads the file pads, or packs, as it sees fit.

Of token classifiers a row has a list of `labels`, one a token, -100 where there is none.

Batches of masked language models have `positions` and `targets` in place of `labels`, a list for
each row: `input_ids` are those after masking, and `targets` the ids that were at `positions`, which
rise and count from 0 in their row. A row may have none, a batch has at least one.
"""

import json
import random
from pathlib import Path

# Of BERT's uncased English vocabulary and of its Chinese one.
CLS, SEP, MASK = 101, 102, 103
FIRST_WORD = 1000
"""Below are special tokens, unused ones and punctuation; random ids are not drawn from there."""
MASKED, REPLACED, RANDOM = 0.15, 0.8, 0.1
"""Of all tokens, and of those chosen: BERT's masking."""


def random_batches(file: Path, batches: int, sequences: int, length: int, vocab_size: int) -> None:
    """Batches of random ids, all of the same length, with labels 0 and 1 in turns."""
    generator = random.Random(1)
    ids = [
        [[generator.randrange(FIRST_WORD, vocab_size) for _ in range(length)] for _ in range(sequences)]
        for _ in range(batches)
    ]
    labels = [row % 2 for row in range(sequences)]
    write(file, [{"input_ids": one, "labels": labels} for one in ids])


def random_masked_batches(file: Path, batches: int, sequences: int, length: int, vocab_size: int) -> None:
    """Batches of `[CLS] random ids [SEP]`, all of the same length, masked as BERT's pretraining does."""
    generator = random.Random(2)
    masked = []
    for _ in range(batches):
        rows = [[generator.randrange(FIRST_WORD, vocab_size) for _ in range(length - 2)] for _ in range(sequences)]
        rows = [mask([CLS, *words, SEP], vocab_size, generator) for words in rows]
        if not any(targets for _, _, targets in rows):
            raise ValueError(f"nothing is masked in {sequences} rows of {length} tokens")
        masked.append(dict(zip(("input_ids", "positions", "targets"), map(list, zip(*rows)))))
    write(file, masked)


def random_tagged_batches(file: Path, batches: int, sequences: int, length: int, vocab_size: int) -> None:
    """Batches of `[CLS] random ids [SEP]`, with one of seven labels at each id, and -100 at the ends."""
    generator = random.Random(3)
    tagged = []
    for _ in range(batches):
        rows = range(sequences)
        words = [[generator.randrange(FIRST_WORD, vocab_size) for _ in range(length - 2)] for _ in rows]
        labels = [[-100, *(generator.randrange(7) for _ in range(length - 2)), -100] for _ in rows]
        tagged.append({"input_ids": [[CLS, *row, SEP] for row in words], "labels": labels})
    write(file, tagged)


def random_window_batches(file: Path, batches: int, sequences: int, length: int, vocab_size: int) -> None:
    """Batches of `[CLS] random ids [SEP]`, all of the same length; the label is the id that comes next."""
    generator = random.Random(4)
    windows = []
    for _ in range(batches):
        words = [[generator.randrange(FIRST_WORD, vocab_size) for _ in range(length - 1)] for _ in range(sequences)]
        windows.append({"input_ids": [[CLS, *row[:-1], SEP] for row in words], "labels": [row[-1] for row in words]})
    write(file, windows)


def mask(ids: list[int], vocab_size: int, generator: random.Random) -> tuple[list[int], list[int], list[int]]:
    """A row after masking, where it was masked and what was there; its first and last id stay."""
    ids = list(ids)
    positions = [position for position in range(1, len(ids) - 1) if generator.random() < MASKED]
    targets = [ids[position] for position in positions]
    for position in positions:
        drawn = generator.random()
        if drawn < REPLACED:
            ids[position] = MASK
        elif drawn < REPLACED + RANDOM:
            ids[position] = generator.randrange(FIRST_WORD, vocab_size)
    return ids, positions, targets


def unmasked(ids: list[int], positions: list[int], targets: list[int]) -> list[int]:
    """A row before masking."""
    ids = list(ids)
    for position, target in zip(positions, targets, strict=True):
        ids[position] = target
    return ids


def ordered_batches(
    file: Path, ids: list[list[int]], labels: list, order: list[int], batch_size: int
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
