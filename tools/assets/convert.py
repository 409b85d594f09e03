"""Turns the texts inside the packages into labelled rows. Pure functions, no files."""

from dataclasses import dataclass

POSITIVE = "positive"
NEGATIVE = "negative"


@dataclass
class LabelledRows:
    """Rows without repeats or conflicts, and the counts of what was read."""

    rows: list[tuple[str, str]]
    """`(text, label)` in the order in which the texts first appeared."""
    read: int
    """Rows before anything was dropped."""
    different: int
    """Different texts among them."""
    conflicts: int
    """Different texts that stood there with more than one label."""


def without_repeats_and_conflicts(rows: list[tuple[str, str]]) -> LabelledRows:
    """Keep the first row of each text, and no row of a text that has two labels.

    A repeated text could stand in the training part and in the test part of a split, and a
    model that had only learnt it by heart would look good.
    """
    labels: dict[str, set[str]] = {}
    for text, label in rows:
        labels.setdefault(text, set()).add(label)
    kept = [(text, next(iter(found))) for text, found in labels.items() if len(found) == 1]
    return LabelledRows(kept, read=len(rows), different=len(labels), conflicts=len(labels) - len(kept))


def chinese_reviews(positive: str, negative: str) -> LabelledRows:
    """Rows of two files that hold one review a line; empty lines are no reviews."""
    rows = [(text, POSITIVE) for text in _lines(positive)]
    rows += [(text, NEGATIVE) for text in _lines(negative)]
    return without_repeats_and_conflicts(rows)


def movie_snippets(ratings: str) -> LabelledRows:
    """Rows of a file with `id <tab> mean rating <tab> text` lines; positive is a rating above 0."""
    rows = []
    for number, line in enumerate(_lines(ratings), start=1):
        fields = line.split("\t")
        if len(fields) != 3:
            raise ValueError(f"line {number}: found {len(fields)} fields, wanted 3: id, rating, text")
        _, rating, text = fields
        rows.append((text.strip(), POSITIVE if float(rating) > 0 else NEGATIVE))
    return without_repeats_and_conflicts(rows)


def words_without_tags(tagged: str) -> str:
    """Lines of `word/tag` as lines of words with a space between them."""
    lines = []
    for number, line in enumerate(_lines(tagged), start=1):
        words = [word.rpartition("/")[0] for word in line.split()]
        if not all(words):
            raise ValueError(f"line {number}: found a word without a tag, wanted `word/tag`")
        lines.append(" ".join(words))
    return "\n".join(lines) + "\n"


def _lines(content: str) -> list[str]:
    # Not splitlines(): a review may hold one of the rarer line separators.
    return [line.strip() for line in content.split("\n") if line.strip()]
