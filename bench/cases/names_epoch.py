"""Token classification, BERT-base size: an epoch over 300 lines of the People's Daily, batches of 16.

Both sides get the same lines in the same random order; the other side pads each batch with the collator
of `transformers`.
"""

from statistics import mean, median

from batches import CLS, SEP, ordered_batches, random_tagged_batches
from cases import same_losses
from lengths import length_stratified, shuffled
from measurement import Comparison, Finished, Side, run
from settings import ASSETS, Settings

NAME = "names-epoch"
ROUNDS = 3
MODEL, VOCAB_SIZE = "bert-base-zh-names", 21_128
LINES, BATCH_SIZE, MAX_LENGTH = 300, 16, 512
CONVERTER = ASSETS.parent / "tools/assets/peoples_daily.py"
NOT_LABELLED = -100


def prepare(settings: Settings) -> list[Comparison]:
    """Both sides take their steps from the same weights."""
    same_losses.check(settings, MODEL, VOCAB_SIZE, same_losses.TAGS)
    model = settings.model(MODEL)
    ids, labels = sentences(settings)
    lengths = list(map(len, ids))
    rows = length_stratified(lengths, 32 if settings.quick else LINES)
    ids, labels = [ids[row] for row in rows], [labels[row] for row in rows]
    lengths = list(map(len, ids))
    settings.report(
        {
            "sample": "People's Daily",
            "lines": len(ids),
            "mean_tokens": round(mean(lengths), 1),
            "median_tokens": median(lengths),
        }
    )
    batches = settings.folder / f"{NAME}.json"
    ordered_batches(batches, ids, labels, shuffled(len(ids)), BATCH_SIZE)
    inputs = ["--model", model, "--batches", batches, "--warmup", 1 if settings.quick else 2]
    return [
        Comparison(
            f"token classification, one epoch over {len(ids)} lines of the People's Daily, BERT-base size",
            "s",
            {
                "cloze": Side(settings.cloze("token_step", *inputs), an_epoch),
                "transformers": Side(settings.peer("transformers_token_steps", *inputs), an_epoch),
            },
        )
    ]


def sentences(settings: Settings) -> tuple[list[list[int]], list[list[int]]]:
    """Ids and label ids of all lines, with the special tokens; a character is a token."""
    folder = settings.folder / "peoples-daily"
    file = folder / "ner.conll"
    if not file.exists():
        run(["python3", str(CONVERTER), str(ASSETS / "data/peoples-daily.txt"), str(folder)], settings.environment)
    words = (ASSETS / "vocab-zh/vocab.txt").read_text(encoding="utf-8").splitlines()
    known = {word: index for index, word in enumerate(words)}
    ids, labels = [], []
    names = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG"]
    for sentence in file.read_text(encoding="utf-8").strip("\n").split("\n\n"):
        pairs = [line.split("\t") for line in sentence.split("\n")][: MAX_LENGTH - 2]
        characters = [known.get(character, known["[UNK]"]) for character, _ in pairs]
        ids.append([CLS, *characters, SEP])
        labels.append([NOT_LABELLED, *(names.index(tag) for _, tag in pairs), NOT_LABELLED])
    return ids, labels


def an_epoch(finished: Finished) -> float:
    """Seconds of all timed steps."""
    return sum(finished.json["seconds"])
