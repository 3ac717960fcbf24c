"""Charts as PNG, readable by shape as well as by color. The newest point is at the right.

A gap is empty, a zero is the baseline alone, a value is a pale bar with a dark top. A second series is a stepped line
with its own scale. Both scales start at 0; their maxima are printed in the image, at its left and its right.
"""

import io
from functools import lru_cache, reduce
from itertools import accumulate
from operator import or_
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from llamabar.view.palette import DASHED, FILL, LINE

RETINA_PIXELS_PER_METRE = 5669  # 144 dpi: NSImage then draws it at half as many points as pixels
CLEAR, BAR, DARK, SECOND = range(4)
CLEAR_RGBA = (0, 0, 0, 0)
PIXELS_A_BYTE = 4
TOP_PX, LINE_PX, DOT_PX = 2, 2, 2
GLYPH_ROWS = 5  # each glyph: 3 dots wide plus a blank
GLYPHS: Dict[str, Tuple[int, ...]] = {
    "0": (7, 5, 5, 5, 7), "1": (2, 6, 2, 2, 7), "2": (7, 1, 7, 4, 7), "3": (7, 1, 3, 1, 7), "4": (5, 5, 7, 1, 1),
    "5": (7, 4, 7, 1, 7), "6": (7, 4, 7, 5, 7), "7": (7, 1, 2, 2, 2), "8": (7, 5, 7, 5, 7), "9": (7, 5, 7, 1, 7),
    ".": (0, 0, 0, 0, 2), "%": (5, 1, 2, 4, 5), "k": (4, 5, 6, 5, 5), "M": (5, 7, 7, 5, 5), "G": (7, 4, 5, 5, 7),
    " ": (0, 0, 0, 0, 0),
}  # fmt: skip
SCALE_CHARS = 3  # the longest maximum: 200, 20k, 50G
LARGEST_BYTES = 750  # 1,000 as base64
STEPS_PX = (2, 4, 6, 8, 12, 16, 24)  # of heights: one point, or more for charts that would be too large
FEWEST_POINTS, MOST_PX = 5, 584  # with both scales an image is at most 640 pixels wide
HATCH = (0xF8, 0x3E, 0x8F, 0xE3)  # slanting strokes, one pixel per bit, two rows each

Points = Tuple[Optional[float], ...]
Step = Tuple[int, int]
NO_STEP: Step = (0, 0)


class Chart(NamedTuple):
    """The size of a chart: points over the whole history, each a multiple of four pixels wide; the scales are extra."""

    points: int
    point_px: int
    height_px: int
    fill: int = BAR


CHART, SMALL = Chart(50, 8, 56), Chart(30, 4, 32, fill=DARK)
PARTS_PX = 148  # as wide as SMALL beside its scale


class Scale(NamedTuple):
    """Points from 0 to 1, and the value that 1 stands for, in at most SCALE_CHARS characters."""

    values: Points = ()
    top: str = ""


NO_LINE = Scale()


def chart_of(width_px: Optional[int], height_px: Optional[int], *, buckets: int) -> Chart:
    """Return the largest chart that fits these pixels and whose points cover whole buckets; None means the default."""
    room = min(MOST_PX, width_px or CHART.points * CHART.point_px) // CHART.point_px
    points = max(count for count in range(1, max(FEWEST_POINTS, room) + 1) if buckets % count == 0)
    return Chart(points, CHART.point_px, height_px or CHART.height_px)


def scaled(values: Points, ceiling: float) -> Points:
    """Return values scaled to 0 to 1 by a ceiling. Gaps stay gaps."""
    return tuple(None if value is None else min(1.0, max(0.0, value / ceiling)) for value in values)


@lru_cache(maxsize=128)
def draw(chart: Chart, bars: Scale, line: Scale = NO_LINE) -> bytes:
    """Return a chart as a palette PNG with a transparent background, at Retina density.

    It takes at most LARGEST_BYTES: noise, which compresses badly, is drawn with heights in coarser steps.
    """
    drawn = b""
    for step_px in STEPS_PX:
        drawn = _drawn(chart, bars, line, step_px)
        if len(drawn) <= LARGEST_BYTES:
            break
    return drawn


def _drawn(chart: Chart, bars: Scale, line: Scale, step_px: int) -> bytes:
    height_px = chart.height_px
    tops = [_px(value, height_px, step_px) for value in bars.values]
    steps = _steps([_px(value, height_px, step_px) for value in line.values], len(tops))
    columns: List[Sequence[bytes]] = [_column(top, step, chart) for top, step in zip(tops, steps)]
    left, right = (_words(scale.top, index, height_px) for scale, index in ((bars, DARK), (line, SECOND)))
    columns = [*filter(None, [left]), *columns, *filter(None, [right])]
    palette = [CLEAR_RGBA, FILL, LINE, DASHED][: 4 if line.values else 3]
    rows = [b"".join(row) for row in zip(*columns)]
    return _png(rows, palette, len(rows[0]) * PIXELS_A_BYTE)


@lru_cache(maxsize=64)
def draw_parts(
    solid: Tuple[float, ...], hatched: float = 0.0, *, width_px: int = PARTS_PX, height_px: int = 32
) -> bytes:  # fmt: skip
    """Return a bar of shares: solid parts with gaps between them, then a hatched one, then an empty frame."""
    whole, row_bytes = (1 << width_px) - 1, -(-width_px // 8)
    beyond = row_bytes * 8 - width_px  # unused bits at the end of each row
    *ends, end = (whole >> min(width_px, round(share * width_px)) for share in accumulate((*solid, hatched)))
    left = ends[-1] if ends else whole
    gaps = reduce(or_, ((at ^ at >> LINE_PX) & ~left for at in ends), 0)
    strokes = (int.from_bytes(bytes([stroke]) * row_bytes, "big") >> beyond for stroke in HATCH)
    inside = [(whole ^ left) & ~gaps | stroke & (left ^ end) | ((1 << LINE_PX) - 1) for stroke in strokes]
    *rows, line, blank = ((row << beyond).to_bytes(row_bytes, "big") for row in (*inside, whole, 0))
    body = [rows[row // 2 % len(rows)] for row in range(height_px // 2 - 2 * LINE_PX)]
    return _png([blank] * (height_px // 4) + [line] * LINE_PX + body + [line] * LINE_PX + [blank] * (height_px // 4),
                [CLEAR_RGBA, LINE], width_px)  # fmt: skip


def _px(value: Optional[float], height_px: int, step_px: int) -> Optional[int]:
    if value is None:
        return None
    room = height_px - TOP_PX
    return TOP_PX + min(room, round(value * room / step_px) * step_px)


def _steps(heights: Sequence[Optional[int]], points: int) -> List[Step]:
    """Return the line's start and end height at each point; NO_STEP where there is none."""
    found = [NO_STEP] * points
    before: Optional[int] = None
    for at, height in enumerate(heights[:points]):
        if height is not None:
            found[at] = (height if before is None else before, height)
        before = height
    return found


@lru_cache(maxsize=512)
def _column(top: Optional[int], step: Step, chart: Chart) -> List[bytes]:
    """Return one point of a chart, rows from the top: a bar up to `top`, and the line over it.

    The line's vertical stroke is as thin as the line itself; one as wide as the point would look like another bar.
    """
    clear, bar, dark, second = (
        _pattern(one, chart.point_px, gap=chart.fill == BAR and one in (BAR, DARK))
        for one in (CLEAR, chart.fill, DARK, SECOND)
    )
    shown = min(chart.height_px, top or 0)
    edge = min(shown, max(0, shown - (top or 0) + TOP_PX))
    rows = [clear] * (chart.height_px - shown) + [dark] * edge + [bar] * (shown - edge)
    if step == NO_STEP:
        return rows
    low, high = chart.height_px - min(step) + LINE_PX, chart.height_px - max(step)
    stroke = _pattern(SECOND, LINE_PX)[0]
    beside = [row[0] if len(row) == 1 else 0 for row in rows[high:low]]  # a gap, if the point has room for one
    rows[high:low] = [bytes([stroke | left]) + row[1:] for left, row in zip(beside, rows[high:low])]
    level = chart.height_px - step[1]
    rows[level : level + LINE_PX] = [second] * LINE_PX
    return rows


@lru_cache(maxsize=64)
def _pattern(index: int, pixels: int, *, gap: bool = False) -> bytes:
    """Return a run of pixels in one color, four per byte, leftmost in the high bits. With `gap`, the last is clear."""
    found = 0
    for at in range(-(-pixels // PIXELS_A_BYTE) * PIXELS_A_BYTE):
        found = found << 2 | (index if at < pixels - gap else CLEAR)
    return found.to_bytes(-(-pixels // PIXELS_A_BYTE), "big")


@lru_cache(maxsize=64)
def _words(text: str, index: int, height_px: int) -> List[bytes]:
    """Return the pixel rows of a text at the top of a chart, SCALE_CHARS characters wide; [] for no text."""
    rows: List[bytes] = []
    if not text:
        return rows
    for dots in range(GLYPH_ROWS):
        found = b""
        for char in f"{text:>{SCALE_CHARS}}":
            bits = GLYPHS.get(char, GLYPHS[" "])[dots]
            pixels = [index if bits >> (2 - at // DOT_PX) & 1 else CLEAR for at in range(3 * DOT_PX)] + [CLEAR] * DOT_PX
            found += bytes(a << 6 | b << 4 | c << 2 | d for a, b, c, d in zip(*(pixels[n::4] for n in range(4))))
        rows += [found] * DOT_PX
    air = b"\x00"  # between the digits and the bars
    rows = [found + air if index == DARK else air + found for found in rows]
    return (rows + [b"\x00" * len(rows[0])] * height_px)[:height_px]


def _png(rows: List[bytes], palette: Sequence[Tuple[int, ...]], width_px: int) -> bytes:
    import png  # imported only when there is something to draw

    bits = 1 if len(palette) == 2 else 2
    writer = png.Writer(
        width=width_px, height=len(rows), palette=palette, bitdepth=bits, compression=9,
        x_pixels_per_unit=RETINA_PIXELS_PER_METRE, y_pixels_per_unit=RETINA_PIXELS_PER_METRE, unit_is_meter=True,
    )  # fmt: skip
    out = io.BytesIO()
    writer.write_packed(out, rows)
    return out.getvalue()
