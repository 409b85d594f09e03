"""A small SentencePiece unigram model, as the `tokenizer.json` of an XLM-RoBERTa.

    pip install sentencepiece==0.2.3
    python tools/reference/sentencepiece_fixture.py

writes crates/cloze-data/tests/fixtures/unigram/tokenizer.json: pieces and scores of a model that is
trained on a few sentences, ids as fairseq numbers them, and the trainer's own table of normalizations, a
small one: what XLM-RoBERTa's does to full-width forms, ligatures, spaces, combining marks and
characters without a width. Run by hand; the other scripts read the file.
"""

import base64
import json
import random
import struct
import tempfile
from pathlib import Path

import sentencepiece

FOLDER = Path(__file__).resolve().parents[2] / "crates/cloze-data/tests/fixtures/unigram"
WORDS = (
    "the a cat dog film story sat on mat is was very not good bad warm cold I love it he she we and in of to play "
    "playing played walk walked walking no undo undoing Paris London Berlin Reykjavik capital France wonderful un able "
    "don't isn't 12 345 2023 naïve café straße Ångström Hello World China EU rejects German call COVID emoji"
).split()
CHINESE = "我爱中国 天气真好 今天 我们 自然语言处理 是 人工智能 的 重要领域 床前明月光 疑是地上霜 新冠病毒 电影 故事 语言 模型".split()
REPLACEMENTS = {
    "\u3000": " ",
    "\u00a0": " ",
    "\t": " ",
    "\n": " ",
    "\r": " ",
    "\u200b": "",
    "\ufeff": "",
    "\u00ad": "",
    "\u0007": "",
    "ﬁ": "fi",
    "ﬂ": "fl",
    "…": "...",
    "½": "1⁄2",
    "²": "2",
    "①": "1",
    "，": ",",
    "！": "!",
    "？": "?",
    "：": ":",
    "（": "(",
    "）": ")",
    "e\u0301": "é",
    "a\u0308": "ä",
    "o\u0308": "ö",
    "u\u0308": "ü",
    "i\u0308": "ï",
    "ﷺ": "صلى الله عليه وسلم",
}
FULL_WIDTH = {chr(code + 0xFEE0): chr(code) for code in [*range(0x30, 0x3A), *range(0x41, 0x5B), *range(0x61, 0x7B)]}


def sentences() -> list[str]:
    """Some sentences of these words, always the same."""
    draw = random.Random(5)
    found = []
    for _ in range(600):
        words = draw.choices(WORDS, k=draw.randint(3, 9))
        found.append(" ".join(words) + draw.choice(".!?"))
        found.append("".join(draw.choices(CHINESE, k=draw.randint(2, 5))) + draw.choice("。！，"))
    return found


def table() -> str:
    """The normalizations as the trainer reads them: code points in hexadecimal."""

    def points(text: str) -> str:
        return " ".join(f"{ord(character):X}" for character in text)

    rules = REPLACEMENTS | FULL_WIDTH
    return "".join(f"{points(before)}\t{points(after)}\n" for before, after in rules.items())


def fields(message: bytes):
    """Number and value of every field of a protocol buffer's message."""
    place = 0

    def varint() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = message[place]
            place += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while place < len(message):
        key = varint()
        match key & 7:
            case 0:
                value = varint()
            case 2:
                length = varint()
                value = message[place : place + length]
                place += length
            case 5:
                (value,) = struct.unpack_from("<f", message, place)
                place += 4
            case kind:
                raise AssertionError(f"a field of kind {kind}")
        yield key >> 3, value


def normalization_table(model: bytes) -> bytes:
    """`normalizer_spec.precompiled_charsmap` of a `ModelProto`."""
    specification = next(value for number, value in fields(model) if number == 3)
    return next(value for number, value in fields(specification) if number == 2)


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        text, rules = Path(place) / "text.txt", Path(place) / "rules.tsv"
        text.write_text("\n".join(sentences()) + "\n", encoding="utf-8")
        rules.write_text(table(), encoding="utf-8")
        sentencepiece.SentencePieceTrainer.train(
            input=str(text),
            model_prefix=f"{place}/model",
            model_type="unigram",
            vocab_size=260,
            character_coverage=1.0,
            normalization_rule_tsv=str(rules),
            num_threads=1,
            minloglevel=2,
        )
        model = Path(place, "model.model").read_bytes()
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    pieces = [[processor.id_to_piece(at), processor.get_score(at)] for at in range(3, processor.get_piece_size())]
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    vocabulary = [[token, 0.0] for token in special] + pieces + [["<mask>", 0.0]]
    mask = len(vocabulary) - 1

    def added(id: int, content: str) -> dict:
        flags = {"single_word": False, "lstrip": content == "<mask>", "rstrip": False, "normalized": False}
        return {"id": id, "content": content, **flags, "special": True}

    def token(name: str) -> dict:
        return {"SpecialToken": {"id": name, "type_id": 0}}

    def sequence(name: str) -> dict:
        return {"Sequence": {"id": name, "type_id": 0}}

    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    pair = [token("<s>"), sequence("A"), token("</s>"), token("</s>"), sequence("B"), token("</s>")]
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [added(id, token) for id, token in [*enumerate(special), (mask, "<mask>")]],
        "normalizer": {
            "type": "Precompiled",
            "precompiled_charsmap": base64.b64encode(normalization_table(model)).decode(),
        },
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace]},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [token("<s>"), sequence("A"), token("</s>")],
            "pair": pair,
            "special_tokens": {
                name: {"id": name, "ids": [id], "tokens": [name]} for name, id in [("<s>", 0), ("</s>", 2)]
            },
        },
        "decoder": metaspace,
        "model": {"type": "Unigram", "unk_id": 3, "vocab": vocabulary, "byte_fallback": False},
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    file = FOLDER / "tokenizer.json"
    file.write_text(json.dumps(tokenizer, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"{file.name}: {len(vocabulary)} pieces, {file.stat().st_size} bytes")


if __name__ == "__main__":
    main()
