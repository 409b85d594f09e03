"""Tiny random encoders with a classification head, and the batch that they are run on.

The weights are deliberately large. With the usual standard deviation of 0.02 a wrong
activation or a missing attention scale moves the logits by less than 1e-6 and no test notices.
"""

from dataclasses import dataclass

import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    ElectraConfig,
    ElectraForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
)

VOCAB_SIZE = 60
MAX_POSITIONS = 24
LABELS = {0: "negative", 1: "neutral", 2: "positive"}
WEIGHT_STD = 0.3
# The last matrix is larger still: it carries what happened in the encoder into the logits.
OUTPUT_STDS = {"classifier.weight": 1.0, "classifier.out_proj.weight": 1.0}
BIAS_STD = 0.2
LAYER_NORM_STD = 0.2

PAD, CLS, SEP = 0, 1, 2
# RoBERTa has other ids, two separators between the texts of a pair, and no token types.
ROBERTA_PAD, ROBERTA_CLS, ROBERTA_SEP = 1, 0, 2
WITHOUT_TOKEN_TYPES = ("distilbert", "roberta", "xlm-roberta")


@dataclass
class Batch:
    """Right-padded model inputs, each `[batch, seq]`, and one label a row, `[batch]`."""

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    token_type_ids: torch.Tensor
    labels: torch.Tensor


def bert() -> BertForSequenceClassification:
    """A BERT classifier of two layers."""
    config = BertConfig(
        vocab_size=VOCAB_SIZE,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=MAX_POSITIONS,
        type_vocab_size=2,
        id2label=LABELS,
        label2id={label: index for index, label in LABELS.items()},
        problem_type="single_label_classification",
        attn_implementation="eager",
    )
    return BertForSequenceClassification(config)


def distilbert() -> DistilBertForSequenceClassification:
    """A DistilBERT classifier of two layers."""
    config = DistilBertConfig(
        vocab_size=VOCAB_SIZE,
        dim=32,
        n_layers=2,
        n_heads=4,
        hidden_dim=64,
        max_position_embeddings=MAX_POSITIONS,
        id2label=LABELS,
        label2id={label: index for index, label in LABELS.items()},
        problem_type="single_label_classification",
        attn_implementation="eager",
    )
    return DistilBertForSequenceClassification(config)


def electra() -> ElectraForSequenceClassification:
    """An ELECTRA classifier of two layers, whose embeddings are narrower than its hidden states."""
    config = ElectraConfig(
        vocab_size=VOCAB_SIZE,
        embedding_size=20,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=MAX_POSITIONS,
        type_vocab_size=2,
        id2label=LABELS,
        label2id={label: index for index, label in LABELS.items()},
        problem_type="single_label_classification",
        attn_implementation="eager",
    )
    return ElectraForSequenceClassification(config)


def _roberta_settings(hidden_size: int) -> dict:
    return {
        "vocab_size": VOCAB_SIZE,
        "hidden_size": hidden_size,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 2 * hidden_size,
        "max_position_embeddings": MAX_POSITIONS,
        "type_vocab_size": 1,
        "id2label": LABELS,
        "label2id": {label: index for index, label in LABELS.items()},
        "problem_type": "single_label_classification",
        "attn_implementation": "eager",
    }


def roberta() -> RobertaForSequenceClassification:
    """A RoBERTa classifier of two layers."""
    return RobertaForSequenceClassification(RobertaConfig(**_roberta_settings(32)))


def xlm_roberta() -> XLMRobertaForSequenceClassification:
    """An XLM-RoBERTa classifier of two layers."""
    return XLMRobertaForSequenceClassification(XLMRobertaConfig(**_roberta_settings(24)))


ARCHITECTURES = {
    "bert": bert,
    "distilbert": distilbert,
    "electra": electra,
    "roberta": roberta,
    "xlm-roberta": xlm_roberta,
}


def is_layer_norm(name: str) -> bool:
    """Whether a parameter of this name belongs to a LayerNorm (of BERT or DistilBERT)."""
    return "LayerNorm" in name or "layer_norm" in name


def randomise(model: torch.nn.Module, seed: int, output_stds: dict[str, float] = OUTPUT_STDS) -> None:
    """Draw every parameter anew, in the order of their sorted names.

    `output_stds` has the standard deviations of matrices that give logits, by name.
    """
    generator = torch.Generator().manual_seed(seed)
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name in sorted(parameters):
            drawn = torch.randn(parameters[name].shape, generator=generator)
            if is_layer_norm(name):
                centre = 1.0 if name.endswith("weight") else 0.0
                drawn = centre + LAYER_NORM_STD * drawn
            elif name.endswith("bias"):
                drawn = BIAS_STD * drawn
            else:
                drawn = output_stds.get(name, WEIGHT_STD) * drawn
            parameters[name].copy_(drawn)


def make_nearly_constant(model: torch.nn.Module) -> None:
    """Scale weights so that what enters every LayerNorm varies by 1e-3 around a constant.

    The variance is then about 1e-6, and an epsilon of 1e-5 in place of 1e-12 changes the result.
    Every LayerNorm but the last, which feeds the head, gives small values too, so that the sum
    that enters the next one is small; the matrices that read them are larger to make up for it.
    """
    small = 1e-3
    layer_norms = [name for name, _ in model.named_parameters() if is_layer_norm(name)]
    last = layer_norms[-1].rsplit(".", 1)[0]
    into_layer_norm = ("output.dense", "out_lin", "lin2")
    from_layer_norm = ("query", "key", "value", "intermediate", "q_lin", "k_lin", "v_lin", "lin1")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            inner_layer_norm = is_layer_norm(name) and not name.startswith(last)
            if inner_layer_norm or "_embeddings" in name or any(part in name for part in into_layer_norm):
                parameter.mul_(small)
            elif name.endswith("weight") and any(part in name for part in from_layer_norm):
                parameter.div_(small)
            if name.endswith("embeddings_project.bias"):
                # Of its weight, what comes in is small already.
                parameter.mul_(small)
            if name.endswith("word_embeddings.weight"):
                parameter.add_(0.01)


def batch(seed: int, model_type: str = "bert") -> Batch:
    """Three rows: a single text, a pair that fills the width, and a short text."""
    roberta = "roberta" in model_type
    pad, cls, sep = (ROBERTA_PAD, ROBERTA_CLS, ROBERTA_SEP) if roberta else (PAD, CLS, SEP)
    between = [sep, sep] if roberta else [sep]
    generator = torch.Generator().manual_seed(seed)

    def words(count: int) -> list[int]:
        return torch.randint(3, VOCAB_SIZE, (count,), generator=generator).tolist()

    first, second, third = words(7), words(5), words(6)
    rows = [
        ([cls, *first, sep], 0),
        ([cls, *second, *between, *third, sep], 0 if roberta else len(third) + 1),
        ([cls, *words(2), sep], 0),
    ]
    width = max(len(ids) for ids, _ in rows)
    ids = torch.full((len(rows), width), pad)
    mask = torch.zeros_like(ids)
    types = torch.zeros_like(ids)
    for row, (tokens, second_length) in enumerate(rows):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        mask[row, : len(tokens)] = 1
        types[row, len(tokens) - second_length : len(tokens)] = 1
    return Batch(ids, mask, types, torch.tensor([2, 0, 1]))


def forward(model: torch.nn.Module, inputs: Batch, attention_mask: torch.Tensor | None = None, **options):
    """Run the classifier on the batch; `options` go to the model's own `forward`.

    Architectures without token types are given none.
    """
    arguments = {
        "input_ids": inputs.input_ids,
        "attention_mask": inputs.attention_mask if attention_mask is None else attention_mask,
        "labels": inputs.labels,
    }
    if model.config.model_type not in WITHOUT_TOKEN_TYPES:
        arguments["token_type_ids"] = inputs.token_type_ids
    return model(**arguments, **options)
