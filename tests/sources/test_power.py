"""Power and memory pressure from macOS programs: they run rarely, and nothing waits for them."""

import threading

import pytest

from llamabar.app.loop import Watch
from llamabar.app.monitor import BUSY_TICK_S, Monitor, Watched
from llamabar.core import queries
from llamabar.core.pressure import Pressure
from llamabar.core.status import Status
from llamabar.settings.load import ServerSettings, Settings
from llamabar.sources import clock, host, rarely
from llamabar.sources.rarely import Rarely
from tests.fakes.life import live, request, table
from tests.fakes.programs import wait_for


@pytest.mark.parametrize(
    ("settings", "saves"),
    [({}, False), ({"source": "Battery Power"}, True), ({"lowpowermode": 1}, True), ({"powermode": 2}, False)],
)
def test_battery_and_low_power_mode_count_as_saving_power(mac, monkeypatch, settings, saves):
    mac.set_power(**settings)
    for name, value in mac.environment().items():
        monkeypatch.setenv(name, value)
    assert rarely.saves_power() is saves


@pytest.mark.parametrize(("level", "found"), [(1, "normal"), (2, "warning"), (4, "critical"), (3, None)])
def test_the_memory_pressure_is_the_kernels_level(mac, monkeypatch, level, found):
    mac.set_sysctl(rarely.PRESSURE_NAME, level)
    for name, value in mac.environment().items():
        monkeypatch.setenv(name, value)
    assert rarely.memory_pressure() == (found and Pressure(found))


def test_memory_pressure_is_read_a_fifth_as_often_as_the_other_figures(monkeypatch):
    asked = []
    monkeypatch.setattr(rarely.PRESSURE, "said", lambda *, every_s: asked.append(every_s) or Pressure.WARNING)
    assert host.measure(every_s=2.0).pressure is Pressure.WARNING and asked == [10.0]


@pytest.mark.parametrize(("status", "asked_s"), [(Status.READY, 100.0), (Status.GENERATING, 10.0)])
def test_a_dashboard_reads_memory_pressure_no_more_often_than_the_menu(
    monkeypatch, status, asked_s
):
    asked = []
    monkeypatch.setattr(rarely.PRESSURE, "said", lambda *, every_s: asked.append(every_s))
    watch = Watch(Settings((ServerSettings("one", "http://127.0.0.1:9"),)), lambda *_: None)
    watch.monitor.statuses["one"] = status
    for lively in (False, True):
        watch.monitor.lively, watch._host_s = lively, None
        watch._measure_host(5.0)
    assert asked == [asked_s] * 2


def test_it_is_run_once_per_interval_without_blocking(tmp_path, monkeypatch):
    for tool in ("pmset", "launchctl"):
        (tmp_path / tool).write_text("#!/bin/sh\n")
        (tmp_path / tool).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    now_s, asked, may_answer = [50.0], [], threading.Event()
    monkeypatch.setattr(clock, "now_s", lambda: now_s[0])
    mine = Rarely(lambda: asked.append(1) or may_answer.wait(9), tool="pmset", first=False)
    assert mine.said(every_s=9.0) is False, "it is not known yet"
    may_answer.set()
    mine.wait(9)
    now_s[0] += 8.0
    assert mine.said(every_s=9.0) and len(asked) == 1
    now_s[0] += 1.0
    mine.said(every_s=9.0)
    wait_for(lambda: len(asked) == 2)


def test_without_launchd_nothing_is_run(mac, monkeypatch):
    mac.without("launchctl")
    monkeypatch.setattr(rarely.tools, "SYSTEM_FOLDERS", ())
    monkeypatch.setenv("PATH", str(mac.bin))
    assert Rarely(lambda: pytest.fail("asked"), tool="sysctl", first=None).said(every_s=1.0) is None


def test_sparing_halves_how_often_figures_are_taken():
    snapshot = live(table(m="ready"), request())
    monitor = Monitor({"s": Watched("s", "http://127.0.0.1:1", snapshot=snapshot)}, lively=True)
    assert monitor._tick_s() == BUSY_TICK_S
    monitor.sparing = True
    assert monitor._tick_s() == 2 * BUSY_TICK_S == queries.slower(True) * BUSY_TICK_S
