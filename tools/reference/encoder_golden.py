"""Golden files of the encoders: hidden states, attentions, logits, gradients, training losses.

    python tools/reference/encoder_golden.py

writes crates/cloze-model/tests/golden/{bert,distilbert,electra,roberta,xlm-roberta}[-near-constant]/. README.md beside this
script says what every tensor is.
"""

import copy
from functools import partial

import torch
import transformers

import golden_folder
import sensitivity
import tiny_models
import training
from tiny_models import Batch, forward

SEED = 7
# Weights that pass the checks below, where those of the other seed do not.
WEIGHT_SEEDS = {"roberta": 8, "electra-near-constant": 8}
# Tensors of one kind each: an untouched and a touched embedding row, a matrix, a bias,
# a LayerNorm, the head. Key biases are left out: their gradient is zero but for rounding.
ROBERTA_FINAL = [
    "roberta.embeddings.position_embeddings.weight",
    "roberta.embeddings.LayerNorm.weight",
    "roberta.encoder.layer.0.attention.self.query.weight",
    "roberta.encoder.layer.1.intermediate.dense.bias",
    "classifier.dense.weight",
    "classifier.out_proj.weight",
    "classifier.out_proj.bias",
]
FINAL_TENSORS = {
    "bert": [
        "bert.embeddings.word_embeddings.weight",
        "bert.embeddings.LayerNorm.weight",
        "bert.encoder.layer.0.attention.self.query.weight",
        "bert.encoder.layer.1.intermediate.dense.bias",
        "bert.pooler.dense.weight",
        "classifier.weight",
        "classifier.bias",
    ],
    "distilbert": [
        "distilbert.embeddings.word_embeddings.weight",
        "distilbert.embeddings.LayerNorm.weight",
        "distilbert.transformer.layer.0.attention.q_lin.weight",
        "distilbert.transformer.layer.1.ffn.lin1.bias",
        "pre_classifier.weight",
        "classifier.weight",
        "classifier.bias",
    ],
    "electra": [
        "electra.embeddings.word_embeddings.weight",
        "electra.embeddings.LayerNorm.weight",
        "electra.embeddings_project.weight",
        "electra.encoder.layer.1.intermediate.dense.bias",
        "classifier.dense.weight",
        "classifier.out_proj.weight",
        "classifier.out_proj.bias",
    ],
    "roberta": ROBERTA_FINAL,
    "xlm-roberta": ROBERTA_FINAL,
}


def pooled_output(model: torch.nn.Module, last_hidden_state: torch.Tensor) -> torch.Tensor | None:
    """The pooled output `[batch, hidden]`; None where the classifier has no pooler, as BERT's alone has."""
    base = getattr(model, model.base_model_prefix)
    pooler = getattr(base, "pooler", None)
    return None if pooler is None else pooler(last_hidden_state)


def forward_and_gradients(model: torch.nn.Module, inputs: Batch) -> dict[str, torch.Tensor]:
    """Every output of one forward pass, and the gradient of the loss for every parameter.

    Rows of padding are set to zero in hidden states and attentions: no real row reads them.
    """
    model.zero_grad()
    result = forward(model, inputs, output_hidden_states=True, output_attentions=True)
    result.loss.backward()
    real = inputs.attention_mask.to(result.logits.dtype)
    tensors = {
        "logits": result.logits,
        "loss": result.loss.reshape(1),
        "last_hidden_state": result.hidden_states[-1] * real[:, :, None],
    }
    for index, hidden in enumerate(result.hidden_states):
        tensors[f"hidden_states.{index}"] = hidden * real[:, :, None]
    for index, attention in enumerate(result.attentions):
        tensors[f"attentions.{index}"] = attention * real[:, None, :, None]
    pooled = pooled_output(model, result.hidden_states[-1])
    if pooled is not None:
        tensors["pooled"] = pooled
    for name, parameter in model.named_parameters():
        tensors[f"grad.{name}"] = parameter.grad
    return {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}


def logits(inputs: Batch, model: torch.nn.Module, masked: bool = True) -> torch.Tensor:
    """The logits `[batch, labels]`, with the batch's attention mask or one that lets all through."""
    mask = inputs.attention_mask if masked else torch.ones_like(inputs.attention_mask)
    return forward(model, inputs, attention_mask=mask).logits


def losses(inputs: Batch, model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """What is trained on."""
    return {"losses": forward(model, inputs).loss}


def golden(architecture: str, near_constant: bool) -> None:
    """Make one golden folder and print how far each checked mistake moves its logits."""
    case = f"{architecture}-near-constant" if near_constant else architecture
    model = tiny_models.ARCHITECTURES[architecture]()
    tiny_models.randomise(model, WEIGHT_SEEDS.get(case, SEED))
    if near_constant:
        tiny_models.make_nearly_constant(model)
    # Dropout is off, and gradients flow all the same.
    model.eval()
    inputs = tiny_models.batch(SEED, architecture)
    tensors = forward_and_gradients(model, inputs)
    golden_folder.check_precision(tensors, forward_and_gradients(copy.deepcopy(model).double(), inputs))
    check = sensitivity.check_epsilon_shows if near_constant else sensitivity.check_mistakes_show
    expected = {"logits_change_by": check(model, partial(logits, inputs))}
    tensors |= vars(inputs)
    if not near_constant:
        trained = copy.deepcopy(model)
        history = training.train(trained, partial(losses, inputs))
        exact = training.train(copy.deepcopy(model).double(), partial(losses, inputs))
        golden_folder.check_training_precision(history["losses"], exact["losses"])
        tensors["training.losses"] = torch.tensor(history["losses"])
        tensors |= training.final_weights(trained, FINAL_TENSORS[architecture])
        expected["training"] = history | training.SETTINGS
    golden_folder.write(case, model, tensors, expected)
    changes = ", ".join(f"{mistake} {change:.2e}" for mistake, change in expected["logits_change_by"].items())
    print(f"{case}: logits change by: {changes}")


def main() -> None:
    transformers.utils.logging.disable_progress_bar()
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    for architecture in tiny_models.ARCHITECTURES:
        for near_constant in (False, True):
            golden(architecture, near_constant)


if __name__ == "__main__":
    main()
