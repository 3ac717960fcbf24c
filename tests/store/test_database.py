"""Every request counts once: with any number of watchers, and through restarts of llamabar and llama-swap."""

import json
import os
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llamabar.core.events import FinishedRequest
from llamabar.core.history import History, Readings, kept, record, restored
from llamabar.core.needs import Load
from llamabar.core.run import ModelRun
from llamabar.core.state import Swap
from llamabar.core.totals import Rows, Sums
from llamabar.macos.paths import HISTORY_FILE
from llamabar.store import database as db
from llamabar.store import json_history, reports, schema
from llamabar.store.places import place_of
from llamabar.store.schema import Trouble, trouble
from llamabar.store.writer import Writer
from tests.store.history_files import DAY_S, NOON, OTHER_URL, URL, Watcher, counted, lines, row, rows


@pytest.fixture(autouse=True)
def a_day_later(monkeypatch):
    monkeypatch.setattr("llamabar.sources.clock.unix_s", lambda: NOON + DAY_S)


def by_day(folder):
    return [(line.when, line.model, line.sums.requests, line.complete) for line in lines(folder)]


# counting


@given(st.lists(st.integers(0, 3), max_size=40), st.integers(1, 25), st.integers(1, 50))
@example([0] * 40, 12, 1)  # a router answers many times a second
def test_each_row_counts_once_however_overlapping_pages_are_split(gaps_s, step, width):
    found, at_s = [], NOON
    for row_id, gap_s in enumerate(gaps_s):
        at_s += gap_s
        found.append(row(row_id, at_s))
    database = sqlite3.connect(":memory:", isolation_level=None)
    schema.migrate(database)
    for end in [*range(0, len(found), step), len(found)]:
        with schema.transaction(database):
            db.add(database, Rows("one", URL, tuple(found[max(0, end - step - width) : end])))
    days = reports.lines(database, "day", reports.Asked())
    assert sum(line.sums.requests for line in days) == len(found)
    assert all(line.complete for line in days)


def test_rows_are_summed_by_the_local_day_in_which_they_ended_and_by_model(tmp_path):
    found = (row(1), row(2, NOON + 1, "n", generated=None, tps=None), row(3, NOON + DAY_S - 10))
    Watcher(tmp_path).add(Rows("one", URL, found))
    assert by_day(tmp_path) == [
        ("2026-11-24", "m", 1, True), ("2026-11-24", "n", 1, True), ("2026-11-25", "m", 1, True),
    ]  # fmt: skip
    first = lines(tmp_path)[0].sums
    assert (first.generated_tokens, first.timed_tokens, first.generation_tps) == (100, 100, 50.0)
    assert lines(tmp_path)[1].sums.generation_tps is None


def test_two_watchers_a_reread_table_and_a_restart_count_each_row_once(tmp_path):
    first, second = Watcher(tmp_path), Watcher(tmp_path)
    for watcher in (first, second, first, Watcher(tmp_path)):
        watcher.add(rows(*range(1, 1001)))
    assert counted(tmp_path) == {"one": 1000}


def test_rows_of_a_restarted_llama_swap_that_number_from_one_are_new(tmp_path):
    Watcher(tmp_path).add(rows(*range(1, 30)), rows(1, 2, at_s=NOON + 100))
    assert by_day(tmp_path) == [("2026-11-24", "m", 31, True)]


def test_a_row_is_the_same_with_and_without_a_fraction_of_a_second(tmp_path):
    Watcher(tmp_path).add(Rows("one", URL, (row(1, NOON + 0.7),)), Rows("one", URL, (row(1, NOON),)))
    assert counted(tmp_path) == {"one": 1}


def test_a_clock_that_steps_back_makes_nothing_count_twice_and_stops_nothing(tmp_path):
    table = tuple(row(n, NOON + n + (600 if n < 10 else 0)) for n in range(12))
    Watcher(tmp_path).add(Rows("one", URL, table), Rows("one", URL, table), Rows("one", URL, (row(12, NOON + 13),)))
    assert counted(tmp_path) == {"one": 13}


def test_dates_after_tomorrow_or_before_1970_are_rejected(tmp_path):
    Watcher(tmp_path).add(Rows("one", URL, (row(1), row(2, NOON + 9e8), row(3, 0.0), row(4, None), row(2**60, NOON))))
    assert counted(tmp_path) == {"one": 1}


def test_absurd_figures_are_not_counted(tmp_path):
    absurd = FinishedRequest(1, "m", NOON, "", 200, 2**61, 2**61, 2**61, 1e-308, 1e-308, 1e9, "", 2**61, 2**61)
    Watcher(tmp_path).add(Rows("one", URL, (absurd, row(2, generated=1, tps=1e6), row(3, generated=400, tps=1e300))))
    sums = lines(tmp_path)[0].sums
    assert (sums.requests, sums.generated_tokens, sums.timed_tokens, sums.draft_tokens) == (3, 401, 0, 0)


@pytest.mark.parametrize("absurd", [
    {"tps": 1e-300}, {"prompt_tps": 1e-300}, {"duration_s": 1e300}, {"duration_s": 1e300, "tps": 1e-300},
    {"generated": 10**9, "tps": 1e-3, "prompt_tps": 1e-3, "prompt_tokens": 10**9},
])  # fmt: skip
def test_one_absurd_figure_leaves_the_others_of_its_day_as_they_are(tmp_path, absurd):
    usual = {"prompt_tokens": 100, "prompt_tps": 50.0, "duration_s": 9.0, "status": 200}
    found = (*(row(n, NOON + n, **usual) for n in range(1, 9)), row(9, NOON + 9, **{**usual, **absurd}))
    Watcher(tmp_path).add(Rows("one", URL, found))
    for by in ("day", "client"):
        (line,) = lines(tmp_path, by)
        assert line.sums.generation_tps == pytest.approx(50.0)
        assert line.sums.waited_s < 99 and line.sums.prompt_s < 99 and line.sums.generation_s < 99
        assert line.sums.percentile("first_token_s", 1.0) < 99 and line.sums.percentile("generation_tps", 0.01) > 40


def test_days_with_missed_rows_are_recorded(tmp_path):
    Watcher(tmp_path).add(rows(5, 6, at_s=NOON - 3 * DAY_S), rows(7, 9))
    assert by_day(tmp_path) == [("2026-11-21", "m", 2, False), ("2026-11-24", "m", 2, True)]
    Watcher(tmp_path).add(rows(90))
    assert [complete for *_, complete in by_day(tmp_path)] == [False, False]


@pytest.mark.parametrize("missed", [True, False])
def test_rows_dropped_by_llama_swap_before_they_were_read_are_recorded_as_missing(tmp_path, missed):
    Watcher(tmp_path).add(rows(1, 2), rows(1, at_s=NOON + 99, missed=missed))
    assert by_day(tmp_path) == [("2026-11-24", "m", 3, not missed)]


# identity of servers


@pytest.mark.parametrize(("one", "other", "same"), [
    ("http://127.0.0.1:8080", "http://localhost:8080/", True),
    ("http://127.0.0.1:8080", "http://127.0.0.1:8081", False),
    ("http://mini.local:8080", "http://MINI.local:8080", True),
    ("http://mini.local:8080", "http://127.0.0.1:8080", False),
    ("https://mini.local", "https://mini.local:443", True),
    ("http://127.0.0.1:8080/a", "http://127.0.0.1:8080/b", False),
])  # fmt: skip
def test_a_server_is_identified_by_its_location(one, other, same):
    assert (place_of(one) == place_of(other)) is same


def test_a_server_that_was_renamed_is_the_same_server(tmp_path):
    Watcher(tmp_path).add(rows(1, 2))
    Watcher(tmp_path).add(rows(1, 2, 3, name="mini"))
    assert counted(tmp_path) == {"mini": 3}


def test_one_llama_swap_at_two_addresses_and_under_two_names_counts_once(tmp_path):
    Watcher(tmp_path).add(rows(1, 2, 3), rows(1, 2, 3, 4, name="two", url=OTHER_URL), rows(4, 5, at_s=NOON + 3))
    assert list(counted(tmp_path).values()) == [5]


def test_servers_with_the_same_name_are_separate_and_their_days_are_summed(tmp_path):
    watcher = Watcher(tmp_path).add(rows(1, 2, at_s=NOON + DAY_S), rows(1, at_s=NOON + DAY_S + 50, url=OTHER_URL))
    name, told = watcher.told[-1]
    assert (name, told.models["m"].requests, told.complete) == ("one", 3, True)


# the file


def test_only_one_private_file_without_addresses_remains_at_exit(tmp_path):
    folder = tmp_path / "data"
    watcher = Watcher(folder).add(rows(1, 2))
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    watcher.writer.close()
    assert [path.name for path in folder.iterdir()] == [HISTORY_FILE]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    content = (folder / HISTORY_FILE).read_bytes()
    assert b"127.0.0.1" not in content and b"9001" not in content


def test_old_rows_are_deleted_and_their_sums_stay_whatever_the_clock_says(tmp_path, monkeypatch):
    for ahead_s in (0.0, 3 * 366 * DAY_S):
        monkeypatch.setattr("llamabar.sources.clock.unix_s", lambda ahead_s=ahead_s: NOON + DAY_S + ahead_s)
        Watcher(tmp_path, days=2).add(*(rows(9 - ago, at_s=NOON - ago * DAY_S) for ago in (9, 8, 0)))
    with sqlite3.connect(tmp_path / HISTORY_FILE) as database:
        assert database.execute("SELECT count(*) FROM requests").fetchone() == (2,)
    assert counted(tmp_path) == {"one": 3}
    assert counted(tmp_path, "client") == {"one": 3}


@pytest.mark.parametrize("content", [b"rubbish" * 400, b"SQLite format 3\0" + b"\xff" * 4000])
def test_an_invalid_file_is_set_aside_and_a_new_one_created(tmp_path, content):
    for number in (1, 2):
        (tmp_path / HISTORY_FILE).write_bytes(content)
        assert trouble(tmp_path / HISTORY_FILE) is Trouble.DAMAGED
        Watcher(tmp_path).add(rows(1)).writer.close()
        assert counted(tmp_path) == {"one": 1}
        assert (tmp_path / f"history-damaged-{number}.sqlite").read_bytes() == content


def damaged_page(content):
    return content[:40_968] + b"\xff" * 99 + content[41_067:]


@pytest.mark.parametrize("damage", [
    lambda content: content[:44] + b"\xff" * 4 + content[48:],  # the number of its schema's format
    lambda content: content.replace(b"client INTEGER", b"clienT0INTEGER"),
    damaged_page,
])  # fmt: skip
def test_damage_in_parts_that_new_rows_do_not_touch_is_found_too(tmp_path, damage):
    Watcher(tmp_path).add(rows(*range(1, 1000))).writer.close()
    path = tmp_path / HISTORY_FILE
    path.write_bytes(damage(path.read_bytes()))
    Watcher(tmp_path).add(rows(1, at_s=NOON - DAY_S)).writer.close()
    assert counted(tmp_path) == {"one": 1}
    assert (tmp_path / "history-damaged-1.sqlite").exists()


def test_a_database_of_another_program_is_set_aside(tmp_path):
    with sqlite3.connect(tmp_path / HISTORY_FILE) as database:
        database.execute("CREATE TABLE theirs(a)")
    database.close()
    Watcher(tmp_path).add(rows(1)).writer.close()
    assert counted(tmp_path) == {"one": 1}
    assert (tmp_path / "history-damaged-1.sqlite").exists()


def test_a_file_damaged_while_open_loses_no_later_row(tmp_path):
    watcher = Watcher(tmp_path).add(rows(*range(1, 800)))
    watcher.writer.close()
    with (tmp_path / HISTORY_FILE).open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 40_000)
    watcher.add(rows(800, at_s=NOON + 800))
    assert counted(tmp_path) == {"one": 1}


def test_a_file_from_a_newer_version_is_left_alone(tmp_path):
    Watcher(tmp_path).add(rows(1)).writer.close()
    with sqlite3.connect(tmp_path / HISTORY_FILE) as database:
        database.execute("PRAGMA user_version=99")
    database.close()
    before = (tmp_path / HISTORY_FILE).read_bytes()
    watcher = Watcher(tmp_path).add(rows(1, 2))
    assert (tmp_path / HISTORY_FILE).read_bytes() == before
    assert (watcher.told, len(watcher.writer.rows)) == ([], 1)
    assert trouble(tmp_path / HISTORY_FILE) is Trouble.NEWER


@pytest.mark.parametrize("version", range(schema.VERSION))
def test_a_version_that_damage_lowered_is_raised_again(tmp_path, version):
    Watcher(tmp_path).add(rows(1)).writer.close()
    with closing(sqlite3.connect(tmp_path / HISTORY_FILE)) as database:
        database.execute(f"PRAGMA user_version={version}")
    Watcher(tmp_path).add(rows(2)).writer.close()
    assert counted(tmp_path) == {"one": 2}


def test_once_a_newer_version_has_taken_a_file_over_this_one_leaves_it_alone(tmp_path):
    watcher = Watcher(tmp_path).add(rows(1))
    with closing(sqlite3.connect(tmp_path / HISTORY_FILE)) as database:
        database.execute("PRAGMA user_version=99")
        watcher.add(rows(1, 2))
        assert database.execute("SELECT count(*) FROM requests").fetchone() == (1,)
    assert len(watcher.writer.rows) == 1


@pytest.mark.parametrize("make", [
    lambda path: os.mkfifo(path), lambda path: path.mkdir(), lambda path: path.symlink_to(path.parent / "elsewhere"),
])  # fmt: skip
def test_a_non_regular_file_is_set_aside_without_blocking_or_following_links(tmp_path, make):
    make(tmp_path / HISTORY_FILE)
    Watcher(tmp_path).add(rows(1))
    assert counted(tmp_path) == {"one": 1}
    assert not (tmp_path / "elsewhere").exists()


def test_a_history_put_back_read_only_is_written_again(tmp_path):
    Watcher(tmp_path).add(rows(1)).writer.close()
    (tmp_path / HISTORY_FILE).chmod(0o400)
    Watcher(tmp_path).add(rows(2)).writer.close()
    assert counted(tmp_path) == {"one": 2}


def test_a_removed_history_starts_over_and_counts_nothing_twice(tmp_path):
    first, second = Watcher(tmp_path).add(rows(1, 2, 3)), Watcher(tmp_path).add(rows(1, 2, 3))
    for ending in ("", "-wal", "-shm"):
        (tmp_path / f"{HISTORY_FILE}{ending}").unlink()
    for watcher in (first, second):
        watcher.add(rows(1, 2, 3, 4))
    assert counted(tmp_path) == {"one": 1}


def test_writing_is_retried_on_a_locked_file_or_full_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "BUSY_S", 0.05)
    watcher = Watcher(tmp_path).add(rows(1))
    other = sqlite3.connect(tmp_path / HISTORY_FILE, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    watcher.add(rows(2, at_s=NOON + 1))
    other.execute("ROLLBACK")
    watcher.writer._database.execute("PRAGMA max_page_count=1")
    watcher.add(rows(*range(3, 900), at_s=NOON + 2))
    assert counted(tmp_path) == {"one": 1}
    watcher.writer._database.execute("PRAGMA max_page_count=100000")
    watcher.writer.write()
    assert counted(tmp_path) == {"one": 899}


def test_once_the_program_is_removed_nothing_is_written_and_no_folder_created(tmp_path):
    (tmp_path / "llamabar.pyz").write_text("")
    watcher = Watcher(tmp_path / "data", plugin=str(tmp_path / "llamabar.pyz")).add(rows(1))
    (tmp_path / "llamabar.pyz").unlink()
    for path in (tmp_path / "data").iterdir():
        path.unlink()
    (tmp_path / "data").rmdir()
    watcher.add(rows(1, 2))
    assert list(tmp_path.iterdir()) == []
    Watcher(tmp_path / "file" / "data").add()
    (tmp_path / "file").write_text("")
    assert Watcher(tmp_path / "file" / "data").add(rows(1)).told == []


def test_everything_can_be_deleted_and_llama_swaps_remaining_rows_do_not_come_back(tmp_path):
    watcher = Watcher(tmp_path).add(rows(1, 2, 3))
    database = schema.opened(tmp_path / HISTORY_FILE)
    db.clear(database)
    database.close()
    watcher.add(rows(1, 2, 3, 4))
    Watcher(tmp_path).add(rows(1, 2, 3, 4))
    assert by_day(tmp_path) == [("2026-11-24", "m", 1, True)]


KILLED = """
import sys, time
from tests.store.history_files import Watcher, rows
watcher = Watcher(sys.argv[1])
for number in range(int(sys.argv[2]), 10**6):
    watcher.add(rows(number, at_s=time.time()))
    print(number, flush=True)
"""


def test_a_process_killed_at_any_moment_loses_no_committed_data(tmp_path):
    """Two dozen moments each day, two hundred with --all."""
    moments, last = 200 if "LLAMABAR_LONG_TESTS" in os.environ else 24, 0
    for moment in range(moments):
        words = [sys.executable, "-c", KILLED, str(tmp_path), str(last + 1)]
        paths = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        with subprocess.Popen(words, stdout=subprocess.PIPE, env=paths, text=True) as process:
            process.stdout.readline()
            time.sleep(moment * 7 % 50 / 1000)
            process.kill()
            said = process.stdout.read().split()
        database = sqlite3.connect(tmp_path / HISTORY_FILE)
        (newest,) = database.execute("SELECT max(row_id) FROM requests").fetchone()
        assert database.execute("PRAGMA quick_check").fetchone() == ("ok",)
        database.close()
        assert newest >= int(said[-1] if said else last + 1)
        last = newest
    assert trouble(tmp_path / HISTORY_FILE) is None


# earlier versions


def old_file(folder, **more):
    days = {"2026-11-23": {'a "name"\n': [5, 6, 7, 7, 0.125]}, "2024-01-01": {"m": [1, 2, 3, 0, 0.0]}}
    server = {"name": "one", "mark": [3, NOON - 5, NOON], "gaps": ["2026-11-23"], "ever": 6, "days": days}
    charts = {place_of(URL): {"read_unix_s": NOON, "bucket_s": 1.0, "readings": [[1.0, None, 2.0, 3e9, 0.5]]}}
    said = {"llamabar_history": 1, "written_unix_s": NOON, "servers": {place_of(URL): server}, "charts": charts, **more}
    (folder / json_history.NAME).write_text(json.dumps(said))


def test_the_json_history_is_imported_once_and_counting_continues_from_it(tmp_path):
    old_file(tmp_path)
    before = (tmp_path / json_history.NAME).read_bytes()
    Watcher(tmp_path).add(rows(1, 2, 3, at_s=NOON - 7), rows(4))
    Watcher(tmp_path).add(rows(5, at_s=NOON + 9))
    assert by_day(tmp_path) == [
        ("2024-01-01", "m", 1, True), ("2026-11-23", 'a "name"\n', 5, False), ("2026-11-24", "m", 2, True),
    ]  # fmt: skip
    assert lines(tmp_path)[1].sums == Sums(5, 0, 6, 7, timed_tokens=7, generation_s=0.125)
    assert counted(tmp_path, "client") == counted(tmp_path)
    assert (tmp_path / json_history.NAME).read_bytes() == before
    watcher = Watcher(tmp_path)
    watcher.writer.begin({"one": URL})
    assert watcher.told[0][1].readings == (Readings(1.0, None, 2.0, 3e9, 0.5),)


@pytest.mark.parametrize("more", [
    {"llamabar_history": 2}, {"servers": []}, {"servers": {"a": {"name": "a"}}}, {"charts": {"a": [[1]]}},
    {"servers": {"a": {"name": "a", "mark": None, "gaps": [], "days": {"d": {"m": [1, 2, 3, 4, 10**400]}}}}},
    {"servers": {"a": {"name": "\ud800", "mark": [1], "gaps": [], "days": {}}}},
])  # fmt: skip
def test_a_damaged_or_newer_json_file_is_left_alone_and_not_imported(tmp_path, more):
    old_file(tmp_path, **more)
    before = (tmp_path / json_history.NAME).read_bytes()
    Watcher(tmp_path).add(rows(1))
    assert counted(tmp_path) == {"one": 1}
    assert (tmp_path / json_history.NAME).read_bytes() == before


@given(st.binary(max_size=200), st.integers(0, 400))
def test_a_json_file_with_damage_anywhere_does_no_harm(tmp_path_factory, rubbish, place):
    folder = tmp_path_factory.mktemp("old")
    old_file(folder)
    whole = (folder / json_history.NAME).read_bytes()
    (folder / json_history.NAME).write_bytes(whole[:place] + rubbish + whole[place + len(rubbish) :])
    database = sqlite3.connect(":memory:", isolation_level=None)
    schema.migrate(database, lambda database: json_history.take_over(database, folder / json_history.NAME))
    reports.lines(database, "day", reports.Asked())


# the charts


def test_the_last_minutes_of_readings_survive_a_restart_with_the_pause_as_a_gap(tmp_path):
    history = History()
    for second in range(20):
        history = record(history, Readings(generation_tps=float(second)), now_s=1000.0 + second)
    chart = kept(history, now_s=1024.0, unix_s=NOON)
    watcher = Watcher(tmp_path).add(rows(1))
    of_a_model = kept(history, now_s=1024.0, unix_s=NOON, model="m")
    watcher.add({URL: [chart, chart._replace(model="gone")]}).add({URL: [chart, of_a_model], OTHER_URL: [chart]})
    watcher.writer.begin({"one": URL})
    assert watcher.told[-3:-1] == [("one", chart), ("one", of_a_model)]
    since = record(History(), Readings(generation_tps=77.0), now_s=59.0)
    again = restored(since, chart, now_s=60.0, unix_s=NOON + 30)
    assert [one.generation_tps for one in again.buckets] == [*map(float, range(20)), *[None] * 33, 77.0]
    assert restored(since, chart, now_s=60.0, unix_s=NOON + 400) == since, "too old"
    assert kept(history, now_s=2000.0, unix_s=NOON) is None


def test_readings_alone_are_stored_without_a_check_of_the_whole_file(tmp_path):
    """At the end of a day without requests: there is a third of a second left, and 80 MB take up to one."""
    Watcher(tmp_path).add(rows(*range(1, 1000))).writer.close()
    path = tmp_path / HISTORY_FILE
    path.write_bytes(damaged_page(path.read_bytes()))
    watcher = Watcher(tmp_path)
    watcher.writer.begin({"one": URL})
    watcher.add({URL: [kept(record(History(), Readings(0.5), now_s=1.0), now_s=1.0, unix_s=NOON)]}).writer.close()
    assert not (tmp_path / "history-damaged-1.sqlite").exists()
    with closing(schema.opened_to_read(path)) as found:
        assert len(reports.charts_of(found, place_of(URL))) == 1


def test_a_writer_without_data_creates_no_file(tmp_path):
    chart = kept(record(History(), Readings(), now_s=1.0), now_s=1.0, unix_s=NOON)
    Watcher(tmp_path / "data").add({URL: [chart]})
    Watcher(tmp_path / "data").writer.begin({"one": URL})
    assert not (tmp_path / "data").exists()
    assert isinstance(Watcher(tmp_path).writer, Writer)


# measured loads


def load(model="m", at_s=1, size=10, **more):
    return Load(model, ModelRun(more.pop("command", 5), at_s), size, **more)


def needs_at(folder, url=URL):
    with closing(schema.opened_to_read(folder / HISTORY_FILE)) as found:
        return reports.told(found, place=place_of(url), name="one", day="2026-11-24").needs


def loads(*found, url=URL):
    return Rows("one", url, (), loads=found)


def test_two_watchers_store_one_load_with_the_details_of_both(tmp_path):
    late, early = load(size=12, context_tokens=8192), load(took_s=4.0, swap=Swap(("n",), ()))
    Watcher(tmp_path).add(loads(late))
    Watcher(tmp_path).add(loads(early), loads(load(size=11)))
    (found,) = needs_at(tmp_path).values()
    assert (found.memory_bytes, found.load_s, found.context_tokens, found.loads) == (12, 4.0, 8192, 1)
    assert found.makes_room == {"n": True}
    assert needs_at(tmp_path, OTHER_URL) == {}


def test_only_a_models_newest_loads_are_kept_and_earlier_command_lines_are_ignored(tmp_path):
    Watcher(tmp_path).add(loads(*(load(at_s=at_s, size=at_s) for at_s in range(30)), load(at_s=40, command=6)))
    assert needs_at(tmp_path)["m"].loads == 1
    with closing(sqlite3.connect(tmp_path / HISTORY_FILE)) as found:
        assert found.execute("SELECT count(*) FROM loads").fetchone() == (db.LOADS_KEPT,)


def test_a_database_of_the_previous_version_can_be_read_and_is_then_migrated(tmp_path):
    Watcher(tmp_path).add(rows(1)).writer.close()
    with closing(sqlite3.connect(tmp_path / HISTORY_FILE)) as found:
        found.executescript("DROP TABLE loads; DELETE FROM sums WHERE time>='w'; PRAGMA user_version=1")
    assert needs_at(tmp_path) == {} and counted(tmp_path) == counted(tmp_path, "client") == {"one": 1}
    Watcher(tmp_path).add(loads(load()))
    assert needs_at(tmp_path)["m"].memory_bytes == 10 and counted(tmp_path) == {"one": 1}
    assert counted(tmp_path, "client") == {"one": 1}

