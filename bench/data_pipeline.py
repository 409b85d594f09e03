"""The data pipeline of masked-language training over a corpus of a gigabyte.

    python3 bench/data_pipeline.py --programs target/release --model models/cloze-tiny-zh

makes the corpus (the Chinese reviews and the People's Daily again and again, in random order),
tokenizes it, reads and masks every batch of an epoch, and trains on the last 200 of them. Prints
tokens a second and the peak of resident memory of each part.
"""

import argparse
import csv
import json
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

DATA = Path(__file__).parent.parent / "assets/data"
SEED = 1


def read_texts() -> list[str]:
    """Reviews, and the lines of the newspaper with the spaces between words taken out."""
    with (DATA / "reviews-zh.csv").open(encoding="utf-8", newline="") as content:
        reviews = [" ".join(row["text"].split()) for row in csv.DictReader(content)]
    lines = (DATA / "peoples-daily-words.txt").read_text(encoding="utf-8").splitlines()
    return reviews + ["".join(line.split()) for line in lines if line.strip()]


def repeated(texts: list[str], size: int) -> Iterator[str]:
    """All texts in random order, and again in another one, until they have `size` bytes of UTF-8."""
    generator = random.Random(SEED)
    while True:
        generator.shuffle(texts)
        for text in texts:
            yield text
            size -= len(text.encode()) + 1
            if size <= 0:
                return


def write_corpus(file: Path, size: int) -> None:
    """The corpus, unless it is there already."""
    if file.exists():
        return
    partly = file.with_suffix(".part")
    with partly.open("w", encoding="utf-8", newline="\n") as content:
        content.writelines(f"{text}\n" for text in repeated(read_texts(), size))
    partly.rename(file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=Path, default=Path("target/release"), help="folder of the release build")
    parser.add_argument("--model", type=Path, default=Path("models/cloze-tiny-zh"))
    parser.add_argument("--bytes", type=int, default=10**9, help="of the corpus")
    parser.add_argument("--folder", type=Path, default=Path("runs/data-pipeline"), help="for corpus and tokens")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()

    arguments.folder.mkdir(parents=True, exist_ok=True)
    corpus = arguments.folder / f"corpus-{arguments.bytes}.txt"
    write_corpus(corpus, arguments.bytes)
    tokens = arguments.folder / "tokens.safetensors"
    tokens.unlink(missing_ok=True)
    command = [arguments.programs / "data_pipeline", "--corpus", corpus, "--tokens", tokens]
    command += ["--model", arguments.model, "--threads", str(arguments.threads)]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    print(found.stdout, end="")
    rates = {part["part"]: part["tokens_per_second"] for part in map(json.loads, found.stdout.splitlines())}
    share = {part: round(rate / rates["train"], 1) for part, rate in rates.items() if part != "train"}
    print(json.dumps({"times what training reads": share}))


if __name__ == "__main__":
    main()
