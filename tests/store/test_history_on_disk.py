"""The history on disk: written by one, rarely and whole; read again by the next; never in anybody's way."""

import csv
import json
import os
import signal
import subprocess
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llamabar.app.loop import Watch
from llamabar.core.events import FinishedRequest, RequestsFinished, StreamOpened
from llamabar.core.history import Readings, record
from llamabar.core.ledger import Account, Mark, Sums, lines
from llamabar.macos import files
from llamabar.settings.load import ServerSettings, Settings
from llamabar.sources import clock
from llamabar.store import history as history_store
from llamabar.store.history import Keeper
from llamabar.store.history_file import NAME, Chart, Kept, NewerVersion, dump, key_of, parse
from llamabar.view.compose import compose
from tests.fakes.programs import Plugin, chat, command, environment, free_port, llama_swap, run

MODEL = "alpha-8b"


def history(home, *words, **more):
    return run(home, "history", *words, LLAMABAR_DATA_DIR=str(home / "data"), **more)


def plugin(url, home, **more):
    return Plugin(url, home, LLAMABAR_DATA_DIR=str(home / "data"), **more)


def kept_in(folder):
    """The accounts in the file, by name."""
    return {account.name: account for account in parse((folder / NAME).read_bytes()).accounts.values()}


PORTS = {"one": 9001, "two": 9002, "three": 9003}


def a_keeper(folder, *names, days=90, plugin="", **renamed):
    """A monitor of servers and its keeper; `renamed` are servers by another name at the address of one of PORTS."""
    at = {name: PORTS[name] for name in names or (() if renamed else ("one",))}
    at.update({name: PORTS[place] for name, place in renamed.items()})
    servers = tuple(ServerSettings(name, f"http://127.0.0.1:{port}") for name, port in at.items())
    watch = Watch(Settings(servers), lambda *_: None)
    environment = {"LLAMABAR_DATA_DIR": str(folder), "LLAMABAR_FILE": plugin}
    return watch.monitor, Keeper(watch.monitor, environment, days=days)


def finish(monitor, *ids, server="one", at_unix_s=None):
    now = time.time() if at_unix_s is None else at_unix_s
    rows = tuple(FinishedRequest(one, "m", now + one / 10, prompt_tokens=5, generated_tokens=7) for one in ids)
    monitor.take(server, RequestsFinished(rows, total=max(ids)), at_s=1.0)


def written(keeper):
    keeper.end()
    keeper.finish(5.0)


def noted(keeper):
    keeper._next_s = 0.0
    assert keeper.note() is False
    keeper.finish(5.0)


def requests(account):
    return sum(sums.requests for models in account.days.values() for sums in models.values())


def counted_of(monitor, server="one"):
    return requests(monitor.servers[server].account)


# the file


def test_what_is_written_is_read_again():
    account = Account(
        "one", Mark(3, 1.5, 2.5), {"2026-11-24": {'a "name"\n': Sums(1, 2, 3, 3, 0.125)}, "2026-11-23": {}},
        frozenset({"x"}), 7,
    )  # fmt: skip
    charts = {"k": Chart(9.0, 2.0, (Readings(), Readings(1.0, None, 2.0, 3e9, 0.5)))}
    kept = Kept({"k": account, "": Account()}, charts, 9.0)
    assert parse(dump(kept)) == kept


REST = b'"charts":{},"written_unix_s":0}'
ONE = b'{"llamabar_history":1,"servers":{"a":{"name":"a","gaps":[],"ever":1,'
SERVER = ONE + b'"mark":null,"days":{"d":{"m":%s}}}},' + REST


@pytest.mark.parametrize("content", [
    b"", b"{}", b"[]", b"null", b"\xff", b'{"llamabar_history":1}', b"[" * 100_000,
    b'{"llamabar_history":1,"servers":[],' + REST,
    ONE + b'"mark":[1],"days":{}}},' + REST,
    b'{"llamabar_history":1,"servers":{},"charts":{"a":[[1,2]],"b":7},"written_unix_s":0}',
    b'{"llamabar_history":"1","servers":{},' + REST,
    SERVER % b"[1,2,3]", SERVER % b"[1,2,3,4,NaN]", SERVER % b"[1e400,2,3,4,5]",
    SERVER % (b"[" + b"9" * 400 + b",2,3,4,5]"),
])  # fmt: skip
def test_what_is_no_history_is_not_taken_for_one(content):
    with pytest.raises(ValueError, match="is not understood"):
        parse(content)


def test_a_history_with_nothing_odd_in_it_is_taken():
    assert parse(SERVER % b"[1,2,3,4,5.0]").accounts["a"].days == {"d": {"m": Sums(1, 2, 3, 4, 5.0)}}


@given(st.binary(max_size=200), st.integers(0, 400))
def test_a_file_that_was_damaged_anywhere_is_read_or_refused(rubbish, place):
    account, chart = Account("one", Mark(1, 1.0, 1.0), {"d": {"m": Sums(1)}}), Chart(1.0, 1.0, (Readings(),))
    whole = dump(Kept({"k": account}, {"k": chart}))
    try:
        parse(whole[:place] + rubbish + whole[place + len(rubbish) :])
    except (ValueError, NewerVersion):
        pass


def test_no_address_stands_in_the_file(tmp_path):
    monitor, keeper = a_keeper(tmp_path)
    keeper.load()
    finish(monitor, 1)
    written(keeper)
    content = (tmp_path / NAME).read_text()
    assert "127.0.0.1" not in content and "9001" not in content


@pytest.mark.parametrize(("one", "other", "same"), [
    ("http://127.0.0.1:8080", "http://localhost:8080/", True),
    ("http://127.0.0.1:8080", "http://127.0.0.1:8081", False),
    ("http://mini.local:8080", "http://MINI.local:8080", True),
    ("http://mini.local:8080", "http://127.0.0.1:8080", False),
    ("https://mini.local", "https://mini.local:443", True),
    ("https://mini.local/a", "https://mini.local/b", False),
    ("http://127.0.0.1:8080/a", "http://127.0.0.1:8080/b", False),
])  # fmt: skip
def test_a_server_is_known_by_where_it_is(one, other, same):
    assert (key_of(one) == key_of(other)) is same


def test_a_file_that_is_not_understood_is_set_aside_and_nothing_of_it_lost(tmp_path):
    for number in (1, 2):
        (tmp_path / NAME).write_bytes(b"rubbish %d" % number)
        monitor, keeper = a_keeper(tmp_path)
        keeper.load()
        finish(monitor, 1)
        written(keeper)
        assert requests(kept_in(tmp_path)["one"]) == 1
    assert sorted(path.read_bytes() for path in tmp_path.glob("history-damaged-*")) == [b"rubbish 1", b"rubbish 2"]


def test_what_a_newer_version_wrote_is_left_as_it_is(tmp_path):
    content = b'{"llamabar_history":2,"anything":1}'
    (tmp_path / NAME).write_bytes(content)
    monitor, keeper = a_keeper(tmp_path)
    keeper.load()
    finish(monitor, 1)
    written(keeper)
    assert (tmp_path / NAME).read_bytes() == content
    assert counted_of(monitor) == 1


# who writes


def test_two_who_watch_the_same_count_once_and_one_of_them_writes(tmp_path):
    (first, plugin_), (second, watch) = a_keeper(tmp_path), a_keeper(tmp_path)
    plugin_.load()
    watch.load()
    for monitor in (first, second):
        finish(monitor, 1, 2, at_unix_s=1e9)
    noted(plugin_)
    before = (tmp_path / NAME).stat().st_mtime_ns
    noted(watch)
    assert (tmp_path / NAME).stat().st_mtime_ns == before, "it stands there already"
    assert requests(kept_in(tmp_path)["one"]) == 2


def test_two_who_watch_different_servers_lose_nothing_of_each_other(tmp_path):
    (all_, plugin_), (some, watch) = a_keeper(tmp_path, "one", "two"), a_keeper(tmp_path, "one")
    watch.load()
    plugin_.load()
    finish(all_, 1, 2, server="two")
    finish(all_, 1, server="one")
    written(plugin_)
    finish(some, 1, 2, 3, server="one")
    written(watch)
    assert {name: requests(account) for name, account in kept_in(tmp_path).items()} == {"one": 3, "two": 2}


def test_another_server_of_the_same_name_is_another_server(tmp_path):
    monitor, keeper = a_keeper(tmp_path, mine="one")
    keeper.load()
    finish(monitor, 1, 2, 3, server="mine")
    written(keeper)
    other, keeper = a_keeper(tmp_path, mine="two")
    keeper.load()
    assert counted_of(other, "mine") == 0
    finish(other, 1, server="mine", at_unix_s=time.time() + 100)
    written(keeper)
    again, keeper = a_keeper(tmp_path, mine="one")
    keeper.load()
    finish(again, 1, 2, 3, 4, server="mine")
    assert counted_of(again, "mine") == 4


def test_a_server_that_was_renamed_is_the_same_server(tmp_path):
    now = time.time()
    monitor, keeper = a_keeper(tmp_path)
    keeper.load()
    finish(monitor, 1, 2, at_unix_s=now)
    written(keeper)
    monitor, keeper = a_keeper(tmp_path, mini="one")
    keeper.load()
    finish(monitor, 1, 2, 3, server="mini", at_unix_s=now)
    written(keeper)
    assert {name: requests(account) for name, account in kept_in(tmp_path).items()} == {"mini": 3}


def test_one_llama_swap_at_two_addresses_counts_once(tmp_path):
    """Another port stands for another address: the very table that was counted is known by its rows."""
    now = time.time()
    monitor, keeper = a_keeper(tmp_path, mini="one")
    keeper.load()
    finish(monitor, 1, 2, 3, server="mini", at_unix_s=now)
    written(keeper)
    other, keeper = a_keeper(tmp_path, mini="two")
    keeper.load()
    finish(other, 1, 2, 3, 4, server="mini", at_unix_s=now)
    assert counted_of(other, "mini") == 4
    written(keeper)
    assert [requests(account) for account in parse((tmp_path / NAME).read_bytes()).accounts.values()] == [4]


def test_after_a_server_has_moved_the_menu_says_what_the_history_says(tmp_path):
    now = time.time()
    monitor, keeper = a_keeper(tmp_path, mini="one")
    keeper.load()
    finish(monitor, *range(1, 41), server="mini", at_unix_s=now - 30)
    written(keeper)
    moved, keeper = a_keeper(tmp_path, mini="two")
    keeper.load()
    finish(moved, 1, 2, server="mini", at_unix_s=now)
    written(keeper)
    days = lines(parse((tmp_path / NAME).read_bytes()).accounts.values())
    assert sum(line.sums.requests for line in days) == 42
    moved.today = moved.day_of(now)
    menu = compose(moved.scene(now_s=1.0))
    assert "Today: 42 requests, 294 tokens generated" in [row.text for row in menu.rows()]


def test_a_server_that_moves_while_it_is_watched_is_counted_as_by_those_who_come_later(tmp_path):
    now = time.time()
    first, plugin_ = a_keeper(tmp_path, mini="one")
    plugin_.load()
    finish(first, *range(1, 51), server="mini", at_unix_s=now - 100)
    noted(plugin_)
    finish(first, 51, server="mini", at_unix_s=now - 90)
    first.move("mini", f"http://127.0.0.1:{PORTS['two']}")
    first.take("mini", StreamOpened(), at_s=2.0)
    finish(first, 1, 2, 3, server="mini", at_unix_s=now)  # llama-swap was started anew there
    second, watch = a_keeper(tmp_path, mini="two")
    watch.load()
    finish(second, 1, 2, 3, server="mini", at_unix_s=now)
    for keeper in (watch, plugin_, watch):
        noted(keeper)
    found = parse((tmp_path / NAME).read_bytes()).accounts.values()
    assert sorted(requests(account) for account in found) == [3, 51]


def test_a_new_name_stands_in_the_file_at_the_end(tmp_path):
    monitor, keeper = a_keeper(tmp_path)
    keeper.load()
    finish(monitor, 1)
    written(keeper)
    _, keeper = a_keeper(tmp_path, mini="one")
    keeper.load()
    written(keeper)
    assert set(kept_in(tmp_path)) == {"mini"}


def test_what_another_alone_has_seen_is_taken_up_and_not_thrown_away(tmp_path):
    now = time.time()
    (behind, one), (ahead, two) = a_keeper(tmp_path), a_keeper(tmp_path)
    one.load()
    two.load()
    finish(behind, *range(1, 11), at_unix_s=now)
    noted(one)
    finish(ahead, *range(1, 16), at_unix_s=now)
    noted(two)
    noted(one)  # it sees that the file was changed
    one._next_s = 0.0
    one.note()
    assert counted_of(behind) == 15
    behind.take("one", StreamOpened(), at_s=2.0)
    finish(behind, *range(1, 8), at_unix_s=now + 1000)  # llama-swap was started anew
    written(one)
    assert requests(kept_in(tmp_path)["one"]) == 22


def test_a_request_of_absurd_size_costs_nothing_of_the_history(tmp_path):
    monitor, keeper = a_keeper(tmp_path, "one", "two")
    keeper.load()
    finish(monitor, 1, 2, 3, server="two")
    rows = (FinishedRequest(1, "m", time.time(), prompt_tokens=2**60, generated_tokens=2**60, generation_tps=1e-308),
            FinishedRequest(2, "m", time.time(), generated_tokens=5, generation_tps=1e-308))  # fmt: skip
    monitor.take("one", RequestsFinished(rows, total=2), at_s=1.0)
    written(keeper)
    assert {name: requests(account) for name, account in kept_in(tmp_path).items()} == {"one": 2, "two": 3}
    assert not list(tmp_path.glob("*damaged*"))


def test_while_nothing_changes_the_file_is_not_even_read_again(tmp_path):
    monitor, keeper = a_keeper(tmp_path)
    keeper.load()
    finish(monitor, 1)
    written(keeper)
    _, keeper = a_keeper(tmp_path)
    keeper.load()
    noted(keeper)
    before = (tmp_path / NAME).stat()
    (tmp_path / NAME).write_bytes(b"rubbish")
    os.utime(tmp_path / NAME, ns=(before.st_atime_ns, before.st_mtime_ns))
    for _ in range(3):
        noted(keeper)
    assert (tmp_path / NAME).read_bytes() == b"rubbish"


@pytest.mark.parametrize("case", ["uneven", "renamed", "fewer days"])
def test_two_who_watch_write_nothing_while_nothing_happens(tmp_path, case):
    rows = [FinishedRequest(one, "m", time.time() - 86_400 * (3 - one), generated_tokens=100, generation_tps=41.7)
            for one in (1, 2, 3)]  # fmt: skip
    (first, plugin_), (second, watch) = a_keeper(tmp_path), a_keeper(
        tmp_path, **({"mini": "one"} if case == "renamed" else {}), days=2 if case == "fewer days" else 90
    )  # fmt: skip
    for keeper in (plugin_, watch):
        keeper.load()
    for monitor in (first, second):
        monitor.take(next(iter(monitor.servers)), RequestsFinished(tuple(rows), total=3), at_s=1.0)
    noted(plugin_)
    noted(watch)
    before = (tmp_path / NAME).stat().st_mtime_ns
    for _ in range(5):
        noted(plugin_)
        noted(watch)
    assert (tmp_path / NAME).stat().st_mtime_ns == before


def test_nothing_is_written_while_nothing_changes_and_at_most_once_a_minute(tmp_path):
    monitor, keeper = a_keeper(tmp_path)
    keeper.load()
    for _ in range(3):
        noted(keeper)
    assert not (tmp_path / NAME).exists()
    finish(monitor, 1)
    keeper.note()
    keeper.finish(5.0)
    assert not (tmp_path / NAME).exists()
    noted(keeper)
    assert (tmp_path / NAME).exists()


def test_only_the_newest_days_are_kept(tmp_path):
    monitor, keeper = a_keeper(tmp_path, days=2)
    keeper.load()
    for days_ago in (9, 8, 0):
        finish(monitor, 10 - days_ago, at_unix_s=time.time() - days_ago * 86_400)
    written(keeper)
    assert len(kept_in(tmp_path)["one"].days) == 2


@pytest.mark.parametrize("ahead_s", [0.0, 3 * 366 * 86_400.0])
def test_neither_a_mistake_in_the_settings_nor_a_clock_that_jumps_costs_the_history(tmp_path, monkeypatch, ahead_s):
    days = {f"2025-{number // 28 + 1:02}-{number % 28 + 1:02}": {"m": Sums(1)} for number in range(300)}
    old = Account("one", Mark(1, 1.7e9, 1.7e9), days)
    (tmp_path / NAME).write_bytes(dump(Kept({key_of("http://127.0.0.1:9001"): old}, {})))
    monkeypatch.setattr(history_store.clock, "unix_s", lambda: time.time() + ahead_s)
    monitor, keeper = a_keeper(tmp_path, days=None)
    keeper.load()
    finish(monitor, 2, at_unix_s=time.time() + ahead_s)
    written(keeper)
    assert len(kept_in(tmp_path)["one"].days) == 301


def test_the_readings_of_the_last_minutes_are_there_after_a_new_start_with_the_pause_as_a_gap(tmp_path, monkeypatch):
    monitor, keeper = a_keeper(tmp_path)
    keeper.load()
    watched, now_s = monitor.servers["one"], clock.now_s()
    for second in range(20):
        watched.history = record(watched.history, Readings(generation_tps=float(second)), now_s=now_s - 19 + second)
    written(keeper)
    later_s = 30.0
    monkeypatch.setattr(history_store.clock, "unix_s", lambda: time.time() + later_s)
    other, keeper = a_keeper(tmp_path, "two")
    keeper.load()
    finish(other, 1, server="two")
    written(keeper)  # twenty readings, thirty seconds old: they are kept for as long as a chart goes back
    again, keeper = a_keeper(tmp_path)
    keeper.load()
    history = again.servers["one"].history
    assert [one.generation_tps for one in history.buckets[-20:]] == [float(second) for second in range(20)]
    assert abs(history.newest - (clock.now_s() - later_s)) <= 2
    later_s = 400.0
    stale, keeper = a_keeper(tmp_path)
    keeper.load()
    assert stale.servers["one"].history.buckets == ()
    other, keeper = a_keeper(tmp_path, "two")
    keeper.load()
    finish(other, 1, server="two")
    written(keeper)
    later_s = 405.0
    again, keeper = a_keeper(tmp_path)
    keeper.load()
    assert again.servers["one"].history.buckets == (), "what is old stays old, whoever writes"


def test_a_history_that_was_taken_away_begins_anew_and_counts_nothing_again(tmp_path):
    monitor, keeper = a_keeper(tmp_path)
    keeper.load()
    finish(monitor, 1, 2, 3)
    noted(keeper)
    (tmp_path / NAME).rename(tmp_path / "history.json.aside")
    noted(keeper)
    noted(keeper)
    assert counted_of(monitor) == 0
    finish(monitor, 1, 2, 3, 4)
    noted(keeper)
    assert requests(kept_in(tmp_path)["one"]) == 1


def test_a_damaged_file_and_a_full_disk_together_cost_nothing(tmp_path):
    monitor, keeper = a_keeper(tmp_path)
    keeper.load()
    finish(monitor, 1)
    noted(keeper)
    (tmp_path / NAME).write_bytes(b"rubbish")
    files.beside(tmp_path / NAME).mkdir()  # nothing can be written there
    finish(monitor, 1, 2)
    noted(keeper)
    assert (tmp_path / NAME).read_bytes() == b"rubbish"
    files.beside(tmp_path / NAME).rmdir()
    noted(keeper)
    assert requests(kept_in(tmp_path)["one"]) == 2
    assert (tmp_path / "history-damaged-1.json").read_bytes() == b"rubbish"


def test_what_comes_in_while_the_count_of_another_is_taken_up_is_not_lost(tmp_path):
    now = time.time()
    (behind, one), (ahead, two) = a_keeper(tmp_path), a_keeper(tmp_path)
    one.load()
    two.load()
    finish(behind, *range(1, 11), at_unix_s=now)
    finish(ahead, *range(1, 16), at_unix_s=now)
    noted(two)
    noted(one)  # it has read that, and not taken it up yet
    behind.take("one", StreamOpened(), at_s=2.0)
    finish(behind, *range(1, 5), at_unix_s=now + 1000)  # llama-swap was started anew
    one.note()
    assert counted_of(behind) == 19


def hanging_disk(monkeypatch):
    """Make every opening of a history wait, as a disk that hangs does, until the returned event is set."""
    answers, opened = threading.Event(), os.open

    def slow(path, *words, **more):
        if str(path).endswith(NAME):
            answers.wait(30)
        return opened(path, *words, **more)

    monkeypatch.setattr(os, "open", slow)
    return answers


def test_a_disk_that_hangs_holds_up_nothing_and_is_taken_up_when_it_answers(tmp_path, monkeypatch):
    finished, keeper = a_keeper(tmp_path / "before")
    keeper.load()
    finish(finished, 1, 2)
    before = finished.servers["one"]
    before.history = record(before.history, Readings(generation_tps=5.0), now_s=clock.now_s() - 30)
    written(keeper)
    answers = hanging_disk(monkeypatch)
    monitor, keeper = a_keeper(tmp_path)
    began_s = time.monotonic()
    keeper.load()
    finish(monitor, 3)
    keeper._next_s = 0.0
    keeper.note()
    keeper.end()
    assert time.monotonic() - began_s < 2.0
    watched, now_s = monitor.servers["one"], clock.now_s()
    watched.history = record(watched.history, Readings(generation_tps=7.0), now_s=now_s)
    (tmp_path / NAME).write_bytes((tmp_path / "before" / NAME).read_bytes())
    answers.set()
    keeper.finish(5.0)
    keeper.note()
    assert counted_of(monitor) == 3
    shown = [one.generation_tps for one in watched.history.buckets if one.generation_tps is not None]
    assert list(dict.fromkeys(shown)) == [5.0, 7.0], "the chart of before, and what came while the disk was waited for"


def test_all_rows_of_a_table_that_is_longer_than_what_is_remembered_count(tmp_path):
    for replayed in (0, 22):
        monitor, _ = a_keeper(tmp_path)
        monitor.take("one", StreamOpened(), at_s=0.0)
        rows = tuple(FinishedRequest(number, "m", time.time()) for number in range(3000))
        for row in rows[:replayed]:
            monitor.take("one", RequestsFinished((row,), streamed=True, replayed=True), at_s=0.1)
        monitor.take("one", RequestsFinished(rows, streamed=True), at_s=0.2)
        assert counted_of(monitor) == 3000


def test_on_a_day_without_requests_the_earlier_ones_are_still_a_click_away(tmp_path):
    monitor, _ = a_keeper(tmp_path)
    assert not any(row.text.startswith("Today") for row in compose(monitor.scene(now_s=1.0)).rows())
    finish(monitor, 1, at_unix_s=time.time() - 2 * 86_400)
    monitor.today = monitor.day_of(time.time())
    today = next(row for row in compose(monitor.scene(now_s=1.0)).rows() if row.text.startswith("Today"))
    assert (today.text, [child.text for child in today.children]) == (
        "Today: no requests yet", ["Show Full History"],
    )  # fmt: skip


def test_a_row_with_an_absurd_number_costs_no_server_its_history(tmp_path):
    monitor, keeper = a_keeper(tmp_path, "one", "two")
    keeper.load()
    finish(monitor, 1, 2**60, server="one")
    finish(monitor, 1, 2, server="two")
    written(keeper)
    assert {name: requests(account) for name, account in kept_in(tmp_path).items()} == {"one": 1, "two": 2}


def test_nothing_is_written_any_more_once_the_program_is_gone(tmp_path):
    (tmp_path / "llamabar.pyz").write_text("")
    monitor, keeper = a_keeper(tmp_path, plugin=str(tmp_path / "llamabar.pyz"))
    keeper.load()
    finish(monitor, 1)
    noted(keeper)
    assert (tmp_path / NAME).exists()
    (tmp_path / NAME).unlink()
    (tmp_path / "llamabar.pyz").unlink()
    finish(monitor, 1, 2)
    written(keeper)
    assert not (tmp_path / NAME).exists()


def test_a_full_disk_is_tried_again_and_leaves_nothing_half_written(tmp_path):
    monitor, keeper = a_keeper(tmp_path)
    keeper.load()
    finish(monitor, 1)
    files.beside(tmp_path / NAME).mkdir()  # nothing can be written there
    noted(keeper)
    assert not (tmp_path / NAME).exists()
    files.beside(tmp_path / NAME).rmdir()
    noted(keeper)
    assert requests(kept_in(tmp_path)["one"]) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [NAME]


def test_what_a_process_that_was_killed_left_half_written_is_swept_away(tmp_path):
    (tmp_path / f".{NAME}.12345.tmp").write_text("half")
    monitor, keeper = a_keeper(tmp_path)
    keeper.load()
    finish(monitor, 1)
    written(keeper)
    assert sorted(path.name for path in tmp_path.iterdir()) == [NAME]


def test_a_disk_that_hangs_holds_nothing_up(tmp_path, monkeypatch):
    monitor, keeper = a_keeper(tmp_path)
    keeper.load()
    finish(monitor, 1)
    answers = hanging_disk(monkeypatch)
    began_s = time.monotonic()
    for _ in range(2):
        keeper._next_s = 0.0
        keeper.note()
    keeper.end()
    keeper.finish(0.1)
    assert time.monotonic() - began_s < 2
    answers.set()


def test_a_folder_that_cannot_be_made_is_no_fault(tmp_path):
    (tmp_path / "file").write_text("")
    monitor, keeper = a_keeper(tmp_path / "file" / "data")
    keeper.load()
    finish(monitor, 1)
    written(keeper)
    assert counted_of(monitor) == 1


# the whole program


def test_totals_outlast_the_plugin_and_llama_swap(tmp_path):
    """Two lives of llama-swap and two of the plugin: four requests, each counted once."""
    port = free_port()
    with llama_swap(port=port) as server, plugin(server.url, tmp_path) as shown:
        shown.wait_for_row("llama-swap: no model loaded")
        chat(server, MODEL).join()
        shown.wait_for_row("Today: 1 request")
        assert shown.end(signal.SIGTERM)[0] == 0
        chat(server, MODEL).join()
        with plugin(server.url, tmp_path) as again:
            again.wait_for_row("Today: 2 requests")
            assert again.end(signal.SIGTERM)[0] == 0
    with llama_swap(port=port) as server, plugin(server.url, tmp_path) as shown:
        chat(server, MODEL).join()
        shown.wait_for_row("Today: 3 requests")
        chat(server, MODEL).join()
        shown.wait_for_row("Today: 4 requests")
        shown.end(signal.SIGTERM)
        frame = run(tmp_path, "frame", LLAMABAR_URL=server.url, LLAMABAR_DATA_DIR=str(tmp_path / "data"))
        assert "Today: 4 requests" in frame.stdout, "one look goes on from there, too"
        run(tmp_path, "frame", LLAMABAR_URL=server.url, LLAMABAR_DATA_DIR=str(tmp_path / "none"))
        assert not list((tmp_path / "none").glob("*history*")), "and keeps nothing itself"
    found = json.loads(history(tmp_path, "--json").stdout)
    assert found["llamabar_json"] == 1
    assert [(day["model"], day["requests"], day["complete"]) for day in found["days"]] == [(MODEL, 4, True)]
    assert (tmp_path / "data" / NAME).stat().st_mode & 0o777 == 0o600


def test_the_command_says_it_in_words_in_csv_and_on_a_page(tmp_path):
    with llama_swap() as server, plugin(server.url, tmp_path) as shown:
        chat(server, MODEL, tokens=30).join()
        shown.wait_for_row("Today: 1 request")
        assert shown.click("Show Full History", under="Today")[1:] == ["history"]
        shown.end(signal.SIGTERM)
    today = clock.local_day(time.time())
    said = history(tmp_path).stdout.splitlines()
    assert said[0].split() == ["DAY", "MODEL", "REQUESTS", "PROMPT", "TOKENS", "GENERATED", "TOKENS", "TOK/S"]
    assert said[1].split()[:3] == [today, MODEL, "1"]
    assert said[-1].startswith("As written down")
    lines = history(tmp_path, "--csv", "--since", "7d").stdout.splitlines()
    assert lines[0] == "day,server,model,requests,prompt_tokens,generated_tokens,generation_tps,complete"
    assert lines[1].startswith(f"{today},llama-swap,{MODEL},1,")
    page = tmp_path / "page.html"
    assert history(tmp_path, "--html", str(page)).returncode == 0
    assert MODEL in page.read_text("utf-8") and today in page.read_text("utf-8")
    assert history(tmp_path, "--since", "2999-01-01").stdout.startswith("Nothing was answered since 2999-01-01.")
    assert json.loads(history(tmp_path, "--json", "--server", "@1").stdout)["days"] != []
    done = history(tmp_path, "--server", "another")
    assert (done.returncode, done.stdout) == (1, "") and "No server is named" in done.stderr


HOSTILE = ["\x1b]0;owned\x07red\u202e", '=HYPERLINK("http://evil","x")', "-1+1", "@x", "a,b\n|c", "\ud800", "模型"]


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_hostile_names_drive_neither_a_terminal_nor_a_spreadsheet(tmp_path, encoding):
    (tmp_path / "data").mkdir()
    account = Account("llama-swap", Mark(1, 1.0, 1.0), {"2026-11-24": {model: Sums(1) for model in HOSTILE}})
    (tmp_path / "data" / NAME).write_bytes(dump(Kept({"k": account}, {})))
    for words in ((), ("--csv",), ("--json",), ("--html", str(tmp_path / "x.html"))):
        done = history(tmp_path, *words, PYTHONIOENCODING=encoding)
        assert (done.returncode, done.stderr) == (0, ""), words
        assert not {"\x1b", "\x07", "\u202e"} & set(done.stdout), words
    cells = [cells[2] for cells in csv.reader(history(tmp_path, "--csv").stdout.splitlines())]
    assert len(cells) == len(HOSTILE) + 1
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@")]
    page = (tmp_path / "x.html").read_text("utf-8")
    assert "\x1b" not in page and "\u202e" not in page


def test_where_there_is_no_history_that_is_said(tmp_path):
    done = history(tmp_path)
    assert (done.returncode, done.stdout.count("\n")) == (0, 1)
    assert "no history yet" in done.stdout
    assert json.loads(history(tmp_path, "--json").stdout) == {"llamabar_json": 1, "written_unix_s": None, "days": []}
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / NAME).write_text("rubbish")
    done = history(tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "is not understood" in done.stderr
    (tmp_path / "data" / NAME).write_text('{"llamabar_history": 99}')
    assert "newer llamabar" in history(tmp_path).stderr


@pytest.mark.parametrize("words", [
    ("--since", "yesterday"), ("--since", "2026-13-01"), ("--since", "0d"), ("--csv", "--json"),
    ("--html", "x", "--csv"), ("more",),
])  # fmt: skip
def test_wrong_usage_is_said(tmp_path, words):
    assert history(tmp_path, *words).returncode == 2


def test_watch_keeps_it_too_and_the_demo_does_not(tmp_path):
    with llama_swap() as server:
        more = {"LLAMABAR_URL": server.url, "LLAMABAR_DATA_DIR": str(tmp_path / "data")}
        chat(server, MODEL).join()
        watch = subprocess.Popen(
            [*command(), "watch"], env=environment(tmp_path, **more), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        assert any(line.startswith(b"Today: 1 request") for line in watch.stdout)
        watch.send_signal(signal.SIGTERM)
        watch.communicate(timeout=10)
    assert kept_in(tmp_path / "data")
    run(tmp_path, "demo", "--seconds", "1", LLAMABAR_DATA_DIR=str(tmp_path / "demo"))
    assert not (tmp_path / "demo").exists()
