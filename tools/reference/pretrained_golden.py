"""Golden file of the pretrained models in assets/: what `transformers` computes with them.

    python tools/reference/pretrained_golden.py

writes crates/cloze-model/tests/golden/pretrained.safetensors: for MiniLM and BERT-tiny, of three
texts (the second a pair) the token ids and types, the last hidden states of real tokens laid end
to end, and, where the checkpoint has a pooler, the pooled output.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoTokenizer

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "crates/cloze-model/tests/golden/pretrained.safetensors"
TEXTS = [
    ("The film was a great deal better than its reviews.", None),
    ("Is it raining?", "It has been raining since the morning."),
    ("No.", None),
]


def run(name: str) -> dict[str, torch.Tensor]:
    """Ids, offsets and outputs of one model, packed without padding."""
    folder = ROOT / "assets" / name
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    ids, types, hidden, pooled, lengths = [], [], [], [], []
    for text, pair in TEXTS:
        inputs = tokenizer(text, pair, return_tensors="pt")
        with torch.no_grad():
            output = model(**inputs)
        ids.append(inputs["input_ids"][0])
        types.append(inputs["token_type_ids"][0])
        hidden.append(output.last_hidden_state[0])
        pooled.append(output.pooler_output[0])
        lengths.append(len(ids[-1]))
    tensors = {
        "input_ids": torch.cat(ids),
        "token_type_ids": torch.cat(types),
        "lengths": torch.tensor(lengths),
        "last_hidden_state": torch.cat(hidden),
    }
    if any("pooler" in key for key in load_file(folder / "model.safetensors")):
        tensors["pooled"] = torch.stack(pooled)
    return {f"{name}.{key}": tensor.contiguous() for key, tensor in tensors.items()}


def main() -> None:
    """Run every model and write one file."""
    tensors = {key: tensor for name in ("minilm", "bert-tiny") for key, tensor in run(name).items()}
    save_file(tensors, OUTPUT)
    OUTPUT.chmod(0o644)
    if OUTPUT.stat().st_size > 300_000:
        raise AssertionError(f"{OUTPUT} has {OUTPUT.stat().st_size} bytes, wanted at most 300,000")


if __name__ == "__main__":
    main()
