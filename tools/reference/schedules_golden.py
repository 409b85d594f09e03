"""Golden file of the learning-rate schedules.

    python tools/reference/schedules_golden.py

writes crates/cloze-train/tests/golden/schedules.json: a list of cases with the keys of
`train.schedule`, `learning_rate` and `epoch_steps`, and the rate of every step that `transformers`
or, for the step schedule, PyTorch gives.
"""

import json
from pathlib import Path

import torch
from torch.optim.lr_scheduler import StepLR
from transformers import (
    get_constant_schedule_with_warmup,
    get_cosine_schedule_with_warmup,
    get_cosine_with_hard_restarts_schedule_with_warmup,
    get_linear_schedule_with_warmup,
    get_polynomial_decay_schedule_with_warmup,
)

FILE = Path(__file__).resolve().parents[2] / "crates/cloze-train/tests/golden/schedules.json"
EPOCH_STEPS = [9, 8, 12]
STEPS = sum(EPOCH_STEPS)


def optimizer(rate: float) -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)


def rates(optimizer: torch.optim.Optimizer, scheduler, due) -> list[float]:
    """The rate of every step; `due` tells whether the scheduler is stepped after it."""
    found = []
    for step in range(1, STEPS + 1):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if due(step):
            scheduler.step()
    return found


def curve(schedule: dict, rate: float, make) -> dict:
    one = optimizer(rate)
    return {
        "schedule": schedule,
        "learning_rate": rate,
        "epoch_steps": EPOCH_STEPS,
        "rates": rates(one, make(one), lambda _: True),
    }


def warm(kind: str, warmup: int, rate: float, make, **more) -> dict:
    """A schedule of `transformers`."""
    arguments = {"num_warmup_steps": warmup, "num_training_steps": STEPS, **more.pop("arguments", {})}
    if kind == "constant":
        arguments.pop("num_training_steps")
    schedule = {"kind": kind, "warmup": float(warmup), **more}
    return curve(schedule, rate, lambda one: make(one, **arguments))


def stepped(unit: str, size: int, gamma: float, rate: float) -> dict:
    one = optimizer(rate)
    ends = [sum(EPOCH_STEPS[: epoch + 1]) for epoch in range(len(EPOCH_STEPS))]
    due = (lambda step: step in ends) if unit == "epochs" else (lambda _: True)
    return {
        "schedule": {"kind": "step", "warmup": 0.0, "step_size": size, "gamma": gamma, "unit": unit},
        "learning_rate": rate,
        "epoch_steps": EPOCH_STEPS,
        "rates": rates(one, StepLR(one, size, gamma), due),
    }


def main() -> None:
    cosine = get_cosine_schedule_with_warmup
    restarts = get_cosine_with_hard_restarts_schedule_with_warmup
    polynomial = get_polynomial_decay_schedule_with_warmup
    cases = [
        warm("constant", 4, 1e-3, get_constant_schedule_with_warmup),
        warm("linear", 0, 2e-5, get_linear_schedule_with_warmup),
        warm("linear", 5, 2e-5, get_linear_schedule_with_warmup),
        warm("cosine", 3, 1e-3, cosine),
        warm("cosine", 3, 1e-3, cosine, cycles=1.25, arguments={"num_cycles": 1.25}),
        warm("cosine-with-restarts", 2, 1e-3, restarts),
        warm("cosine-with-restarts", 2, 1e-3, restarts, cycles=3.0, arguments={"num_cycles": 3}),
        warm("polynomial", 2, 1e-3, polynomial),
        warm("polynomial", 4, 5e-5, polynomial, power=2.0, end_learning_rate=1e-5,
             arguments={"power": 2.0, "lr_end": 1e-5}),
        warm("polynomial", 0, 5e-5, polynomial, power=0.5, end_learning_rate=0.0,
             arguments={"power": 0.5, "lr_end": 0.0}),
        stepped("epochs", 1, 0.5, 1e-3),
        stepped("epochs", 2, 0.1, 1e-3),
        stepped("steps", 7, 0.3, 1e-3),
    ]
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text("[\n" + ",\n".join(json.dumps(entry) for entry in cases) + "\n]\n")
    print(f"{FILE.name}: {len(cases)} cases")


if __name__ == "__main__":
    main()
