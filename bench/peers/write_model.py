"""Writes a model that both sides load, so that they start from the same weights.

    python -m peers.write_model KIND OUT [--dropout P] [--layers N] [--onnx]

KIND is a classifier, `bert-base` (random weights), `bert-base-zh` (random weights, the Chinese
vocabulary with its tokenizer) or `minilm` (its weights and tokenizer with a random head), a masked
language model, `bert-base-mlm` (random weights, the tokenizer of BERT's uncased English vocabulary), or a
token classifier, `bert-base-zh-names` (random weights, the Chinese vocabulary, seven labels), or
`bert-base-continuation` (random weights, two dense layers that say which token comes next).
Leaves `parameters.json` in OUT as well: names and shapes. With `--onnx`, `model.onnx`: the graph of a
classifier that PyTorch exports, with the fusions of ONNX Runtime's own optimizer for BERT.
"""

import argparse
import json
import sys
from pathlib import Path

import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    BertForTokenClassification,
)

ASSETS = Path(__file__).parents[2] / "assets"
INPUTS = ["input_ids", "attention_mask", "token_type_ids"]
MODELING = Path(__file__).parents[2] / "crates/cloze-model/src/checkpoint"
MASKED_LM, NAMES, CONTINUATION = "bert-base-mlm", "bert-base-zh-names", "bert-base-continuation"
VOCABULARIES = {"bert-base": 30_522, "bert-base-zh": 21_128, MASKED_LM: 30_522, NAMES: 21_128, CONTINUATION: 30_522}
CLASSES = {MASKED_LM: BertForMaskedLM, NAMES: BertForTokenClassification}
TOKENIZERS = {
    "bert-base-zh": ASSETS / "vocab-zh",
    NAMES: ASSETS / "vocab-zh",
    "minilm": ASSETS / "minilm",
    MASKED_LM: ASSETS / "minilm",
}


class Logits(torch.nn.Module):
    """A classifier whose only output is the logits, `[batch, labels]`."""

    def __init__(self, model: torch.nn.Module):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, token_type_ids):
        return self.model(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).logits


def continuation(config: BertConfig, dropout: float) -> torch.nn.Module:
    """A model for windows of 32 tokens, with the head that cloze saves."""
    sys.path.insert(0, str(MODELING))
    from modeling_cloze_continuation import ClozeForContinuation

    head = {"kind": "linear", "hidden_size": config.hidden_size, "layers": 1, "attention_heads": 1}
    head |= {"activation": "gelu", "dropout": dropout, "special_rows": True}
    read = {"samples": "windows", "length": 32, "stride": 1, "head": head}
    config.cloze = {"task": "continuation", "max_length": 34, "continuation": read}
    return ClozeForContinuation(config)


def export(folder: Path) -> None:
    """Write `model.onnx`, with fused attention, LayerNorm and GELU, for batches of any shape."""
    from onnxruntime.transformers.optimizer import optimize_model

    # The optimizer's attention fusion knows the pattern of eager attention.
    model = AutoModelForSequenceClassification.from_pretrained(folder, attn_implementation="eager").eval()
    example = torch.ones(2, 16, dtype=torch.int64)
    file = folder / "exported.onnx"
    torch.onnx.export(
        Logits(model),
        (example, example, torch.zeros_like(example)),
        file,
        dynamo=False,
        opset_version=17,
        input_names=INPUTS,
        output_names=["logits"],
        dynamic_axes={name: {0: "batch", 1: "seq"} for name in INPUTS},
    )
    config = model.config
    fused = optimize_model(
        str(file),
        model_type="bert",
        num_heads=config.num_attention_heads,
        hidden_size=config.hidden_size,
        opt_level=0,
    )
    fusions = fused.get_fused_operator_statistics()
    if fusions["Attention"] != config.num_hidden_layers:
        raise SystemExit(f"wanted {config.num_hidden_layers} fused attentions, found {fusions}")
    fused.save_model_to_file(str(folder / "model.onnx"))
    file.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=[*VOCABULARIES, "minilm"])
    parser.add_argument("out", type=Path)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--layers", type=int, help="[default: those of the kind]")
    parser.add_argument("--onnx", action="store_true")
    arguments = parser.parse_args()

    torch.manual_seed(1)
    dropout = {"hidden_dropout_prob": arguments.dropout, "attention_probs_dropout_prob": arguments.dropout}
    layers = {"num_hidden_layers": arguments.layers} if arguments.layers else {}
    if arguments.kind == "minilm":
        model = AutoModelForSequenceClassification.from_pretrained(
            ASSETS / "minilm", num_labels=2, **dropout, **layers
        )
    else:
        config = BertConfig(vocab_size=VOCABULARIES[arguments.kind], num_labels=7 if arguments.kind == NAMES else 2, **dropout, **layers)
        if arguments.kind == CONTINUATION:
            model = continuation(config, arguments.dropout)
        else:
            model = CLASSES.get(arguments.kind, BertForSequenceClassification)(config)
    model.save_pretrained(arguments.out)
    if arguments.kind in TOKENIZERS:
        AutoTokenizer.from_pretrained(TOKENIZERS[arguments.kind]).save_pretrained(arguments.out)
    parameters = [{"name": name, "shape": list(p.shape)} for name, p in model.named_parameters()]
    (arguments.out / "parameters.json").write_text(json.dumps(parameters))
    if arguments.onnx:
        export(arguments.out)


if __name__ == "__main__":
    main()
