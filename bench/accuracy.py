"""Test accuracy of cloze beside `transformers`, on the same weights, rows and settings.

    .venv/bin/python bench/accuracy.py --cloze target/release/cloze

Trains each side with three seeds on one split, and prints both mean accuracies, the paired 95%
interval of their difference, and the accuracy of a character-bigram baseline on the same rows.
A run that is there already is read, not repeated: remove its folder to have it done again.
"""

import argparse
import json
import subprocess
from pathlib import Path
from statistics import mean

from bigrams import baseline
from paired import accuracy, paired_difference
from rows import read_rows, read_splits, read_test_predictions
from transformers_fine_tune import Recipe, fine_tune


def cloze_run(program: str, config: Path, seed: int, runs: Path, settings: list[str] | None = None) -> Path:
    """The run folder of cloze for this seed, with more arguments for it; trained unless it is complete."""
    run = runs / f"cloze-{seed}"
    if not (run / "metrics.json").exists():
        chosen = ["--set", f"seed={seed}", "--set", f"output={run}", *(settings or [])]
        subprocess.run([program, "train", str(config), *chosen], check=True)
    return run


def transformers_run(recipe: Recipe, splits: dict[str, list[int]], seed: int, runs: Path) -> list[str]:
    """The labels that `transformers` gives the test rows for this seed; trained unless known."""
    file = runs / f"transformers-{seed}.json"
    if not file.exists():
        texts, labels = read_rows(recipe.data, recipe.text, recipe.label)
        predictions, validation = fine_tune(recipe, texts, labels, splits, seed)
        result = {"splits": splits, "validation_accuracy": validation, "predictions": predictions}
        file.write_text(json.dumps(result))
    result = json.loads(file.read_text())
    if result["splits"] != splits:
        raise SystemExit(f"{file} was made with another split: remove it to train again")
    return result["predictions"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cloze", default="target/release/cloze", help="the program")
    parser.add_argument("--config", type=Path, default=Path("examples/snippets-en.toml"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--runs", type=Path, default=Path("runs/accuracy"), help="where the runs are kept")
    arguments = parser.parse_args()

    arguments.runs.mkdir(parents=True, exist_ok=True)
    recipe = Recipe.read(arguments.config)
    folders = [cloze_run(arguments.cloze, arguments.config, seed, arguments.runs) for seed in arguments.seeds]
    splits = read_splits(folders[0])
    if any(read_splits(folder) != splits for folder in folders):
        raise SystemExit("the seeds split the rows differently: give data.split a seed of its own")
    cloze = [read_test_predictions(folder) for folder in folders]
    peer = [transformers_run(recipe, splits, seed, arguments.runs) for seed in arguments.seeds]

    _, labels = read_rows(recipe.data, recipe.text, recipe.label)
    targets = [labels[row] for row in splits["test"]]
    difference = paired_difference(cloze, peer, targets)
    report = {
        "test_rows": len(targets),
        "cloze": [round(accuracy(run, targets), 4) for run in cloze],
        "transformers": [round(accuracy(run, targets), 4) for run in peer],
        "cloze_mean": round(mean(accuracy(run, targets) for run in cloze), 4),
        "transformers_mean": round(mean(accuracy(run, targets) for run in peer), 4),
        "difference_95": str(difference),
        "equal_within_interval": difference.contains_zero,
        "character_bigrams": round(baseline(recipe.data, splits), 4),
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
