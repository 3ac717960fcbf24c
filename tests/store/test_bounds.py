"""A server that invents names, dates and rows fills neither disk nor memory, and doesn't distort true days."""

import json

import pytest

from llamabar.core import limits
from llamabar.core.totals import OTHERS, Rows, Totals
from llamabar.store import database, json_history
from tests.store.history_files import DAY_S, NOON, URL, Watcher, counted, lines, row


@pytest.fixture(autouse=True)
def an_hour_later(monkeypatch):
    monkeypatch.setattr("llamabar.sources.clock.unix_s", lambda: NOON + 3600)


def inventing(first, count, day=0):
    at_s = NOON - day * DAY_S
    found = (row(n, at_s + (n - first) / 100, f"model-{n}", path=f"/v1/{n}") for n in range(first, first + count))
    return Rows("one", URL, tuple(found))


def test_new_names_beyond_the_daily_limit_are_counted_under_one(tmp_path):
    watcher = Watcher(tmp_path)
    for first in range(0, 3000, 300):
        watcher.add(inventing(first, 300))
    assert counted(tmp_path) == {"one": 3000}
    found = {line.model: line.sums.requests for line in lines(tmp_path)}
    assert len(found) == limits.NAMES + 1 and found[OTHERS] == 3000 - limits.NAMES
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 1_500_000


def test_the_total_number_of_names_is_limited(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "NAMES_EVER", 50)
    watcher = Watcher(tmp_path)
    for day in range(6):
        watcher.add(inventing(100 * day, 20, day=5 - day))
    assert counted(tmp_path) == {"one": 120}
    assert len({line.model for line in lines(tmp_path)}) <= 51


def test_a_known_name_keeps_its_sums_however_many_others_are_invented(tmp_path):
    watcher = Watcher(tmp_path).add(Rows("one", URL, (row(1, NOON, "mine"),)))
    watcher.add(inventing(10, 500), Rows("one", URL, (row(2000, NOON + 60, "mine"),)))
    assert next(line.sums.requests for line in lines(tmp_path) if line.model == "mine") == 2


def test_the_oldest_rows_are_deleted_beyond_the_limit_but_stay_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "KEPT_ROWS", 100)
    watcher = Watcher(tmp_path)
    many = Rows("one", URL, tuple(row(n, NOON + n) for n in range(1500)))
    watcher.add(many).add(many)
    assert counted(tmp_path) == {"one": 1500}
    with_rows = watcher.writer._opened().execute("SELECT count(*) FROM requests").fetchone()[0]
    assert with_rows <= 100


@pytest.mark.parametrize("at_s", [NOON + 30 * DAY_S, NOON + 74 * 365 * DAY_S, NOON - 3 * 366 * DAY_S, 1.0])
def test_a_row_of_a_day_that_is_none_is_not_counted_on_disk(tmp_path, at_s):
    Watcher(tmp_path).add(Rows("one", URL, (row(1, at_s), row(2, NOON))))
    assert [(line.when, line.sums.requests) for line in lines(tmp_path)] == [("2026-11-24", 1)]


def test_days_to_come_that_stand_there_push_no_true_day_out(tmp_path):
    watcher = Watcher(tmp_path, days=2).add(Rows("one", URL, (row(1, NOON - DAY_S), row(2, NOON))))
    copied = "INSERT INTO sums SELECT ?, server, model, sums FROM sums WHERE time='2026-11-24'"
    for number in range(1, 10):
        watcher.writer._opened().execute(copied, (f"2100-01-0{number}",))
    Watcher(tmp_path, days=2).add(Rows("one", URL, (row(3, NOON + 1),)))
    assert watcher.writer._opened().execute("SELECT count(*) FROM requests").fetchone()[0] == 3


def test_invalid_days_are_not_imported(tmp_path):
    sums = [1, 10, 20, 20, 1.0]
    days = {day: {"m": sums} for day in ("2026-11-23", "2100-01-01", "h2026", "\x1b[31m", "2026-11-24")}
    said = {"name": "one", "mark": None, "days": days, "gaps": ["2026-11-23", "x"]}
    document = {"llamabar_history": 1, "servers": {"a": said}, "charts": {}}
    (tmp_path / json_history.NAME).write_text(json.dumps(document))
    Watcher(tmp_path).add(Rows("one", URL, (row(1, NOON),)))
    assert sorted({line.when for line in lines(tmp_path)}) == ["2026-11-23", "2026-11-24"]


def test_names_and_days_in_memory_are_limited_and_future_days_rejected():
    totals = Totals()
    new = totals.add(inventing(0, 1000).rows, lambda _: "2026-11-24", until="2026-11-25")
    assert len(new) == 1000
    assert len(totals.of("2026-11-24")) == limits.NAMES + 1
    assert totals.add((row(5000),), lambda _: "2100-01-01", until="2026-11-25") == []
    for number in range(2000):
        totals.add((row(6000 + number),), lambda _, n=number: f"day {n:04}")
    assert len(totals._since) == limits.DAYS_WAITING
