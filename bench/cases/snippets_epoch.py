"""One epoch of MiniLM over English movie snippets, batches of 16 in random order."""

from batches import encode, ordered_batches
from cases import same_losses
from lengths import shuffled
from measurement import Comparison, Finished, Side
from rows import read_rows
from settings import SNIPPETS, Settings

NAME = "snippets-epoch"
ROUNDS = 3
TEXTS = 8_484
BATCH_SIZE = 16
MAX_LENGTH = 128


def prepare(settings: Settings) -> list[Comparison]:
    """Both sides get the same batches; the peer pads each to its longest text."""
    same_losses.check(settings, "minilm", 30_522)
    model = settings.model("minilm")
    texts, names = read_rows(SNIPPETS)
    rows = shuffled(len(texts))[: 64 if settings.quick else TEXTS]
    ids = encode(model, [texts[row] for row in rows], MAX_LENGTH)
    known = sorted(set(names))
    labels = [known.index(names[row]) for row in rows]
    batches = settings.folder / f"{NAME}.json"
    ordered_batches(batches, ids, labels, list(range(len(rows))), BATCH_SIZE)
    inputs = ["--model", model, "--batches", batches, "--warmup", 2]

    def an_epoch(finished: Finished) -> float:
        return sum(finished.json["seconds"])

    return [
        Comparison(
            f"one epoch over {len(rows):,} movie snippets, MiniLM",
            "s",
            {
                "cloze": Side(settings.cloze("train_step", *inputs), an_epoch),
                "transformers": Side(settings.peer("transformers_steps", *inputs), an_epoch),
            },
        )
    ]
