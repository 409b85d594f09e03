"""Golden files of the masked-LM and pretraining heads: logits, losses, gradients, training losses.

    python tools/reference/masked_lm_golden.py

writes crates/cloze-model/tests/golden/masked_lm/{bert,bert-untied,distilbert,bert-pretraining,electra,roberta}/,
each a complete model folder with a vocabulary. README.md beside this script says what every tensor is.
"""

import copy
from functools import partial
from pathlib import Path

import torch
import transformers
from safetensors import safe_open

import golden_folder
import masked_lm_mistakes
import sensitivity
import tiny_masked_lms
import training
from tiny_masked_lms import MaskedBatch
from tiny_models import WITHOUT_TOKEN_TYPES

SEED = 9
NEXT_SENTENCE_LABELS = [1, 0, 0, 1]
MODELS = {
    "bert": tiny_masked_lms.bert,
    "bert-untied": partial(tiny_masked_lms.bert, tied=False),
    "distilbert": tiny_masked_lms.distilbert,
    "bert-pretraining": tiny_masked_lms.bert_pretraining,
    "electra": tiny_masked_lms.electra,
    "roberta": tiny_masked_lms.roberta,
}
# Tensors of one kind each; key biases are left out: their gradient is zero but for rounding.
BERT_FINAL = [
    "bert.embeddings.word_embeddings.weight",
    "bert.encoder.layer.0.attention.self.query.weight",
    "cls.predictions.transform.dense.weight",
    "cls.predictions.transform.LayerNorm.weight",
]
FINAL_TENSORS = {
    "bert": [*BERT_FINAL, "cls.predictions.bias"],
    "bert-untied": [*BERT_FINAL, "cls.predictions.decoder.weight", "cls.predictions.decoder.bias"],
    "bert-pretraining": [
        *BERT_FINAL,
        "bert.pooler.dense.weight",
        "cls.predictions.bias",
        "cls.seq_relationship.weight",
        "cls.seq_relationship.bias",
    ],
    "distilbert": [
        "distilbert.embeddings.word_embeddings.weight",
        "distilbert.transformer.layer.0.attention.q_lin.weight",
        "vocab_transform.weight",
        "vocab_layer_norm.weight",
        "vocab_projector.bias",
    ],
    "electra": [
        "electra.embeddings.word_embeddings.weight",
        "electra.embeddings_project.weight",
        "generator_predictions.dense.weight",
        "generator_predictions.LayerNorm.weight",
        "generator_lm_head.bias",
    ],
    "roberta": [
        "roberta.embeddings.word_embeddings.weight",
        "roberta.encoder.layer.0.attention.self.query.weight",
        "lm_head.dense.weight",
        "lm_head.layer_norm.weight",
        "lm_head.bias",
    ],
}


def is_pretraining(model: torch.nn.Module) -> bool:
    """Whether the model has the next-sentence head too."""
    return isinstance(model, transformers.BertForPreTraining)


def forward(model: torch.nn.Module, inputs: MaskedBatch, masked: bool = True):
    """Run the model with its targets, with the attention mask or one that lets all through."""
    arguments = {
        "input_ids": inputs.input_ids,
        "attention_mask": inputs.attention_mask if masked else torch.ones_like(inputs.attention_mask),
        "labels": inputs.labels,
    }
    if model.config.model_type not in WITHOUT_TOKEN_TYPES:
        arguments["token_type_ids"] = inputs.token_type_ids
    if is_pretraining(model):
        arguments["next_sentence_label"] = torch.tensor(NEXT_SENTENCE_LABELS)
    return model(**arguments)


def logits(inputs: MaskedBatch, model: torch.nn.Module, masked: bool = True) -> torch.Tensor:
    """Logits of the vocabulary at the masked positions, `[masked, vocab]`."""
    return logits_at_targets(forward(model, inputs, masked), inputs)


def logits_at_targets(result, inputs: MaskedBatch) -> torch.Tensor:
    """Of all logits `[batch, seq, vocab]` those that have a target, `[masked, vocab]`."""
    everywhere = result.prediction_logits if "prediction_logits" in result else result.logits
    return everywhere[inputs.masked_positions[:, 0], inputs.masked_positions[:, 1]]


def losses(inputs: MaskedBatch, model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """What is trained on, and in pretraining the two losses that it is the sum of."""
    result = forward(model, inputs)
    return {"losses": result.loss} | {f"{name}es": loss for name, loss in apart(result, inputs).items()}


def apart(result, inputs: MaskedBatch) -> dict[str, torch.Tensor]:
    """The two losses of pretraining; nothing for a model with one head."""
    if "seq_relationship_logits" not in result:
        return {}
    cross_entropy = torch.nn.functional.cross_entropy
    found = {
        "masked_lm_loss": cross_entropy(logits_at_targets(result, inputs), inputs.targets),
        "next_sentence_loss": cross_entropy(result.seq_relationship_logits, torch.tensor(NEXT_SENTENCE_LABELS)),
    }
    if abs(sum(found.values()) - result.loss) > 1e-5:
        raise AssertionError(f"{found} are not the parts of {result.loss}")
    return found


def forward_and_gradients(model: torch.nn.Module, inputs: MaskedBatch) -> dict[str, torch.Tensor]:
    """Logits and losses of one forward pass, and the gradient of the loss for every parameter that has one."""
    model.zero_grad()
    result = forward(model, inputs)
    result.loss.backward()
    tensors = {"logits": logits_at_targets(result, inputs), "loss": result.loss.reshape(1)}
    tensors |= {name: loss.reshape(1) for name, loss in apart(result, inputs).items()}
    if is_pretraining(model):
        tensors["next_sentence_logits"] = result.seq_relationship_logits
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            tensors[f"grad.{name}"] = parameter.grad
    return {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}


def check_mistakes(model: torch.nn.Module, inputs: MaskedBatch, tensors: dict[str, torch.Tensor]) -> dict[str, float]:
    """How far mistakes move the logits; adds the logits of the model with a nearly constant head."""
    logits_of = partial(logits, inputs)
    changes = sensitivity.check_mistakes_show(model, logits_of)
    changes |= masked_lm_mistakes.check_head_mistakes_show(model, logits_of)
    nearly_constant = copy.deepcopy(model)
    masked_lm_mistakes.make_nearly_constant(nearly_constant)
    with torch.no_grad():
        tensors["near_constant.logits"] = logits_of(nearly_constant).contiguous()
        exact = logits_of(copy.deepcopy(nearly_constant).double())
    golden_folder.check_precision(tensors, {"near_constant.logits": exact})
    return changes | masked_lm_mistakes.check_head_epsilon_shows(nearly_constant, logits_of)


def check_folder(folder: Path, model: torch.nn.Module, inputs: MaskedBatch, wanted: torch.Tensor) -> None:
    """Raise unless the folder holds each parameter once and loads as the same model."""
    with safe_open(folder / "model.safetensors", "pt") as file:
        stored = set(file.keys())
    names = {name for name, _ in model.named_parameters()}
    if stored != names:
        raise AssertionError(f"{folder}: holds {stored - names} too and lacks {names - stored}")
    loaded, report = type(model).from_pretrained(folder, attn_implementation="eager", output_loading_info=True)
    if any(report.values()):
        raise AssertionError(f"{folder}: {report}")
    if not torch.equal(logits(inputs, loaded.eval()), wanted):
        raise AssertionError(f"{folder}: the loaded model has other logits")
    vocabulary = transformers.AutoTokenizer.from_pretrained(folder).get_vocab()
    wanted_size = model.config.vocab_size
    if model.config.model_type == "roberta":
        fine = vocabulary["<mask>"] == len(vocabulary) - 1 == wanted_size - 1
    else:
        fine = sorted(vocabulary, key=vocabulary.get) == tiny_masked_lms.VOCABULARY
    if not fine:
        raise AssertionError(f"{folder}: the loaded tokenizer has other tokens: {vocabulary}")


def golden(case: str) -> None:
    """Make one golden folder and print how far each checked mistake moves its logits."""
    model = MODELS[case]()
    model_type = model.config.model_type
    texts = tiny_masked_lms.ROBERTA_TEXTS if model_type == "roberta" else tiny_masked_lms.TEXTS
    rows = tiny_masked_lms.PAIRS if is_pretraining(model) else texts
    inputs = tiny_masked_lms.masked_batch(rows, SEED, model_type)
    tensors = forward_and_gradients(model, inputs)
    golden_folder.check_precision(tensors, forward_and_gradients(copy.deepcopy(model).double(), inputs))
    changes = check_mistakes(model, inputs, tensors)
    tensors |= vars(inputs)
    if is_pretraining(model):
        tensors["next_sentence_labels"] = torch.tensor(NEXT_SENTENCE_LABELS)
    trained = copy.deepcopy(model)
    history = training.train(trained, partial(losses, inputs))
    exact = training.train(copy.deepcopy(model).double(), partial(losses, inputs))
    golden_folder.check_training_precision(history["losses"], exact["losses"])
    tensors["training.losses"] = torch.tensor(history["losses"])
    tensors |= training.final_weights(trained, FINAL_TENSORS[case])
    expected = {"logits_change_by": changes, "training": history | training.SETTINGS}
    folder = golden_folder.write(f"masked_lm/{case}", model, tensors, expected)
    tiny_masked_lms.save_tokenizer(folder, model_type)
    check_folder(folder, model, inputs, tensors["logits"])
    print(f"masked_lm/{case}: logits change by: {', '.join(f'{name} {by:.2e}' for name, by in changes.items())}")


def main() -> None:
    transformers.utils.logging.disable_progress_bar()
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    for case in MODELS:
        golden(case)


if __name__ == "__main__":
    main()
