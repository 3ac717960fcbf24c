"""Charts: exact pixels, sizes, density, contrast."""

import base64
import io
import random
import struct

import png
import pytest

from llamabar.core.history import nice_ceiling
from llamabar.view import charts
from llamabar.view.charts import CHART, SMALL, Chart, Scale, chart_of, draw, draw_parts, scaled
from llamabar.view.palette import CHART_COLOURS, DASHED, FILL, LINE, WARNING_COLOURS

TINY = Chart(3, 4, 14)
WHITE, DARK = (255, 255, 255), (0x1E, 0x1E, 0x1E)
NAMED = {"dimgray": (0x69, 0x69, 0x69), "silver": (0xC0, 0xC0, 0xC0)}  # NSColor.swift of SwiftBar
DICE = random.Random(5)
NOISE = tuple(DICE.random() for _ in range(120))
EVERY = [
    (None,) * 50, (0.0,) * 50, tuple(n / 50 for n in range(50)), tuple((n * 37 % 60) / 60 for n in range(50)),
    tuple(None if n % 7 == 0 else (n * 13 % 50) / 50 for n in range(50)),
    *(tuple(random.Random(seed).random() for _ in range(50)) for seed in range(12)),
]  # fmt: skip


def read(data):
    width, height, rows, info = png.Reader(bytes=data).read()
    return width, height, [list(row) for row in rows], info


def grid(data, every=1):
    return "\n".join("".join(".+#="[index] for index in row[::every]) for row in read(data)[2][::every])


def test_a_zero_is_a_line_a_gap_is_nothing_a_value_a_bar_and_the_newest_is_at_the_right():
    assert grid(draw(TINY, Scale((0.0, None, 1.0)))) == "\n".join([
        "........###.", "........###.", *["........+++."] * 10, "###.....+++.", "###.....+++.",
    ])  # fmt: skip


def test_the_image_shows_the_maximum_and_a_second_series_has_its_own_scale():
    bars, line = Scale((0.5, 0.5, 0.5, 0.5, 0.0), "50"), Scale((1.0, 1.0, None, 0.5, 0.0), "1k")
    drawn = grid(draw(Chart(5, 4, 28), bars, line), every=2)
    rows = drawn.splitlines()
    assert [row[4:11] for row in rows[:5]] == ["###.###", "#...#.#", "###.#.#", "..#.#.#", "###.###"]
    assert [row[-8:-1] for row in rows[:5]] == [".=..=..", "==..=.=", ".=..==.", ".=..=.=", "===.=.="]
    assert "====" in rows[0] and "==" in rows[13]


def test_a_rising_or_falling_line_is_a_thin_stroke_not_a_bar():
    drawn = grid(draw(TINY, Scale((None, 1.0, None)), Scale((1.0, 0.0, 1.0)))).splitlines()
    assert drawn[:2] == ["====" + "==#." + "===="] * 2 and drawn[-2:] == ["...." + "====" + "==.."] * 2
    assert drawn[2:-2] == ["...." + "==+." + "==.."] * 10
    wide = grid(draw(TINY._replace(point_px=8), Scale((None, 1.0, None)), Scale((1.0, 0.0, 1.0)))).splitlines()
    assert wide[5] == "........" + "==..+++." + "==......"


@pytest.mark.parametrize("height_px", [8, 16, 32, 56, 80, 96])
@pytest.mark.parametrize("width_px", [30, 100, 400, 600])
def test_a_chart_never_takes_more_than_a_kilobyte(width_px, height_px):
    """Noise doesn't compress, so its heights are drawn in coarser steps. The same input gives the same bytes."""
    chart, dice = chart_of(width_px, height_px, buckets=300), random.Random(width_px * height_px)
    gaps, edges = (lambda: dice.choice((None, dice.random()))), (lambda: dice.choice((None, 0.0, dice.random(), 1.0)))
    for kind in (dice.random, gaps, edges) * 4:
        bars, line = (Scale(tuple(kind() for _ in range(chart.points)), top) for top in ("888", "20k"))
        first = draw(chart, bars, line)
        assert len(base64.b64encode(first)) <= 1000 and read(first)[1] == height_px
        draw.cache_clear()
        assert draw(chart, bars, line) == first


@pytest.mark.parametrize(("bars", "line", "step_px"), [
    (tuple(n / 60 for n in range(60)), (None,) * 60, 2), (tuple(0.6 + n % 3 / 10 for n in range(60)), (0.5,) * 60, 2),
    (tuple(n * 37 % 60 / 60 for n in range(60)), tuple(n * 29 % 60 / 60 for n in range(60)), 2),
    (NOISE[:60], NOISE[60:], 12),
])  # fmt: skip
def test_heights_are_coarser_only_where_they_must_be_and_by_an_eighth_at_most(bars, line, step_px):
    large, scales = Chart(60, 8, 96), (Scale(bars, "50"), Scale(line, "20k"))
    assert draw(large, *scales) == charts._drawn(large, *scales, step_px)


@pytest.mark.parametrize("values", EVERY)
def test_an_image_is_small_and_of_retina_density(values):
    for data in (draw(CHART, Scale(values, "200"), Scale(values[::-1], "20k")), draw(SMALL, Scale(values[:30], "50G"))):
        width, height, _, info = read(data)
        assert (width, height) in ((456, 56), (148, 32)) and info["physical"].x == 5669
        assert b"pHYs" + struct.pack(">IIB", 5669, 5669, 1) in data
        assert len(base64.b64encode(data)) <= 1000


@pytest.mark.parametrize(
    ("highest", "ceiling"),
    [(0.0, 1.0), (0.3, 1.0), (1.0, 1.0), (1.1, 2.0), (2.1, 5.0), (41.0, 50.0), (99.0, 100.0), (101.0, 200.0)],
)
def test_the_scale_moves_in_steps_of_one_two_five(highest, ceiling):
    assert nice_ceiling(highest) == ceiling


def test_scaled_values_stay_in_range_and_gaps_stay_gaps():
    assert scaled((None, 0.0, 25.0, 50.0, 400.0), 50.0) == (None, 0.0, 0.5, 1.0, 1.0)


def test_a_bar_of_three_parts_is_solid_hatched_and_empty():
    rows = grid(draw_parts((0.25,), 0.5, width_px=32, height_px=24)).splitlines()
    assert rows[0] == "." * 32 and rows[6] == "+" * 32, "a frame around it, air above and below"
    middle = rows[9]
    assert middle[:8] == "+" * 8 and set(middle[8:24]) == {"+", "."} and middle[24:] == "......++"


def test_the_solid_parts_of_a_bar_have_a_gap_between_them():
    middle = grid(draw_parts((0.25, 0.25, 0.25), 0.0, width_px=32, height_px=24)).splitlines()[9]
    assert middle == "++++++++..++++++..++++++......" + "++"


@pytest.mark.parametrize("shares", [((), 0.0), ((1.0,), 0.0), ((0.5, 0.1), 0.5), ((0.9, 0.0), 0.3), ((0.31,), 0.33)])
def test_any_shares_make_a_bar_of_one_size(shares):
    assert read(draw_parts(*shares))[:2] == (148, 32)


@pytest.mark.parametrize(("width_px", "height_px", "chart"), [
    (None, None, CHART), (600, 96, Chart(60, 8, 96)), (100, None, Chart(12, 8, 56)), (30, 8, Chart(5, 8, 8)),
])  # fmt: skip
def test_a_chart_of_another_size_covers_the_whole_history(width_px, height_px, chart):
    assert chart_of(width_px, height_px, buckets=300) == chart
    assert 300 % chart.points == 0
    width, height, _, _ = read(draw(chart, Scale((0.5,) * chart.points, "50"), Scale((0.5,) * chart.points, "50")))
    assert height == chart.height_px and width <= 640


def luminance(colour):
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (part / 255 for part in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_chart_colours_contrast_with_any_background_and_each_other():
    for colour in (LINE, DASHED):
        assert min(contrast(colour, WHITE), contrast(colour, DARK)) >= 3
    assert contrast(LINE, FILL) >= 1.5 and abs(LINE[2] - DASHED[2]) > 150, "blue and orange: told apart by all eyes"
    for light, dark in [CHART_COLOURS, WARNING_COLOURS]:
        of = [NAMED.get(one) or tuple(bytes.fromhex(one[1:])) for one in (light, dark)]
        assert contrast(of[0], WHITE) >= 4.5 and contrast(of[1], DARK) >= 4.5


def test_a_png_is_drawn_once():
    assert draw(CHART, Scale((0.5,), "1")) is draw(CHART, Scale((0.5,), "1"))
    assert png.Reader(file=io.BytesIO(draw(SMALL, Scale((0.1,) * 30)))).read()[0] == 120
