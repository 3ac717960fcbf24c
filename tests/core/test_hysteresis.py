"""Figures that hardly change stay as shown, and what is shown stays true."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llamabar.app.monitor import Monitor, Watched
from llamabar.core import events as ev
from llamabar.core import hysteresis, units
from llamabar.core.hysteresis import NONE_YET, figures
from tests.fakes.life import after, live, request, running, table

MB = 10**6


def using(memory_bytes, *, cpu_ratio=0.2, used_bytes=41 * 10**9):
    snapshot = live(table(m="ready"), running())
    return after(
        snapshot,
        ev.MemoryMeasured(20 * MB, {"m": memory_bytes}),
        ev.HostMeasured(cpu_ratio, used_bytes, 64 * 10**9),
        at_s=1.0,
    )


def half_a_digit(used_bytes):
    return units.size_step(used_bytes) / 2


def shown(snapshots):
    found = NONE_YET
    for snapshot in snapshots:
        found = figures(snapshot, now_s=2.0, before=found)
        yield found


def test_a_gpu_figure_is_gone_once_it_is_old():
    """It is fetched only while requests are in flight: what it was then isn't what it is."""
    snapshot = after(live(table(m="ready")), ev.GpuMeasured(0.96, 38.0), at_s=1.0)
    assert [figures(snapshot, now_s=now_s).gpu_ratio for now_s in (2.0, 30.0, 32.0)] == [0.96, 0.96, None]


def test_a_size_at_the_edge_of_two_digits_does_not_flicker():
    sizes = [6_449 * MB, 6_451 * MB, 6_430 * MB, 6_470 * MB] * 20
    assert len({units.size(one.memory_bytes["m"]) for one in shown(map(using, sizes))}) == 1


def test_a_size_that_really_changes_is_shown_at_once():
    assert [one.memory_bytes["m"] for one in shown(map(using, [6_400 * MB, 6_451 * MB]))] == [6_400 * MB, 6_451 * MB]


def test_a_share_within_one_point_stays():
    ratios = [using(MB, cpu_ratio=ratio) for ratio in (0.204, 0.206, 0.212, 0.23, 0.226)]
    assert [units.percent(one.cpu_ratio) for one in shown(ratios)] == ["20 %", "20 %", "20 %", "23 %", "23 %"]


def test_a_value_that_is_no_longer_known_is_not_held():
    gone = live(table(m="ready"), running())
    last = list(shown([using(MB), gone]))[-1]
    assert (last.memory_bytes, last.cpu_ratio, last.server_bytes) == ({}, None, None)


@given(st.lists(st.floats(0.5, 5_000), min_size=1, max_size=30))
def test_a_speed_is_never_further_from_the_truth_than_one_percent(speeds):
    before = None
    for tps in speeds:
        before = hysteresis.held(tps, before, lambda was: hysteresis.HELD_RATIO * was)
        assert math.isclose(before, tps, rel_tol=0.0102)


@given(st.lists(st.integers(MB, 300_000 * MB), min_size=1, max_size=30))
def test_a_size_is_never_further_from_the_truth_than_half_a_digit(sizes):
    before = None
    for size in sizes:
        before = hysteresis.held(size, before, half_a_digit)
        assert abs(before - size) <= half_a_digit(before)


def test_the_title_is_the_sum_of_the_rows():
    snapshot = live(table(a="ready", b="ready"), running("a"), request("1", "a"), request("2", "b"))
    for second in range(8):
        for model, tps in (("a", 40), ("b", 20)):
            slot = ev.Slot(0, 1, True, 10 + tps * second)
            snapshot = after(snapshot, ev.SlotsAnswered(model, (slot,)), at_s=float(second))
    found = figures(snapshot, now_s=7.1)
    assert {model: round(reading.tps) for model, reading in found.speeds.items()} == {"a": 40, "b": 20}
    assert found.total.tps == pytest.approx(60, rel=0.01)


def test_tiny_changes_of_memory_and_load_print_no_new_frame():
    monitor = Monitor({"mac": Watched("mac", "http://127.0.0.1:8080", snapshot=using(6_450 * MB))})
    said = set()
    for second in range(0, 1200, 7):
        wobble = second % 31 - 15
        for event in (ev.MemoryMeasured(20 * MB, {"m": (6_450 + wobble) * MB}),
                      ev.HostMeasured(0.205 + wobble / 4000, (41_050 + wobble) * MB, 64_000 * MB)):  # fmt: skip
            monitor.take("mac", event, at_s=float(second))
        menu = monitor.frame(now_s=float(second))
        said |= {row.text for row in menu.rows() if row.text.startswith(("Models", "CPU"))} if menu else set()
    assert len(said) == 2
