"""Golden file of the tokenizers of RoBERTa and XLM-RoBERTa, as `tokenizer_golden.py` makes it of BERT's.

    python tools/reference/roberta_tokenizer_golden.py

writes crates/cloze-data/tests/fixtures/{byte-level,byte-level-files} and
crates/cloze-data/tests/golden/roberta_tokenizers.json. There, `tokenizers` says of each which of the
fixtures it is made of, and which small files stand beside it; the rest is as in `tokenizer.json`.
"""

import json
import shutil
import tempfile
from pathlib import Path

from transformers import AutoTokenizer

import tiny_tokenizers
from tokenizer_golden import CHINESE, ENGLISH, encode, pair_case, text_case

TESTS = Path(__file__).resolve().parents[2] / "crates/cloze-data/tests"
FILE = TESTS / "golden/roberta_tokenizers.json"
ROBERTA, XLM_ROBERTA = '{"model_type": "roberta"}', '{"model_type": "xlm-roberta"}'
TOKENIZERS = {
    "byte-level": {"folder": "byte-level", "files": {"config.json": ROBERTA}},
    "unigram": {"folder": "unigram", "files": {"config.json": XLM_ROBERTA}},
    # What tokenizer_config.json says goes before tokenizer.json, and so does what it leaves out.
    "space before the first word": {
        "folder": "byte-level",
        "files": {"tokenizer_config.json": '{"tokenizer_class": "RobertaTokenizer", "add_prefix_space": true}'},
    },
    "offsets with spaces": {
        "folder": "byte-level",
        "files": {"tokenizer_config.json": '{"tokenizer_class": "RobertaTokenizerFast", "trim_offsets": false}'},
    },
    "tokenizer.json as it is": {
        "folder": "byte-level",
        "files": {"tokenizer_config.json": '{"tokenizer_class": "PreTrainedTokenizerFast", "mask_token": "<mask>"}'},
    },
    "vocabulary and merges": {"folder": "byte-level-files", "files": {"config.json": ROBERTA}},
    "vocabulary and merges, cased mask": {
        "folder": "byte-level-files",
        "files": {
            "config.json": ROBERTA,
            "tokenizer_config.json": json.dumps(
                {
                    "tokenizer_class": "RobertaTokenizer",
                    "added_tokens_decoder": {
                        "399": {
                            "content": "<mask>",
                            "lstrip": True,
                            "rstrip": False,
                            "single_word": False,
                            "normalized": False,
                            "special": True,
                        }
                    },
                }
            ),
        },
    },
}
COMPLETE = ("byte-level", "unigram")
OWN = [
    "The capital of France is <mask>.",
    "<mask>",
    "  <mask>  <mask>x<mask>\u3000<mask>",
    "<s> typed </s> by hand <pad> <unk>",
    " leading and trailing  ",
    "two  spaces   three\n\nlines\t\ttabs",
    "我爱 中国，in 2023年 天气真好😀😀",
    "é e\u0301 ä a\u0308 Ａ１（ﬁ）…½²\u3000\u00a0\u200bx",
    "don't we're I'M it's 'quoted' ''",
    "𠀀天𠀀 👩‍👩‍👧 ❤️",
]
WORDS = [
    ["EU", "rejects", "German", "call", "to", "boycott", "British", "lamb", "."],
    ["naïve", "cafés", "", " ", "don't", "😀", "新冠病毒", " x", "y ", "e\u0301e\u0301"],
]
LONG = "The cat sat on the mat, 我爱中国 naïvely. " * 2
PAIRS = [
    ("The capital of France", "is Paris.", 128, "longest_first", 0),
    (LONG, None, 16, "longest_first", 4),
    (LONG, None, 16, "only_first", 0),
    (LONG, "is Paris?", 24, "only_first", 2),
    ("is Paris?", LONG, 24, "only_second", 5),
    (LONG, LONG, 24, "longest_first", None),
    (LONG, LONG, 4, "longest_first", None),
    ("", LONG, 10, "longest_first", 2),
]


def fixtures() -> None:
    """The tokenizer as one file, and as the two of old."""
    tokenizer = tiny_tokenizers.byte_level()
    for name in ("byte-level", "byte-level-files"):
        shutil.rmtree(TESTS / "fixtures" / name, ignore_errors=True)
        (TESTS / "fixtures" / name).mkdir(parents=True)
    backend = json.loads(tokenizer.backend_tokenizer.to_str())
    # What the file says of a space before the first word is not what decides.
    backend["pre_tokenizer"]["add_prefix_space"] = True
    backend["post_processor"]["add_prefix_space"] = True
    text = json.dumps(backend, ensure_ascii=False, indent=1)
    (TESTS / "fixtures/byte-level/tokenizer.json").write_text(text + "\n", encoding="utf-8")
    model = backend["model"]
    vocabulary = json.dumps(model["vocab"], ensure_ascii=False, indent=0)
    (TESTS / "fixtures/byte-level-files/vocab.json").write_text(vocabulary + "\n", encoding="utf-8")
    merges = "".join(f"{first} {second}\n" for first, second in model["merges"])
    (TESTS / "fixtures/byte-level-files/merges.txt").write_text(f"#version: 0.2\n{merges}", encoding="utf-8")


def load(settings: dict):
    """The tokenizer of `transformers` that a folder with these files gives."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "tokenizer"
        shutil.copytree(TESTS / "fixtures" / settings["folder"], folder)
        for name, text in settings["files"].items():
            (folder / name).write_text(text)
        return AutoTokenizer.from_pretrained(folder)


def untyped(windows: list) -> None:
    """Set the token types to 0: the model is given none. (Asked for them, the library tells the second texts
    of some windows apart.)"""
    for window in windows:
        for column in window:
            column[1] = 0


def main() -> None:
    fixtures()
    tokenizers = {name: load(settings) for name, settings in TOKENIZERS.items()}
    golden = {"tokenizers": TOKENIZERS, "texts": [], "words": [], "pairs": []}
    for name, tokenizer in tokenizers.items():
        texts = [*ENGLISH, *CHINESE, *OWN] if name in COMPLETE else OWN
        cases = [text_case(name, tokenizer, text) for text in texts]
        for case in cases:
            # There a special token has the spaces before it that it has taken, and one that is not known
            # is its text.
            unknown = any(column[0] == tokenizer.unk_token_id for column in case["windows"][0])
            if "<mask>" in case["text"] or unknown:
                del case["tokens"]
        golden["texts"] += cases
        for words in WORDS:
            windows = encode(tokenizer, [words], is_split_into_words=True)
            golden["words"].append({"tokenizer": name, "words": words, "windows": windows})
        if name in COMPLETE:
            golden["pairs"] += [pair_case(name, tokenizer, *pair) for pair in PAIRS]
    for case in [*golden["texts"], *golden["words"], *golden["pairs"]]:
        if "token_type_ids" not in tokenizers[case["tokenizer"]].model_input_names:
            untyped(case.get("windows", []))
    FILE.write_text(json.dumps(golden, ensure_ascii=True, separators=(",", ":")) + "\n")
    counts = {key: len(value) for key, value in golden.items()}
    print(f"{FILE.name}: {FILE.stat().st_size} bytes, {counts}")


if __name__ == "__main__":
    main()
