"""Content of our own files that we didn't write: a value or nothing, and the thread that reads it continues."""

import json
import sqlite3
import threading

import pytest

from llamabar.core.history import History
from llamabar.sources.inbox import Inbox
from llamabar.store import plugin_state, reports
from llamabar.store.history import HistoryStore
from llamabar.store.places import place_of
from tests.fakes.programs import wait_for
from tests.store.history_files import NOON, URL, Watcher, lines, rows

ODD = ["", "[" * 50_000, "[1]", '{"a":1}', "null", "[" + "NaN," * 13 + "{}]", "[" + '"x",' * 13 + "{}]",
       "[" + "1," * 13 + '{"generation_tps":[[999999999],[1]]}]', "[1]" * 9, "[" + "1," * 13 + '{"a":7}]',
       "[" + "1," * 13 + '{"generation_tps":[[-9223372036854775808],[1]]}]']  # fmt: skip


@pytest.fixture(autouse=True)
def a_minute_later(monkeypatch):
    monkeypatch.setattr("llamabar.sources.clock.unix_s", lambda: NOON + 60)


@pytest.mark.parametrize("cell", ODD, ids=lambda cell: cell[:20])
def test_invalid_daily_sums_are_skipped_and_the_next_ones_count(tmp_path, cell):
    Watcher(tmp_path).add(rows(1))
    with sqlite3.connect(tmp_path / "history.sqlite") as database:
        database.execute("UPDATE sums SET sums=?", (cell,))
        database.execute("INSERT INTO charts VALUES (?, '', 1.0, ?)", (place_of(URL), cell))
        put = "INSERT INTO loads VALUES (?, 'm', 1, 1, 'resident', 1, ?, NULL, ?)"
        database.execute(put, (place_of(URL), cell, cell))
    database.close()
    watcher = Watcher(tmp_path)
    watcher.writer.begin({"one": URL})
    watcher.add(rows(2, at_s=NOON + 5))
    assert sum(line.sums.requests for line in lines(tmp_path)) >= 1
    for line in lines(tmp_path):
        line.sums.percentile("generation_tps")
    assert not watcher.writer.rows


@pytest.mark.parametrize("more", [
    {"frames": "many"}, {"pid": True, "version": 7}, {"started_unix_s": float("nan")}, {"lagged": None},
    {"printed_bytes": -1}, {"last_error": []}, {"pid": 10**400},
])  # fmt: skip
def test_a_state_with_odd_types_is_rejected(more):
    said = {"llamabar_watcher": 1, "pid": 1, "version": "1", "started_unix_s": 1.0}
    assert plugin_state.parse(json.dumps(said).encode()) is not None
    assert plugin_state.parse(json.dumps({**said, **more}).encode()) is None


def test_an_unexpected_exception_is_reported_and_the_thread_continues():
    told, reported = [], []
    store = HistoryStore(
        {"LLAMABAR_DATA_DIR": "/a\0b"}, lambda *said: told.append(said), servers={"one": URL},
        histories=lambda: {"one": {"": History()}}, days=None, report=reported.append,
    )  # fmt: skip
    store.start()
    store.add(rows(1))
    wait_for(lambda: reported)
    assert isinstance(reported[0], ValueError)
    store.end()
    store.finish(5)
    assert not store._thread.is_alive()


def test_a_history_without_usable_content_gives_none(tmp_path):
    (tmp_path / "history.sqlite").write_bytes(b"\0" * 9000)
    assert reports.look({"LLAMABAR_DATA_DIR": str(tmp_path)}, "one", URL, day="2026-11-24", rows=()) is None


def test_an_exception_that_ends_a_thread_is_reported_to_the_loop(monkeypatch):
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    inbox = Inbox()
    inbox.report_threads()
    thread = threading.Thread(target=lambda: [][0])
    thread.start()
    thread.join()
    assert [type(arrived.error) for _, _, arrived in inbox.take()] == [IndexError]
