"""Distributions of figures: how many values are in each step of 1 % on a logarithmic scale.

Those of any days can be added, a percentile is accurate to 0.5 %, and the mean and the variance of the logarithms
follow from the steps.
"""

import math
from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from itertools import accumulate
from operator import sub
from typing import Dict, Iterable, Iterator, Mapping, NamedTuple, Optional, Tuple

STEP = math.log(1.01)
SMALLEST, LARGEST = 1e-3, 1e30  # any other value counts as one of them
FEWEST_COMPARED = 20  # requests on each side
LEAST_CHANGE, ERRORS = 0.05, 3.0


class Spread(NamedTuple):
    """The steps that have values, in order, and how many each has. A step is stored as its distance from the previous
    one, which compresses well; the first one's is from 0."""

    distances: "array[int]" = array("q")
    counts: "array[int]" = array("Q")

    def items(self) -> Iterator[Tuple[int, int]]:
        """Return the steps, in order, each with its count."""
        return zip(accumulate(self.distances), self.counts)

    def percentile(self, share: float) -> Optional[float]:
        """Return the value below which this share of the values lie; 0.5 is the median."""
        up_to = list(accumulate(self.counts))
        return value_of(sum(self.distances[: bisect_left(up_to, share * up_to[-1]) + 1])) if up_to else None


def spread_of(counts: Mapping[int, int]) -> Spread:
    """Return the spread with this many values in each step."""
    steps = sorted(counts)
    return Spread(array("q", map(sub, steps, [0, *steps])), array("Q", [counts[step] for step in steps]))


def spread_from(values: Iterable[Optional[float]]) -> Spread:
    """Return the spread of values; unknown ones aren't counted."""
    return spread_of(Counter([step_of(value) for value in values if value is not None]))


def added(spreads: Iterable[Spread]) -> Spread:
    """Return the sum of spreads."""
    first, *others = spreads
    found: Dict[int, int] = defaultdict(int, first.items())
    for spread in others:
        for step, count in spread.items():
            found[step] += count
    return spread_of(found) if others else first


def step_of(value: float) -> int:
    """Return the step that a value is in."""
    return round(math.log(min(max(value, SMALLEST), LARGEST)) / STEP)


def value_of(step: int) -> float:
    """Return the middle of a step, at most 0.5 % from every value in it."""
    return math.exp(step * STEP)


def change(now: Spread, before: Spread) -> Optional[float]:
    """Return how much the median speed changed, or None if noise can explain it.

    Decided by Welch's t on the logarithms of the speeds: with at least 20 requests on each side, the means must be
    three standard errors apart (noise does that once in 370 times), and 5 % apart, as nobody notices less.
    """
    sides = [_moments(spread) for spread in (now, before)]
    if any(count < FEWEST_COMPARED for count, _, _ in sides):
        return None
    (count, mean, variance), (count_before, mean_before, variance_before) = sides
    error = math.sqrt(variance / count + variance_before / count_before)
    ratio = math.exp(mean - mean_before) - 1
    return ratio if abs(mean - mean_before) > ERRORS * error and abs(ratio) >= LEAST_CHANGE else None


def _moments(spread: Spread) -> Tuple[int, float, float]:
    """Return count, mean and variance of the logarithms; the variance includes that a step is STEP wide."""
    count = sum(spread.counts)
    mean = sum(step * times for step, times in spread.items()) / count if count else 0.0
    squares = sum(times * (step - mean) ** 2 for step, times in spread.items())
    return count, mean * STEP, (squares / (count - 1) + 1 / 12) * STEP**2 if count > 1 else 0.0
