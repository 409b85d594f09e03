"""Parameter counts of published models, from their `config.json` alone: no weights are made.

    python tools/reference/parameter_counts_golden.py

writes crates/cloze-model/tests/golden/parameter_counts.json: by name the `config`, and how many
parameters `transformers` gives the `encoder`, a `classifier` and a `token_classifier` of three labels,
and the `masked_lm`, whose tied matrix counts once.
"""

import json
from pathlib import Path

import torch
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
)

FILE = Path(__file__).resolve().parents[2] / "crates/cloze-model/tests/golden/parameter_counts.json"
CLASSES = {
    "encoder": AutoModel,
    "classifier": AutoModelForSequenceClassification,
    "token_classifier": AutoModelForTokenClassification,
    "masked_lm": AutoModelForMaskedLM,
}


def sizes(model_type: str, vocabulary: int, hidden: int, layers: int, heads: int, **more) -> dict:
    """A `config.json`."""
    return {
        "model_type": model_type,
        "vocab_size": vocabulary,
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": 4 * hidden,
        **more,
    }


ROBERTA = {"max_position_embeddings": 514, "type_vocab_size": 1, "layer_norm_eps": 1e-5, "pad_token_id": 1}
ELECTRA = {"max_position_embeddings": 512, "type_vocab_size": 2}
MODELS = {
    "roberta-base": sizes("roberta", 50265, 768, 12, 12, **ROBERTA),
    "xlm-roberta-base": sizes("xlm-roberta", 250002, 768, 12, 12, **ROBERTA),
    "electra-small": sizes("electra", 30522, 256, 12, 4, embedding_size=128, **ELECTRA),
    "electra-base": sizes("electra", 30522, 768, 12, 12, embedding_size=768, **ELECTRA),
    "electra-base-generator": sizes("electra", 30522, 256, 12, 4, embedding_size=768, **ELECTRA),
}


def counts(config: dict) -> dict[str, int]:
    """The parameters of every class."""
    own = AutoConfig.for_model(**config, num_labels=3)
    with torch.device("meta"):
        return {name: kind.from_config(own).num_parameters() for name, kind in CLASSES.items()}


def main() -> None:
    golden = {name: {"config": config} | counts(config) for name, config in MODELS.items()}
    FILE.write_text(json.dumps(golden, indent=1) + "\n")
    for name, found in golden.items():
        print(name, {kind: found[kind] for kind in CLASSES})


if __name__ == "__main__":
    main()
