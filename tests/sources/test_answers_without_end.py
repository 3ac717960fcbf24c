"""Endless or invalid answers, events, numbers and files: each is over in time, and costs almost nothing."""

import os
import time
import tracemalloc

import pytest

from llamabar.core.events import FaultKind
from llamabar.core.fields import number, parse, whole
from llamabar.core.limits import EVENT_LINES
from llamabar.core.sse import EventSplitter, PayloadTooLong
from llamabar.macos import binaries
from llamabar.sources import logs
from llamabar.sources.client import Client, Unreachable
from tests.fakes.programs import Stranger
from tests.store.history_files import Watcher, counted, rows

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
WITHOUT_END = {
    "headers": b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 90,
    "continue": b"HTTP/1.1 100 Continue\r\n\r\n" * 900,
    "trailers": CHUNKED + b"X-A: b\r\n" * 900,
    "body": b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 9000,
}


@pytest.mark.parametrize("what", WITHOUT_END)
def test_a_call_ends_at_its_deadline_even_if_data_trickles(what):
    with Stranger(WITHOUT_END[what], piece=8, pause_s=0.02) as stranger:
        began_s = time.monotonic()
        with pytest.raises(Unreachable) as fault:
            Client(stranger.url).call("GET", "/running", answer_s=0.5)
        assert fault.value.fault.kind is FaultKind.TIMEOUT and time.monotonic() - began_s < 2.5


def test_a_whole_number_with_too_many_digits_is_rejected():
    assert parse(b'{"a":' + b"9" * 1000 + b',"b":7}') == {"a": None, "b": 7}


@pytest.mark.parametrize("value", ["٣", "3٣", "²", "３"])
def test_digits_of_other_scripts_are_rejected(value):
    assert number(value) is None and whole(value) is None


def test_an_event_of_many_lines_is_rejected_before_parsing():
    assert EventSplitter().feed(b"data:a\n" * 3 + b"\n") == [b"a\na\na"]
    tracemalloc.start()
    with pytest.raises(PayloadTooLong):
        EventSplitter().feed(b"data:x\n" * 1_000_000 + b"\n")
    assert tracemalloc.get_traced_memory()[1] < 40_000_000 and EVENT_LINES < 1000
    tracemalloc.stop()


def test_a_log_that_is_never_silent_ends_and_an_endless_line_comes_in_pieces(monkeypatch):
    monkeypatch.setattr(logs, "KEPT_S", 0.5)

    def talking(request):
        if b"/api/events" in request:
            return b'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata:{"type":"x","data":1}\n\n'
        return b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"x" * 3_000_000

    with Stranger(talking, piece=70_000, pause_s=0.05) as stranger:
        began_s = time.monotonic()
        found = list(logs.lines(Client(stranger.url), "proxy", follow=False))
        assert time.monotonic() - began_s < 3
        assert len(found) > 2 and max(map(len, found)) < 200_000


@pytest.fixture
def pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


@pytest.fixture
def sparse(tmp_path):
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(3_000_000_000)
    return tmp_path / "sparse"


def test_a_pipe_or_endless_file_as_certificates_is_reported(pipe, sparse):
    for path in (pipe, sparse):
        with pytest.raises(Unreachable) as fault:
            Client("https://127.0.0.1:9", ca_file=str(path)).call("GET", "/")
        assert fault.value.fault.kind is FaultKind.TLS and "ca_file" in fault.value.fault.detail


def test_a_pipe_or_endless_file_as_config_is_not_read(pipe, sparse):
    for path in (pipe, sparse):
        found = binaries.check_config("/bin/true", path)
        assert found.good is False and "can't be read" in found.words


@pytest.mark.parametrize("name", ["history.json", "history.sqlite", "known-servers.json", "watcher.json"])
def test_endless_files_in_the_data_folder_cost_nothing(tmp_path, sparse, name):
    sparse.rename(tmp_path / name)
    tracemalloc.start()
    Watcher(tmp_path).add(rows(1, 2))
    assert tracemalloc.get_traced_memory()[1] < 30_000_000
    tracemalloc.stop()
    assert counted(tmp_path) == {"one": 2}
