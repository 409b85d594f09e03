"""Makes data for token classification of the People's Daily corpus, in which every word has a tag.

    make assets
    python3 tools/assets/peoples_daily.py assets/data/peoples-daily.txt runs/peoples-daily

writes two files into the folder:

- `ner.conll`: persons (PER, the corpus's `nr`), places (LOC, `ns`) and organisations (ORG, `nt`); a
  character and its BIO tag a line, an empty line between sentences.
- `pos.txt`: parts of speech; a sentence a line as `word/tag`, with the corpus's tags.

Lines of the corpus are cut at the ends of sentences, and a sentence that stands there twice is kept
once, so that none can be in the training part and in the test part of a split.

The corpus gives the family name and the given name of a Chinese a tag each. They are put together to
one name; where several people stand side by side, each becomes a name of their own (`names`).
"""

import sys
from pathlib import Path

Word = tuple[str, str]
"""A word and its tag."""
Tagged = list[Word]

PERSON = "nr"
ENTITIES = {PERSON: "PER", "ns": "LOC", "nt": "ORG"}
ENDS = "。！？"
CLOSING = "”’）》』」"
# Family names of two characters; of those with one there are too many to list, and no need to.
FAMILY_NAMES = set(
    "欧阳 司马 司徒 诸葛 上官 皇甫 令狐 南宫 夏侯 尉迟 公孙 慕容 长孙 宇文 东方 端木 西门 独孤 轩辕 雪村".split()
)
# Tags that stand there ten times or less, two of them misprints: a part of a split may have none.
RARE_TAGS = {"Rg": "r", "Bg": "b", "Mg": "m", "Yg": "y", "vvn": "vn", "na": "n"}


def words_of(line: str, number: int) -> Tagged:
    """The words of a line of the corpus."""
    words = []
    for item in line.split():
        word, _, tag = item.rpartition("/")
        if not word or not tag:
            raise ValueError(f"line {number}: found {item!r}, wanted `word/tag`")
        words.append((word, RARE_TAGS.get(tag, tag)))
    return words


def sentences(words: Tagged) -> list[Tagged]:
    """Cuts behind the ends of sentences, and what closes a bracket or a quotation there."""
    found: list[Tagged] = [[]]
    ended = False
    for word in words:
        if ended and word[0] not in CLOSING:
            found.append([])
            ended = False
        found[-1].append(word)
        ended = ended or word[0] in ENDS
    return [sentence for sentence in found if sentence]


def names(run: list[str]) -> list[list[str]]:
    """The words of neighbouring persons, a list for each person.

    A family name (a single character, or one of the longer ones) begins a name, and the next word, if
    there is one, is the given name: 江 泽民 李 鹏 are two people. 陈 方 安生, a married woman with both
    family names, is one. A word of several characters that is no family name is a name by itself: that
    of a foreigner, or the given name of a sibling.
    """
    found = []
    at = 0
    while at < len(run):
        rest = run[at:]
        size = 1
        if len(rest) > 1 and (len(rest[0]) == 1 or rest[0] in FAMILY_NAMES):
            two_families = [len(word) for word in rest] == [1, 1, 2]
            size = 3 if two_families else 2
        found.append(rest[:size])
        at += size
    return found


def entities(words: Tagged) -> list[tuple[str, str]]:
    """Pieces of text with the type of the entity that they are, or an empty one."""
    found = []
    run: list[str] = []
    for word, tag in [*words, ("", "")]:
        if tag == PERSON:
            run.append(word)
            continue
        found += [("".join(name), ENTITIES[PERSON]) for name in names(run)]
        run = []
        found.append((word, ENTITIES.get(tag, "")))
    return found[:-1]


def character_tags(words: Tagged) -> list[Word]:
    """Every character with its BIO tag."""
    found = []
    for text, kind in entities(words):
        inside = [f"B-{kind}"] + [f"I-{kind}"] * (len(text) - 1) if kind else ["O"] * len(text)
        found += zip(text, inside)
    return found


def all_sentences(corpus: str) -> list[Tagged]:
    """The different sentences of a corpus, in their order."""
    found: dict[tuple[Word, ...], None] = {}
    texts = set()
    for number, line in enumerate(corpus.split("\n"), start=1):
        for sentence in sentences(words_of(line, number)):
            text = "".join(word for word, _ in sentence)
            if text not in texts:
                texts.add(text)
                found[tuple(sentence)] = None
    return [list(sentence) for sentence in found]


def conll(corpus: list[Tagged]) -> str:
    """Sentences as columns."""
    blocks = ("".join(f"{text}\t{tag}\n" for text, tag in character_tags(words)) for words in corpus)
    return "\n".join(blocks)


def word_slash_tag(corpus: list[Tagged]) -> str:
    """Sentences as lines."""
    return "".join(" ".join(f"{word}/{tag}" for word, tag in words) + "\n" for words in corpus)


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.argv[0]} CORPUS FOLDER")
    corpus = all_sentences(Path(sys.argv[1]).read_text(encoding="utf-8"))
    folder = Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ner.conll").write_text(conll(corpus), encoding="utf-8")
    (folder / "pos.txt").write_text(word_slash_tag(corpus), encoding="utf-8")
    kinds = [kind for words in corpus for _, kind in entities(words) if kind]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in ENTITIES.values())
    print(f"{folder}: {len(corpus)} sentences, {counts}")


if __name__ == "__main__":
    main()
