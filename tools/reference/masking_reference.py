"""What masking does in `transformers` 5.23, by its rates and shares, and how texts become blocks.

    make assets
    python tools/reference/masking_reference.py

prints, and writes to crates/cloze-data/tests/golden/masking.json, what
`DataCollatorForLanguageModeling` gives for fixed blocks of 128 tokens and many seeds. README.md beside
this script says what the keys are.

Token by token (`whole_word_mask=False`):
1. Every token is chosen with probability `mlm_probability`, each on its own; a special one never. What
   is special is the `special_tokens_mask` of the example. Where there is none, it is every id in
   `all_special_ids`, so [UNK] and a typed [MASK] too; the mask that a tokenizer returns
   (`return_special_tokens_mask=True`, as in `run_mlm.py`) only has the [CLS] and [SEP] that the template
   added and the padding, so that with it [UNK] can be chosen and is a target.
2. Every chosen token becomes [MASK] with probability `mask_replace_prob` (0.8), and of those that do not,
   a random one with `random_replace_prob / (1 - mask_replace_prob)` (0.1 of all chosen); the others stay.
   Each token is drawn for on its own.
3. The random id is drawn from the whole vocabulary, special and added tokens among them, the id that was
   there too.
A sequence in which no token is chosen has no target; nothing is added.

Word by word (`whole_word_mask=True`):
1. Words come from the examples' `offset_mapping`, not from `##` nor word ids: a token begins a word if it
   is not special and either the token before it is, or it does not start where that one ended. So a word
   is what stands between white space: `can't`, `half-heartedly,` with its comma, `3.5`, and in Chinese
   everything up to the next space, a whole sentence in the text of `chinese` that is not segmented. The
   first token of a sequence begins a word, also where a block was cut inside of one.
2. The first token of every word is chosen with probability `mlm_probability`, and with it the whole word.
3. All tokens of a chosen word become [MASK]: shares are not supported. If `mask_replace_prob` is below 1
   the collator warns and sets it to 1, and `random_replace_prob` to 0.
Padding does not reach `offset_mapping`, so all examples of a batch have to be of the same length.
(`DataCollatorForWholeWordMask`, which went by `##`, is gone.)

Blocks: `group_texts` of the Hugging Face course joins the tokenized texts, special tokens included, and
cuts `chunk_size` after `chunk_size`; what is left at the end is dropped. `Dataset.map` calls it for a
thousand texts at a time, so that there something is dropped after every thousand.
"""

import json
import math
import statistics
import warnings
from pathlib import Path

import numpy
import torch
import transformers
from transformers import AutoTokenizer, DataCollatorForLanguageModeling

import masking_corpus

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "crates/cloze-data/tests/golden/masking.json"
TOKENIZER = "minilm"
CHUNK_SIZE = 128
SEEDS = 2000
# How far, in standard errors of the difference of two means over `SEEDS` draws, a correct rate may be.
SIGMAS = 5
TOKEN_SETTINGS = [(0.15, 0.8, 0.1), (0.4, 0.5, 0.3), (0.15, 1.0, 0.0)]
WORD_RATES = [0.15, 0.2]
SHOWN_COLUMNS = ["special", "word_starts_by_offsets", "word_starts_by_pieces"]


def group_texts(texts: list[list[int]], chunk_size: int) -> list[list[int]]:
    """The course's function, for one column."""
    concatenated = sum(texts, [])
    total_length = (len(concatenated) // chunk_size) * chunk_size
    return [concatenated[i : i + chunk_size] for i in range(0, total_length, chunk_size)]


def blocks_of(tokenizer) -> list[dict]:
    """The corpus in blocks: for each the columns that the collator reads, and word ids."""
    encoded = tokenizer(masking_corpus.SENTENCES, padding=False, return_offsets_mapping=True)
    columns = {"input_ids": encoded["input_ids"], "offset_mapping": encoded["offset_mapping"]}
    columns["words"] = [encoded.word_ids(row) for row in range(len(masking_corpus.SENTENCES))]
    cut = {name: group_texts(column, CHUNK_SIZE) for name, column in columns.items()}
    return [dict(zip(cut, block)) for block in zip(*cut.values())]


def special_tokens(tokenizer, ids: list[int]) -> list[int]:
    """1 for each special token."""
    return tokenizer.get_special_tokens_mask(ids, already_has_special_tokens=True)


def word_starts(ids: list[int], offsets: list, special: list[int]) -> list[int]:
    """1 where a word begins for the collator."""
    offsets, special = numpy.array([offsets]), numpy.array([special])
    _, not_first = DataCollatorForLanguageModeling._calc_word_ids_and_prob_mask(offsets, special)
    return (~not_first[0]).astype(int).tolist()


def sub_word_starts(words: list[int | None], special: list[int]) -> list[int]:
    """1 where a token is not special and no `##` piece of the token before it."""
    before = [None, *words[:-1]]
    after_special = [1, *special[:-1]]
    starts = zip(words, before, special, after_special)
    return [int(not own and (word != last or follows)) for word, last, own, follows in starts]


def draw(tokenizer, blocks: list[dict], seed: int, **settings) -> dict[str, float]:
    """Rate and shares of one draw over all blocks."""
    collator = DataCollatorForLanguageModeling(tokenizer, seed=seed, **settings)
    columns = ["input_ids"] + (["offset_mapping"] if settings.get("whole_word_mask") else [])
    batch = collator([{column: block[column] for column in columns} for block in blocks])
    ids = torch.tensor([block["input_ids"] for block in blocks])
    special = torch.tensor([block["special"] for block in blocks]).bool()
    chosen = batch["labels"] != -100
    if (chosen & special).any() or not torch.equal(batch["labels"][chosen], ids[chosen]):
        raise AssertionError("a special token was chosen, or a target is not what was there")
    if not torch.equal(batch["input_ids"][~chosen], ids[~chosen]):
        raise AssertionError("a token changed that was not chosen")
    after = batch["input_ids"][chosen]
    masked, kept = after == tokenizer.mask_token_id, after == ids[chosen]
    found = {"token_rate": chosen.sum() / (~special).sum()}
    if settings.get("whole_word_mask"):
        starts = torch.tensor([block["word_starts_by_offsets"] for block in blocks]).bool()
        found["word_rate"] = (chosen & starts).sum() / starts.sum()
    shares = {"mask": masked, "kept": kept, "random": ~masked & ~kept}
    return {name: value.item() for name, value in (found | {k: v.float().mean() for k, v in shares.items()}).items()}


def measure(tokenizer, blocks: list[dict], **settings) -> dict:
    """Mean, standard deviation over seeds and tolerance of each number that `draw` gives."""
    with warnings.catch_warnings():
        # It says that shares of whole words are set to all [MASK], which is written down above.
        warnings.simplefilter("ignore")
        draws = [draw(tokenizer, blocks, seed, **settings) for seed in range(SEEDS)]
    found = {}
    for name in draws[0]:
        values = [one[name] for one in draws]
        deviation = statistics.stdev(values)
        found[name] = {
            "mean": statistics.fmean(values),
            "standard_deviation": deviation,
            "tolerance": SIGMAS * deviation * math.sqrt(2 / SEEDS),
        }
    return found


def check(found: dict, wanted: dict[str, float]) -> None:
    """Raise unless the means are what the settings say."""
    for name, value in wanted.items():
        measured = found[name]
        # A random token may be the one that was there, or [MASK]: less than 1 in 10,000.
        if abs(measured["mean"] - value) > measured["tolerance"] + 1e-4:
            raise AssertionError(f"{name} is {measured}, wanted {value}")


def token_masking(tokenizer, blocks: list[dict]) -> list[dict]:
    """Measurements token by token."""
    entries = []
    for rate, mask, random in TOKEN_SETTINGS:
        found = measure(
            tokenizer, blocks, mlm_probability=rate, mask_replace_prob=mask, random_replace_prob=random
        )
        kept = 1 - mask - random
        check(found, {"token_rate": rate, "mask": mask, "random": random, "kept": kept})
        entries.append({"rate": rate, "shares": [mask, random, round(kept, 12)], "measured": found})
    return entries


def whole_word_masking(tokenizer, blocks: list[dict]) -> list[dict]:
    """Measurements word by word."""
    entries = []
    for rate in WORD_RATES:
        found = measure(tokenizer, blocks, mlm_probability=rate, whole_word_mask=True)
        check(found, {"token_rate": rate, "word_rate": rate, "mask": 1.0, "random": 0.0, "kept": 0.0})
        entries.append({"rate": rate, "shares": [1.0, 0.0, 0.0], "measured": found})
    return entries


def chinese_words(tokenizer) -> list[dict]:
    """Where words begin for the collator in a Chinese text, as it is and segmented."""
    entries = []
    for text in masking_corpus.CHINESE:
        encoded = tokenizer(text, return_offsets_mapping=True)
        ids = encoded["input_ids"]
        special = special_tokens(tokenizer, ids)
        starts = word_starts(ids, encoded["offset_mapping"], special)
        entries.append({"text": text, "ids": ids, "special": special, "word_starts_by_offsets": starts})
    return entries


def block_counts(tokenizer) -> dict:
    """Texts of known length, and the blocks that they become."""
    texts = [masking_corpus.text_of(length) for length in masking_corpus.TEXT_LENGTHS]
    ids = tokenizer(texts, padding=False)["input_ids"]
    if [len(row) for row in ids] != masking_corpus.TEXT_LENGTHS:
        raise AssertionError(f"texts have {[len(row) for row in ids]} tokens, wanted {masking_corpus.TEXT_LENGTHS}")
    total = sum(masking_corpus.TEXT_LENGTHS)
    counts = []
    for chunk_size in (16, 100, 128, 256, 512, total, total + 1):
        blocks = group_texts(ids, chunk_size)
        counts.append({"chunk_size": chunk_size, "blocks": len(blocks), "dropped": total - chunk_size * len(blocks)})
    return {
        "texts": texts,
        "lengths": masking_corpus.TEXT_LENGTHS,
        "counts": counts,
        "ids": group_texts(ids, CHUNK_SIZE),
    }


def load(name: str):
    """A tokenizer of assets/ that does not pad."""
    return AutoTokenizer.from_pretrained(ROOT / "assets" / name)


def main() -> None:
    tokenizer = load(TOKENIZER)
    blocks = blocks_of(tokenizer)
    for block in blocks:
        ids = block["input_ids"]
        block["special"] = special_tokens(tokenizer, ids)
        block["word_starts_by_offsets"] = word_starts(ids, block["offset_mapping"], block["special"])
        block["word_starts_by_pieces"] = sub_word_starts(block.pop("words"), block["special"])
    golden = {
        "transformers": transformers.__version__,
        "tokenizer": TOKENIZER,
        "seeds": SEEDS,
        "texts": masking_corpus.SENTENCES,
        "blocks": [
            {"ids": block["input_ids"], **{column: block[column] for column in SHOWN_COLUMNS}} for block in blocks
        ],
        "token_masking": token_masking(tokenizer, blocks),
        "whole_word_masking": whole_word_masking(tokenizer, blocks),
        "chinese": {"tokenizer": "vocab-zh", "cases": chinese_words(load("vocab-zh"))},
        "group_texts": block_counts(tokenizer),
    }
    FILE.write_text(json.dumps(golden, ensure_ascii=True, separators=(",", ":")) + "\n")
    shown = {key: golden[key] for key in ("token_masking", "whole_word_masking")}
    print(json.dumps(shown | {"group_texts": golden["group_texts"]["counts"]}, indent=1))
    print(f"{FILE.name}: {len(blocks)} blocks, {FILE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
