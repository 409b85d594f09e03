"""Golden files of the real checkpoints in assets/: MiniLM and BERT-tiny.

    python tools/reference/pretrained_golden.py

writes crates/cloze-model/tests/golden/pretrained/{minilm,bert-tiny}.safetensors: the padded inputs
of four texts (one of them a pair), `hidden_states.1`, `last_hidden_state` and, where the checkpoint
has a pooler, `pooled`. Rows of padding are zero, and only those of real tokens say anything.
"""

from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import AutoModel, AutoTokenizer

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "crates/cloze-model/tests/golden/pretrained"
TEXTS: list[tuple[str, str | None]] = [
    ("A warm, funny and quietly devastating film.", None),
    ("Eh.", None),
    ("Where is the café?", "Behind the 2nd bridge."),
    ("Unaffable characters!", None),
]


def encode(tokenizer) -> dict[str, torch.Tensor]:
    """Ids, types and mask of the texts, padded to the longest, `[4, S]`."""
    encoded = [tokenizer(text, pair) for text, pair in TEXTS]
    return dict(tokenizer.pad(encoded, padding="longest", return_tensors="pt"))


def has_pooler(folder: Path) -> bool:
    """Whether the checkpoint holds a pooler, rather than `transformers` drawing a new one."""
    with safe_open(folder / "model.safetensors", "pt") as file:
        return any("pooler.dense" in name for name in file.keys())


def run(name: str) -> dict[str, torch.Tensor]:
    """What one checkpoint gives."""
    folder = ROOT / "assets" / name
    inputs = encode(AutoTokenizer.from_pretrained(folder))
    model = AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    with torch.no_grad():
        output = model(**inputs, output_hidden_states=True)
    real = inputs["attention_mask"][:, :, None]
    tensors = {key: inputs[key] for key in ("input_ids", "token_type_ids", "attention_mask")}
    tensors["hidden_states.1"] = output.hidden_states[1] * real
    tensors["last_hidden_state"] = output.last_hidden_state * real
    if has_pooler(folder):
        tensors["pooled"] = output.pooler_output
    return {key: tensor.contiguous() for key, tensor in tensors.items()}


def main() -> None:
    """Write one file a checkpoint."""
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for name in ("minilm", "bert-tiny"):
        path = GOLDEN / f"{name}.safetensors"
        save_file(run(name), path)
        path.chmod(0o644)
        if path.stat().st_size > 300_000:
            raise AssertionError(f"{path} has {path.stat().st_size} bytes, wanted at most 300,000")


if __name__ == "__main__":
    main()
