"""Small charts as PNG, drawn in shape as well as in colour, and the same points as terminal blocks.

Three things differ at a glance: a gap (nothing), a zero (the base line alone), a value (a filled bar with a
dark top). A second series is a dashed line, thinner. Newest at the right edge.
"""

import io
from functools import lru_cache
from itertools import zip_longest
from typing import List, NamedTuple, Optional, Tuple

from llamabar.core.history import nice_ceiling
from llamabar.view.palette import DASHED, FILL, LINE

POINT_WIDTH_PX = 2
TOP_PX = 2
RETINA_PIXELS_PER_METRE = 5669  # 144 dpi: NSImage then draws half as many points as pixels
CLEAR_INDEX, FILL_INDEX, LINE_INDEX, DASH_INDEX = 0, 1, 2, 3
DASH = 3  # two points drawn, the third left out

_BLOCKS = "▁▂▃▄▅▆▇█"

Points = Tuple[Optional[float], ...]


class Chart(NamedTuple):
    """How large a chart is: points over the whole history, newest at the right, and pixels of height."""

    points: int = 60
    height_px: int = 28


CHART = Chart()


def chart_of(width_px: Optional[int], height_px: Optional[int], *, buckets: int) -> Chart:
    """Return the largest chart within these pixels whose points cover whole buckets; the usual where None is said."""
    most = (width_px or CHART.points * POINT_WIDTH_PX) // POINT_WIDTH_PX
    points = max(count for count in range(1, max(1, most) + 1) if buckets % count == 0)
    return Chart(points, height_px or CHART.height_px)


def scaled(values: Points, *, ceiling: Optional[float] = None) -> Points:
    """Return values between 0 and 1 under a round ceiling; gaps stay gaps."""
    top = ceiling or nice_ceiling(max((value for value in values if value is not None), default=0.0))
    return tuple(None if value is None else min(1.0, max(0.0, value / top)) for value in values)


def pixels(values: Points, dashed: Points = (), height_px: int = CHART.height_px) -> List[List[int]]:
    """Return rows of palette indices, top row first: height_px × (points × POINT_WIDTH_PX)."""
    heights = [_top_px(value, height_px) for value in values]
    dashes = [_top_px(value, height_px) if index % DASH else None for index, value in enumerate(dashed)]
    pairs = list(zip_longest(heights, dashes[: len(heights)]))
    return [
        [_index(height, dash, height_px - row) for height, dash in pairs for _ in range(POINT_WIDTH_PX)]
        for row in range(height_px)
    ]


@lru_cache(maxsize=64)
def draw(values: Points, dashed: Points = (), height_px: int = CHART.height_px) -> bytes:
    """Return a palette PNG of points between 0 and 1, transparent behind, at Retina density."""
    import png  # not before there is something to draw

    palette = [(0, 0, 0, 0), (*FILL, 255), (*LINE, 255), (*DASHED, 255)]
    writer = png.Writer(
        width=len(values) * POINT_WIDTH_PX,
        height=height_px,
        palette=palette,
        bitdepth=2,
        compression=9,
        x_pixels_per_unit=RETINA_PIXELS_PER_METRE,
        y_pixels_per_unit=RETINA_PIXELS_PER_METRE,
        unit_is_meter=True,
    )
    out = io.BytesIO()
    writer.write_packed(out, _packed(pixels(values, dashed, height_px)))
    return out.getvalue()


def _packed(rows: List[List[int]]) -> List[bytes]:
    """Return rows with four pixels a byte, leftmost in the highest bits."""
    return [
        bytes(a << 6 | b << 4 | c << 2 | d for a, b, c, d in zip_longest(*(row[n::4] for n in range(4)), fillvalue=0))
        for row in rows
    ]


def blocks(values: Points, width: int) -> str:
    """Return the newest points as block characters; a space for a gap."""
    shown = values[-width:]
    return "".join(" " if value is None else _BLOCKS[round(value * (len(_BLOCKS) - 1))] for value in shown)


def _top_px(value: Optional[float], height_px: int) -> Optional[int]:
    return None if value is None else TOP_PX + round(value * (height_px - TOP_PX))


def _index(height: Optional[int], dash: Optional[int], level: int) -> int:
    if dash is not None and level == dash:
        return DASH_INDEX
    if height is None or level > height:
        return CLEAR_INDEX
    return LINE_INDEX if level > height - TOP_PX else FILL_INDEX
