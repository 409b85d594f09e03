"""What can be counted of written texts: how varied they are, and how much they repeat themselves."""

from itertools import chain

REPEATED = 4


def units(text: str) -> list[str]:
    """Characters of Chinese text, words of any other; punctuation by itself."""
    found: list[str] = []
    word = ""
    for character in text:
        if character.isalnum() and not is_ideograph(character):
            word += character
            continue
        found += [word] if word else []
        word = ""
        found += [character] if not character.isspace() else []
    return found + ([word] if word else [])


def is_ideograph(character: str) -> bool:
    """Whether a character is Chinese."""
    return "\u3400" <= character <= "\u9fff" or "\uf900" <= character <= "\ufaff"


def grams(text: list[str], size: int) -> list[tuple[str, ...]]:
    """All runs of `size` neighbours."""
    return list(zip(*(text[start:] for start in range(size))))


def distinct(texts: list[list[str]], size: int) -> float:
    """Different runs over all runs, of all texts together (Li et al. 2016, *A diversity-promoting
    objective function*)."""
    every = list(chain.from_iterable(grams(text, size) for text in texts))
    return len(set(every)) / len(every) if every else 0.0


def repeated(texts: list[list[str]]) -> float:
    """The share of runs of four that stand earlier in their own text already."""
    runs = [grams(text, REPEATED) for text in texts]
    every = sum(map(len, runs))
    return 1 - sum(len(set(text)) for text in runs) / every if every else 0.0
