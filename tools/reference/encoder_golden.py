"""Golden files of the encoders: hidden states, attentions, logits, gradients, training losses.

    python tools/reference/encoder_golden.py

writes crates/cloze-model/tests/golden/{bert,distilbert}[-near-constant]/. README.md beside this
script says what every tensor is.
"""

import copy
import json
import shutil
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file

import sensitivity
import tiny_models
from tiny_models import Batch, forward, is_layer_norm

GOLDEN = Path(__file__).resolve().parents[2] / "crates/cloze-model/tests/golden"
SEED = 7
STEPS = 10
WARMUP_STEPS = 2
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 0.01
CLIP = 1.0
# Tensors of one kind each: an untouched and a touched embedding row, a matrix, a bias,
# a LayerNorm, the head. Key biases are left out: their gradient is zero but for rounding.
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
}


def pooled_output(model: torch.nn.Module, last_hidden_state: torch.Tensor) -> torch.Tensor | None:
    """BERT's pooled output `[batch, hidden]`; None for DistilBERT, which has no pooler."""
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


def train(model: torch.nn.Module, inputs: Batch) -> tuple[dict, dict[str, torch.Tensor]]:
    """Ten AdamW steps on the same batch; what happened at each, and the weights at the end."""
    decayed = [p for n, p in model.named_parameters() if not (n.endswith("bias") or is_layer_norm(n))]
    others = [p for n, p in model.named_parameters() if n.endswith("bias") or is_layer_norm(n)]
    groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=(0.9, 0.999), eps=1e-8)
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, WARMUP_STEPS, STEPS)
    history = {"losses": [], "learning_rates": [], "gradient_norms": []}
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = forward(model, inputs).loss
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        history["losses"].append(loss.item())
        history["learning_rates"].append(schedule.get_last_lr()[0])
        history["gradient_norms"].append(norm.item())
        optimizer.step()
        schedule.step()
    parameters = dict(model.named_parameters())
    names = FINAL_TENSORS[model.config.model_type]
    return history, {f"training.final.{name}": parameters[name].detach().clone() for name in names}


def check_precision(model: torch.nn.Module, inputs: Batch, tensors: dict[str, torch.Tensor]) -> None:
    """Raise when f32 rounding alone comes near the tolerances of the tests that read the file."""
    exact = forward_and_gradients(copy.deepcopy(model).double(), inputs)
    for name, wanted in exact.items():
        error = (tensors[name].double() - wanted).abs().max().item()
        # A key bias adds the same to every score of a row, so softmax takes it out again.
        size = 1.0 if "key.bias" in name or "k_lin.bias" in name else wanted.abs().max().item()
        limit = 1e-4 * size if name.startswith("grad.") else 2e-5
        if error > limit:
            raise AssertionError(f"{name}: f32 and f64 differ by {error:.2e}, wanted at most {limit:.0e}")


def check_training_precision(model: torch.nn.Module, inputs: Batch, losses: list[float]) -> None:
    """Raise when f32 rounding alone moves one of the ten losses by a tenth of the tolerance."""
    exact, _ = train(copy.deepcopy(model).double(), inputs)
    error = max(abs(loss - wanted) for loss, wanted in zip(losses, exact["losses"], strict=True))
    if error > 1e-5:
        raise AssertionError(f"training losses in f32 and f64 differ by {error:.2e}, wanted at most 1e-5")


def write(case: str, model: torch.nn.Module, tensors: dict[str, torch.Tensor], expected: dict) -> None:
    """Write one golden folder: the model as `transformers` saves it, and what it must give."""
    folder = GOLDEN / case
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    save_file(tensors, folder / "expected.safetensors")
    (folder / "expected.json").write_text(json.dumps(expected, indent=2) + "\n")
    for file in folder.iterdir():
        file.chmod(0o644)
        if file.stat().st_size > 300_000:
            raise AssertionError(f"{file} has {file.stat().st_size} bytes, wanted at most 300,000")


def golden(architecture: str, near_constant: bool) -> None:
    """Make one golden folder and print how far each checked mistake moves its logits."""
    model = tiny_models.ARCHITECTURES[architecture]()
    tiny_models.randomise(model, SEED)
    if near_constant:
        tiny_models.make_nearly_constant(model)
    # Dropout is off, and gradients flow all the same.
    model.eval()
    inputs = tiny_models.batch(SEED)
    tensors = forward_and_gradients(model, inputs)
    check_precision(model, inputs, tensors)
    check = sensitivity.check_epsilon_shows if near_constant else sensitivity.check_mistakes_show
    expected = {"logits_change_by": check(model, inputs)}
    tensors |= vars(inputs)
    if not near_constant:
        history, final = train(copy.deepcopy(model), inputs)
        check_training_precision(model, inputs, history["losses"])
        tensors |= {"training.losses": torch.tensor(history["losses"])} | final
        expected["training"] = history | {
            "optimizer": "adamw",
            "learning_rate": LEARNING_RATE,
            "betas": [0.9, 0.999],
            "eps": 1e-8,
            "weight_decay": WEIGHT_DECAY,
            "clip": CLIP,
            "schedule": "linear",
            "warmup_steps": WARMUP_STEPS,
            "steps": STEPS,
        }
    case = f"{architecture}-near-constant" if near_constant else architecture
    write(case, model, tensors, expected)
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
