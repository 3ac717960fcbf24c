"""On battery and in Low Power Mode figures are taken half as often; pmset is asked rarely, and nothing waits for it."""

import threading

import pytest

from llamabar.app.monitor import BUSY_TICK_S, Monitor, Watched
from llamabar.core import queries
from llamabar.sources import clock, power
from llamabar.sources.power import Power
from tests.fakes.life import live, request, table
from tests.fakes.programs import wait_for


@pytest.mark.parametrize(
    ("settings", "saves"),
    [({}, False), ({"source": "Battery Power"}, True), ({"lowpowermode": 1}, True), ({"powermode": 2}, False)],
)
def test_a_battery_or_low_power_mode_saves_power(mac, monkeypatch, settings, saves):
    mac.set_power(**settings)
    for name, value in mac.environment().items():
        monkeypatch.setenv(name, value)
    assert power.pmset() is saves


def test_it_is_asked_once_in_five_minutes_and_nobody_waits(tmp_path, monkeypatch):
    (tmp_path / "pmset").write_text("#!/bin/sh\n")
    (tmp_path / "pmset").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    now_s, asked, may_answer = [50.0], [], threading.Event()
    monkeypatch.setattr(clock, "now_s", lambda: now_s[0])
    mine = Power(lambda: asked.append(1) or may_answer.wait(9))
    assert mine.saves() is False, "it is not known yet"
    may_answer.set()
    wait_for(lambda: mine.saves())
    now_s[0] += power.EVERY_S - 1
    assert mine.saves() and len(asked) == 1
    now_s[0] += 1
    mine.saves()
    wait_for(lambda: len(asked) == 2)


def test_where_there_is_no_pmset_nothing_is_asked(monkeypatch):
    monkeypatch.setattr(power.tools, "SYSTEM_FOLDERS", ())
    monkeypatch.setenv("PATH", "")
    assert Power(lambda: pytest.fail("asked")).saves() is False


def test_sparing_halves_how_often_figures_are_taken():
    snapshot = live(table(m="ready"), request())
    monitor = Monitor({"s": Watched("s", "http://127.0.0.1:1", snapshot=snapshot)}, lively=True)
    assert monitor._tick_s() == BUSY_TICK_S
    monitor.sparing = True
    assert monitor._tick_s() == 2 * BUSY_TICK_S == queries.slower(True) * BUSY_TICK_S
