"""A baseline without an encoder: logistic regression on the characters and character pairs of a text.

    .venv/bin/python bench/bigrams.py assets/data/snippets-en.csv runs/snippets-en

trains on the rows that the run of cloze trained on, and prints the accuracy on its test rows.
"""

import argparse
import json
from pathlib import Path

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from paired import accuracy
from rows import read_rows, read_splits


def bigram_predictions(train: list[str], labels: list[str], test: list[str]) -> list[str]:
    """Labels of the test texts by a logistic regression on TF-IDF of one and two characters."""
    model = make_pipeline(
        TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True, min_df=2),
        LogisticRegression(max_iter=2000, C=4.0),
    )
    return model.fit(train, labels).predict(test).tolist()


def baseline(data: Path, splits: dict[str, list[int]]) -> float:
    """Accuracy of the baseline on the test rows."""
    texts, labels = read_rows(data)
    train, test = splits["train"], splits["test"]
    found = bigram_predictions(
        [texts[row] for row in train], [labels[row] for row in train], [texts[row] for row in test]
    )
    return accuracy(found, [labels[row] for row in test])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="CSV file with the columns text and label")
    parser.add_argument("run", type=Path, help="run folder of cloze, for its splits.json")
    arguments = parser.parse_args()
    result = baseline(arguments.data, read_splits(arguments.run))
    print(json.dumps({"character_bigrams_accuracy": round(result, 4)}))


if __name__ == "__main__":
    main()
