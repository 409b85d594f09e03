"""Every task with cloze and with `transformers`, on the same weights, rows and settings.

    .venv/bin/python bench/tasks.py --cloze target/release/cloze

Trains both sides with three seeds on some thousand rows of each task of the examples, and prints the
metric of each, and the 95% interval of their difference by drawing the test rows anew. What both read
is what `cloze data --json` prints. A run that is there already is read, not repeated: remove its folder
to have it done again.
"""

import argparse
import json
import random
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from seqeval.metrics.sequence_labeling import get_entities

from paired import F1, SHARE, Counts, Metric, metric_difference
from question_rows import answers_of, questions_of, some_articles
from transformers_tasks import Judge, Settings, train

LIMIT = 8000
SPLITS = ["train", "validation", "test"]


@dataclass
class Case:
    """A task, and how it is judged."""

    config: str
    data: str
    rows: Callable[[str], list[str]] | None
    """Rows of the data's text that are short enough for one window; none of questions, which keep
    their windows."""
    counts: Callable[[object, dict], Counts]
    """Of a prediction and its example."""
    metric: Metric
    settings: tuple[str, ...] = ()
    """Changes to the configuration. What is tuned on one side alone would be another setting: a threshold
    is fixed."""


def lines(text: str) -> list[str]:
    """A row is a line."""
    return text.splitlines(keepends=True)


def sentences(text: str) -> list[str]:
    """A row is what stands between blank lines, and has at most 120 lines."""
    return [f"{rows}\n\n" for rows in text.strip("\n").split("\n\n") if rows.count("\n") < 120]


def short_lines(text: str) -> list[str]:
    """A row is a line of `word/tag`, whose words have at most 120 characters."""

    def length(line: str) -> int:
        return sum(len(word.rpartition("/")[0]) for word in line.split())

    return [line for line in lines(text) if length(line) <= 120]


def of_class(predicted: str, example: dict) -> Counts:
    """Right, and all."""
    return (float(predicted == example["label"]), 1.0)


def of_labels(predicted: list[str], example: dict) -> Counts:
    """Found rightly, found, and to be found."""
    wanted = set(example["labels"])
    return (float(len(wanted & set(predicted))), float(len(predicted)), float(len(wanted)))


def own_tags(example: dict) -> list[str]:
    """The tags of the labelled tokens."""
    return [tag for tag in example["tags"] if tag is not None]


def of_entities(predicted: list[str], example: dict) -> Counts:
    """Entities found rightly, found, and to be found."""
    wanted, found = set(get_entities(own_tags(example))), set(get_entities(predicted))
    return (float(len(wanted & found)), float(len(found)), float(len(wanted)))


def of_tags(predicted: list[str], example: dict) -> Counts:
    """Right ones, and all."""
    pairs = list(zip(predicted, own_tags(example), strict=True))
    return (float(sum(found == tag for found, tag in pairs)), float(len(pairs)))


def of_answer(predicted: str, question: dict) -> Counts:
    """Exact ones, and all; no answer is right where there is none."""
    return (float(predicted in question["answers"] if question["answers"] else predicted == ""), 1.0)


CASES = {
    "pairs": Case("pairs-zh", "assets/data/peoples-daily-pairs.jsonl", lines, of_class, SHARE),
    "topics": Case("topics-zh", "assets/data/peoples-daily-topics.jsonl", lines, of_labels, F1, ("multi_label.threshold=0.5",)),
    "names": Case("names-zh", "runs/peoples-daily/ner.conll", sentences, of_entities, F1),
    # A word is judged by its first token; with labels on that alone, both sides have one a word.
    "parts-of-speech": Case(
        "names-zh", "runs/peoples-daily/pos.txt", short_lines, of_tags, SHARE, ("tags.sub_words=first",)
    ),
    "questions": Case(
        "questions-zh",
        "assets/data/peoples-daily-questions.json",
        None,
        of_answer,
        Metric("exact_match", SHARE.compute),
        ("questions.null_threshold=0", "train.best=exact_match"),
    ),
}


def chosen_rows(case: Case, folder: Path, limit: int) -> Path:
    """A file with some of the rows, drawn once."""
    source = Path(case.data)
    file = folder / source.name
    if not file.exists():
        text, generator = source.read_text(encoding="utf-8"), random.Random(666)
        if case.rows is None:
            text = some_articles(text, limit, generator.shuffle)
        else:
            rows = case.rows(text)
            text = "".join(generator.sample(rows, min(limit, len(rows))))
        file.write_text(text, encoding="utf-8")
    return file


def examples(program: str, config: Path, settings: list[str], split: str) -> list[dict]:
    """The examples of a split, as the model reads them."""
    command = [program, "data", str(config), "--split", split, "--json", *settings]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in printed.splitlines()]


def cloze_predictions(program: str, config: Path, settings: list[str], seed: int, folder: Path) -> list:
    """What cloze says about the test rows for this seed."""
    run = folder / f"cloze-{seed}"
    if not (run / "metrics.json").exists():
        chosen = [*settings, "--set", f"seed={seed}", "--set", f"output={run}"]
        subprocess.run([program, "train", str(config), *chosen], check=True)
    rows = json.loads((run / "splits.json").read_text())["test"]
    printed = map(json.loads, (run / "predictions-test.jsonl").read_text(encoding="utf-8").splitlines())
    by_row = {line["row"]: line["predicted"] for line in printed}
    return [by_row[row] for row in rows]


def judged_rows(case: Case, file: Path, run: Path, splits: dict[str, list[dict]]) -> dict[str, list[dict]]:
    """What the predictions for each split are compared with, in the order of the run's rows."""
    if case.rows is not None:
        return splits
    every = questions_of(file)
    return {
        split: [every[row] for row in rows]
        for split, rows in json.loads((run / "splits.json").read_text()).items()
        if split in SPLITS
    }


def label_names(folder: Path) -> list[str]:
    """The labels of a model of cloze, in the order of their ids; none where its answers are texts."""
    labels = json.loads((folder / "model/config.json").read_text(encoding="utf-8")).get("id2label", {})
    return [labels[str(index)] for index in range(len(labels))]


def balanced(splits: dict[str, list[dict]], names: list[str]) -> list[float]:
    """For every label the number of training rows without it over the number with it."""
    rows = splits["train"]
    having = [sum(name in row["labels"] for row in rows) for name in names]
    return [(len(rows) - count) / count for count in having]


@dataclass
class Setup:
    """A task, its rows, and the settings that both sides share."""

    case: Case
    program: str
    folder: Path
    config: Path
    content: dict
    """Of the configuration."""
    settings: list[str]
    """Arguments of cloze that change it."""
    file: Path
    """Of the chosen rows."""


def set_up(name: str, program: str, runs: Path, limit: int, epochs: int | None) -> Setup:
    """Chooses the rows."""
    case, folder = CASES[name], runs / name
    folder.mkdir(parents=True, exist_ok=True)
    config = Path(f"examples/{case.config}.toml")
    content = tomllib.loads(config.read_text())
    file = chosen_rows(case, folder, limit)
    changes = [f"data.train={file}", "data.split.seed=666", *case.settings]
    changes += [f"train.epochs={epochs}"] if epochs else []
    content["train"]["epochs"] = epochs or content["train"]["epochs"]
    settings = [argument for change in changes for argument in ("--set", change)]
    return Setup(case, program, folder, config, content, settings, file)


def peer_predictions(
    setup: Setup, seeds: list[int], splits: dict[str, list[dict]], rows: dict[str, list[dict]]
) -> list[list]:
    """What `transformers` says about the test rows, for each seed."""
    case, folder, train_settings = setup.case, setup.folder, setup.content["train"]
    first = folder / f"cloze-{seeds[0]}"
    names = label_names(first)
    shared = Settings(
        setup.content["model"]["path"],
        train_settings["epochs"],
        train_settings["batch_size"],
        train_settings["learning_rate"],
        train_settings["schedule"]["warmup"],
    )
    weights = balanced(splits, names) if "positive_weights" in setup.content.get("loss", {}) else None

    def answers(model, split: str) -> list[str]:
        saved = folder / "transformers"
        shutil.copytree(first / "model", saved, dirs_exist_ok=True)
        model.save_pretrained(saved)
        return answers_of(setup.program, saved, rows[split])

    judge = Judge(
        lambda predictions, split: case.metric.of(counts(case, predictions, rows[split])),
        answers if case.rows is None else None,
    )
    found = []
    for seed in seeds:
        file = folder / f"transformers-{seed}.json"
        if not file.exists():
            predictions = train(setup.content["task"], shared, splits, names, judge, weights, seed)
            file.write_text(json.dumps(predictions, ensure_ascii=False), encoding="utf-8")
        found.append(json.loads(file.read_text(encoding="utf-8")))
    return found


def counts(case: Case, predictions: list, rows: list[dict]) -> list[Counts]:
    """What each row adds to the metric."""
    return [case.counts(predicted, row) for predicted, row in zip(predictions, rows, strict=True)]


def compare(name: str, setup: Setup, seeds: list[int]) -> dict:
    """Both sides of a task, for each seed."""
    case, program, config, settings = setup.case, setup.program, setup.config, setup.settings
    cloze = [cloze_predictions(program, config, settings, seed, setup.folder) for seed in seeds]
    splits = {split: examples(program, config, settings, split) for split in SPLITS}
    rows = judged_rows(case, setup.file, setup.folder / f"cloze-{seeds[0]}", splits)
    peer = peer_predictions(setup, seeds, splits, rows)
    ours, theirs = ([counts(case, run, rows["test"]) for run in side] for side in (cloze, peer))
    difference = metric_difference(ours, theirs, case.metric)
    return {
        "task": name,
        "rows": {split: len(of_split) for split, of_split in rows.items()},
        "metric": case.metric.name,
        "cloze": [round(case.metric.of(run), 4) for run in ours],
        "transformers": [round(case.metric.of(run), 4) for run in theirs],
        "cloze_mean": round(mean(map(case.metric.of, ours)), 4),
        "transformers_mean": round(mean(map(case.metric.of, theirs)), 4),
        "difference_95": str(difference),
        "equal_within_interval": difference.contains_zero,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cloze", default="target/release/cloze", help="the program")
    parser.add_argument("--tasks", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--rows", type=int, default=LIMIT, help="of each task, all parts together")
    parser.add_argument("--epochs", type=int, help="other than the examples'")
    parser.add_argument("--runs", type=Path, default=Path("runs/tasks"), help="where the runs are kept")
    arguments = parser.parse_args()
    for name in arguments.tasks:
        setup = set_up(name, arguments.cloze, arguments.runs, arguments.rows, arguments.epochs)
        print(json.dumps(compare(name, setup, arguments.seeds)), flush=True)


if __name__ == "__main__":
    main()
