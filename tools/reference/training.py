"""Ten AdamW steps on one batch, as the golden files record them."""

from collections.abc import Callable

import torch
import transformers

from tiny_models import is_layer_norm

STEPS = 10
WARMUP_STEPS = 2
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 0.01
CLIP = 1.0
SETTINGS = {
    "optimizer": "adamw",
    "learning_rate": LEARNING_RATE,
    "betas": [0.9, 0.999],
    "eps": 1e-8,
    "weight_decay": WEIGHT_DECAY,
    "clip": CLIP,
    "schedule": "linear",
    "warmup_steps": WARMUP_STEPS,
    "steps": STEPS,
}


def train(model: torch.nn.Module, losses_of: Callable[[torch.nn.Module], dict[str, torch.Tensor]]) -> dict:
    """Change `model` by ten steps; what happened at each, in lists of ten.

    `losses_of` gives `losses`, which is trained on, and may give more that are only recorded. All
    are those before the step, and `gradient_norms` those before clipping.
    """
    decayed = [p for n, p in model.named_parameters() if not (is_bias(n) or is_layer_norm(n))]
    others = [p for n, p in model.named_parameters() if is_bias(n) or is_layer_norm(n)]
    groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=(0.9, 0.999), eps=1e-8)
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, WARMUP_STEPS, STEPS)
    history = {"losses": [], "learning_rates": [], "gradient_norms": []}
    for _ in range(STEPS):
        optimizer.zero_grad()
        losses = losses_of(model)
        losses["losses"].backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        for name, loss in losses.items():
            history.setdefault(name, []).append(loss.item())
        history["learning_rates"].append(schedule.get_last_lr()[0])
        history["gradient_norms"].append(norm.item())
        optimizer.step()
        schedule.step()
    return history


def is_bias(name: str) -> bool:
    """Whether a parameter is a bias: `bias`, `bias_ih_l0` of an LSTM, `in_proj_bias` of an attention."""
    return "bias" in name.rsplit(".", 1)[-1]


def final_weights(model: torch.nn.Module, names: list[str]) -> dict[str, torch.Tensor]:
    """The named parameters after the last step, as they are called in a golden file."""
    parameters = dict(model.named_parameters())
    return {f"training.final.{name}": parameters[name].detach().clone() for name in names}
