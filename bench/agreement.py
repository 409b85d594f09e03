"""Whether two sides computed the same."""

import math

from measurement import Disagreement


def largest_difference(ours: list, theirs: list) -> float:
    """The largest absolute difference between two equally nested lists of numbers."""
    if isinstance(ours, list) != isinstance(theirs, list):
        raise Disagreement("a list beside a number")
    if not isinstance(ours, list):
        difference = abs(ours - theirs)
        # `max` would pass over what is no number.
        return math.inf if math.isnan(difference) else difference
    if len(ours) != len(theirs):
        raise Disagreement(f"{len(ours)} values beside {len(theirs)}")
    return max(map(largest_difference, ours, theirs), default=0.0)


def agree(what: str, ours: list, theirs: list, tolerance: float) -> float:
    """The largest difference, if it is within the tolerance."""
    difference = largest_difference(ours, theirs)
    if difference > tolerance:
        raise Disagreement(f"{what} differ by {difference}, wanted at most {tolerance}")
    return difference
