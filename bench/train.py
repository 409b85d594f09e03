"""Speed and memory of training: cloze beside `transformers` on PyTorch, measured in turns.

    .venv/bin/python bench/train.py --cloze target/release/train_step

`encoder`: BERT-base size, random weights, 16 x 128 tokens a step, dropout 0.1, fused AdamW.
`snippets`: MiniLM, one epoch over the training part of the movie snippets, batches of 16 as they
come, padded to their longest row by PyTorch.
Both sides get the same batches in the same order; the two take turns, `--rounds` times. Prints one
line of JSON a measurement, and the ratios of the medians at the end.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from batches import epoch_batches, random_batches

HERE = Path(__file__).parent
ASSETS = HERE.parent / "assets"
BERT_BASE = {
    "model_type": "bert",
    "architectures": ["BertForSequenceClassification"],
    "vocab_size": 30522,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "initializer_range": 0.02,
    "layer_norm_eps": 1e-12,
    "pad_token_id": 0,
}


@dataclass
class Measurement:
    """One run of one side over all batches of a case."""

    case: str
    side: str
    total_seconds: float
    median_step_seconds: float
    steps: int
    last_losses: float
    peak_memory_mib: float
    processor_seconds: float


def run(case: str, side: str, command: list[str]) -> Measurement:
    """Run one side to its end; memory and processor time are those of the whole process."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with status {process.returncode}")
    result = json.loads(output)
    return Measurement(
        case,
        side,
        round(sum(result["seconds"]), 3),
        round(median(result["seconds"]), 4),
        len(result["seconds"]),
        round(sum(result["losses"][-20:]) / len(result["losses"][-20:]), 4),
        round(usage.ru_maxrss / 1024, 1),
        round(usage.ru_utime + usage.ru_stime, 2),
    )


def prepare(case: str, folder: Path) -> list[str]:
    """Write the batches of a case; the arguments that both sides get."""
    batches = folder / f"{case}.json"
    if case == "encoder":
        model = folder / "bert-base"
        model.mkdir()
        (model / "config.json").write_text(json.dumps(BERT_BASE))
        random_batches(batches, steps=5, sequences=16, length=128, vocab_size=30522, labels=2)
    else:
        model = ASSETS / "minilm"
        rows = list(range(10_603))
        random.Random(666).shuffle(rows)
        # As many rows as the training part of examples/snippets-en.toml.
        epoch_batches(batches, model, ASSETS / "data/snippets-en.csv", rows[:7_422], 16, max_length=128)
    return ["--model", str(model), "--batches", str(batches), "--warmup", "2"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cloze", required=True, help="the program train_step of the crate cloze-bench")
    parser.add_argument("--case", choices=["encoder", "snippets"], action="append", help="default: both")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()

    sides = {
        "cloze": [arguments.cloze],
        "transformers": [sys.executable, str(HERE / "transformers_steps.py")],
    }
    results: list[Measurement] = []
    with tempfile.TemporaryDirectory() as folder:
        for case in arguments.case or ["encoder", "snippets"]:
            inputs = prepare(case, Path(folder))
            for turn in range(arguments.rounds):
                # Who goes first changes, so that a machine that gets slower harms both.
                order = list(sides) if turn % 2 == 0 else list(sides)[::-1]
                for side in order:
                    results.append(run(case, side, [*sides[side], *inputs]))
                    print(json.dumps(vars(results[-1])), flush=True)
    for case in dict.fromkeys(result.case for result in results):
        seconds = {
            side: median(r.total_seconds for r in results if r.case == case and r.side == side) for side in sides
        }
        ratio = seconds["transformers"] / seconds["cloze"]
        print(json.dumps({"case": case, **seconds, "transformers / cloze": round(ratio, 3)}))


if __name__ == "__main__":
    main()
