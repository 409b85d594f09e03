"""The perplexity that `transformers` gives for a saved masked language model on a fixed masked file.

    .venv/bin/python tools/reference/perplexity.py MODEL FILE [--batch-size N] [--threads N]

MODEL is a folder that AutoModelForMaskedLM loads (a pretraining model's next-sentence head is left out).
FILE has one JSON object a line, a sequence after masking:

    {"input_ids": [101, 103, …], "token_type_ids": [0, 0, …], "positions": [1, …], "targets": [2009, …]}

`positions` count from 0 in their own sequence, and `targets` has the id that was at each of them;
`token_type_ids` may be left out. Prints one line of JSON: `perplexity` = exp(`loss`), `loss`, the mean
cross-entropy over all masked tokens of the file, summed in f64 (so it does not depend on batches), and
the numbers of `masked_tokens` and `sequences`. Ends with status 1 on a line that does not fit.
"""

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForMaskedLM

# What a pretraining checkpoint holds besides; all else that is unexpected is an error.
NEXT_SENTENCE = ("bert.pooler.", "cls.seq_relationship.")


@dataclass
class Sequence:
    """A line of the file."""

    input_ids: list[int]
    token_type_ids: list[int]
    positions: list[int]
    targets: list[int]


def parse(line: str, vocab_size: int) -> Sequence:
    """A line as a sequence; a ValueError says what does not fit."""
    fields = json.loads(line)
    ids = fields["input_ids"]
    found = Sequence(ids, fields.get("token_type_ids", [0] * len(ids)), fields["positions"], fields["targets"])
    if not ids or len(found.token_type_ids) != len(ids):
        raise ValueError(f"{len(ids)} ids and {len(found.token_type_ids)} types")
    if len(found.positions) != len(found.targets) or len(set(found.positions)) != len(found.positions):
        raise ValueError(f"{len(found.targets)} targets at {len(set(found.positions))} different positions")
    if not all(0 <= position < len(ids) for position in found.positions):
        raise ValueError(f"a position is outside of 0..{len(ids)}")
    if not all(0 <= id < vocab_size for id in [*ids, *found.targets]):
        raise ValueError(f"an id is outside of 0..{vocab_size}")
    return found


def read(file: Path, vocab_size: int) -> list[Sequence]:
    """All lines of the file."""
    found = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            found.append(parse(line, vocab_size))
        except (KeyError, TypeError, ValueError) as error:
            raise SystemExit(f"{file}, line {number}: {type(error).__name__}: {error}") from error
    if not any(sequence.targets for sequence in found):
        raise SystemExit(f"{file}: nothing is masked")
    return found


def load(folder: Path) -> transformers.PreTrainedModel:
    """The model in f32; refuses weights that are missing or unknown."""
    model, report = AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    report["unexpected_keys"] = [key for key in report["unexpected_keys"] if not key.startswith(NEXT_SENTENCE)]
    if any(report.values()):
        raise SystemExit(f"{folder}: {report}")
    return model.eval()


@torch.inference_mode()
def total_loss(model: transformers.PreTrainedModel, batch: list[Sequence]) -> float:
    """The sum of the cross-entropies of a batch's masked tokens."""
    width = max(len(sequence.input_ids) for sequence in batch)

    def padded(rows: list[list[int]], value: int) -> torch.Tensor:
        return torch.tensor([row + [value] * (width - len(row)) for row in rows])

    inputs = {
        "input_ids": padded([sequence.input_ids for sequence in batch], model.config.pad_token_id or 0),
        "attention_mask": padded([[1] * len(sequence.input_ids) for sequence in batch], 0),
    }
    if getattr(model.config, "type_vocab_size", 0) > 0:
        inputs["token_type_ids"] = padded([sequence.token_type_ids for sequence in batch], 0)
    logits = model(**inputs).logits
    rows = torch.tensor([row for row, sequence in enumerate(batch) for _ in sequence.positions], dtype=torch.long)
    columns = torch.tensor([position for sequence in batch for position in sequence.positions], dtype=torch.long)
    targets = torch.tensor([target for sequence in batch for target in sequence.targets], dtype=torch.long)
    losses = torch.nn.functional.cross_entropy(logits[rows, columns], targets, reduction="none")
    return losses.double().sum().item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("file", type=Path)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()

    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(arguments.threads)
    model = load(arguments.model)
    sequences = read(arguments.file, model.config.vocab_size)
    by_length = sorted(sequences, key=lambda sequence: len(sequence.input_ids))
    starts = range(0, len(by_length), arguments.batch_size)
    total = math.fsum(total_loss(model, by_length[start : start + arguments.batch_size]) for start in starts)
    masked = sum(len(sequence.targets) for sequence in sequences)
    loss = total / masked
    counts = {"masked_tokens": masked, "sequences": len(sequences)}
    print(json.dumps({"perplexity": math.exp(loss), "loss": loss} | counts))


if __name__ == "__main__":
    main()
