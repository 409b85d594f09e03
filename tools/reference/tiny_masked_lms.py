"""Tiny random masked language models, their vocabulary, and the masked batches they are run on.

Smaller than the classifiers of `tiny_models.py`, and of a width (24) and a head size (6) that are no
multiples of a vector register's.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForPreTraining,
    DistilBertConfig,
    DistilBertForMaskedLM,
    ElectraConfig,
    ElectraForMaskedLM,
    PreTrainedModel,
    RobertaConfig,
    RobertaForMaskedLM,
)

import tiny_tokenizers
from tiny_models import MAX_POSITIONS, ROBERTA_CLS, ROBERTA_PAD, ROBERTA_SEP, randomise

VOCABULARY = (
    "[PAD] [UNK] [CLS] [SEP] [MASK] . , ! ? ' the a cat dog film story sat on mat is was very not good bad "
    "warm cold i love it he she we and in of to play walk no ##ing ##ed ##s ##er un ##do ##able t s 1 2 ##0 3 "
    "我 爱 中 国 天 气 。 ，"
).split()
PAD, UNK, CLS, SEP, MASK = range(5)
SPECIAL_TOKENS = 5
TOKENIZER = {
    "tokenizer_class": "BertTokenizer",
    "do_lower_case": True,
    "tokenize_chinese_chars": True,
    "strip_accents": None,
    "model_max_length": MAX_POSITIONS,
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}
SIZES = {"vocab_size": len(VOCABULARY), "max_position_embeddings": MAX_POSITIONS, "attn_implementation": "eager"}
BERT_SIZES = SIZES | {
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "type_vocab_size": 2,
}
DISTILBERT_SIZES = SIZES | {"dim": 24, "n_layers": 2, "n_heads": 4, "hidden_dim": 48}
ELECTRA_SIZES = BERT_SIZES | {"embedding_size": 16}
ROBERTA_SIZES = BERT_SIZES | {"vocab_size": tiny_tokenizers.VOCABULARY, "type_vocab_size": 1}
# The matrices that give logits; tied ones go by the name of the embeddings.
OUTPUT_STDS = {
    "bert.embeddings.word_embeddings.weight": 0.6,
    "distilbert.embeddings.word_embeddings.weight": 0.6,
    "electra.embeddings.word_embeddings.weight": 0.6,
    "roberta.embeddings.word_embeddings.weight": 0.6,
    "cls.predictions.decoder.weight": 0.6,
    "cls.seq_relationship.weight": 1.0,
}

# Of each row: the words of its texts (0: there is no second one), and what masking did at which position.
Row = tuple[int, int, dict[int, str]]
TEXTS: list[Row] = [
    (7, 0, {2: "mask", 5: "random"}),
    (5, 6, {1: "mask", 4: "kept", 8: "mask", 12: "mask"}),
    (2, 0, {}),
    (3, 2, {5: "mask"}),
]
# Two separators stand between the texts of a pair.
ROBERTA_TEXTS: list[Row] = [*TEXTS[:3], (3, 2, {6: "mask"})]
PAIRS: list[Row] = [
    (4, 3, {2: "mask", 6: "random"}),
    (5, 6, {1: "mask", 4: "kept", 8: "mask", 12: "mask"}),
    (1, 2, {}),
    (3, 2, {5: "mask"}),
]


@dataclass
class MaskedBatch:
    """Right-padded rows after masking, and what was there before."""

    input_ids: torch.Tensor
    """`[batch, seq]`."""
    attention_mask: torch.Tensor
    """`[batch, seq]`."""
    token_type_ids: torch.Tensor
    """`[batch, seq]`."""
    lengths: torch.Tensor
    """Tokens of each row, `[batch]`."""
    labels: torch.Tensor
    """What `transformers` takes: the target of each token or -100, `[batch, seq]`."""
    masked_positions: torch.Tensor
    """Row and position in it of each token with a target, `[masked, 2]`, in order."""
    targets: torch.Tensor
    """The ids that were there, `[masked]`."""


def bert(tied: bool = True) -> BertForMaskedLM:
    """BERT with its masked-LM head."""
    return _drawn(BertForMaskedLM(BertConfig(**BERT_SIZES, tie_word_embeddings=tied)))


def distilbert() -> DistilBertForMaskedLM:
    """DistilBERT with its masked-LM head."""
    return _drawn(DistilBertForMaskedLM(DistilBertConfig(**DISTILBERT_SIZES)))


def bert_pretraining() -> BertForPreTraining:
    """BERT with both heads of its pretraining."""
    return _drawn(BertForPreTraining(BertConfig(**BERT_SIZES)))


def electra() -> ElectraForMaskedLM:
    """A generator of ELECTRA's, with embeddings that are narrower than its hidden states."""
    return _drawn(ElectraForMaskedLM(ElectraConfig(**ELECTRA_SIZES)), seed=9)


def roberta() -> RobertaForMaskedLM:
    """RoBERTa with its masked-LM head."""
    return _drawn(RobertaForMaskedLM(RobertaConfig(**ROBERTA_SIZES)))


def _drawn(model: PreTrainedModel, seed: int = 8) -> PreTrainedModel:
    randomise(model, seed=seed, output_stds=OUTPUT_STDS)
    # Dropout is off, and gradients flow all the same.
    return model.eval()


def save_tokenizer(folder: Path, model_type: str = "bert", max_length: int | None = None) -> None:
    """Write the vocabulary and how texts are split into a model's folder."""
    if model_type == "roberta":
        tiny_tokenizers.byte_level(max_length=max_length or MAX_POSITIONS - 2).save_pretrained(folder)
        return
    if model_type == "xlm-roberta":
        tiny_tokenizers.unigram(max_length or MAX_POSITIONS - 2).save_pretrained(folder)
        return
    settings = TOKENIZER | {"model_max_length": max_length or MAX_POSITIONS}
    (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in VOCABULARY), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")


def masked_batch(rows: list[Row], seed: int, model_type: str = "bert") -> MaskedBatch:
    """Rows of random words, masked as they say."""
    generator = torch.Generator().manual_seed(seed)
    if model_type == "roberta":
        pad, cls, sep, mask_id = ROBERTA_PAD, ROBERTA_CLS, ROBERTA_SEP, tiny_tokenizers.VOCABULARY - 1
        between, first_word, end = [sep], 4, mask_id
    else:
        pad, cls, sep, mask_id = PAD, CLS, SEP, MASK
        between, first_word, end = [], SPECIAL_TOKENS, len(VOCABULARY)

    def words(count: int) -> list[int]:
        return torch.randint(first_word, end, (count,), generator=generator).tolist()

    shape = (len(rows), max(2 + first + (len(between) + second + 1 if second else 0) for first, second, _ in rows))
    ids, mask, types = torch.full(shape, pad), torch.zeros(shape).long(), torch.zeros(shape).long()
    labels = torch.full(shape, -100)
    for row, (first, second, masking) in enumerate(rows):
        tokens = [cls, *words(first), sep]
        types[row, len(tokens) : len(tokens) + second + 1] = 1 if second and not between else 0
        tokens += [*between, *words(second), sep] if second else []
        for position, what in masking.items():
            target = tokens[position]
            if not first_word <= target < end:
                raise AssertionError(f"row {row}: position {position} is a special token")
            labels[row, position] = target
            drawn = first_word + (target - first_word + 1) % (end - first_word)
            tokens[position] = {"mask": mask_id, "random": drawn, "kept": target}[what]
        ids[row, : len(tokens)] = torch.tensor(tokens)
        mask[row, : len(tokens)] = 1
    places = (labels != -100).nonzero().contiguous()
    return MaskedBatch(ids, mask, types, mask.sum(1), labels, places, labels[places[:, 0], places[:, 1]])
