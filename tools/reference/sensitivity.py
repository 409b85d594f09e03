"""Proof that a golden file can fail: wrong variants of an encoder must move its logits."""

import copy
from collections.abc import Callable

import torch

from tiny_models import Batch, forward


def _logits(model: torch.nn.Module, inputs: Batch, **options) -> torch.Tensor:
    with torch.no_grad():
        return forward(model, inputs, **options).logits


def _tanh_gelu(model: torch.nn.Module) -> int:
    changed = 0
    for module in model.modules():
        for attribute in ("intermediate_act_fn", "activation"):
            function = getattr(module, attribute, None)
            if type(function).__name__ == "GELUActivation":
                setattr(module, attribute, torch.nn.GELU(approximate="tanh"))
                changed += 1
    return changed


def _no_attention_scale(model: torch.nn.Module) -> int:
    changed = 0
    for module in model.modules():
        if hasattr(module, "scaling"):
            module.scaling = 1.0
            changed += 1
    return changed


def _epsilon(name: str) -> Callable[[torch.nn.Module], int]:
    def change(model: torch.nn.Module) -> int:
        model.get_submodule(name).eps = 1e-5
        return 1

    return change


def _change_of(model: torch.nn.Module, inputs: Batch, mutate: Callable[[torch.nn.Module], int]) -> float:
    mutated = copy.deepcopy(model)
    if mutate(mutated) == 0:
        raise AssertionError(f"{mutate.__name__} found nothing to change: has transformers renamed it?")
    return (_logits(mutated, inputs) - _logits(model, inputs)).abs().max().item()


def check_mistakes_show(model: torch.nn.Module, inputs: Batch) -> dict[str, float]:
    """How far each mistake moves the logits; raises where one moves them by less than 1e-3."""
    plain = _logits(model, inputs)
    unmasked = _logits(model, inputs, attention_mask=torch.ones_like(inputs.attention_mask))
    changes = {
        "tanh GELU": _change_of(model, inputs, _tanh_gelu),
        "no 1/sqrt(d)": _change_of(model, inputs, _no_attention_scale),
        "no attention mask": (unmasked - plain).abs().max().item(),
    }
    _require(changes, 1e-3)
    return changes


def check_epsilon_shows(model: torch.nn.Module, inputs: Batch) -> dict[str, float]:
    """How far an epsilon of 1e-5 in each single LayerNorm moves the logits; at least 1e-2."""
    names = [name for name, module in model.named_modules() if isinstance(module, torch.nn.LayerNorm)]
    changes = {f"epsilon 1e-5 in {name}": _change_of(model, inputs, _epsilon(name)) for name in names}
    _require(changes, 1e-2)
    return changes


def _require(changes: dict[str, float], least: float) -> None:
    for mistake, change in changes.items():
        if not change > least:
            raise AssertionError(f"{mistake} moves the logits by {change:.2e} only, wanted over {least:.0e}")
