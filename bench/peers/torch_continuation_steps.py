"""Training steps of an encoder that says which token comes next on PyTorch, timed one by one: the peer of
`continuation_step`.

    python -m peers.torch_continuation_steps --model FOLDER --batches FILE [--warmup N]

The script that people write: `BertModel` encodes a batch of windows, the row of the last token goes through two
dense layers, one target a window. A step ends with fused AdamW. Prints `seconds`, one number a step without the
warm-up, `losses`, those of the warm-up first, and `memory`.
"""

import argparse
import json
import time
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import BertConfig, BertModel

from peers import process_memory
from peers.padded import read
from transformers_fine_tune import optimizer_of


class NextToken(torch.nn.Module):
    """A BERT and two dense layers over the row before `[SEP]`."""

    def __init__(self, folder: Path):
        super().__init__()
        config = BertConfig.from_pretrained(folder)
        head = config.cloze["continuation"]["head"]
        self.bert = BertModel(config, add_pooling_layer=False)
        self.dense = torch.nn.Linear(config.hidden_size, head["hidden_size"])
        self.dropout = torch.nn.Dropout(head["dropout"])
        self.decoder = torch.nn.Linear(head["hidden_size"], config.vocab_size)
        weights = load_file(folder / "model.safetensors")
        self.load_state_dict({name.removeprefix("head."): weight for name, weight in weights.items()})

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Windows of one length, `[batch, seq]` -> logits, `[batch, vocab]`."""
        states = self.bert(input_ids).last_hidden_state[:, -2]
        return self.decoder(self.dropout(torch.nn.functional.gelu(self.dense(states))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--batches", type=Path, required=True)
    parser.add_argument("--warmup", type=int, default=2, help="steps that are not timed")
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    parser.add_argument("--threads", type=int, required=True)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    batches = read(arguments.batches)
    before = process_memory.resident()
    model = NextToken(arguments.model).train()
    optimizer = optimizer_of(model, arguments.learning_rate)
    seconds, losses = [], []
    for batch in batches[: arguments.warmup] + batches:
        start = time.perf_counter()
        logits = model(torch.tensor(batch["input_ids"]))
        loss = torch.nn.functional.cross_entropy(logits, torch.tensor(batch["labels"]))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        seconds.append(time.perf_counter() - start)
    memory = {"resident_before": before, "peak": process_memory.peak()}
    print(json.dumps({"seconds": seconds[arguments.warmup :], "losses": losses, "memory": memory}))


if __name__ == "__main__":
    main()
