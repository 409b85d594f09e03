"""Training over Chinese reviews of very different length, BERT-base size, batches of 16.

cloze gets the batches in random order, and three ways of the other side stand beside it: every text
padded to 500 tokens, as tutorials do; each batch padded to its longest text; and batches of texts of
similar length, padded so too.
"""

from batches import ordered_batches
from cases import same_losses
from cases.review_sample import BATCH_SIZE, MAX_LENGTH, sample
from lengths import length_grouped, length_stratified, shuffled
from measurement import Comparison, Finished, Side
from settings import Settings

NAME = "reviews-epoch"
ROUNDS = 3


def prepare(settings: Settings) -> list[Comparison]:
    """All sides start from the same weights and see the same texts."""
    same_losses.check(settings, "bert-base-zh", 21_128)
    model = settings.model("bert-base-zh")
    reviews = sample(settings, model)
    count = len(reviews.ids)
    # Padded to 500, every batch costs the same, so a few of them tell what all would cost.
    few = length_stratified(reviews.lengths, 16 if settings.quick else min(96, count))

    def side(ordering: list[int], name: str, program: str, *more: object, warmup: int = 2, **keys) -> Side:
        file = settings.folder / f"{NAME}-{name}.json"
        ordered_batches(file, reviews.ids, reviews.labels, ordering, BATCH_SIZE)
        inputs = ["--model", model, "--batches", file, "--warmup", warmup, *more]
        start = settings.cloze if program == "train_step" else settings.peer
        return Side(start(program, *inputs), per_thousand(len(ordering)), **keys)

    random_order = shuffled(count)
    grouped = length_grouped(reviews.lengths, BATCH_SIZE, reviews.drawn_from)
    peer = "transformers_steps"
    return [
        Comparison(
            f"training, {count} Chinese reviews, BERT-base size",
            "s per 1,000 texts",
            {
                "cloze": side(random_order, "random", "train_step"),
                "padded in each batch": side(random_order, "random", peer),
                "grouped by length": side(grouped, "grouped", peer),
                "padded to 500": side(
                    few,
                    "few",
                    peer,
                    "--pad-to",
                    MAX_LENGTH,
                    warmup=1,
                    turns=1,
                    note=f"one turn over {len(few)} of the texts, scaled: each batch costs the same",
                ),
            },
        )
    ]


def per_thousand(texts: int):
    """Seconds of all timed steps over `texts` texts, as for 1,000."""

    def figure(finished: Finished) -> float:
        return sum(finished.json["seconds"]) / texts * 1000

    return figure
