"""Memory and the time that training waits for its batches, for data sets of two sizes.

    python3 bench/memory.py --cloze target/release/cloze

makes rows of random Chinese characters (short texts with a class, sentences of tagged words, questions
with their contexts), trains a tiny model on them for an epoch, evaluates it on them and predicts all of
them. Prints the peak of resident memory of each process, and the share of the training time in which
training waited. With the sizes of the data set, and not of the model, in question, the model has two
layers of width 64.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import machine

MIB = 1 << 20
SEED = 1
CLASSES = ["体育", "财经", "科技", "娱乐"]
TAGS = ["O", "O", "O", "B-PER", "B-LOC"]
CONFIG = {
    "model_type": "bert",
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 128,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "max_position_embeddings": 128,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "initializer_range": 0.02,
    "pad_token_id": 0,
}
QUESTIONS_OF_A_CONTEXT = 5


def characters(tokenizer: Path) -> list[str]:
    """The Chinese characters that the tokenizer knows."""
    words = (tokenizer / "vocab.txt").read_text(encoding="utf-8").splitlines()
    return [word for word in words if len(word) == 1 and "\u4e00" <= word <= "\u9fff"]


def texts(known: list[str], rows: int, generator: random.Random) -> Iterator[str]:
    """CSV: a text and its class."""
    yield "text,label"
    for _ in range(rows):
        text = "".join(generator.choices(known, k=generator.randint(8, 40)))
        yield f"{text},{generator.choice(CLASSES)}"


def sentences(known: list[str], rows: int, generator: random.Random) -> Iterator[str]:
    """CoNLL: a character a line with its tag, an empty line behind each sentence."""
    for _ in range(rows):
        for character in generator.choices(known, k=generator.randint(8, 40)):
            yield f"{character}\t{generator.choice(TAGS)}"
        yield ""


def questions(known: list[str], rows: int, generator: random.Random) -> Iterator[str]:
    """JSON in the layout of SQuAD, an article a line: some questions about each context."""
    yield '{"version": "1.1", "data": ['
    for first in range(0, rows, QUESTIONS_OF_A_CONTEXT):
        context = "".join(generator.choices(known, k=generator.randint(30, 80)))
        asked = []
        for number in range(first, min(rows, first + QUESTIONS_OF_A_CONTEXT)):
            start = generator.randrange(len(context) - 4)
            question = "".join(generator.choices(known, k=6))
            answer = {"text": context[start : start + 4], "answer_start": start}
            asked.append({"id": str(number), "question": question, "answers": [answer]})
        article = {"title": str(first), "paragraphs": [{"context": context, "qas": asked}]}
        end = "," if first + QUESTIONS_OF_A_CONTEXT < rows else ""
        yield json.dumps(article, ensure_ascii=False) + end
    yield "]}"


Rows = Callable[[list[str], int, random.Random], Iterator[str]]
TASKS: dict[str, tuple[str, Rows]] = {
    "text-classification": ("csv", texts),
    "token-classification": ("conll", sentences),
    "question-answering": ("json", questions),
}


def write_rows(file: Path, make: Rows, known: list[str], rows: int) -> None:
    """The rows of a size, the same ones each time, unless they are there already."""
    if file.exists():
        return
    partly = file.with_suffix(".part")
    with partly.open("w", encoding="utf-8", newline="\n") as content:
        content.writelines(f"{line}\n" for line in make(known, rows, random.Random(SEED)))
    partly.rename(file)


def peak(command: list[str]) -> int:
    """The most resident memory of a program, in bytes."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    complaint = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{complaint}")
    return usage.ru_maxrss * 1024


def measure(cloze: Path, task: str, model: Path, data: Path, run: Path) -> dict:
    """What training, evaluation and prediction on a file come to."""
    shutil.rmtree(run, ignore_errors=True)
    config = run.with_suffix(".toml")
    config.write_text(
        f'task = "{task}"\noutput = "{run}"\n[model]\npath = "{model}"\n'
        f'[data]\ntrain = "{data}"\nsplit = {{ validation = 0.1, test = 0.1 }}\nmax_length = 128\n'
        "[train]\nepochs = 1\nbatch_size = 32\nlearning_rate = 1e-3\n"
    )
    found = {"train": peak([str(cloze), "train", str(config)])}
    metrics = json.loads((run / "metrics.json").read_text())
    found["eval"] = peak([str(cloze), "eval", str(run), "--data", str(data), "--json"])
    rows = data
    if task == "token-classification":
        # Predictions are made of running text, a text a line.
        rows = data.with_suffix(".txt")
        sentences_of = data.read_text(encoding="utf-8").strip().split("\n\n")
        joined = ("".join(line.split("\t")[0] for line in lines.splitlines()) for lines in sentences_of)
        rows.write_text("".join(f"{text}\n" for text in joined), encoding="utf-8")
    found["predict"] = peak([str(cloze), "predict", str(run), "--file", str(rows), "--json"])
    found["waited"] = metrics.get("data_wait_seconds", float("nan")) / metrics["train_seconds"]
    found["train_seconds"] = metrics["train_seconds"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cloze", type=Path, default=Path("target/release/cloze"), help="the program")
    parser.add_argument("--tokenizer", type=Path, default=Path("models/cloze-tiny-zh"))
    parser.add_argument("--rows", type=int, nargs="+", default=[20_000, 200_000], help="sizes of the data set")
    parser.add_argument("--task", choices=TASKS, nargs="+", default=list(TASKS))
    parser.add_argument("--folder", type=Path, default=Path("runs/memory"), help="for data and runs")
    arguments = parser.parse_args()

    folder = arguments.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / "model"
    if not model.exists():
        config = folder / "config.json"
        config.write_text(json.dumps(CONFIG))
        command = [arguments.cloze, "init", "--config", config, "--tokenizer", arguments.tokenizer, model]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    known = characters(arguments.tokenizer)
    print(json.dumps(machine.facts(arguments.cloze)))
    print("| task | rows | train, MiB | eval, MiB | predict, MiB | training, s | of it waited |")
    print("|---|---|---|---|---|---|---|")
    for task in arguments.task:
        extension, make = TASKS[task]
        for rows in arguments.rows:
            data = folder / f"{task}-{rows}.{extension}"
            write_rows(data, make, known, rows)
            found = measure(arguments.cloze, task, model, data, folder / f"{task}-{rows}")
            memory = " | ".join(f"{found[part] / MIB:.0f}" for part in ("train", "eval", "predict"))
            waited = f"{found['train_seconds']:.1f} | {100 * found['waited']:.2f}%"
            print(f"| {task} | {rows:,} | {memory} | {waited} |", flush=True)


if __name__ == "__main__":
    main()
