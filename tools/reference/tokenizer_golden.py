"""Golden file of tokenization: ids, token types, offsets, word ids, windows, decoded text.

    make assets
    python tools/reference/tokenizer_golden.py

writes crates/cloze-data/tests/golden/tokenizer.json. `tokenizers` says how each tokenizer is made
from a folder in assets/; every entry of `texts`, `words`, `pairs` and `batches` names the tokenizer,
what goes in and what `transformers` gives: a list of windows, each a list of columns
[id, type, special, word or -1, start, end] (offsets in characters), one column a token; a window of
a batch also counts its padding.
"""

import json
from pathlib import Path

from transformers import AutoTokenizer, BertTokenizer

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "crates/cloze-data/tests/golden/tokenizer.json"
# What is made from the vocabulary alone states its options; the others load a folder.
TOKENIZERS = {
    "uncased": {"folder": "minilm"},
    "bert-tiny": {"folder": "bert-tiny"},
    "chinese": {"folder": "vocab-zh"},
    "accents kept": {"folder": "minilm", "options": {"strip_accents": False}},
    "cased": {"folder": "minilm", "options": {"do_lower_case": False}},
    "cased, accents removed": {"folder": "minilm", "options": {"do_lower_case": False, "strip_accents": True}},
    "chinese not split": {"folder": "vocab-zh", "options": {"tokenize_chinese_chars": False}},
    "uncased with added": {"folder": "minilm", "added": ["COVID", "新冠", "covid-19", "Straße", "New York", "e=mc²"]},
    "chinese with added": {"folder": "vocab-zh", "added": ["新冠病毒", "BERT", "床前"]},
}
ENGLISH = [
    "",
    " ",
    "I love China",
    "Hello, world! It's a well-known fact: 3.14159 isn't 22/7 (e.g. $5.00, 50%).",
    "unaffable antidisestablishmentarianism supercalifragilisticexpialidocious",
    "naïve café, Ångström, Đorđe, straße, İstanbul, ﬁne ﬂour",
    "cafe\u0301 e\u0302\u0323 a\u0308o\u0308 combining; Zalgo: h\u0337e\u0334l\u0335p",
    "emoji 😀 👨‍👩‍👧‍👦 🇨🇳 ❤️ and text😀glued",
    "tabs\tand\nnewlines\r\nand\u00a0no-break\u2003em space\u3000ideographic",
    "control\x00 char\x07s \x7f zero\u200bwidth \ufeffbom soft\u00adhyphen \ufffd replacement \u0085",
    "price: €100, £20, ¥3000, ₿1; math ∑ ∫ √2 ≠ ≤ ½ ² ³ ⅷ",
    "[CLS] typed [SEP] by hand [MASK] [PAD] [UNK] [unused1] [mask]",
    "a" * 100 + " " + "b" * 101 + " " + "é" * 100,
    "x" * 99 + "é",
    "don't can't I'm we've they're y'all o'clock",
    "http://example.com/path?query=1&b=2#frag user@example.org C:\\dir\\file.txt",
    "Ελληνικά ΣΊΣΥΦΟΣ Русский текст עברית العربية हिन्दी ไทย",
    "日本語のテキスト ひらがな カタカナ 한국어 텍스트",
    "mixed中文and英文words123数字",
    "…—–‘’“”«»„‹›·•†‡§¶",
    "1234567890 1,000,000 0x1F 1e-5 ①②③",
    "\U00020000\U0002A6D6 rare ideographs 㐀 豈",
    "COVID covid-19 Covid-19新冠病毒 covid19 New York new  york E=mc² STRASSE straße",
    "ends with space ",
    "\u0301 starts with a mark",
    "ﷺ ﬀ ǅ ß ẞ ŉ",
]
CHINESE = [
    "新冠病毒是一种新型冠状病毒",
    "床前明月光，疑是地上霜。",
    "吾儿莫慌",
    "I love China",
    "我爱中国，我是中国人",
    "今天天气真好",
    "自然语言处理是人工智能的重要领域。",
    "BERT模型在多项NLP任务中表现出色。",
    "深度学习需要大量的数据和计算资源。",
    "２０２０年１月，ｆｕｌｌｗｉｄｔｈ（全角）！？",
    "他说：“你好！”然后……走了——真的。",
    "繁體中文 與 简体中文 龘 㗂",
    "iphone 4s ps3 3d www qq2010",
    "微信号:abc_123,电话010-12345678",
]
WORDS = [
    ["EU", "rejects", "German", "call", "to", "boycott", "British", "lamb", "."],
    ["naïve", "cafés", "", " ", "unaffable", "😀", "新冠病毒", "x" * 120, "e\u0301e\u0301"],
]
LONG = "The quick brown fox jumps over the lazy dog while unaffable bystanders applaud, naïvely. "
PAIRS = [
    # first, second, max_length, strategy, stride
    ("这个故事没有终点", "正如星空没有彼岸", 128, "longest_first", 0),
    (LONG * 2, None, 16, "longest_first", 4),
    (LONG * 2, None, 16, "longest_first", 0),
    (LONG * 2, None, 16, "only_first", 13),
    (LONG, "Who applauds?", 14, "only_first", 2),
    ("Who applauds?", LONG * 2, 20, "only_second", 5),
    (LONG, LONG * 2, 24, "longest_first", 3),
    (LONG * 2, "short", 12, "longest_first", 1),
    ("short", LONG, 11, "longest_first", 0),
    # Without windows: where no token of the text fits, theirs are longer than max_length.
    (LONG, LONG, 3, "longest_first", None),
    (LONG, None, 2, "longest_first", None),
    (LONG, LONG * 2, 24, "longest_first", None),
    ("", LONG, 10, "longest_first", 2),
    ("Who applauds?", LONG, 8, "only_first", 0),
    ("a b c d", None, 4, "only_second", 0),
]
BATCHES = [
    # texts, padding, max_length, multiple
    (["one", "two words", "three words here", ""], True, None, None),
    (["one", "two words", "three words here", ""], True, None, 8),
    (["one", "two words", "three words here", ""], "max_length", 6, None),
    (["one", "two words", "three words here", ""], "max_length", 16, 8),
    ([LONG, "two words", ""], True, 16, 8),
    ([("a pair", "of texts"), ("another", "pair")], True, None, None),
]


def load(settings: dict):
    """The tokenizer of `transformers` that the settings describe."""
    folder = ROOT / "assets" / settings["folder"]
    if "options" in settings:
        tokenizer = BertTokenizer(str(folder / "vocab.txt"), **settings["options"])
    else:
        tokenizer = AutoTokenizer.from_pretrained(folder)
    if "added" in settings:
        assert tokenizer.add_tokens(settings["added"]) == len(settings["added"])
    return tokenizer


def windows(encoded) -> list:
    """The columns of every window."""
    result = []
    for number, ids in enumerate(encoded["input_ids"]):
        words = [-1 if word is None else word for word in encoded.word_ids(number)]
        offsets = encoded["offset_mapping"][number]
        columns = zip(ids, encoded["token_type_ids"][number], encoded["special_tokens_mask"][number], words, offsets)
        result.append([[id, kind, special, word, *offset] for id, kind, special, word, offset in columns])
    return result


def encode(tokenizer, *inputs, **options) -> list:
    """All windows of inputs that are given as lists of one."""
    # A tokenizer.json may ask for a padding of its own.
    options.setdefault("padding", False)
    return windows(
        tokenizer(*inputs, return_offsets_mapping=True, return_special_tokens_mask=True, return_token_type_ids=True, **options)
    )


def text_case(name: str, tokenizer, text: str) -> dict:
    case = {"tokenizer": name, "text": text, "windows": encode(tokenizer, [text])}
    ids = [column[0] for column in case["windows"][0]]
    # Decoded, an added token shows its normalized form there, its own here.
    if "with added" not in name:
        case["tokens"] = tokenizer.tokenize(text)
        case["decoded"] = tokenizer.decode(ids)
        case["without_special"] = tokenizer.decode(ids, skip_special_tokens=True)
        case["cleaned_up"] = tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=True)
    return case


def pair_case(name: str, tokenizer, first, second, max_length, strategy, stride) -> dict:
    case = {
        "tokenizer": name, "first": first, "second": second,
        "max_length": max_length, "strategy": strategy, "stride": stride,
    }
    inputs = [[first]] if second is None else [[first], [second]]
    try:
        case["windows"] = encode(
            tokenizer, *inputs, truncation=strategy, max_length=max_length, stride=stride or 0,
            return_overflowing_tokens=stride is not None,
        )
    except Exception as error:  # The library panics or raises its own; both mean that it cannot be done.
        case["refused"] = str(error)
    return case


def batch_case(name: str, tokenizer, texts, padding, max_length, multiple) -> dict:
    encoded = tokenizer(
        texts, padding=padding, max_length=max_length, pad_to_multiple_of=multiple, truncation=max_length is not None,
        return_offsets_mapping=True, return_special_tokens_mask=True, return_token_type_ids=True,
    )
    return {
        "tokenizer": name, "texts": texts, "padding": "longest" if padding is True else padding,
        "max_length": max_length, "multiple": multiple, "windows": windows(encoded),
        "attention_mask": encoded["attention_mask"],
    }


def main() -> None:
    tokenizers = {name: load(settings) for name, settings in TOKENIZERS.items()}
    golden = {"tokenizers": TOKENIZERS, "texts": [], "words": [], "pairs": [], "batches": []}
    for name, tokenizer in tokenizers.items():
        texts = CHINESE if "chinese" in name else ENGLISH
        texts = texts[:8] if name == "bert-tiny" else texts
        golden["texts"] += [text_case(name, tokenizer, text) for text in texts]
    for name in ["uncased", "cased", "chinese"]:
        tokenizer = tokenizers[name]
        for words in WORDS:
            case = {"tokenizer": name, "words": words}
            case["windows"] = encode(tokenizer, [words], is_split_into_words=True)
            golden["words"].append(case)
    for pair in PAIRS:
        name = "chinese" if "故事" in pair[0] else "uncased"
        golden["pairs"].append(pair_case(name, tokenizers[name], *pair))
    for batch in BATCHES:
        golden["batches"].append(batch_case("uncased", tokenizers["uncased"], *batch))
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(json.dumps(golden, ensure_ascii=True, separators=(",", ":")) + "\n")
    counts = {key: len(value) for key, value in golden.items()}
    print(f"{FILE.name}: {FILE.stat().st_size} bytes, {counts}")


if __name__ == "__main__":
    main()
