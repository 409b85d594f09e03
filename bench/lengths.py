"""Which texts of a data set are measured, and in which order, by their lengths in tokens."""

import random


def length_stratified(lengths: list[int], wanted: int, seed: int = 1) -> list[int]:
    """Rows of a sample whose lengths are spread like those of all rows, in the order of the file.

    The rows are sorted by length and cut into `wanted` parts of equal size (to one row); one row is
    drawn from each part.
    """
    if not 0 < wanted <= len(lengths):
        raise ValueError(f"wanted {wanted} of {len(lengths)} rows")
    generator = random.Random(seed)
    by_length = sorted(range(len(lengths)), key=lambda row: (lengths[row], row))
    borders = [part * len(lengths) // wanted for part in range(wanted + 1)]
    drawn = [by_length[generator.randrange(first, end)] for first, end in zip(borders, borders[1:])]
    return sorted(drawn)


def shuffled(count: int, seed: int = 1) -> list[int]:
    """The numbers below `count` in random order."""
    order = list(range(count))
    random.Random(seed).shuffle(order)
    return order


def length_grouped(lengths: list[int], batch_size: int, data_set: int | None = None, seed: int = 1) -> list[int]:
    """The order of `group_by_length` in `transformers` (`get_length_grouped_indices`).

    Rows are shuffled, cut into groups of several batches (50, or as many as give four groups), and
    sorted by falling length in each group; the longest row of all comes first. For a sample,
    `data_set` is the number of rows it was drawn from: its groups are then as large as theirs,
    because smaller ones would be padded more.
    """
    batches = max(1, min((data_set or len(lengths)) // (batch_size * 4), 50))
    size = batches * batch_size
    order = shuffled(len(lengths), seed)
    groups = [
        sorted(order[start : start + size], key=lambda row: lengths[row], reverse=True)
        for start in range(0, len(order), size)
    ]
    longest = max(range(len(groups)), key=lambda group: lengths[groups[group][0]])
    groups[0][0], groups[longest][0] = groups[longest][0], groups[0][0]
    return [row for group in groups for row in group]
