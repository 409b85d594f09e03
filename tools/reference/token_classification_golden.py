"""Golden files of token classification: models as `transformers` saves them, and what it computes.

    python tools/reference/token_classification_golden.py

writes a folder for each of BERT, DistilBERT, ELECTRA, RoBERTa and XLM-RoBERTa into crates/cloze-infer/tests/golden/token_classification:
the model (`config.json` with its labels, `model.safetensors`, the tokenizer), `gradients.safetensors`
with `grad.NAME` for every parameter under its name in `model.safetensors`, and `expected.json` with

- `batch`: `input_ids` of some texts without padding, their `labels` (-100: none), the `logits` of every
  token, and the mean `loss` over the labels, whose gradients the other file has,
- `cases`: what the token-classification pipeline gives for a text with each aggregation strategy.

The weights are random and large, so that labels change from token to token. The script stops where two
labels of a token are too close to be told apart by rounding, where no strategy differs from another, or
where a label is never predicted.
"""

import json
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers import (
    BertConfig,
    BertForTokenClassification,
    BertTokenizer,
    DistilBertConfig,
    DistilBertForTokenClassification,
    ElectraConfig,
    ElectraForTokenClassification,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    RobertaConfig,
    RobertaForTokenClassification,
    XLMRobertaConfig,
    XLMRobertaForTokenClassification,
    pipeline,
)

import tiny_tokenizers
from tiny_masked_lms import (
    BERT_SIZES,
    DISTILBERT_SIZES,
    ELECTRA_SIZES,
    ROBERTA_SIZES,
    TOKENIZER,
    VOCABULARY,
    save_tokenizer,
)
from tiny_models import randomise

GOLDEN = Path(__file__).resolve().parents[2] / "crates/cloze-infer/tests/golden/token_classification"
LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
NAMES = {"id2label": dict(enumerate(LABELS)), "label2id": {label: index for index, label in enumerate(LABELS)}}
STRATEGIES = ["none", "simple", "first", "average", "max"]
# Of single bytes, a text has many tokens.
ROBERTA = ROBERTA_SIZES | {"max_position_embeddings": 130}
XLM_ROBERTA = ROBERTA | {"vocab_size": len(tiny_tokenizers.unigram())}
# Probabilities closer than this could change places by rounding.
LEAST_GAP = 2e-4
TEXTS = [
    "the cat sat on the mat.",
    "The Cat walked, playing undoable films!",
    "我爱中国，天气good。",
    "we ❤️ the dog 🐶🐶 and 👩‍👩‍👧 walked",
    "cafe\u0301 cats, dogs\u0301 and the na\u00efve zebra",
    "中国\u3000天气  very   good\t(bad)",
    "  he isn't undoing it ",
    "xyzzy undoable xyzzy",
    "film",
    "𠀀天 cat’s 2023 play-ing",
]


def drawn(model: PreTrainedModel, seed: int) -> PreTrainedModel:
    """The model with large random weights, and a bias with which every label is predicted somewhere."""
    randomise(model, seed=seed, output_stds={"classifier.weight": 1.0})
    model.eval()
    tokenizer = tokenizer_of(model)
    with torch.no_grad():
        logits = [model(**tokenizer(text, return_tensors="pt")).logits[0] for text in TEXTS]
        model.classifier.bias -= torch.cat(logits).mean(0)
    return model


def tokenizer_of(model: PreTrainedModel) -> PreTrainedTokenizerBase:
    """The tokenizer of the tiny models; DistilBERT takes no token types."""
    if model.config.model_type == "roberta":
        return tiny_tokenizers.byte_level(max_length=128)
    if model.config.model_type == "xlm-roberta":
        return tiny_tokenizers.unigram(128)
    tokenizer = BertTokenizer(
        {token: index for index, token in enumerate(VOCABULARY)},
        **{key: value for key, value in TOKENIZER.items() if key != "tokenizer_class"},
    )
    if isinstance(model, DistilBertForTokenClassification):
        tokenizer.model_input_names = ["input_ids", "attention_mask"]
    return tokenizer


def plain(value):
    """An output of the pipeline with Python's own numbers."""
    return [{key: item.item() if hasattr(item, "item") else item for key, item in entity.items()} for entity in value]


def check_gaps(model: PreTrainedModel, tokenizer, text: str) -> None:
    """Raise where the best two labels of a token are too close."""
    with torch.no_grad():
        scores = model(**tokenizer(text, return_tensors="pt")).logits.softmax(-1)[0]
    best = scores.topk(2).values
    if (best[:, 0] - best[:, 1]).min() < LEAST_GAP:
        raise AssertionError(f"{text!r}: two labels are too close")


def cases(model: PreTrainedModel, tokenizer) -> list[dict]:
    """Every text with every strategy."""
    tagger = pipeline("token-classification", model=model, tokenizer=tokenizer, device="cpu")
    found = []
    for text in TEXTS:
        check_gaps(model, tokenizer, text)
        output = {name: plain(tagger(text, aggregation_strategy=name)) for name in STRATEGIES}
        found.append({"text": text, "output": output})
    for first, second in zip(STRATEGIES, STRATEGIES[1:]):
        if all(case["output"][first] == case["output"][second] for case in found):
            raise AssertionError(f"{first} and {second} give the same")
    labels = {entity["entity"] for case in found for entity in case["output"]["none"]}
    if labels != set(LABELS[1:]):
        raise AssertionError(f"only {labels} are predicted")
    lengths = [entity["end"] - entity["start"] for case in found for entity in case["output"]["simple"]]
    if not any(case["output"]["simple"] for case in found if not case["text"].isascii()) or max(lengths) < 8:
        raise AssertionError("no entity goes on over words")
    return found


def batch(model: PreTrainedModel, tokenizer) -> dict:
    """Logits and loss of three texts with labels on some of their tokens."""
    generator = torch.Generator().manual_seed(3)
    ids = [tokenizer(text)["input_ids"] for text in TEXTS[:3]]
    labels = []
    for row in ids:
        own = torch.randint(len(LABELS), (len(row),), generator=generator)
        own[torch.rand(len(row), generator=generator) < 0.3] = -100
        own[0] = own[-1] = -100
        labels.append(own.tolist())
    length = max(map(len, ids))
    pad = model.config.pad_token_id

    def padded(rows: list[list[int]], value: int) -> torch.Tensor:
        return torch.tensor([row + [value] * (length - len(row)) for row in rows])

    mask = padded([[1] * len(row) for row in ids], 0)
    model.zero_grad()
    output = model(input_ids=padded(ids, pad), attention_mask=mask, labels=padded(labels, -100))
    output.loss.backward()
    logits = [output.logits[row, : len(own)].tolist() for row, own in enumerate(ids)]
    return {"input_ids": ids, "labels": labels, "logits": logits, "loss": output.loss.item()}


def write(name: str, model: PreTrainedModel) -> None:
    """Write the folder of a model."""
    folder = GOLDEN / name
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    save_tokenizer(folder, name, tokenizer_of(model).model_max_length)
    tokenizer = tokenizer_of(model)
    expected = {"labels": LABELS, "batch": batch(model, tokenizer), "cases": cases(model, tokenizer)}
    gradients = {f"grad.{name}": parameter.grad.contiguous() for name, parameter in model.named_parameters()}
    save_file(gradients, folder / "gradients.safetensors")
    file = folder / "expected.json"
    file.write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"{name}: {len(expected['cases'])} cases, {file.stat().st_size} bytes")


def main() -> None:
    transformers.utils.logging.disable_progress_bar()
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    write("bert", drawn(BertForTokenClassification(BertConfig(**BERT_SIZES, **NAMES)), seed=11))
    write("distilbert", drawn(DistilBertForTokenClassification(DistilBertConfig(**DISTILBERT_SIZES, **NAMES)), seed=12))
    write("electra", drawn(ElectraForTokenClassification(ElectraConfig(**ELECTRA_SIZES, **NAMES)), seed=13))
    write("roberta", drawn(RobertaForTokenClassification(RobertaConfig(**ROBERTA, **NAMES)), seed=17))
    xlm_roberta = XLMRobertaForTokenClassification(XLMRobertaConfig(**XLM_ROBERTA, **NAMES))
    write("xlm-roberta", drawn(xlm_roberta, seed=14))


if __name__ == "__main__":
    main()
