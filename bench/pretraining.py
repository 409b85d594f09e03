"""What pretraining brings: a fine-tuned model beside the same architecture from random weights.

    .venv/bin/python bench/pretraining.py --cloze target/release/cloze --random runs/fresh-zh

Trains from both with three seeds on one split, and prints the accuracies, the paired 95% interval of
the differences to the random twin and to a character-bigram baseline on the same rows. `make tiny-zh`
leaves the random twin in runs/fresh-zh. A run that is there already is read, not repeated: remove its
folder to have it done again.
"""

import argparse
import json
import tomllib
from pathlib import Path
from statistics import mean

from accuracy import cloze_run
from bigrams import bigram_predictions
from paired import accuracy, paired_difference
from rows import read_rows, read_splits, read_test_predictions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cloze", default="target/release/cloze", help="the program")
    parser.add_argument("--config", type=Path, default=Path("examples/sentiment-zh.toml"))
    parser.add_argument("--random", type=Path, default=Path("runs/fresh-zh"), help="folder of the random twin")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--runs", type=Path, default=Path("runs/pretraining"), help="where the runs are kept")
    arguments = parser.parse_args()

    starts = {"pretrained": [], "random": ["--set", f"model.path={arguments.random}"]}
    folders = {}
    for name, settings in starts.items():
        runs = arguments.runs / name
        runs.mkdir(parents=True, exist_ok=True)
        folders[name] = [
            cloze_run(arguments.cloze, arguments.config, seed, runs, settings) for seed in arguments.seeds
        ]
    splits = read_splits(folders["pretrained"][0])
    if any(read_splits(folder) != splits for runs in folders.values() for folder in runs):
        raise SystemExit("the runs split the rows differently: give data.split a seed of its own")

    data = tomllib.loads(arguments.config.read_text())["data"]
    texts, labels = read_rows(Path(data["train"]), data["text"], data["label"])
    train, test = splits["train"], splits["test"]
    targets = [labels[row] for row in test]
    found = {name: [read_test_predictions(folder) for folder in runs] for name, runs in folders.items()}
    found["bigrams"] = [
        bigram_predictions(
            [texts[row] for row in train], [labels[row] for row in train], [texts[row] for row in test]
        )
    ]
    accuracies = {name: [accuracy(run, targets) for run in runs] for name, runs in found.items()}
    report = {"test_rows": len(targets)}
    for name, runs in accuracies.items():
        report[name] = [round(run, 4) for run in runs]
        report[f"{name}_mean"] = round(mean(runs), 4)
    for other in ("random", "bigrams"):
        difference = paired_difference(found["pretrained"], found[other], targets)
        report[f"pretrained_minus_{other}_95"] = str(difference)
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
