"""Floating-point operations of matrix products: a multiplication and an addition count as two."""

PASSES_OF_A_TRAINING_STEP = 3
"""Forward, gradients of the inputs, gradients of the weights: each as many operations."""


def product(rows: int, inner: int, columns: int) -> int:
    """Of `[rows, inner] · [inner, columns]`."""
    return 2 * rows * inner * columns


def encoder_forward(config: dict, lengths: list[int]) -> int:
    """Of one forward pass of a BERT encoder over sequences of these lengths, without padding.

    Counts the linear layers and both products of attention; embeddings, softmax, LayerNorm, GELU,
    pooler and head are left out.
    """
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    linear = product(sum(lengths), hidden, 4 * hidden + 2 * inner)
    attention = sum(2 * product(length, hidden, length) for length in lengths)
    return config["num_hidden_layers"] * (linear + attention)


def training_step(config: dict, lengths: list[int]) -> int:
    """Of forward and backward pass over sequences of these lengths."""
    return PASSES_OF_A_TRAINING_STEP * encoder_forward(config, lengths)


def peak(products: list[dict]) -> float:
    """Operations per second of matrix products that run alone.

    `products` is what `matmul_peak` and its peer print: `layer` (rows, width in, width out) and
    `seconds` of each run of one product. The fastest run of each counts, so products weigh as many
    seconds as they have operations.
    """
    operations = sum(product(*one["layer"]) for one in products)
    return operations / sum(min(one["seconds"]) for one in products)
