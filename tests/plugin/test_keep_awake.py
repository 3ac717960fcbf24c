"""This Mac is kept awake while it works: by one caffeinate, if wanted, and never after the plugin has ended."""

import os
import signal

import pytest

from llamabar.app.monitor import Monitor, Watched
from llamabar.core.status import Status
from llamabar.plugin import keep_awake
from llamabar.plugin.keep_awake import AGAIN_S, LINGER_S, KeepAwake
from llamabar.sources import clock
from tests.fakes.programs import Plugin, chat, llama_swap, wait_for
from tests.mac.tools.caffeinate import is_alive

WANTED = "[power]\nkeep_awake = true\n"
HERE, ELSEWHERE = "http://127.0.0.1:1", "http://mini.local:1"


@pytest.fixture
def held(mac):
    """Return the assertions ever made, each with whether it is still held."""
    return lambda: [{**one, "held": is_alive(one["pid"])} for one in mac.records("assertions.txt")]


@pytest.fixture
def awake(mac, monkeypatch):
    """Return the KeepAwake, its monitor, and the time, on a Mac of its own."""
    for name, value in mac.environment().items():
        monkeypatch.setenv(name, value)
    now_s = [1000.0]
    monkeypatch.setattr(clock, "now_s", lambda: now_s[0])
    monitor = Monitor({"mac": Watched("mac", HERE), "mini": Watched("mini", ELSEWHERE)})
    made = KeepAwake(monitor, wanted=True)
    yield made, monitor, now_s
    made.end()


def test_one_caffeinate_keeps_it_awake_from_the_first_request_until_soon_after_the_last(awake, held):
    one, monitor, now_s = awake
    one.note()
    monitor.statuses = {"mac": Status.GENERATING, "mini": Status.GENERATING}
    for _ in range(3):
        assert one.note() is False
        now_s[0] += 1.0
    first = wait_for(held)
    assert first == [{"pid": first[0]["pid"], "flags": "i", "waits_for": os.getpid(), "held": True}]
    assert monitor.awake == {"mac"}, "another computer's server needs no Mac that is awake"
    monitor.statuses["mac"] = Status.READY
    now_s[0] += LINGER_S - 2.0
    one.note()
    assert monitor.awake == {"mac"} and held()[0]["held"]
    now_s[0] += 3.0
    one.note()
    assert not monitor.awake and not held()[0]["held"]
    monitor.statuses["mac"] = Status.LOADING
    one.note()
    assert [one["held"] for one in wait_for(lambda: len(held()) == 2 and held())] == [False, True]


@pytest.mark.parametrize("status", [Status.READY, Status.STOPPING, Status.EMPTY, Status.UNREACHABLE])
def test_an_idle_server_does_not_keep_the_mac_awake(awake, monkeypatch, status):
    one, monitor, _ = awake
    monkeypatch.setattr(keep_awake.subprocess, "Popen", lambda *_, **__: pytest.fail("started"))
    monitor.statuses = {"mac": status, "mini": Status.GENERATING}
    one.note()
    assert not monitor.awake


def test_a_caffeinate_that_ends_by_itself_is_not_shown_and_not_restarted_at_once(awake, mac):
    one, monitor, now_s = awake
    mac.fault("caffeinate", code=64)
    monitor.statuses = {"mac": Status.PROMPT}
    one.note()
    wait_for(lambda: one.note() or not monitor.awake)
    assert len(mac.calls("caffeinate")) == 1
    now_s[0] += AGAIN_S
    one.note()
    wait_for(lambda: len(mac.calls("caffeinate")) == 2)


@pytest.mark.parametrize("missing", ["launchctl", "caffeinate"])
def test_without_a_mac_nothing_is_started(awake, mac, monkeypatch, missing):
    one, monitor, _ = awake
    mac.without(missing)
    monkeypatch.setattr(keep_awake.tools, "SYSTEM_FOLDERS", ())
    monkeypatch.setenv("PATH", str(mac.bin))
    monitor.statuses = {"mac": Status.GENERATING}
    one.note()
    assert not monitor.awake and not mac.calls("caffeinate")


def test_the_plugin_keeps_it_awake_says_so_and_stops_when_killed(mac, held):
    settings = mac.home / "config.toml"
    settings.write_text(WANTED)
    mac.own()
    environment = {"PATH": mac.environment()["PATH"], "LLAMABAR_CONFIG": str(settings)}
    with llama_swap() as server, Plugin(server.url, mac.home, **environment) as plugin:
        plugin.wait_for_row("llama-swap: no model loaded")
        assert not mac.calls("caffeinate")
        chat(server, "alpha-8b", tokens=2000)
        plugin.wait_for_row("Keeping this Mac awake")
        assert [one["waits_for"] for one in wait_for(held)] == [plugin.process.pid]
        plugin.end(signal.SIGKILL)
        wait_for(lambda: not held()[0]["held"])


def test_nothing_is_kept_awake_unless_enabled(mac):
    with llama_swap() as server, Plugin(server.url, mac.home, PATH=mac.environment()["PATH"]) as plugin:
        chat(server, "alpha-8b", tokens=400)
        plugin.wait_for_row("llama-swap: generating")
        assert not plugin.row("Keeping this Mac awake") and not mac.calls("caffeinate")
