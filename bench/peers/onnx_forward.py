"""Forward passes of ONNX Runtime, timed one by one: a peer of `forward_pass`.

    python -m peers.onnx_forward --model FOLDER --batches FILE [--warmup N] [--passes N]

FOLDER holds the `model.onnx` that `peers.write_model --onnx` left there; all graph optimisations
are on. Prints `seconds` of each timed batch, `logits`, `[text][label]`, and `memory`.
"""

import argparse
import json
import time
from pathlib import Path

import numpy
import onnxruntime

from peers import process_memory


def feeds(file: Path) -> list[dict[str, numpy.ndarray]]:
    """Inputs of each batch, `[batch, seq]`; its rows have one length."""
    batches = json.loads(file.read_text())["batches"]
    ids = [numpy.array(batch["input_ids"], dtype=numpy.int64) for batch in batches]
    return [
        {"input_ids": one, "attention_mask": numpy.ones_like(one), "token_type_ids": numpy.zeros_like(one)}
        for one in ids
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--batches", type=Path, required=True)
    parser.add_argument("--warmup", type=int, default=1, help="times that all batches are computed first")
    parser.add_argument("--passes", type=int, default=1, help="times that all batches are timed")
    parser.add_argument("--threads", type=int, required=True)
    arguments = parser.parse_args()

    batches = feeds(arguments.batches)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = arguments.threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    before = process_memory.resident()
    session = onnxruntime.InferenceSession(
        arguments.model / "model.onnx", options, providers=["CPUExecutionProvider"]
    )
    for _ in range(arguments.warmup):
        for batch in batches:
            session.run(["logits"], batch)
    seconds, logits = [], []
    for _ in range(arguments.passes):
        logits.clear()
        for batch in batches:
            start = time.perf_counter()
            (found,) = session.run(["logits"], batch)
            seconds.append(time.perf_counter() - start)
            logits.extend(found.tolist())
    memory = {"resident_before": before, "peak": process_memory.peak()}
    print(json.dumps({"seconds": seconds, "logits": logits, "memory": memory}))


if __name__ == "__main__":
    main()
