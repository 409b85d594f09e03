"""ELECTRA, RoBERTa and XLM-RoBERTa: trained with cloze and loaded with `transformers`, and the other way round.

    .venv/bin/python tools/reference/architectures_roundtrip.py target/release/cloze

Starts every task from small random models that `transformers` saved as bare encoders. Ends with status 1 on a
warning of `transformers`, on a label, an entity or a filling that differs, or on a score that differs by more
than 1e-4.
"""

import logging
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
import transformers
from transformers import (
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    ElectraConfig,
    ElectraForPreTraining,
    ElectraModel,
    PreTrainedModel,
    RobertaConfig,
    RobertaModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

import masked_roundtrip
import roundtrip
import tiny_tokenizers
import token_roundtrip
from roundtrip import Warnings, cloze_scores, compare, some_rows, transformers_scores
from tiny_masked_lms import BERT_SIZES, VOCABULARY, save_tokenizer

MAX_LENGTH = 64
SIZES = BERT_SIZES | {"max_position_embeddings": MAX_LENGTH + 2, "initializer_range": 0.3}
ELECTRA = SIZES | {"embedding_size": 16, "vocab_size": len(VOCABULARY)}
ROBERTA = SIZES | {"type_vocab_size": 1, "vocab_size": tiny_tokenizers.VOCABULARY, "layer_norm_eps": 1e-5}
XLM_ROBERTA = ROBERTA | {"vocab_size": len(tiny_tokenizers.unigram())}
MODELS: dict[str, Callable[[], PreTrainedModel]] = {
    "electra": lambda: ElectraModel(ElectraConfig(**ELECTRA)),
    "roberta": lambda: RobertaModel(RobertaConfig(**ROBERTA)),
    "xlm-roberta": lambda: XLMRobertaModel(XLMRobertaConfig(**XLM_ROBERTA)),
}
MASKS = {"electra": "[MASK]", "roberta": "<mask>", "xlm-roberta": "<mask>"}
# What the pipeline says of every tokenizer without a mark of sub-words, whoever made it.
USUAL = "Tokenizer does not support real words, using fallback heuristic"
MASKED_CONFIG = """
task = "masked-lm"
output = "{output}"
[model]
path = "{model}"
[data]
train = "{data}"
text = "text"
split = {{ validation = 0.1, seed = 1 }}
limit = {{ train = 200 }}
chunk_size = 48
[train]
epochs = 1
learning_rate = 2e-3
"""


def save(model: PreTrainedModel, folder: Path) -> Path:
    """A model with the tokenizer of its kind."""
    model.save_pretrained(folder)
    save_tokenizer(folder, model.config.model_type, MAX_LENGTH)
    return folder


def quietly(case: str, heard: Warnings, check: Callable[[], bool]) -> bool:
    """Whether a check passes without a warning."""
    heard.messages.clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        passed = check()
    said = heard.messages + [str(one.message) for one in caught]
    said = [message for message in said if message != USUAL]
    if said:
        print(f"FAILED {case}: transformers warned: {said}")
    return passed and not said


def train(program: str, config: Path, text: str) -> None:
    """A run of cloze."""
    config.write_text(text)
    subprocess.run([program, "train", str(config)], check=True, capture_output=True)


def texts(program: str, name: str, place: Path, heard: Warnings) -> bool:
    """Classifiers of whole texts, of every kind."""
    some_rows(place / "rows.csv")
    passed = True
    for number, (case, (task, extra)) in enumerate(roundtrip.CASES.items()):
        run = place / f"texts-{number}"
        label = "score" if task == "regression" else "label"
        settings = dict(task=task, output=run, model=place / "base", data=place / "rows.csv", label=label, extra=extra)
        train(program, place / "texts.toml", roundtrip.CONFIG.format(**settings).replace("epochs = 8", "epochs = 1"))
        case = f"{name} trained by cloze with {case}"

        def check() -> bool:
            wanted = transformers_scores(run / "model", max_length=MAX_LENGTH)
            return compare(case, cloze_scores(program, run / "model"), wanted)

        passed &= quietly(case, heard, check)
    return passed


def words(program: str, name: str, place: Path, heard: Warnings) -> bool:
    """Token classifiers; the metrics are those of `seqeval`."""
    test = token_roundtrip.sentences(2, 60)
    token_roundtrip.write(place / "train.conll", token_roundtrip.sentences(1, 200))
    token_roundtrip.write(place / "test.conll", test)
    run = place / "words"
    settings = dict(output=run, model=place / "base", folder=place, epochs=3)
    train(program, place / "words.toml", token_roundtrip.CONFIG.format(**settings).replace("= 32", f"= {MAX_LENGTH}"))
    case = f"{name}: words labelled by cloze"
    passed = quietly(case, heard, lambda: token_roundtrip.compare_entities(case, program, run / "model"))
    return passed & token_roundtrip.compare_metrics(case, run, test)


def masks(program: str, name: str, place: Path, heard: Warnings) -> bool:
    """Masked language models."""
    run, config = place / "masked", place / "masked.toml"
    train(program, config, MASKED_CONFIG.format(output=run, model=place / "base", data=place / "rows.csv"))
    masked_roundtrip.TEXTS = [
        f"the cat sat on the {MASKS[name]}.",
        f"A {MASKS[name]}, not very {MASKS[name]} film 我爱{MASKS[name]}.",
    ]
    case = f"{name} adapted by cloze"
    passed = quietly(case, heard, lambda: masked_roundtrip.check_fillings(program, run / "model"))
    return passed & masked_roundtrip.check_perplexity(program, config, run)


def from_transformers(program: str, name: str, place: Path) -> bool:
    """Every head that `transformers` saved, and the discriminator of an ELECTRA."""
    labels = {0: "O", 1: "B-PER", 2: "I-PER", 3: "B-LOC", 4: "I-LOC"}
    names = {"id2label": labels, "label2id": {label: index for index, label in labels.items()}}
    torch.manual_seed(5)
    passed = True
    for problem in ("single_label_classification", "multi_label_classification"):
        model = AutoModelForSequenceClassification.from_pretrained(place / "base", problem_type=problem, **names)
        # A new head is so small that all scores would be nearly equal.
        model.classifier.out_proj.weight.data.normal_(0.0, 1.0)
        saved = save(model, place / problem)
        case = f"{name}, {problem}, saved by transformers"
        passed &= compare(case, cloze_scores(program, saved), transformers_scores(saved, max_length=MAX_LENGTH))
    model = AutoModelForTokenClassification.from_pretrained(place / "base", **names)
    model.classifier.weight.data.normal_(0.0, 1.0)
    saved = save(model, place / "tokens")
    passed &= token_roundtrip.compare_entities(f"{name} for words, saved by transformers", program, saved)
    saved = save(AutoModelForMaskedLM.from_pretrained(place / "base"), place / "lm")
    passed &= masked_roundtrip.check_fillings(program, saved)
    if name == "electra":
        saved = save(ElectraForPreTraining.from_pretrained(place / "base"), place / "discriminator")
        shown = subprocess.run([program, "inspect", str(saved)], check=True, capture_output=True, text=True).stdout
        fine = "electra" in shown and "head" in shown
        print(f"{'ok' if fine else 'FAILED'} a discriminator is an encoder")
        passed &= fine
    return passed


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: architectures_roundtrip.py PROGRAM", file=sys.stderr)
        return 2
    program = sys.argv[1]
    transformers.utils.logging.disable_progress_bar()
    heard = Warnings()
    logging.getLogger("transformers").addHandler(heard)
    passed = True
    for name, base in MODELS.items():
        torch.manual_seed(3)
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            save(base(), place / "base")
            passed &= texts(program, name, place, heard)
            passed &= words(program, name, place, heard)
            passed &= masks(program, name, place, heard)
            passed &= from_transformers(program, name, place)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
