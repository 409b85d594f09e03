"""Labels of a stream of Chinese reviews in the order of their file, tokenization included.

On the cloze side this is the whole program, from its start to its end, with its own batches of 32
texts of similar length; on the other side, which takes 16 texts as they come, the time for loading
libraries and model is left out.
"""

import csv
import json

from agreement import agree
from measurement import Comparison, Finished, Side
from rows import read_rows
from settings import REVIEWS, Settings

NAME = "review-stream"
ROUNDS = 3
BATCH_SIZE = 16
TOLERANCE = 1e-3


def prepare(settings: Settings) -> list[Comparison]:
    """`cloze predict` beside a pipeline; both give the scores of all labels."""
    model = settings.model("bert-base-zh")
    texts, labels = read_rows(REVIEWS)
    count = 40 if settings.quick else settings.texts
    data = settings.folder / f"{NAME}.csv"
    with data.open("w", encoding="utf-8", newline="") as content:
        writer = csv.writer(content)
        writer.writerow(["text", "label"])
        writer.writerows(list(zip(texts, labels))[:count])
    ours = settings.cloze("cloze", "predict", model, "--file", data, "--text", "text", "--all", "--json")
    theirs = settings.peer("transformers_stream", "--model", model, "--data", data, "--batch-size", BATCH_SIZE)
    return [
        Comparison(
            f"labels of {count:,} Chinese reviews, BERT-base size",
            "s",
            {
                "cloze": Side(ours, lambda finished: finished.elapsed, reports_memory=False),
                "transformers pipeline": Side(
                    theirs,
                    lambda finished: finished.json["seconds"],
                    note="cloze: the whole program; the peer without loading libraries and model",
                ),
            },
            same_scores,
        )
    ]


def same_scores(finished: dict[str, Finished]) -> float:
    """The largest difference between two scores of a label."""
    ours = [
        {one["label"]: one["score"] for one in json.loads(line)}
        for line in finished["cloze"].output.splitlines()
    ]
    theirs = finished["transformers pipeline"].json["scores"]
    by_label = [[[text[label] for label in sorted(text)] for text in side] for side in (ours, theirs)]
    return agree("scores", *by_label, TOLERANCE)
