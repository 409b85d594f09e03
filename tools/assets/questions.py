"""Makes cloze questions of the People's Daily corpus: SQuAD 2.0's layout. Pure functions, no files.

A paragraph of two sentences or more gives questions: one of its sentences with a person, a place or an
organisation taken out, `____` in its place. The context is the rest of the paragraph, without that very
sentence, so that the answer has to be told from what the other sentences say.

A question has an answer if the name stands in the context as a name. Otherwise it has none, and then the
context has another name of the same kind, so that it is not enough to look for a place or a person. A
sentence gives one question, the first name of it that has an answer, or the first of those that have none;
of these at most one is kept for two questions with an answer.

Every paragraph is an article of its own, so that cloze keeps its questions in one part of a split.
"""

from dataclasses import dataclass

from peoples_daily import Tagged, entities, sentences, words_of

BLANK = "____"
SHORTEST_NAME = 2
QUESTION_LENGTHS = range(12, 61)
"""Characters of a question: shorter ones say too little, longer ones take the room of the context."""
SHORTEST_CONTEXT = 30
LONGEST_CONTEXT = 500
ANSWERABLE_TO_UNANSWERABLE = 2
"""How many questions with an answer there are for one that has none."""

Piece = tuple[str, str]
"""A piece of text with the kind of name that it is, or an empty one."""


@dataclass
class Question:
    """A sentence with a blank."""

    text: str
    answers: list[tuple[str, int]]
    """The name, and the character of the context at which it stands: once for each time it does."""


def text_of(pieces: list[Piece]) -> str:
    return "".join(text for text, _ in pieces)


def name_places(name: str, pieces: list[Piece]) -> list[int]:
    """The characters at which a name stands in a text as a name."""
    places = []
    at = 0
    for text, kind in pieces:
        if text == name and kind:
            places.append(at)
        at += len(text)
    return places


def question_of(sentence: list[Piece], context: list[Piece]) -> Question | None:
    """The question that a sentence gives, if it gives one."""
    rest = text_of(context)
    unanswerable = None
    for name, kind in sentence:
        if not kind or len(name) < SHORTEST_NAME:
            continue
        blanked = "".join(BLANK if (text, of) == (name, kind) else text for text, of in sentence)
        if name in blanked or len(blanked) not in QUESTION_LENGTHS:
            continue
        if places := name_places(name, context):
            return Question(blanked, [(name, place) for place in places])
        others = {text for text, of in context if of == kind}
        if unanswerable is None and name not in rest and others:
            unanswerable = Question(blanked, [])
    return unanswerable


def paragraph(words: Tagged) -> list[tuple[str, Question]]:
    """The questions of a paragraph, each with its context."""
    parts = [entities(sentence) for sentence in sentences(words)]
    found = []
    for index, sentence in enumerate(parts):
        context = [piece for other in parts[:index] + parts[index + 1 :] for piece in other]
        text = text_of(context)
        if not SHORTEST_CONTEXT <= len(text) <= LONGEST_CONTEXT or text_of(sentence) in text:
            continue
        if question := question_of(sentence, context):
            found.append((text, question))
    return found


def questions(tagged: str) -> dict:
    """The questions of lines of `word/tag` as a file of SQuAD 2.0. Of equal paragraphs the first is read."""
    seen = set()
    articles = []
    answerable = unanswerable = 0
    for number, line in enumerate(tagged.split("\n"), start=1):
        words = words_of(line, number)
        whole = "".join(word for word, _ in words)
        if whole in seen:
            continue
        seen.add(whole)
        paragraphs = []
        for context, question in paragraph(words):
            if question.answers:
                answerable += 1
            elif unanswerable * ANSWERABLE_TO_UNANSWERABLE < answerable:
                unanswerable += 1
            else:
                continue
            row = {
                "id": f"{number}-{len(paragraphs) + 1}",
                "question": question.text,
                "answers": [{"text": name, "answer_start": start} for name, start in question.answers],
                "is_impossible": not question.answers,
            }
            paragraphs.append({"context": context, "qas": [row]})
        if paragraphs:
            articles.append({"title": f"line {number}", "paragraphs": paragraphs})
    return {"version": "v2.0", "data": articles}
