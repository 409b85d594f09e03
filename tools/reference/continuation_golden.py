"""Golden files of models that say which token comes next: logits, loss, gradients, training losses.

    python tools/reference/continuation_golden.py

writes crates/cloze-model/tests/golden/continuation/{linear,lstm,lstm-attention}/, each a complete model folder
as cloze writes it. The head is that of the file which cloze lays beside the weights
(crates/cloze-model/src/checkpoint/modeling_cloze_continuation.py), with PyTorch's own LSTM and attention;
the folder loads with `trust_remote_code`. README.md beside this script says what every tensor is.
"""

import copy
import json
import shutil
import sys
from functools import partial
from pathlib import Path

import torch
import transformers
from transformers import BertConfig, DistilBertConfig

import golden_folder
import tiny_masked_lms
import training
from tiny_masked_lms import BERT_SIZES, CLS, DISTILBERT_SIZES, MASK, SEP, VOCABULARY
from tiny_models import randomise

SOURCE = golden_folder.GOLDEN.parents[1] / "src/checkpoint"
MODELING = SOURCE / "modeling_cloze_continuation.py"
sys.path.insert(0, str(SOURCE))

from modeling_cloze_continuation import ClozeForContinuation  # noqa: E402

LENGTH = 10
# Tokens of the text that each row reads.
WINDOWS = [10, 10, 10, 10]
PREFIXES = [1, 9, 4, 7]
HEAD = {
    "kind": "linear",
    "hidden_size": 14,
    "layers": 1,
    "attention_heads": 1,
    "activation": "gelu",
    "dropout": 0.1,
    "special_rows": True,
}
CASES = {
    "linear": (BertConfig, BERT_SIZES, "windows", {}),
    "lstm": (
        DistilBertConfig,
        DISTILBERT_SIZES,
        "prefixes",
        {"kind": "lstm", "layers": 2, "hidden_size": 9, "special_rows": False},
    ),
    "lstm-attention": (
        BertConfig,
        BERT_SIZES,
        "prefixes",
        {"kind": "lstm-attention", "hidden_size": 12, "attention_heads": 3},
    ),
}
FINAL_TENSORS = {
    "linear": ["head.dense.weight", "head.dense.bias", "head.decoder.weight"],
    "lstm": ["head.lstm.weight_ih_l0", "head.lstm.weight_hh_l1", "head.lstm.bias_hh_l0", "head.decoder.bias"],
    "lstm-attention": ["head.lstm.weight_hh_l0", "head.attention.in_proj_weight", "head.attention.out_proj.bias"],
}
LEAST_CHANGE = 1e-2


def model_of(case: str) -> ClozeForContinuation:
    """A model with large random weights; dropout is off, and gradients flow all the same."""
    config_class, sizes, samples, head = CASES[case]
    config = config_class(**sizes)
    config.cloze = {
        "task": "continuation",
        "max_length": LENGTH + 2,
        "continuation": {"samples": samples, "length": LENGTH, "stride": 1, "head": HEAD | head},
    }
    config.auto_map = {"AutoModel": "modeling_cloze.ClozeForContinuation"}
    model = ClozeForContinuation(config)
    randomise(model, seed=11, output_stds={"head.decoder.weight": 0.8})
    return model.eval()


def batch_of(case: str) -> dict[str, torch.Tensor]:
    """Rows of random words, padded on the right, with the token that comes next."""
    samples = CASES[case][2]
    generator = torch.Generator().manual_seed(12)
    rows = []
    for tokens in WINDOWS if samples == "windows" else PREFIXES:
        words = torch.randint(tiny_masked_lms.SPECIAL_TOKENS, len(VOCABULARY), (tokens,), generator=generator)
        rows.append([CLS, *words.tolist(), *([MASK] if samples == "prefixes" else []), SEP])
    longest = max(map(len, rows))
    padded = [row + [0] * (longest - len(row)) for row in rows]
    lengths = torch.tensor([len(row) for row in rows])
    return {
        "input_ids": torch.tensor(padded),
        "lengths": lengths,
        "targets": torch.randint(5, len(VOCABULARY), (len(rows),), generator=generator),
    }


def forward(model: torch.nn.Module, batch: dict[str, torch.Tensor]):
    """Run the model with its targets."""
    places = torch.arange(batch["input_ids"].shape[1])
    mask = (places[None, :] < batch["lengths"][:, None]).long()
    return model(input_ids=batch["input_ids"], attention_mask=mask, labels=batch["targets"])


def forward_and_gradients(model: torch.nn.Module, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Logits and loss, and the gradient of the loss for every parameter."""
    model.zero_grad()
    result = forward(model, batch)
    result.loss.backward()
    tensors = {"logits": result.logits, "loss": result.loss.reshape(1)}
    tensors |= {f"grad.{name}": parameter.grad for name, parameter in model.named_parameters()}
    return {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}


def check_mistakes_show(case: str, model: torch.nn.Module, batch: dict[str, torch.Tensor]) -> dict[str, float]:
    """How far mistakes in the head move the logits; raises where one hardly shows."""
    wanted = forward(model, batch).logits
    changes = {}

    def change(name: str, spoil) -> None:
        spoilt = copy.deepcopy(model)
        with torch.no_grad():
            spoil(spoilt)
            changes[name] = (forward(spoilt, batch).logits - wanted).abs().max().item()

    def swap_gates(spoilt: torch.nn.Module) -> None:
        for parameter in spoilt.head.lstm.parameters():
            width = len(parameter) // 4
            order = torch.arange(len(parameter)).reshape(4, width)[[1, 0, 2, 3]].flatten()
            parameter.copy_(parameter[order].clone())

    def other_rows(spoilt: torch.nn.Module) -> None:
        spoilt.head.special_rows = not spoilt.head.special_rows

    def no_attention(spoilt: torch.nn.Module) -> None:
        spoilt.head.attention.out_proj.weight.zero_()
        spoilt.head.attention.out_proj.bias.zero_()

    if case == "linear":
        change("tanh gelu", lambda spoilt: setattr(spoilt.head, "activation", torch.nn.GELU(approximate="tanh")))
    else:
        change("gates in another order", swap_gates)
        change("the other rows", other_rows)
    if case == "lstm-attention":
        change("no attention", no_attention)
    least = 1e-4 if case == "linear" else LEAST_CHANGE
    if min(changes.values()) < least:
        raise AssertionError(f"{case}: a mistake hardly shows: {changes}")
    return changes


def check_folder(folder: Path, batch: dict[str, torch.Tensor], wanted: torch.Tensor) -> None:
    """Raise unless the folder loads as the same model."""
    loaded, report = transformers.AutoModel.from_pretrained(
        folder, trust_remote_code=True, attn_implementation="eager", output_loading_info=True
    )
    if any(report.values()):
        raise AssertionError(f"{folder}: {report}")
    if not torch.equal(forward(loaded.eval(), batch).logits, wanted):
        raise AssertionError(f"{folder}: the loaded model has other logits")


def golden(case: str) -> None:
    """Make one golden folder and print how far each checked mistake moves its logits."""
    model, batch = model_of(case), batch_of(case)
    tensors = forward_and_gradients(model, batch)
    golden_folder.check_precision(tensors, forward_and_gradients(copy.deepcopy(model).double(), batch))
    changes = check_mistakes_show(case, model, batch)
    losses = partial(lambda batch, model: {"losses": forward(model, batch).loss}, batch)
    trained = copy.deepcopy(model)
    history = training.train(trained, losses)
    exact = training.train(copy.deepcopy(model).double(), losses)
    golden_folder.check_training_precision(history["losses"], exact["losses"])
    tensors |= batch | training.final_weights(trained, FINAL_TENSORS[case])
    expected = {"logits_change_by": changes, "training": history | training.SETTINGS}
    folder = golden_folder.write(f"continuation/{case}", model, tensors, expected)
    shutil.copy(MODELING, folder / "modeling_cloze.py")
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoModel": "modeling_cloze.ClozeForContinuation"}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    for stray in folder.glob("modeling_cloze_continuation.py"):
        stray.unlink()
    tiny_masked_lms.save_tokenizer(folder)
    check_folder(folder, batch, tensors["logits"])
    # The tests have it from where cloze keeps it.
    (folder / "modeling_cloze.py").unlink()
    print(f"continuation/{case}: logits change by: {', '.join(f'{name} {by:.2e}' for name, by in changes.items())}")


def main() -> None:
    transformers.utils.logging.disable_progress_bar()
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    for case in CASES:
        golden(case)


if __name__ == "__main__":
    main()
