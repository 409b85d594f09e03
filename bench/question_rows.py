"""Questions of a file in SQuAD's layout, by their rows, and the answers of a model to them."""

import json
import subprocess
from pathlib import Path

Question = dict[str, object]


def questions_of(file: Path) -> list[Question]:
    """All questions of a file in their order, each with its context; `answers` are texts."""
    return [
        {
            "id": question["id"],
            "question": question["question"],
            "context": paragraph["context"],
            "answers": [answer["text"] for answer in question["answers"]],
        }
        for article in json.loads(file.read_text(encoding="utf-8"))["data"]
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    ]


def some_articles(text: str, limit: int, shuffle) -> str:
    """Articles drawn by `shuffle` until they have `limit` questions."""
    content = json.loads(text)
    articles = content["data"]
    shuffle(articles)
    kept, count = [], 0
    for article in articles:
        if count >= limit:
            break
        kept.append(article)
        count += sum(len(paragraph["qas"]) for paragraph in article["paragraphs"])
    return json.dumps({**content, "data": kept}, ensure_ascii=False)


def answers_of(program: str, model: Path, questions: list[Question]) -> list[str]:
    """What a saved model answers; empty where it finds nothing better than no answer."""
    file = model / "questions.jsonl"
    lines = (json.dumps({**question, "answers": []}, ensure_ascii=False) for question in questions)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = [program, "predict", str(model), "--file", str(file), "--json", "--null-threshold", "0"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [json.loads(line)["answer"] for line in printed.splitlines()]
