"""A linear head on a frozen encoder over Chinese reviews, 16 epochs, BERT-base size.

On the cloze side this is the whole program, from its start to its end, with an empty feature cache;
on the other side the time for loading libraries and model is left out. There every epoch costs the
same, so a few of them tell what all would cost.
"""

import csv
import json
import shutil
from pathlib import Path

from agreement import agree
from cases.review_sample import BATCH_SIZE, MAX_LENGTH, sample
from measurement import Comparison, Finished, Side
from settings import Settings

NAME = "frozen-encoder"
ROUNDS = 3
EPOCHS = 16
PEER_EPOCHS = 2
LEARNING_RATE = 2e-4
LOSS_TOLERANCE = 0.1
"""Of an epoch: the heads start from different weights and see the rows in different order."""


def prepare(settings: Settings) -> list[Comparison]:
    """One configuration for cloze, the same settings for its peer."""
    model = settings.model("bert-base-zh")
    reviews = sample(settings, model)
    epochs = 2 if settings.quick else EPOCHS
    data, output = settings.folder / f"{NAME}.csv", settings.folder / f"{NAME}-run"
    with data.open("w", encoding="utf-8", newline="") as content:
        writer = csv.writer(content)
        writer.writerow(["text", "label"])
        writer.writerows(zip(reviews.texts, reviews.names))
    config = settings.folder / f"{NAME}.toml"
    config.write_text(configuration(model, data, output, epochs))
    cache = settings.folder / "feature-cache"

    def empty() -> None:
        shutil.rmtree(output, ignore_errors=True)
        shutil.rmtree(cache, ignore_errors=True)
        cache.mkdir()

    peer = settings.peer(
        "transformers_frozen", "--model", model, "--data", data, "--epochs", PEER_EPOCHS,
        "--batch-size", BATCH_SIZE, "--max-length", MAX_LENGTH, "--learning-rate", LEARNING_RATE,
    )  # fmt: skip

    def check(finished: dict[str, Finished]) -> float:
        lines = map(json.loads, (output / "log.jsonl").read_text().splitlines())
        ours = [line["train_loss"] for line in lines if "train_loss" in line]
        theirs = finished["transformers"].json["losses"]
        return agree(f"losses of epoch {PEER_EPOCHS}", ours[PEER_EPOCHS - 1 :][:1], theirs[-1:], LOSS_TOLERANCE)

    return [
        Comparison(
            f"linear head on a frozen encoder, {len(reviews.texts)} Chinese reviews, {epochs} epochs",
            "s",
            {
                "cloze": Side(
                    settings.cloze("cloze", "train", config),
                    lambda finished: finished.elapsed,
                    {"CLOZE_CACHE_DIR": str(cache)},
                    reports_memory=False,
                    before=empty,
                ),
                "transformers": Side(
                    peer,
                    lambda finished: finished.json["seconds"] / PEER_EPOCHS * epochs,
                    note="cloze: the whole program; the peer without loading libraries and model, "
                    f"{PEER_EPOCHS} epochs, scaled",
                ),
            },
            check,
        )
    ]


def configuration(model: Path, data: Path, output: Path, epochs: int) -> str:
    """The run of cloze."""
    return f"""
task = "text-classification"
output = {json.dumps(str(output))}
seed = 1

[model]
path = {json.dumps(str(model))}
freeze = "encoder"

[data]
train = {json.dumps(str(data))}
text = "text"
label = "label"
max_length = {MAX_LENGTH}

[head]
features = "cls"
hidden = []
dropout = 0.0

[train]
epochs = {epochs}
batch_size = {BATCH_SIZE}
learning_rate = {LEARNING_RATE}
schedule = {{ kind = "constant" }}
"""
