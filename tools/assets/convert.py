"""Turns the texts inside the packages into labelled rows. Pure functions, no files."""

from collections.abc import Iterable
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
    lines = (" ".join(word for word, _ in words) for words in _tagged_lines(tagged))
    return "\n".join(lines) + "\n"


def running_text(tagged: str) -> str:
    """Lines of `word/tag` as running Chinese text: a paragraph a line, words joined."""
    return "\n".join("".join(word for word, _ in words) for words in _tagged_lines(tagged)) + "\n"


def novel(chapters: Iterable[str]) -> str:
    """Chapters as running text: a paragraph a line, an empty line before each chapter but the first.

    In a chapter, paragraphs are separated by newlines. Spaces in a row, which indent verses, become one.
    """
    texts = ("\n".join(" ".join(line.split()) for line in _lines(chapter)) for chapter in chapters)
    return "\n\n".join(texts) + "\n"


TOPICS = {"nr": "person", "ns": "place", "nt": "organization", "t": "time"}
"""Labels of a paragraph by the part-of-speech tags of its words."""


def topics(tagged: str) -> list[dict]:
    """Rows `text, labels` of lines of `word/tag`: which of person, place, organization and time a line
    speaks of, the words of these kinds being left in the text. Words stand without spaces.

    The first of equal texts is kept, and none that stands there with different labels.
    """
    labels: dict[str, set[tuple[str, ...]]] = {}
    for words in _tagged_lines(tagged):
        kinds = {tag for _, tag in words}
        found = tuple(label for tag, label in TOPICS.items() if tag in kinds)
        labels.setdefault("".join(word for word, _ in words), set()).add(found)
    return [{"text": text, "labels": list(next(iter(sets)))} for text, sets in labels.items() if len(sets) == 1]


SENTENCE_ENDS = ("。", "！", "？")
SHORTEST_SENTENCE = 6
"""Shorter ones, in characters, say too little to belong anywhere."""


def sentence_pairs(tagged: str) -> list[dict]:
    """Rows `sentence1, sentence2, label` of lines of `word/tag`, the layout of AFQMC: label 1 where the second
    sentence follows the first, 0 where it comes from another place.

    Sentences are taken two by two from each line. Of every other two the second one changes its place
    with one from half the corpus away, so that every sentence stands in one row, and no sentence by
    itself tells the label.
    """
    pairs = []
    seen = set()
    for words in _tagged_lines(tagged):
        sentences = _sentences(word for word, _ in words)
        for first, second in zip(sentences[::2], sentences[1::2]):
            if min(len(first), len(second)) >= SHORTEST_SENTENCE and not seen & {first, second}:
                seen |= {first, second}
                pairs.append((first, second))
    moved = pairs[1::2]
    rows = []
    for index, (first, second) in enumerate(pairs):
        if index % 2 == 1:
            second = moved[(index // 2 + len(moved) // 2) % len(moved)][1]
        rows.append({"sentence1": first, "sentence2": second, "label": str(1 - index % 2)})
    return rows


def _sentences(words: Iterable[str]) -> list[str]:
    """The sentences of a line; what stands behind the last end is none."""
    sentences, current = [], ""
    for word in words:
        current += word
        if word in SENTENCE_ENDS:
            sentences.append(current)
            current = ""
    return sentences


def _tagged_lines(tagged: str) -> Iterable[list[tuple[str, str]]]:
    """The words of each line with their tags."""
    for number, line in enumerate(_lines(tagged), start=1):
        words = [tuple(word.rpartition("/")[::2]) for word in line.split()]
        if not all(word and tag for word, tag in words):
            raise ValueError(f"line {number}: found a word without a tag, wanted `word/tag`")
        yield words


def _lines(content: str) -> list[str]:
    # Not splitlines(): a review may hold one of the rarer line separators.
    return [line.strip() for line in content.split("\n") if line.strip()]
