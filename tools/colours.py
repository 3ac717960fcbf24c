"""Reduces an image to a few colors: each becomes the nearest of those that differ enough from one another."""

from collections import Counter
from typing import Dict, List, Sequence, Tuple

COLOURS, APART = 64, 400

Colour = Tuple[int, int, int]


def palette(counted: "Counter[Colour]", *, apart: int = APART) -> List[Colour]:
    """Return the most frequent colors that differ enough: a rare red is worth more than yet another gray."""
    found: List[Colour] = []
    for colour, _ in counted.most_common():
        if len(found) < COLOURS and all(_apart(colour, other) > apart for other in found):
            found.append(colour)
    return found


def nearest(counted: "Counter[Colour]", chosen: Sequence[Colour]) -> Dict[Colour, int]:
    """Return the palette index for each color."""
    return {colour: min(range(len(chosen)), key=lambda at: _apart(colour, chosen[at])) for colour in counted}


def _apart(one: Colour, other: Colour) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other))
