"""The Chinese reviews that a case trains on: a sample with the lengths of the whole."""

from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

from batches import encode
from lengths import length_stratified
from rows import read_rows
from settings import REVIEWS, Settings

MAX_LENGTH = 500
BATCH_SIZE = 16


@dataclass
class Sample:
    """Reviews with their labels and token ids."""

    texts: list[str]
    names: list[str]
    labels: list[int]
    ids: list[list[int]]
    drawn_from: int
    """Reviews in the file."""

    @property
    def lengths(self) -> list[int]:
        """Tokens of each review."""
        return list(map(len, self.ids))


def sample(settings: Settings, model: Path) -> Sample:
    """Reviews, cut to 500 tokens."""
    texts, names = read_rows(REVIEWS)
    ids = encode(model, texts, MAX_LENGTH)
    rows = length_stratified(list(map(len, ids)), 32 if settings.quick else settings.sample)
    known = sorted(set(names))
    found = Sample(
        [texts[row] for row in rows],
        [names[row] for row in rows],
        [known.index(names[row]) for row in rows],
        [ids[row] for row in rows],
        len(texts),
    )
    settings.report(
        {
            "sample": "reviews",
            "texts": len(rows),
            "mean_tokens": round(mean(found.lengths), 1),
            "median_tokens": median(found.lengths),
        }
    )
    return found
