"""Processor time of one prediction from a cold start, loading a 90 MB checkpoint included.

    .venv/bin/python bench/cold_start.py --cloze target/release/cloze

Gives MiniLM a random classification head, saves it with `transformers`, and runs `cloze predict` on
one sentence a few times, each in a new process. The operating system's file cache is warm.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

from transformers import AutoModelForSequenceClassification, AutoTokenizer

MINILM = Path(__file__).parents[1] / "assets/minilm"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cloze", default="target/release/cloze", help="the program")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()

    processor, elapsed = [], []
    with tempfile.TemporaryDirectory() as folder:
        AutoModelForSequenceClassification.from_pretrained(MINILM, num_labels=2).save_pretrained(folder)
        AutoTokenizer.from_pretrained(MINILM).save_pretrained(folder)
        for _ in range(arguments.runs):
            start = time.perf_counter()
            process = subprocess.Popen(
                [arguments.cloze, "predict", folder, "A warm and funny film.", "--json"], stdout=subprocess.PIPE
            )
            process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            elapsed.append(time.perf_counter() - start)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode != 0:
                raise SystemExit(f"cloze ended with status {process.returncode}")
            processor.append(usage.ru_utime + usage.ru_stime)
    report = {
        "processor_seconds": round(median(processor), 3),
        "elapsed_seconds": round(median(elapsed), 3),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
