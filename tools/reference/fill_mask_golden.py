"""Golden files of filling in masks: what the fill-mask pipeline of `transformers` gives.

    make assets
    python tools/reference/fill_mask_golden.py

writes crates/cloze-infer/tests/golden/fill_mask/{tiny,bert-tiny,roberta,electra}.json: `model`, the folder from the
root of the repository, and `cases` with `text`, `top_k`, `targets` (the words asked for, or null),
`target_ids` (the tokens that they stand for) and `output` as the pipeline returns it: for one mask a
list of `score`, `token`, `token_str` and `sequence`, best first, for several a list of such lists.

`score` is the softmax over the whole vocabulary, with `targets` too: they choose, and nothing is
divided again. A target that is no token stands for the first token that it is split into. `sequence`
is decoded without special tokens when there is one mask, with them when there are several, since the
other masks stay in it.
"""

import json
import math
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForMaskedLM, AutoTokenizer, BertTokenizer, pipeline

import tiny_masked_lms

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "crates/cloze-infer/tests/golden/fill_mask"
TINY = "crates/cloze-model/tests/golden/masked_lm/bert"
BERT_TINY = "assets/bert-tiny"
ROBERTA = "crates/cloze-model/tests/golden/masked_lm/roberta"
ELECTRA = "crates/cloze-model/tests/golden/masked_lm/electra"
# Scores closer than this, relatively, could change places by rounding.
LEAST_GAP = 1e-3

# Text, top_k (null: the pipeline's own 5), targets.
Case = tuple[str, int | None, list[str] | None]
TINY_CASES: list[Case] = [
    ("the cat sat on the [MASK].", None, None),
    ("The [MASK] film is very good!", None, None),
    ("[MASK]", None, None),
    ("we walked[MASK]to the zebra", None, None),
    ("我爱[MASK]国，天气good。", None, None),
    ("[MASK] sat on [MASK] mat", None, None),
    ("he [MASK] [MASK] [MASK], and she isn't undoing it", 3, None),
    ("the cat sat on the [MASK].", 1, None),
    ("the cat sat on the [MASK].", 61, None),
    ("the cat sat on the [MASK].", None, ["cat", "dog", "mat"]),
    ("the cat sat on the [MASK].", 2, ["cat", "dog", "mat", "##ing"]),
    ("the cat sat on the [MASK].", None, ["playing", "Dog", "dog", "play"]),
    ("[MASK] sat on [MASK] mat", None, ["the", "a", "film"]),
]
# The mask takes the spaces before it; fillings have them or not.
ROBERTA_CASES: list[Case] = [
    ("the cat sat on the <mask>.", None, None),
    ("the cat sat on the<mask>.", None, None),
    ("<mask>", None, None),
    ("  <mask>, I love it", None, None),
    ("我爱<mask>，天气", None, None),
    ("<mask> dog <mask> it", None, None),
    ("walked <mask>  <mask> <mask>", 3, None),
    ("the cat <mask>.", 1, None),
    ("the cat sat on the <mask>.", 12, None),
    ("the cat <mask>.", None, ["\u0120the", "\u0120dog", "cat"]),
    ("the cat <mask>.", 2, ["playing", "\u0120walked", "dog", "zebra"]),
]
BERT_TINY_CASES: list[Case] = [
    ("Paris is the [MASK] of France.", None, None),
    ("The capital of France is [MASK].", None, None),
    ("She opened the [MASK] and walked into the room.", None, None),
    ("He was born in [MASK] and grew up in London.", None, None),
    ("The film was so [MASK] that I fell asleep.", None, None),
    ("I would like a cup of [MASK], please.", None, None),
    ("It's raining, so don't forget your [MASK]!", None, None),
    ("The [MASK] of the company said that profits fell in 2008.", None, None),
    ("Two plus two [MASK] four.", None, None),
    ("The Café on 3rd Street wasn't [MASK] (it closed in May).", None, None),
    ("A big [MASK] barked at the [MASK].", None, None),
    ("[MASK] [MASK] is the president of the united states.", 3, None),
    ("The film was so [MASK] that I fell asleep.", None, ["good", "bad", "boring"]),
    ("The film was so [MASK] that I fell asleep.", 2, ["good", "bad", "long", "unwatchable"]),
    ("A big [MASK] barked at the [MASK].", None, ["dog", "cat", "man"]),
]


def check_order(case: Case, filler, target_ids: list[int] | None) -> None:
    """Raise when scores at the border or inside of the list are too close to be told apart."""
    text, top_k, targets = case
    count = len(target_ids) if target_ids else len(filler.tokenizer)
    shown = min(top_k or 5, count)
    found = filler(text, top_k=min(shown + 1, count), targets=targets)
    for row in found if isinstance(found[0], list) else [found]:
        for first, second in zip(row, row[1:]):
            if first["score"] < second["score"] * (1 + LEAST_GAP):
                raise AssertionError(f"{text!r}: {first} and {second} are too close")


def run(filler, case: Case) -> dict:
    """What the pipeline gives for a case."""
    text, top_k, targets = case
    target_ids = None if targets is None else sorted(filler.get_target_ids(targets).tolist())
    options = ({} if top_k is None else {"top_k": top_k}) | ({} if targets is None else {"targets": targets})
    output = filler(text, **options)
    check_order(case, filler, target_ids)
    return {"text": text, "top_k": top_k or 5, "targets": targets, "target_ids": target_ids, "output": output}


def write(name: str, folder: str, filler, cases: list[Case]) -> None:
    """Write the golden file of a model."""
    golden = {"model": folder, "cases": [run(filler, case) for case in cases]}
    scores = [entry["score"] for case in golden["cases"] for entry in flat(case["output"])]
    if not all(math.isfinite(score) and 0 < score < 1 for score in scores):
        raise AssertionError(f"{name}: a score is no probability")
    file = GOLDEN / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(golden, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{file.name}: {len(cases)} cases, {file.stat().st_size} bytes")


def flat(output: list) -> list[dict]:
    """The entries for all masks of a text."""
    return [entry for part in output for entry in (part if isinstance(part, list) else [part])]


def tiny():
    """The pipeline with the tiny BERT of the masked-LM golden files."""
    tokenizer = BertTokenizer(
        {token: index for index, token in enumerate(tiny_masked_lms.VOCABULARY)},
        **{key: value for key, value in tiny_masked_lms.TOKENIZER.items() if key != "tokenizer_class"},
    )
    return pipeline("fill-mask", model=tiny_masked_lms.bert(), tokenizer=tokenizer, device="cpu")


def of_folder(folder: str):
    """The pipeline with a model of the masked-LM golden files."""
    return pipeline("fill-mask", model=str(ROOT / folder), device="cpu")


def bert_tiny():
    """The pipeline with the real BERT-tiny."""
    folder = ROOT / BERT_TINY
    model, report = AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    if report["missing_keys"]:
        raise AssertionError(f"{folder} lacks {report['missing_keys']}")
    return pipeline("fill-mask", model=model, tokenizer=AutoTokenizer.from_pretrained(folder), device="cpu")


def main() -> None:
    transformers.utils.logging.disable_progress_bar()
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    write("tiny", TINY, tiny(), TINY_CASES)
    write("roberta", ROBERTA, of_folder(ROBERTA), ROBERTA_CASES)
    write("electra", ELECTRA, of_folder(ELECTRA), TINY_CASES[:10])
    write("bert-tiny", BERT_TINY, bert_tiny(), BERT_TINY_CASES)


if __name__ == "__main__":
    main()
