"""Steps of PyTorch's fused AdamW, timed one by one: the peer of `adamw_step`.

    python -m peers.torch_adamw --parameters FILE [--warmup N] [--steps N]

FILE is a list of `{"name": …, "shape": […]}`. Prints `seconds` of each timed step, `ends`, the first
and the last element of each parameter after all steps, and `memory`.
"""

import argparse
import json
import math
import time
from pathlib import Path

import torch

from peers import process_memory
from transformers_fine_tune import without_decay


def ramp(shape: list[int], factor: int, modulus: int, scale: float) -> torch.Tensor:
    """The numbers that `adamw_step` starts with as well."""
    place = torch.arange(math.prod(shape), dtype=torch.int64)
    values = scale * (2.0 * (place * factor % modulus).double() / modulus - 1.0)
    return values.float().reshape(shape)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parameters", type=Path, required=True)
    parser.add_argument("--warmup", type=int, default=2, help="steps that are not timed")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", type=int, required=True)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    stored = json.loads(arguments.parameters.read_text())
    before = process_memory.resident()
    parameters = {}
    for one in stored:
        parameter = torch.nn.Parameter(ramp(one["shape"], 7, 1009, 0.02))
        parameter.grad = ramp(one["shape"], 13, 997, 1e-3)
        parameters[one["name"]] = parameter
    groups = [
        {"params": [p for name, p in parameters.items() if not without_decay(name)], "weight_decay": 0.01},
        {"params": [p for name, p in parameters.items() if without_decay(name)], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=5e-5, fused=True)
    seconds = []
    for _ in range(arguments.warmup + arguments.steps):
        start = time.perf_counter()
        optimizer.step()
        seconds.append(time.perf_counter() - start)
    ends = [[p.flatten()[0].item(), p.flatten()[-1].item()] for p in parameters.values()]
    memory = {"resident_before": before, "peak": process_memory.peak()}
    print(json.dumps({"seconds": seconds[arguments.warmup :], "ends": ends, "memory": memory}))


if __name__ == "__main__":
    main()
