"""Whether two systems differ on the same test rows."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

Counts = tuple[float, ...]
"""What a row adds to a metric: sums of these over rows are all that it needs."""


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


@dataclass
class Metric:
    """A number that is computed from sums over rows."""

    name: str
    compute: Callable[[list[float]], float]
    """From the sums."""

    def of(self, rows: list[Counts]) -> float:
        """Over all rows."""
        return self.compute([sum(column) for column in zip(*rows)])


def share(sums: list[float]) -> float:
    """Of `(right, all)`."""
    right, every = sums
    return right / every if every else 0.0


def f1(sums: list[float]) -> float:
    """Of `(found rightly, found, to be found)`."""
    right, found, wanted = sums
    return 2 * right / (found + wanted) if found + wanted else 0.0


SHARE = Metric("accuracy", share)
F1 = Metric("f1", f1)


def metric_difference(
    first: list[list[Counts]], second: list[list[Counts]], metric: Metric, draws: int = 1000
) -> Difference:
    """Metric of the first system minus that of the second, each the mean over its seeds.

    `first` and `second` hold for each seed what every row adds. F1 is no mean over rows, and another
    three seeds would have come out otherwise as other rows would, so the interval is that of a
    bootstrap of both: rows are drawn anew, with repeats, the same ones for both systems, and so are the
    seeds of each. Half the width is 1.96 standard deviations of what the difference then is.
    """

    def mean_of(runs: list[list[Counts]], rows: list[int]) -> float:
        return sum(metric.of([run[row] for row in rows]) for run in runs) / len(runs)

    every = range(len(first[0]))
    generator = random.Random(0)
    drawn = []
    for _ in range(draws):
        rows = generator.choices(every, k=len(every))
        runs = [generator.choices(side, k=len(side)) for side in (first, second)]
        drawn.append(mean_of(runs[0], rows) - mean_of(runs[1], rows))
    center = sum(drawn) / draws
    variance = sum((value - center) ** 2 for value in drawn) / (draws - 1)
    return Difference(mean_of(first, list(every)) - mean_of(second, list(every)), 1.96 * math.sqrt(variance))
