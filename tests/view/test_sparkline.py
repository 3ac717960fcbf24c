"""Sparklines: exact pixels, size, density."""

import io
import struct

import png
import pytest

from llamabar.core.history import nice_ceiling
from llamabar.view.sparkline import CHART, POINT_WIDTH_PX, Chart, blocks, chart_of, draw, pixels, scaled

POINTS, HEIGHT_PX = CHART


def grid(values, every=3):
    return "\n".join("".join(".+#"[index] for index in row) for row in pixels(values)[::every])


def test_a_zero_is_a_line_a_gap_is_nothing_and_the_newest_is_at_the_right():
    drawn = grid((0.0, 0.0, None, 0.5, None, 1.0), every=1)
    rows = drawn.splitlines()
    assert len(rows) == HEIGHT_PX
    assert rows[0] == "..........##"
    assert rows[-1] == "####..++..++"
    assert rows[-3] == "......++..++"
    assert all(row[4:6] == ".." and row[8:10] == ".." for row in rows)
    assert [index for index, row in enumerate(rows) if row[6:8] == "##"] == [13, 14]


def read(data):
    width, height, _, info = png.Reader(bytes=data).read()
    return width, height, info


@pytest.mark.parametrize(
    "values",
    [(None,) * POINTS, (0.0,) * POINTS, tuple(n / POINTS for n in range(POINTS)),
     tuple((n * 37 % 60) / 60 for n in range(POINTS)),
     tuple(None if n % 7 == 0 else (n * 13 % 50) / 50 for n in range(POINTS))],
)  # fmt: skip
def test_an_image_is_small_and_of_retina_density(values):
    data = draw(values)
    width, height, info = read(data)
    assert (width, height) == (POINTS * POINT_WIDTH_PX, HEIGHT_PX)
    assert info["physical"].x == 5669
    assert len(data) <= 330, len(data)
    assert b"pHYs" + struct.pack(">IIB", 5669, 5669, 1) in data


def test_a_flat_line_is_visible():
    assert grid((0.0,) * 3, every=27).splitlines()[-1] == "######"


@pytest.mark.parametrize(
    ("highest", "ceiling"),
    [(0.0, 1.0), (0.3, 1.0), (1.0, 1.0), (1.1, 2.0), (2.1, 5.0), (41.0, 50.0), (99.0, 100.0), (101.0, 200.0)],
)
def test_the_scale_moves_in_steps_of_one_two_five(highest, ceiling):
    assert nice_ceiling(highest) == ceiling


def test_scaled_values_stay_in_range_and_gaps_stay_gaps():
    assert scaled((None, 0.0, 25.0, 50.0, 400.0), ceiling=50.0) == (None, 0.0, 0.5, 1.0, 1.0)


def test_blocks_show_the_newest_points():
    assert blocks((None, 0.0, 0.5, 1.0), 3) == "▁▅█"
    assert blocks((1.0, None), 2) == "█ "


def test_the_pixels_of_a_png_are_those_that_were_meant():
    values = (0.0, None, 1.0)
    _, _, rows, _ = png.Reader(file=io.BytesIO(draw(values))).read()
    assert [list(row) for row in rows] == pixels(values)


def test_a_second_series_is_a_dashed_line_over_the_bars():
    drawn = ["".join(".+#-"[index] for index in row) for row in pixels((0.5,) * 6, (1.0, 1.0, 1.0, 1.0, None, 0.0))]
    assert drawn[0] == "..----......"
    assert drawn[-2] == "++++++++++--", "gaps stay gaps, and a zero is drawn at the base"
    assert "-" not in "".join(drawn[1:-2])


def test_a_frame_with_every_kind_of_picture_stays_small():
    assert len(draw(tuple((n * 37 % 60) / 60 for n in range(POINTS)), tuple(n / POINTS for n in range(POINTS)))) <= 420


@pytest.mark.parametrize(("width_px", "height_px", "chart"), [
    (None, None, Chart(60, 28)),
    (600, 96, Chart(300, 96)),
    (100, None, Chart(50, 28)),
    (119, 8, Chart(50, 8)),
    (30, None, Chart(15, 28)),
    (1, None, Chart(1, 28)),
])  # fmt: skip
def test_a_chart_of_another_size_covers_the_whole_history(width_px, height_px, chart):
    found = chart_of(width_px, height_px, buckets=300)
    assert found == chart
    assert 300 % found.points == 0
    width, height, _ = read(draw((0.5,) * found.points, (), found.height_px))
    assert (width, height) == (chart.points * POINT_WIDTH_PX, chart.height_px)
