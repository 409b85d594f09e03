"""Golden folders: a model as `transformers` saves it, and what it must give; f32 beside f64."""

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

GOLDEN = Path(__file__).resolve().parents[2] / "crates/cloze-model/tests/golden"
LARGEST = 300_000


def write(case: str, model: torch.nn.Module, tensors: dict[str, torch.Tensor], expected: dict) -> Path:
    """Write one folder anew and return it; refuses files of more than 300 kB."""
    folder = GOLDEN / case
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    save_file(tensors, folder / "expected.safetensors")
    (folder / "expected.json").write_text(json.dumps(expected, indent=2) + "\n")
    for file in folder.iterdir():
        file.chmod(0o644)
        if file.stat().st_size > LARGEST:
            raise AssertionError(f"{file} has {file.stat().st_size} bytes, wanted at most {LARGEST:,}")
    return folder


def check_precision(tensors: dict[str, torch.Tensor], exact: dict[str, torch.Tensor]) -> None:
    """Raise when f32 rounding alone comes near the tolerances of the tests that read the file.

    `exact` is the same computed in f64.
    """
    for name, wanted in exact.items():
        error = (tensors[name].double() - wanted).abs().max().item()
        # A key bias adds the same to every score of a row, so softmax takes it out again.
        size = 1.0 if "key.bias" in name or "k_lin.bias" in name else wanted.abs().max().item()
        limit = 1e-4 * size if name.startswith("grad.") else 2e-5
        if not error <= limit:
            raise AssertionError(f"{name}: f32 and f64 differ by {error:.2e}, wanted at most {limit:.0e}")


def check_training_precision(losses: list[float], exact: list[float]) -> None:
    """Raise when f32 rounding alone moves one of the ten losses by a tenth of the tolerance."""
    error = max(abs(loss - wanted) for loss, wanted in zip(losses, exact, strict=True))
    if not error <= 1e-5:
        raise AssertionError(f"training losses in f32 and f64 differ by {error:.2e}, wanted at most 1e-5")
