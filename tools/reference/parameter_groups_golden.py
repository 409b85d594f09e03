"""Golden file of the optimizer's parameter groups.

    python tools/reference/parameter_groups_golden.py

writes crates/cloze-train/tests/golden/parameter_groups.json: the weights of a tiny model by their
canonical names, gradients of some steps, and for each of several settings the weights that
PyTorch's AdamW or Adam makes of them with a group for every rate and decay, after gradients are
clipped by their norm.
"""

import json
from pathlib import Path

import torch

FILE = Path(__file__).resolve().parents[2] / "crates/cloze-train/tests/golden/parameter_groups.json"
LAYERS = 3
STEPS = 6
BLOCKS = ["embeddings", *(f"encoder.layer.{layer}" for layer in range(LAYERS)), "pooler", "classifier"]
# The schedule's factor of each step.
FACTORS = [0.0, 0.5, 1.0, 0.75, 0.5, 0.25]


def weights() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    draw = lambda *shape: torch.randn(*shape, generator=generator)
    named = {}
    for block in BLOCKS:
        named[f"{block}.weight"] = draw(2, 3)
        named[f"{block}.bias"] = draw(2)
    return named


def gradients() -> list[dict[str, torch.Tensor]]:
    generator = torch.Generator().manual_seed(2)
    draw = lambda tensor: 0.3 * torch.randn(tensor.shape, generator=generator)
    return [{name: draw(tensor) for name, tensor in weights().items()} for _ in range(STEPS)]


def rate(name: str, settings: dict) -> float:
    if name.startswith("classifier"):
        return settings.get("head_learning_rate", settings["learning_rate"])
    decay = settings.get("layer_decay", 1.0)
    if name.startswith("embeddings"):
        return settings["learning_rate"] * decay**LAYERS
    if name.startswith("pooler"):
        return settings["learning_rate"]
    layer = int(name.split(".")[2])
    return settings["learning_rate"] * decay ** (LAYERS - 1 - layer)


def train(settings: dict) -> dict[str, list]:
    named = {name: torch.nn.Parameter(tensor) for name, tensor in weights().items()}
    groups = [
        {
            "params": [parameter],
            "lr": rate(name, settings),
            "weight_decay": 0.0 if name.endswith("bias") else settings["weight_decay"],
        }
        for name, parameter in named.items()
    ]
    kind = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}[settings["kind"]]
    optimizer = kind(groups)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: FACTORS[min(step, STEPS - 1)])
    for step in gradients():
        for name, parameter in named.items():
            parameter.grad = step[name].clone()
        torch.nn.utils.clip_grad_norm_(list(named.values()), settings["clip"])
        optimizer.step()
        scheduler.step()
    return flat(named)


def flat(named: dict[str, torch.Tensor]) -> dict[str, list]:
    return {name: tensor.detach().flatten().tolist() for name, tensor in named.items()}


def main() -> None:
    common = {"learning_rate": 0.05, "clip": 1.0}
    cases = [
        {**common, "kind": "adamw", "weight_decay": 0.1},
        {**common, "kind": "adamw", "weight_decay": 0.1, "head_learning_rate": 0.2},
        {**common, "kind": "adamw", "weight_decay": 0.1, "layer_decay": 0.5},
        {**common, "kind": "adamw", "weight_decay": 0.1, "layer_decay": 0.8, "head_learning_rate": 0.2},
        {**common, "kind": "adam", "weight_decay": 0.1, "layer_decay": 0.5, "head_learning_rate": 0.01},
    ]
    golden = {
        "factors": FACTORS,
        "weights": flat(weights()),
        "gradients": [flat(step) for step in gradients()],
        "cases": [{"settings": settings, "weights": train(settings)} for settings in cases],
    }
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(json.dumps(golden) + "\n")
    print(f"{FILE.name}: {len(cases)} cases")


if __name__ == "__main__":
    main()
