"""A layer of PyTorch's LSTM, forward and backward with all gradients, timed: the peer of `lstm_layer`.

    python -m peers.torch_lstm [--sequences N] [--length N] [--inputs N] [--hidden N] [--warmup N] [--repeats N]

Prints `seconds` of each timed pass, `forward_seconds` of these, `ends`, the first and the last element of the
output and of the gradients of input, `weight_ih`, `weight_hh` and the bias, and `memory`.
"""

import argparse
import json
import time

import torch

from peers import process_memory
from peers.torch_adamw import ramp


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sequences", type=int, default=64)
    parser.add_argument("--length", type=int, default=32)
    parser.add_argument("--inputs", type=int, default=768)
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--warmup", type=int, default=2, help="passes that are not timed")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--threads", type=int, required=True)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    before = process_memory.resident()
    gates = 4 * arguments.hidden
    lstm = torch.nn.LSTM(arguments.inputs, arguments.hidden, batch_first=True)
    with torch.no_grad():
        lstm.weight_ih_l0.copy_(ramp([gates, arguments.inputs], 7, 1009, 0.05))
        lstm.weight_hh_l0.copy_(ramp([gates, arguments.hidden], 11, 1013, 0.05))
        lstm.bias_ih_l0.copy_(ramp([gates], 13, 997, 0.1))
        lstm.bias_hh_l0.copy_(ramp([gates], 17, 991, 0.1))
    shape = [arguments.sequences, arguments.length]
    rows = ramp([*shape, arguments.inputs], 19, 983, 1.0).requires_grad_()
    gradient = ramp([*shape, arguments.hidden], 23, 977, 1.0)
    seconds, forward_seconds = [], []
    for _ in range(arguments.warmup + arguments.repeats):
        rows.grad = None
        lstm.zero_grad()
        start = time.perf_counter()
        output, _ = lstm(rows)
        forward_seconds.append(time.perf_counter() - start)
        output.backward(gradient)
        seconds.append(time.perf_counter() - start)
    tensors = [output, rows.grad, lstm.weight_ih_l0.grad, lstm.weight_hh_l0.grad, lstm.bias_ih_l0.grad]
    report = {
        "seconds": seconds[arguments.warmup :],
        "forward_seconds": forward_seconds[arguments.warmup :],
        "ends": [[t.flatten()[0].item(), t.flatten()[-1].item()] for t in tensors],
        "memory": {"resident_before": before, "peak": process_memory.peak()},
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
