"""Golden files of torch archives: `pytorch_model.bin` in every shape that cloze has to read.

    python tools/reference/torch_archive_golden.py

writes folders under crates/cloze-model/tests/golden/torch:

- `kinds`: element types, views of shared storages, strides, buffers, and, as
  `expected.safetensors`, the same tensors as plain float32
- `old-names`: the BERT of golden/bert under the names of 2019 (gamma, beta, position_ids)
- `sharded`: two archives and an index
- `legacy`: the format before torch 1.6
- `malicious`: an archive whose pickle would run a command
"""

import json
import os
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

GOLDEN = Path(__file__).resolve().parents[2] / "crates/cloze-model/tests/golden"
OUTPUT = GOLDEN / "torch"


def folder(name: str) -> Path:
    """An output folder, made if need be."""
    path = OUTPUT / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def kinds() -> None:
    """One tensor of every kind."""
    generator = torch.Generator().manual_seed(5)

    def numbers(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator)

    shared = numbers(6, 4)
    tensors = OrderedDict(
        float32=numbers(3, 4),
        float64=numbers(2, 3).double(),
        float16=numbers(5).half(),
        bfloat16=numbers(2, 2, 2).bfloat16(),
        parameter=torch.nn.Parameter(numbers(3)),
        frozen=torch.nn.Parameter(numbers(2), requires_grad=False),
        transposed=numbers(4, 3).t(),
        permuted=numbers(2, 3, 4).half().permute(2, 0, 1),
        whole=shared,
        rows=shared[2:5],
        column=shared[:, 1],
        every_other=shared[::2, 1:3],
        scalar=numbers()[()],
        empty=torch.empty(0, 4),
        one_column=numbers(3, 1).expand(3, 1),
    )
    floats = {name: tensor.detach().float().contiguous().clone() for name, tensor in tensors.items()}
    tensors["position_ids"] = torch.arange(7).expand((1, -1))
    tensors["steps"] = 12
    torch.save(tensors, folder("kinds") / "pytorch_model.bin")
    save_file(floats, folder("kinds") / "expected.safetensors")


def old_names() -> None:
    """A BERT as it was saved in 2019."""
    tensors = OrderedDict()
    for name, tensor in load_file(GOLDEN / "bert/model.safetensors").items():
        if "LayerNorm" in name:
            name = name.replace("weight", "gamma").replace("bias", "beta")
        tensors[name] = tensor
    tensors["bert.embeddings.position_ids"] = torch.arange(24).expand((1, -1))
    torch.save(tensors, folder("old-names") / "pytorch_model.bin")
    config = json.loads((GOLDEN / "bert/config.json").read_text())
    (folder("old-names") / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def sharded() -> None:
    """Two archives and their index."""
    shards = [{"a": torch.tensor([1.0, 2.0])}, {"b": torch.tensor([[3.0], [4.0]])}]
    weight_map = {}
    for number, tensors in enumerate(shards, start=1):
        name = f"pytorch_model-{number:05}-of-{len(shards):05}.bin"
        torch.save(tensors, folder("sharded") / name)
        weight_map |= dict.fromkeys(tensors, name)
    index = {"metadata": {"total_size": 16}, "weight_map": weight_map}
    text = json.dumps(index, indent=2) + "\n"
    (folder("sharded") / "pytorch_model.bin.index.json").write_text(text)


def legacy() -> None:
    """The format before torch 1.6."""
    path = folder("legacy") / "pytorch_model.bin"
    torch.save({"a": torch.ones(2)}, path, _use_new_zipfile_serialization=False)


class Command:
    """Unpickled by Python, it would run `echo`."""

    def __reduce__(self):
        return os.system, ("echo unpickled",)


def malicious() -> None:
    """An archive that no one should load."""
    torch.save({"a": torch.ones(2), "b": Command()}, folder("malicious") / "pytorch_model.bin")


def main() -> None:
    """Write every folder."""
    for write in (kinds, old_names, sharded, legacy, malicious):
        write()


if __name__ == "__main__":
    main()
