"""Proof that a golden file can fail: wrong variants of an encoder must move its logits."""

import copy
from collections.abc import Callable

import torch

LogitsOf = Callable[..., torch.Tensor]
"""Of a model and, by `masked=False`, without its attention mask: the logits that are compared."""
Mistake = Callable[[torch.nn.Module], int]
"""Changes a model and counts its changes."""


def tanh_gelu(model: torch.nn.Module) -> int:
    """Replace every GELU by its tanh approximation, but that of ELECTRA's classification head, which
    does not follow `hidden_act`."""
    changed = 0
    for name, module in model.named_modules():
        if name == "classifier":
            continue
        for attribute in ("intermediate_act_fn", "activation", "transform_act_fn"):
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


def epsilon(name: str) -> Mistake:
    """Give the LayerNorm of this name an epsilon of 1e-5."""

    def change(model: torch.nn.Module) -> int:
        model.get_submodule(name).eps = 1e-5
        return 1

    return change


def change_of(model: torch.nn.Module, logits_of: LogitsOf, mistake: Mistake) -> float:
    """The farthest that a mistake moves a logit; raises if it finds nothing to change."""
    mutated = copy.deepcopy(model)
    if mistake(mutated) == 0:
        raise AssertionError(f"{mistake.__name__} found nothing to change: has transformers renamed it?")
    with torch.no_grad():
        return (logits_of(mutated) - logits_of(model)).abs().max().item()


def check_mistakes_show(model: torch.nn.Module, logits_of: LogitsOf) -> dict[str, float]:
    """How far each mistake moves the logits; raises where one moves them by less than 1e-3."""
    with torch.no_grad():
        unmasked = logits_of(model, masked=False) - logits_of(model)
    changes = {
        "tanh GELU": change_of(model, logits_of, tanh_gelu),
        "no 1/sqrt(d)": change_of(model, logits_of, _no_attention_scale),
        "no attention mask": unmasked.abs().max().item(),
    }
    require(changes, 1e-3)
    return changes


def check_epsilon_shows(model: torch.nn.Module, logits_of: LogitsOf) -> dict[str, float]:
    """How far an epsilon of 1e-5 in each single LayerNorm moves the logits; at least 1e-2."""
    names = [name for name, module in model.named_modules() if isinstance(module, torch.nn.LayerNorm)]
    changes = {f"epsilon 1e-5 in {name}": change_of(model, logits_of, epsilon(name)) for name in names}
    require(changes, 1e-2)
    return changes


def require(changes: dict[str, float], least: float) -> None:
    """Raise where a mistake would hardly be noticed."""
    for mistake, change in changes.items():
        if not change > least:
            raise AssertionError(f"{mistake} moves the logits by {change:.2e} only, wanted over {least:.0e}")
