"""Golden file of the cross-entropy loss: plain, weighted, label-smoothed, and both.

    python tools/reference/cross_entropy_golden.py

writes crates/cloze-model/tests/golden/cross_entropy.json: a list of cases with `logits`
[batch, labels], `targets` [batch], `class_weights` [labels] or null, `label_smoothing`, and what
PyTorch gives: `loss` and `logits_gradient` [batch, labels].
"""

import json
from pathlib import Path

import torch

FILE = Path(__file__).resolve().parents[2] / "crates/cloze-model/tests/golden/cross_entropy.json"


def case(name: str, logits: torch.Tensor, targets: list[int], weights: list[float] | None, smoothing: float) -> dict:
    """One case with PyTorch's loss (mean over the batch, weighted by each row's class) and gradient."""
    logits = logits.double().requires_grad_()
    weight = None if weights is None else torch.tensor(weights, dtype=torch.float64)
    loss = torch.nn.functional.cross_entropy(
        logits, torch.tensor(targets), weight=weight, label_smoothing=smoothing
    )
    loss.backward()
    return {
        "name": name,
        "logits": logits.tolist(),
        "targets": targets,
        "class_weights": weights,
        "label_smoothing": smoothing,
        "loss": loss.item(),
        "logits_gradient": logits.grad.tolist(),
    }


def main() -> None:
    generator = torch.Generator().manual_seed(11)
    # Rounded to f32 first, so that both sides start from the same numbers.
    logits = 3 * torch.randn(5, 4, generator=generator)
    targets = [3, 0, 0, 2, 1]
    weights = [0.5, 2.0, 1.0, 3.5]
    far_apart = torch.tensor([[90.0, -90.0], [-60.0, 60.0], [1e4, 0.0]])
    cases = [
        case("plain", logits, targets, None, 0.0),
        case("class weights", logits, targets, weights, 0.0),
        case("label smoothing", logits, targets, None, 0.1),
        case("class weights and label smoothing", logits, targets, weights, 0.1),
        case("one row", logits[:1], targets[:1], weights, 0.25),
        case("a class of weight zero", logits, targets, [0.0, 1.0, 1.0, 1.0], 0.0),
        case("logits far apart", far_apart, [1, 1, 0], None, 0.0),
    ]
    FILE.write_text(json.dumps(cases, indent=1) + "\n")
    print(f"{FILE.name}: {len(cases)} cases")


if __name__ == "__main__":
    main()
