"""Small charts as PNG, drawn in shape as well as in colour, and the same points as terminal blocks.

Three things differ at a glance: a gap (nothing), a zero (the base line alone), a value (a filled bar with a
dark top). A second series is a dashed line, thinner. Newest at the right edge.
"""

import io
from functools import lru_cache
from itertools import zip_longest
from typing import List, Optional, Tuple

from llamabar.core.history import nice_ceiling
from llamabar.view.palette import DASHED, FILL, LINE

POINTS = 60
POINT_WIDTH_PX = 2
HEIGHT_PX = 28
TOP_PX = 2
RETINA_PIXELS_PER_METRE = 5669  # 144 dpi: NSImage then draws half as many points as pixels
CLEAR_INDEX, FILL_INDEX, LINE_INDEX, DASH_INDEX = 0, 1, 2, 3
DASH = 3  # two points drawn, the third left out

_BLOCKS = "▁▂▃▄▅▆▇█"

Points = Tuple[Optional[float], ...]


def scaled(values: Points, *, ceiling: Optional[float] = None) -> Points:
    """Return values between 0 and 1 under a round ceiling; gaps stay gaps."""
    top = ceiling or nice_ceiling(max((value for value in values if value is not None), default=0.0))
    return tuple(None if value is None else min(1.0, max(0.0, value / top)) for value in values)


def pixels(values: Points, dashed: Points = ()) -> List[List[int]]:
    """Return rows of palette indices, top row first: HEIGHT_PX × (points × POINT_WIDTH_PX)."""
    heights = [_height_px(value) for value in values]
    dashes = [_height_px(value) if index % DASH else None for index, value in enumerate(dashed)]
    pairs = list(zip_longest(heights, dashes[: len(heights)]))
    return [
        [_index(height, dash, HEIGHT_PX - row) for height, dash in pairs for _ in range(POINT_WIDTH_PX)]
        for row in range(HEIGHT_PX)
    ]


@lru_cache(maxsize=64)
def draw(values: Points, dashed: Points = ()) -> bytes:
    """Return a palette PNG of points between 0 and 1, transparent behind, at Retina density."""
    import png  # not before there is something to draw

    palette = [(0, 0, 0, 0), (*FILL, 255), (*LINE, 255), (*DASHED, 255)]
    writer = png.Writer(
        width=len(values) * POINT_WIDTH_PX,
        height=HEIGHT_PX,
        palette=palette,
        bitdepth=2,
        compression=9,
        x_pixels_per_unit=RETINA_PIXELS_PER_METRE,
        y_pixels_per_unit=RETINA_PIXELS_PER_METRE,
        unit_is_meter=True,
    )
    out = io.BytesIO()
    writer.write_packed(out, _packed(pixels(values, dashed)))
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


def _height_px(value: Optional[float]) -> Optional[int]:
    return None if value is None else TOP_PX + round(value * (HEIGHT_PX - TOP_PX))


def _index(height: Optional[int], dash: Optional[int], level: int) -> int:
    if dash is not None and level == dash:
        return DASH_INDEX
    if height is None or level > height:
        return CLEAR_INDEX
    return LINE_INDEX if level > height - TOP_PX else FILL_INDEX
