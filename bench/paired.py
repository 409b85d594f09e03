"""Whether two systems differ on the same test rows."""

import math
from dataclasses import dataclass


@dataclass
class Difference:
    """Mean difference in accuracy, and half the width of its 95% interval."""

    mean: float
    half_width: float

    @property
    def contains_zero(self) -> bool:
        """Whether the interval gives no reason to say that the systems differ."""
        return abs(self.mean) <= self.half_width

    def __str__(self) -> str:
        return f"{self.mean:+.4f} ± {self.half_width:.4f}"


def accuracy(predictions: list[str], targets: list[str]) -> float:
    """Share of right predictions."""
    return sum(p == t for p, t in zip(predictions, targets, strict=True)) / len(targets)


def paired_difference(first: list[list[str]], second: list[list[str]], targets: list[str]) -> Difference:
    """Accuracy of the first system minus that of the second, each run with several seeds.

    `first` and `second` hold a list of predictions a seed, over the same rows as `targets`. The
    difference is taken row by row (the share of seeds that are right on it), so what makes a row
    hard for both cancels; the interval is 1.96 standard errors of the mean over rows.
    """
    shares = []
    for row, target in enumerate(targets):
        right_first = sum(run[row] == target for run in first) / len(first)
        right_second = sum(run[row] == target for run in second) / len(second)
        shares.append(right_first - right_second)
    mean = sum(shares) / len(shares)
    variance = sum((share - mean) ** 2 for share in shares) / (len(shares) - 1)
    return Difference(mean, 1.96 * math.sqrt(variance / len(shares)))
