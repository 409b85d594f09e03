"""Fine-tunes a text classifier with `transformers`, under the settings of a cloze configuration.

The same weights, rows, batch size, schedule, weight decay and clipping; what differs is the order of
the rows, the new head's first weights and the dropout, which are random on both sides.
"""

import random
import tomllib
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForSequenceClassification, AutoTokenizer

EVALUATION_BATCH = 64


@dataclass
class Recipe:
    """The settings that both sides share."""

    model: str
    data: Path
    text: str
    label: str
    max_length: int
    epochs: int
    batch_size: int
    learning_rate: float
    warmup: float

    @classmethod
    def read(cls, config: Path) -> "Recipe":
        """Read a configuration of cloze; only a linear schedule is known here."""
        content = tomllib.loads(config.read_text())
        data, train = content["data"], content["train"]
        if train["schedule"]["kind"] != "linear" or "head" in content or "optimizer" in content:
            raise SystemExit(f"{config}: wanted a linear schedule, and no [head] or [optimizer]")
        return cls(
            content["model"]["path"],
            Path(data["train"]),
            data["text"],
            data["label"],
            data["max_length"],
            train["epochs"],
            train["batch_size"],
            train["learning_rate"],
            train["schedule"]["warmup"],
        )


def without_decay(name: str) -> bool:
    """Whether weight decay leaves a parameter alone: biases and LayerNorm weights."""
    return name.endswith("bias") or "LayerNorm" in name or "layer_norm" in name


def optimizer_of(model: torch.nn.Module, learning_rate: float) -> torch.optim.Optimizer:
    """PyTorch's fused AdamW with its own defaults, and no decay on biases and LayerNorm."""
    decayed = [p for name, p in model.named_parameters() if not without_decay(name)]
    others = [p for name, p in model.named_parameters() if without_decay(name)]
    groups = [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=learning_rate, fused=True)


class Rows:
    """Encoded texts with label ids, and batches of them padded to their longest."""

    def __init__(self, tokenizer, texts: list[str], labels: list[int], max_length: int):
        encoded = tokenizer(texts, truncation=True, max_length=max_length)
        self.encoded = [dict(zip(encoded, row)) for row in zip(*encoded.values())]
        self.labels = labels
        self.tokenizer = tokenizer

    def batch(self, rows: list[int]) -> dict[str, torch.Tensor]:
        """Model inputs of the rows, each `[batch, seq]`, and their labels `[batch]`."""
        inputs = self.tokenizer.pad([self.encoded[row] for row in rows], return_tensors="pt")
        return {**inputs, "labels": torch.tensor([self.labels[row] for row in rows])}


@torch.inference_mode()
def predict(model: torch.nn.Module, rows: Rows, wanted: list[int]) -> list[int]:
    """The most likely label id of each wanted row, in their order."""
    model.eval()
    by_length = sorted(range(len(wanted)), key=lambda place: len(rows.encoded[wanted[place]]["input_ids"]))
    found = [0] * len(wanted)
    for start in range(0, len(by_length), EVALUATION_BATCH):
        places = by_length[start : start + EVALUATION_BATCH]
        inputs = rows.batch([wanted[place] for place in places])
        inputs.pop("labels")
        for place, label in zip(places, model(**inputs).logits.argmax(dim=-1).tolist()):
            found[place] = label
    return found


def fine_tune(
    recipe: Recipe, texts: list[str], labels: list[str], splits: dict[str, list[int]], seed: int
) -> tuple[list[str], list[float]]:
    """Labels of the test rows by the epoch with the best validation accuracy; those accuracies."""
    transformers.set_seed(seed)
    names = sorted(set(labels))
    tokenizer = AutoTokenizer.from_pretrained(recipe.model)
    model = AutoModelForSequenceClassification.from_pretrained(recipe.model, num_labels=len(names))
    rows = Rows(tokenizer, texts, [names.index(label) for label in labels], recipe.max_length)
    optimizer = optimizer_of(model, recipe.learning_rate)
    order = list(splits["train"])
    steps = recipe.epochs * -(-len(order) // recipe.batch_size)
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, round(recipe.warmup * steps), steps)
    shuffler = random.Random(seed)

    best, predictions, history = -1.0, [], []
    for _ in range(recipe.epochs):
        model.train()
        shuffler.shuffle(order)
        for start in range(0, len(order), recipe.batch_size):
            model(**rows.batch(order[start : start + recipe.batch_size])).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        found = predict(model, rows, splits["validation"])
        right = sum(rows.labels[row] == label for row, label in zip(splits["validation"], found))
        history.append(right / len(found))
        if history[-1] > best:
            best = history[-1]
            predictions = [names[label] for label in predict(model, rows, splits["test"])]
    return predictions, history
