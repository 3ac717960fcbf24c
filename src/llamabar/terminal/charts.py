"""Charts as text, in braille (two points per column, four steps per line), or in blocks if braille can't be shown.

A gap (nothing), a zero (only the lowest dot) and a value (at least two dots) look different at a glance.
"""

from typing import List, Optional, Sequence, Tuple

from llamabar.core.history import BUCKETS, History, nice_ceiling, series

Points = Sequence[Optional[float]]  # 0 to 1, None for a gap

_LEFT, _RIGHT = (0x00, 0x40, 0x44, 0x46, 0x47), (0x00, 0x80, 0xA0, 0xB0, 0xB8)  # filled from the bottom
_BRAILLE = 0x2800
BLOCKS = " ▁▂▃▄▅▆▇█"
FULL, SHADE, LIGHT = "█", "▒", "░"


def recent(history: History, name: str, width: int, *, braille: bool, now_s: float) -> Tuple[Optional[float], ...]:
    """Return one reading's last minutes as the points of a chart `width` columns wide, newest last.

    Each point is the highest value of its interval.
    """
    values, points = series(history, name, points=BUCKETS, now_s=now_s), width * 2 if braille else width
    edges = [index * len(values) // points for index in range(points + 1)]
    return tuple(_highest(values[start : max(end, start + 1)]) for start, end in zip(edges, edges[1:]))


def ceiling(values: Points) -> float:
    """Return a round number at or above all values."""
    return nice_ceiling(max((value for value in values if value is not None), default=0.0))


def chart(values: Points, top: float, *, height: int, braille: bool) -> List[str]:
    """Return the lines of a chart, top line first. Braille shows two values per column, blocks one."""
    steps = 4 if braille else 8
    levels = [_level(value, top, height * steps) for value in values]
    rows = range(height - 1, -1, -1)
    if not braille:
        return ["".join(BLOCKS[_within(level, row, steps)] for level in levels) for row in rows]
    pairs = list(zip(levels[::2], levels[1::2]))
    return [
        "".join(
            chr(_BRAILLE + _LEFT[_within(one, row, 4)] + _RIGHT[_within(two, row, 4)]) if one or two else " "
            for one, two in pairs
        ).replace(chr(_BRAILLE), " ")
        for row in rows
    ]


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
    return 1 if value <= 0 else max(min(2, steps), min(steps, round(value / top * steps)))


def _within(level: int, row: int, steps: int) -> int:
    return max(0, min(steps, level - row * steps))


def _highest(values: Points) -> Optional[float]:
    return max((value for value in values if value is not None), default=None)
