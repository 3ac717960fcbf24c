"""SwiftBar keeps all output, so it is asked for a restart: rarely, and in a quiet moment."""

import os
import time

import pytest

from llamabar.app.frame_writer import FrameWriter
from llamabar.demo.world import DemoModel
from llamabar.plugin import restart_request
from llamabar.plugin.restart_request import RestartRequest, url
from tests.fakes.programs import Plugin, chat, llama_swap, wait_for

SWIFTBAR = {"SWIFTBAR": "1", "SWIFTBAR_PLUGIN_PATH": "/Users/me/Plug ins/my llamabar.pyz"}
ADDRESS = "swiftbar://refreshplugin?plugin=my%20llamabar.pyz"


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Return a Mac's `open` that records its arguments."""
    (tmp_path / "bin").mkdir()
    said = tmp_path / "said"
    said.write_text("")
    tool = tmp_path / "bin" / "open"
    tool.write_text(f'#!/bin/sh\necho "$@" >> "{said}"\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return lambda: said.read_text().splitlines()


@pytest.fixture
def writer():
    """Return a writer with a pipe that nobody reads and that is large enough."""
    reading, writing = os.pipe()
    made = FrameWriter(writing, gone=lambda: None)
    made.start()
    yield made
    os.close(reading)


def printed(writer, count):
    writer.show(b"x" * count)
    assert writer.flush(5)


def recycler(writer, busy=lambda: False, environment=SWIFTBAR):
    return RestartRequest(writer, environment, limit_bytes=1000, is_busy=busy)


def test_a_restart_is_requested_once_at_the_budget_and_again_only_much_later(asked, writer, monkeypatch):
    one = recycler(writer)
    printed(writer, 900)
    assert one.note() is False
    printed(writer, 200)
    for _ in range(3):
        assert one.note() is False
    wait_for(asked)
    time.sleep(0.2)
    assert asked() == [f"-g {ADDRESS}"]
    later_s = time.monotonic() + restart_request.ASK_AGAIN_S
    monkeypatch.setattr(restart_request.clock, "now_s", lambda: later_s)
    one.note()
    wait_for(lambda: len(asked()) == 2)


def test_while_busy_it_waits_until_twice_the_budget(asked, writer):
    one = recycler(writer, busy=lambda: True)
    printed(writer, 1500)
    one.note()
    time.sleep(0.2)
    assert asked() == []
    printed(writer, 600)
    one.note()
    wait_for(asked)


def test_without_swiftbar_no_restart_is_requested(asked, writer):
    printed(writer, 5000)
    recycler(writer, environment={}).note()
    time.sleep(0.2)
    assert asked() == []
    assert url({}) == "swiftbar://refreshplugin?plugin=llamabar.pyz"


@pytest.mark.skipif(not os.environ.get("LLAMABAR_LONG_TESTS"), reason="prints a megabyte, a minute: test --all")
def test_the_plugin_requests_a_restart_at_the_limit_in_the_settings(asked, tmp_path):
    settings = tmp_path / "settings.toml"
    settings.write_text("[limits]\nprinted_mb = 1\n")
    models = tuple(DemoModel(f"model-{number:03}-with-a-rather-long-name-q4") for number in range(200))
    with llama_swap(models=models) as server, Plugin(server.url, tmp_path, LLAMABAR_CONFIG=str(settings)) as shown:
        shown.wait_for_row("Load")
        ends_s = time.monotonic() + 200
        while not asked() and time.monotonic() < ends_s:
            chat(server, models[0].id, tokens=1).join()
        assert asked() == ["-g swiftbar://refreshplugin?plugin=llamabar.pyz"]
        assert 1e6 <= shown.raw_bytes < 2.2e6
