"""Trains with `transformers` on examples that `cloze data --json` printed, whatever the task.

The same ids, weights, batch size, schedule, weight decay and clipping; what differs is the order of
the rows, the new head's first weights and the dropout, which are random on both sides.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from transformers import (
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
)

from transformers_fine_tune import EVALUATION_BATCH, optimizer_of

NOT_LABELLED = -100
# Batches whose rows are sorted by length together: less padding.
POOL_BATCHES = 50
# That of cloze, whatever the checkpoint was stored as.
PRECISION = torch.float32

Example = dict[str, Any]
Batch = dict[str, torch.Tensor]


@dataclass
class Settings:
    """What both sides share."""

    model: str
    epochs: int
    batch_size: int
    learning_rate: float
    warmup: float


@dataclass
class Kind:
    """What a task is made of in `transformers`."""

    model: Callable[[str, list[str]], torch.nn.Module]
    """From a checkpoint's folder and the names of the labels."""
    targets: Callable[[list[Example], list[str], int], torch.Tensor]
    """`labels` of a batch that is padded to the length."""
    loss: Callable[[Any, torch.Tensor, torch.Tensor | None], torch.Tensor]
    """Of the model's output and labels, with weights of the positive ones where there are any."""
    predictions: Callable[[torch.Tensor, list[Example], list[str]], list] | None
    """One an example; none where an answer is found in several of them."""


@dataclass
class Judge:
    """How what a model says about a split is judged."""

    score: Callable[[list, str], float]
    """Of the predictions for a split's rows."""
    answers: Callable[[torch.nn.Module, str], list] | None = None
    """Predictions for a split's rows, where they are not those for its examples one by one."""


def label_of(names: list[str]) -> dict[str, int]:
    """The id of every label."""
    return {name: index for index, name in enumerate(names)}


def class_targets(examples: list[Example], names: list[str], _: int) -> torch.Tensor:
    """`[batch]`."""
    ids = label_of(names)
    return torch.tensor([ids[example["label"]] for example in examples])


def multi_label_targets(examples: list[Example], names: list[str], _: int) -> torch.Tensor:
    """`[batch, labels]`, 0 or 1."""
    return torch.tensor([[float(name in example["labels"]) for name in names] for example in examples])


def tag_targets(examples: list[Example], _: list[str], length: int) -> torch.Tensor:
    """`[batch, seq]`."""
    padded = [example["labels"] + [NOT_LABELLED] * (length - len(example["labels"])) for example in examples]
    return torch.tensor(padded)


def span_targets(examples: list[Example], _: list[str], __: int) -> torch.Tensor:
    """`[batch, 2]`, the places of the first and the last token."""
    return torch.tensor([[example["start_position"], example["end_position"]] for example in examples])


def cross_entropy(output: Any, targets: torch.Tensor, _: torch.Tensor | None) -> torch.Tensor:
    """Mean over what is labelled."""
    logits = output.logits.flatten(0, -2)
    return torch.nn.functional.cross_entropy(logits, targets.flatten(), ignore_index=NOT_LABELLED)


def binary_cross_entropy(output: Any, targets: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor:
    """Mean over all labels of all texts."""
    return torch.nn.functional.binary_cross_entropy_with_logits(output.logits, targets, pos_weight=weights)


def span_cross_entropy(output: Any, targets: torch.Tensor, _: torch.Tensor | None) -> torch.Tensor:
    """Half of it of the starts and half of the ends."""
    starts, ends = targets.unbind(dim=-1)
    entropy = torch.nn.functional.cross_entropy
    return (entropy(output.start_logits, starts) + entropy(output.end_logits, ends)) / 2


def class_predictions(logits: torch.Tensor, examples: list[Example], names: list[str]) -> list[str]:
    """The likeliest label."""
    return [names[label] for label in logits.argmax(dim=-1).tolist()]


def multi_label_predictions(logits: torch.Tensor, examples: list[Example], names: list[str]) -> list[list[str]]:
    """Every label with a probability of 0.5 or more."""
    return [[name for name, logit in zip(names, row) if logit >= 0] for row in logits.tolist()]


def tag_predictions(logits: torch.Tensor, examples: list[Example], names: list[str]) -> list[list[str]]:
    """The likeliest tag of every labelled token."""
    found = logits.argmax(dim=-1).tolist()
    return [
        [names[tag] for tag, label in zip(row, example["labels"]) if label != NOT_LABELLED]
        for row, example in zip(found, examples)
    ]


def sequence_model(path: str, names: list[str]) -> torch.nn.Module:
    """A checkpoint with a head for a label, or several, of a whole text."""
    return AutoModelForSequenceClassification.from_pretrained(path, num_labels=len(names), dtype=PRECISION)


def token_model(path: str, names: list[str]) -> torch.nn.Module:
    """A checkpoint with a head for a label of every token."""
    return AutoModelForTokenClassification.from_pretrained(path, num_labels=len(names), dtype=PRECISION)


def span_model(path: str, _: list[str]) -> torch.nn.Module:
    """A checkpoint with a head for the start and the end of an answer."""
    return AutoModelForQuestionAnswering.from_pretrained(path, dtype=PRECISION)


KINDS = {
    "text-classification": Kind(sequence_model, class_targets, cross_entropy, class_predictions),
    "multi-label": Kind(sequence_model, multi_label_targets, binary_cross_entropy, multi_label_predictions),
    "token-classification": Kind(token_model, tag_targets, cross_entropy, tag_predictions),
    "question-answering": Kind(span_model, span_targets, span_cross_entropy, None),
}


def inputs_of(examples: list[Example]) -> Batch:
    """Ids, types and attention mask, each `[batch, seq]`, padded to the longest; `[PAD]` is 0."""
    longest = max(len(example["input_ids"]) for example in examples)

    def padded(rows: list[list[int]]) -> torch.Tensor:
        return torch.tensor([row + [0] * (longest - len(row)) for row in rows])

    return {
        "input_ids": padded([example["input_ids"] for example in examples]),
        "token_type_ids": padded([example["token_type_ids"] for example in examples]),
        "attention_mask": padded([[1] * len(example["input_ids"]) for example in examples]),
    }


def batches_of(examples: list[Example], size: int, shuffler: random.Random) -> list[list[Example]]:
    """All examples in a random order, with neighbours of like length in a batch."""
    order = list(examples)
    shuffler.shuffle(order)
    pool = POOL_BATCHES * size
    pools = [order[start : start + pool] for start in range(0, len(order), pool)]
    ordered = [sorted(rows, key=lambda example: len(example["input_ids"])) for rows in pools]
    batches = [rows[start : start + size] for rows in ordered for start in range(0, len(rows), size)]
    shuffler.shuffle(batches)
    return batches


@torch.inference_mode()
def predict(kind: Kind, model: torch.nn.Module, examples: list[Example], names: list[str]) -> list:
    """What the model says about each example, in their order."""
    by_length = sorted(range(len(examples)), key=lambda place: len(examples[place]["input_ids"]))
    found: list = [None] * len(examples)
    for start in range(0, len(by_length), EVALUATION_BATCH):
        places = by_length[start : start + EVALUATION_BATCH]
        batch = [examples[place] for place in places]
        logits = model(**inputs_of(batch)).logits
        for place, prediction in zip(places, kind.predictions(logits, batch, names)):
            found[place] = prediction
    return found


def train(
    task: str,
    settings: Settings,
    splits: dict[str, list[Example]],
    names: list[str],
    judge: Judge,
    positive_weights: list[float] | None,
    seed: int,
) -> list:
    """Predictions for the test rows by the epoch whose score is best on the validation ones."""
    transformers.set_seed(seed)
    kind = KINDS[task]
    weights = None if positive_weights is None else torch.tensor(positive_weights)
    model = kind.model(settings.model, names)
    optimizer = optimizer_of(model, settings.learning_rate)
    steps = settings.epochs * -(-len(splits["train"]) // settings.batch_size)
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, round(settings.warmup * steps), steps)
    shuffler = random.Random(seed)

    def say(model: torch.nn.Module, split: str) -> list:
        model.eval()
        if judge.answers is not None:
            return judge.answers(model, split)
        return predict(kind, model, splits[split], names)

    best, predictions = -1.0, []
    for _ in range(settings.epochs):
        model.train()
        for batch in batches_of(splits["train"], settings.batch_size, shuffler):
            inputs = inputs_of(batch)
            targets = kind.targets(batch, names, inputs["input_ids"].shape[1])
            kind.loss(model(**inputs), targets, weights).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        reached = judge.score(say(model, "validation"), "validation")
        if reached > best:
            best = reached
            predictions = say(model, "test")
    return predictions
