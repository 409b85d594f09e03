"""Proof that a golden file of a masked-LM head can fail: wrong heads must move its logits."""

from dataclasses import dataclass

import torch

import sensitivity
from sensitivity import LogitsOf

# A power of two, so that scaling is exact everywhere.
NEARLY_ZERO = 2.0**-10


@dataclass(frozen=True)
class Head:
    """The names of a head's modules in an architecture."""

    activation: str | None
    """None where it is no module: RoBERTa's."""
    dense: str
    layer_norm: str
    decoder: str


HEADS = {
    "bert": Head(
        "cls.predictions.transform.transform_act_fn",
        "cls.predictions.transform.dense",
        "cls.predictions.transform.LayerNorm",
        "cls.predictions.decoder",
    ),
    "distilbert": Head("activation", "vocab_transform", "vocab_layer_norm", "vocab_projector"),
    "electra": Head(
        "generator_predictions.activation",
        "generator_predictions.dense",
        "generator_predictions.LayerNorm",
        "generator_lm_head",
    ),
    "roberta": Head(None, "lm_head.dense", "lm_head.layer_norm", "lm_head.decoder"),
}


class RobertaHead(torch.nn.Module):
    """The layers of RoBERTa's head with another activation."""

    def __init__(self, head: torch.nn.Module, activation: torch.nn.Module):
        super().__init__()
        self.layers = torch.nn.Sequential(head.dense, activation, head.layer_norm, head.decoder)

    def forward(self, features, **_):
        return self.layers(features)


def make_nearly_constant(model: torch.nn.Module) -> None:
    """Scale the head's dense layer by 1/1024: what enters the head's LayerNorm then varies little
    enough for an epsilon of 1e-5 in place of 1e-12 to show."""
    dense = model.get_submodule(HEADS[model.config.model_type].dense)
    with torch.no_grad():
        dense.weight.mul_(NEARLY_ZERO)
        dense.bias.mul_(NEARLY_ZERO)


def check_head_mistakes_show(model: torch.nn.Module, logits_of: LogitsOf) -> dict[str, float]:
    """How far each mistake in the head moves the logits; raises where one moves them by less than 1e-3."""
    head = HEADS[model.config.model_type]

    def replace(name: str, new: torch.nn.Module) -> sensitivity.Mistake:
        def change(mutated: torch.nn.Module) -> int:
            mutated.get_submodule(name)
            mutated.set_submodule(name, new)
            return 1

        return change

    def other_activation(new: torch.nn.Module) -> sensitivity.Mistake:
        def change(mutated: torch.nn.Module) -> int:
            mutated.lm_head = RobertaHead(mutated.lm_head, new)
            return 1

        return replace(head.activation, new) if head.activation else change

    def no_decoder_bias(mutated: torch.nn.Module) -> int:
        with torch.no_grad():
            mutated.get_submodule(head.decoder).bias.zero_()
        return 1

    mistakes = {
        "tanh GELU in the head": other_activation(torch.nn.GELU(approximate="tanh")),
        "no activation in the head": other_activation(torch.nn.Identity()),
        "no LayerNorm in the head": replace(head.layer_norm, torch.nn.Identity()),
        "no bias in the decoder": no_decoder_bias,
    }
    if not model.config.tie_word_embeddings:
        mistakes |= {"embeddings as decoder": _tie_weight, "the other bias in the decoder": _tie_bias}
    changes = {name: sensitivity.change_of(model, logits_of, mistake) for name, mistake in mistakes.items()}
    sensitivity.require(changes, 1e-3)
    return changes


def check_head_epsilon_shows(nearly_constant: torch.nn.Module, logits_of: LogitsOf) -> dict[str, float]:
    """How far an epsilon of 1e-5 in the head's LayerNorm moves the logits of `make_nearly_constant`."""
    name = HEADS[nearly_constant.config.model_type].layer_norm
    changes = {f"epsilon 1e-5 in {name}": sensitivity.change_of(nearly_constant, logits_of, sensitivity.epsilon(name))}
    sensitivity.require(changes, 1e-2)
    return changes


def _tie_weight(model: torch.nn.Module) -> int:
    model.get_output_embeddings().weight = model.get_input_embeddings().weight
    return 1


def _tie_bias(model: torch.nn.Module) -> int:
    model.cls.predictions.decoder.bias = model.cls.predictions.bias
    return 1
