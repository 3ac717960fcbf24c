"""Charts as text in braille: two points per column, four steps per line. `paint` can turn them into blocks.

A gap (nothing), a zero (only the lowest dot) and a value (at least two dots) look different at a glance.
"""

from typing import List, Optional, Sequence, Tuple

from llamabar.core.history import BUCKETS, History, nice_ceiling, series

Points = Sequence[Optional[float]]  # None is a gap

STEPS = 4  # per line
LEFT, RIGHT = (0x00, 0x40, 0x44, 0x46, 0x47), (0x00, 0x80, 0xA0, 0xB0, 0xB8)  # filled from the bottom
BRAILLE = 0x2800
FULL, SHADE, LIGHT = "█", "▒", "░"


def recent(history: History, name: str, width: int, *, now_s: float) -> Tuple[Optional[float], ...]:
    """Return one reading's last minutes as the points of a chart `width` columns wide, newest last.

    Each point is the highest value of its interval.
    """
    values, points = series(history, name, points=BUCKETS, now_s=now_s), width * 2
    edges = [index * len(values) // points for index in range(points + 1)]
    return tuple(_highest(values[start : max(end, start + 1)]) for start, end in zip(edges, edges[1:]))


def ceiling(values: Points) -> float:
    """Return a round number at or above all values."""
    return nice_ceiling(max((value for value in values if value is not None), default=0.0))


def chart(values: Points, top: float, *, height: int) -> List[str]:
    """Return the lines of a chart, top line first. Each character shows two values."""
    levels = [_level(value, top, height * STEPS) for value in values]
    pairs = list(zip(levels[::2], levels[1::2]))
    return ["".join(_character(*pair, row) for pair in pairs) for row in reversed(range(height))]


def shares(parts: Sequence[float], width: int) -> List[int]:
    """Return how many columns of a bar each share of 1 gets: at least one for any share above 0."""
    edges = [0.0]
    for part in parts:
        edges.append(min(1.0, edges[-1] + max(0.0, part)))
    places = [round(edge * width) for edge in edges]
    found = [end - start for start, end in zip(places, places[1:])]
    return [max(1, one) if part > 0 else one for one, part in zip(found, parts)]


def _level(value: Optional[float], top: float, steps: int) -> int:
    if value is None:
        return 0
    return 1 if value <= 0 else max(2, min(steps, round(value / top * steps)))


def _character(left: int, right: int, row: int) -> str:
    dots = LEFT[_within(left, row)] + RIGHT[_within(right, row)]
    return chr(BRAILLE + dots) if dots else " "


def _within(level: int, row: int) -> int:
    return max(0, min(STEPS, level - row * STEPS))


def _highest(values: Points) -> Optional[float]:
    return max((value for value in values if value is not None), default=None)
