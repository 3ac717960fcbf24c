"""A server's clock: the header of its answers tells how far it is ahead, and rows that agree outweigh it."""

import pytest

from llamabar.core.server_clock import ServerClock, by_header, by_row

HOUR_S = 3600.0


@pytest.mark.parametrize("ahead_s", [0.0, 2.5, -59.0, None])
def test_within_a_minute_nothing_is_corrected(ahead_s):
    assert by_header(ServerClock(), ahead_s).ahead_s == 0.0


@pytest.mark.parametrize("ahead_s", [HOUR_S, -HOUR_S, 26 * HOUR_S, 61.0])
def test_a_header_tells_it_and_its_noise_changes_nothing(ahead_s):
    clock = by_header(ServerClock(), ahead_s)
    assert clock.ahead_s == ahead_s
    assert by_header(clock, ahead_s + 1.4) is clock
    assert by_header(clock, 0.0).ahead_s == 0.0, "its clock was set"


def test_two_rows_that_agree_outweigh_a_proxys_header_and_one_alone_does_not():
    clock = by_row(by_header(ServerClock(), 0.2), -HOUR_S)
    assert clock.ahead_s == 0.0, "perhaps it came late"
    assert by_row(by_row(clock, 0.0), -HOUR_S).ahead_s == 0.0, "not in a row"
    assert by_row(clock, -HOUR_S - 9.0).ahead_s == -HOUR_S - 9.0
    assert by_row(clock, 9 * HOUR_S).ahead_s == 0.0, "two that don't agree"


def test_rows_count_until_a_clock_is_set():
    clock = by_row(by_row(by_header(ServerClock(), 0.2), HOUR_S), HOUR_S)
    assert by_header(clock, 0.9).ahead_s == HOUR_S
    assert by_header(clock, HOUR_S).ahead_s == HOUR_S
    assert by_header(clock, 300.0).ahead_s == 300.0
