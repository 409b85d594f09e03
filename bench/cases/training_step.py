"""A training step of BERT-base size, 16 x 128 tokens without padding, dropout 0.1.

The step is set beside the matrix products of its linear layers run alone, in the same turns: what
share of the machine's own limit does it reach?
"""

import json
from statistics import median

import flops
from batches import random_batches
from cases import same_losses
from measurement import Comparison, Finished, Side, Turn
from settings import Settings

NAME = "training-step"
ROUNDS = 5
SEQUENCES, LENGTH, STEPS = 16, 128, 5


def prepare(settings: Settings) -> list[Comparison]:
    """Both sides take the same steps from the same weights."""
    same_losses.check(settings, "bert-base", 30_522)
    model = settings.model("bert-base")
    config = json.loads((model / "config.json").read_text())
    batches = settings.folder / f"{NAME}.json"
    random_batches(batches, 2 if settings.quick else STEPS, SEQUENCES, LENGTH, config["vocab_size"])
    inputs = ["--model", model, "--batches", batches, "--warmup", 1 if settings.quick else 2]
    products = [argument for layer in linear_layers(config) for argument in ("--layer", layer)]
    products += ["--repeats", 3 if settings.quick else 15]

    def facts(turns: dict[str, list[Turn]]) -> dict:
        return speeds(turns, flops.training_step(config, [LENGTH] * SEQUENCES))

    return [
        Comparison(
            f"training step, BERT-base size, {SEQUENCES}×{LENGTH}",
            "s",
            {
                "cloze": Side(settings.cloze("train_step", *inputs), a_step),
                "transformers": Side(settings.peer("transformers_steps", *inputs), a_step),
            },
            companions={
                "cloze, products": alone(settings.cloze("matmul_peak", *products)),
                "transformers, products": alone(settings.peer("torch_matmul", *products)),
            },
            facts=facts,
        )
    ]


def linear_layers(config: dict) -> list[str]:
    """Tokens, width in and width out of a layer's matrices; queries, keys and values are one."""
    hidden, inner, tokens = config["hidden_size"], config["intermediate_size"], SEQUENCES * LENGTH
    widths = [(hidden, hidden), (hidden, 3 * hidden), (hidden, inner), (inner, hidden)]
    return [f"{tokens}x{width}x{out}" for width, out in widths]


def a_step(finished: Finished) -> float:
    """Seconds of the median step."""
    return median(finished.json["seconds"])


def alone(command: list[str]) -> Side:
    """A program that runs matrix products only; its figure is the seconds of all of them once."""
    return Side(
        command,
        lambda finished: sum(
            median(product["seconds"]) for product in finished.json if product.get("kernel") != "gemm"
        ),
        reports_memory=False,
    )


def speeds(turns: dict[str, list[Turn]], operations: int) -> dict:
    """GFLOP/s of the step (operations of real tokens) and of the products alone, and the shares.

    The products' speed is that of their fastest runs, so a share is not flattered by a turn in
    which the machine was slow.
    """
    found = {}
    for side in ("cloze", "transformers"):
        step = operations / median(turn.figure for turn in turns[side]) / 1e9
        runs = [run for turn in turns[f"{side}, products"] for run in turn.finished.json]
        products = flops.peak(by_product(runs)) / 1e9
        found[side] = {
            "step_gflops": round(step, 1),
            "matrix_products_gflops": round(products, 1),
            "share_of_products": round(step / products, 3),
        }
    return found


def by_product(runs: list[dict]) -> list[dict]:
    """Each product once, with the seconds of all its runs, whichever kernel they used."""
    merged: dict[tuple, dict] = {}
    for one in runs:
        key = (*one["layer"], one["pass"])
        seconds = merged.setdefault(key, {"layer": one["layer"], "seconds": []})["seconds"]
        seconds.extend(one["seconds"])
    return list(merged.values())
