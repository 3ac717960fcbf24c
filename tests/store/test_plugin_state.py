"""The running plugin stores its status: rarely, as a whole, and never in the way."""

import json
import os
import signal
import threading
import time

from llamabar import __version__
from llamabar.core.events import Fault, FaultKind, StreamLost, StreamOpened
from llamabar.core.snapshot import apply
from llamabar.core.state import Snapshot
from llamabar.plugin.main import FIRST_FRAME
from llamabar.store import plugin_state
from llamabar.store.plugin_state import Seen, WatcherState, parse, path_in
from tests.fakes.programs import Plugin, llama_swap, wait_for


def noted(folder):
    content = path_in(folder).read_bytes() if path_in(folder).exists() else b""
    return parse(content)


def test_the_plugin_records_that_it_runs_and_that_it_has_ended(tmp_path):
    (tmp_path / "data").mkdir()
    with llama_swap() as server, Plugin(server.url, tmp_path, LLAMABAR_DATA_DIR=str(tmp_path / "data")) as plugin:
        found = wait_for(lambda: noted(tmp_path / "data"))
        assert (found.pid, found.version, found.ended) == (plugin.process.pid, __version__, False)
        assert abs(found.started_unix_s - time.time()) < 20
        plugin.wait_for_row("llama-swap: no model loaded")
        code, took_s = plugin.end(signal.SIGTERM)
        assert (code, plugin.stderr) == (0, b"")
        assert took_s < 0.5
        last = noted(tmp_path / "data")
        assert last.ended and last.reachable
        assert (last.frames, last.printed_bytes) == (len(plugin.frames) - 1, plugin.raw_bytes - len(FIRST_FRAME))


def a_state(folder):
    return WatcherState({"LLAMABAR_DATA_DIR": str(folder)}, lambda: Seen({}, 3, 99))


def test_faults_lags_and_reconnects_are_counted(tmp_path):
    snapshots = {"one": Snapshot()}
    state = WatcherState({"LLAMABAR_DATA_DIR": str(tmp_path)}, lambda: Seen(snapshots, 3, 99))
    lost = [StreamLost(Fault(kind)) for kind in (FaultKind.LAGGING, FaultKind.LAGGING, FaultKind.REFUSED)]
    for event in (StreamOpened(), lost[0], StreamOpened(), *lost[1:]):
        snapshots["one"] = apply(snapshots["one"], event, 1.0)
        assert state.note() is False
    state.end()
    found = noted(tmp_path)
    assert (found.reconnects, found.lagged, found.last_error, found.reachable) == (1, 2, "refused", False)
    assert (found.frames, found.printed_bytes) == (3, 99)


def test_it_is_written_at_most_once_a_minute(tmp_path):
    frames = iter(range(99))
    state = WatcherState({"LLAMABAR_DATA_DIR": str(tmp_path)}, lambda: Seen({}, next(frames), 0))
    state.note()
    wait_for(lambda: noted(tmp_path))
    before = path_in(tmp_path).stat().st_mtime_ns
    for _ in range(50):
        state.note()
    assert path_in(tmp_path).stat().st_mtime_ns == before


def test_one_plugins_exit_does_not_overwrite_the_status_of_another(tmp_path):
    state = a_state(tmp_path)
    state.note()
    wait_for(lambda: noted(tmp_path))
    other = {**json.loads(path_in(tmp_path).read_bytes()), "pid": os.getpid() + 1}
    path_in(tmp_path).write_text(json.dumps(other))
    state.end()
    assert noted(tmp_path).pid == os.getpid() + 1
    assert not noted(tmp_path).ended


def test_a_disk_that_hangs_or_is_read_only_disturbs_nothing(tmp_path):
    os.mkfifo(path_in(tmp_path))  # reading it blocks until somebody writes
    state = a_state(tmp_path)
    began_s = time.monotonic()
    state.note()
    state.end()
    assert time.monotonic() - began_s < 1
    (tmp_path / "file").write_text("")
    state = a_state(tmp_path / "file")
    state.note()
    state.end()
    with open(path_in(tmp_path), "wb"):  # release the first one's thread
        pass
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "watcher state")


def test_a_folder_removed_by_uninstall_is_not_created_again(tmp_path):
    state = a_state(tmp_path / "data")
    state.note()
    state.end()
    assert list(tmp_path.iterdir()) == []


def test_an_invalid_state_file_gives_none():
    for content in (b"", b"{", b"[]", b"null", b'{"llamabar_watcher":2}', b'{"llamabar_watcher":1,"pid":"x"}', b"\xff",
                    b"[" * 100_000):  # fmt: skip
        assert parse(content) is None
    assert plugin_state.VERSION == 1
