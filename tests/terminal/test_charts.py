"""Text charts: heights, distinct gaps and zeros, a stable time axis."""

from llamabar.core.history import History, Readings, record
from llamabar.terminal.charts import chart, recent, shares


def test_a_gap_a_zero_and_a_value_differ():
    gap, zero, value = (chart([one, one], 10.0, height=1)[0] for one in (None, 0.0, 0.1))
    assert (gap, zero) == (" ", "⣀")
    assert value == "⣤"


def test_a_chart_is_filled_from_the_bottom_over_its_lines():
    assert chart([10, 5, 2.5, 0], 10.0, height=2) == ["⡇ ", "⣿⣄"]


def test_the_newest_value_is_at_the_right_edge_at_any_width():
    history = History()
    for second in range(300):
        history = record(history, Readings(generation_tps=40.0 if second == 299 else 0.0), now_s=float(second))
    for width in (7, 74, 113, 300, 401):
        found = recent(history, "generation_tps", width, now_s=299.0)
        assert len(found) == 2 * width
        assert found[-1] == 40.0


def test_a_short_peak_is_not_averaged_away():
    history = History()
    for second in range(300):
        history = record(history, Readings(generation_tps=40.0 if second == 100 else 0.0), now_s=float(second))
    assert max(recent(history, "generation_tps", 10, now_s=299.0)) == 40.0


def test_each_nonzero_part_gets_a_column():
    assert shares([0.001, 0.5, 0.499], 10) == [1, 5, 5]
    assert shares([0.0, 1.0], 4) == [0, 4]
