"""Matrix products of a linear layer in PyTorch, alone and timed one by one: the peer of `matmul_peak`.

    python -m peers.torch_matmul --layer 2048x768x3072 … [--warmup N] [--repeats N]

A layer is given by its tokens, the width of its input and that of its output. Prints a list with
`layer`, `pass` and `seconds` of each product.
"""

import argparse
import json
import time

import torch


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layer", action="append", required=True)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--threads", type=int, required=True)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    products = []
    for layer in arguments.layer:
        tokens, width, out = map(int, layer.split("x"))
        states, weight, gradient = torch.rand(tokens, width), torch.rand(out, width), torch.rand(tokens, out)
        operands = {
            "forward": (states, weight.T),
            "input_gradient": (gradient, weight),
            "weight_gradient": (gradient.T, states),
        }
        for name, (left, right) in operands.items():
            result = torch.empty(left.shape[0], right.shape[1])
            products.append(({"layer": [tokens, width, out], "pass": name, "seconds": []}, left, right, result))
    for repeat in range(arguments.warmup + arguments.repeats):
        for product, left, right, result in products:
            start = time.perf_counter()
            torch.mm(left, right, out=result)
            elapsed = time.perf_counter() - start
            if repeat >= arguments.warmup:
                product["seconds"].append(elapsed)
    print(json.dumps([product for product, *_ in products]))


if __name__ == "__main__":
    main()
