"""The history on disk: written by one, rarely and whole; read again by the next; never in anybody's way."""

import json
import os
import signal
import subprocess
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llamabar import kept_history
from llamabar.config import ServerSettings, Settings
from llamabar.core.events import FinishedRequest, RequestsFinished
from llamabar.core.history import Readings, record
from llamabar.core.ledger import Account, Mark, Sums
from llamabar.kept_history import NAME, Keeper, Kept, NewerVersion, dump, parse
from llamabar.run import Watch
from llamabar.sources import clock
from llamabar_installer import files
from tests.programs import Plugin, chat, command, environment, free_port, llama_swap, run, wait_for

MODEL = "alpha-8b"


def history(home, *words, **more):
    return run(home, "history", *words, LLAMABAR_DATA_DIR=str(home / "data"), **more)


def plugin(url, home, **more):
    return Plugin(url, home, LLAMABAR_DATA_DIR=str(home / "data"), **more)


def kept_in(folder):
    return parse((folder / NAME).read_bytes())


def a_keeper(folder, *names, days=90):
    servers = tuple(ServerSettings(name, "http://127.0.0.1:9") for name in names or ("one",))
    watch = Watch(Settings(servers), lambda *_: None)
    return watch.monitor, Keeper(watch.monitor, {"LLAMABAR_DATA_DIR": str(folder)}, days=days)


def finish(monitor, *ids, server="one", at_unix_s=None):
    now = time.time() if at_unix_s is None else at_unix_s
    rows = tuple(FinishedRequest(one, "m", now + one, prompt_tokens=5, generated_tokens=7) for one in ids)
    monitor.take(server, RequestsFinished(rows, total=max(ids)), at_s=1.0)


def written(keeper):
    keeper.end()
    keeper.finish(5.0)


def requests(monitor, server="one"):
    days = monitor.servers[server].account.days.values()
    return sum(sums.requests for models in days for sums in models.values())


# the file


def test_what_is_written_is_read_again():
    account = Account(
        Mark(1.5, 3), {"2026-11-24": {'a "name"\n': Sums(1, 2, 3, 3, 0.125)}, "2026-11-23": {}}, frozenset({"x"})
    )
    kept = Kept({"one": account, "": Account()}, {"one": (Readings(), Readings(1.0, None, 2.0, 3e9, 0.5))}, 2.0, 9.0)
    assert parse(dump(kept)) == kept


@pytest.mark.parametrize("content", [
    b"", b"{}", b"[]", b"null", b"\xff", b'{"llamabar_history":1}', b"[" * 100_000,
    b'{"llamabar_history":1,"servers":[],"readings":{},"bucket_s":1,"read_unix_s":0}',
    b'{"llamabar_history":1,"servers":{"a":{"mark":[],"gaps":[],"days":{}}},"readings":{},"bucket_s":1,"read_unix_s":0}',
    b'{"llamabar_history":1,"servers":{},"readings":{"a":[[1,2]],"b":7},"bucket_s":1,"read_unix_s":0}',
    b'{"llamabar_history":"1","servers":{},"readings":{},"bucket_s":1,"read_unix_s":0}',
])  # fmt: skip
def test_what_is_no_history_is_not_taken_for_one(content):
    with pytest.raises(ValueError, match="is not understood"):
        parse(content)


@given(st.binary(max_size=200), st.integers(0, 400))
def test_a_file_that_was_damaged_anywhere_is_read_or_refused(rubbish, place):
    whole = dump(Kept({"one": Account(Mark(1.0, 1), {"d": {"m": Sums(1)}})}, {"one": (Readings(),)}))
    try:
        parse(whole[:place] + rubbish + whole[place + len(rubbish) :])
    except (ValueError, NewerVersion):
        pass


def test_a_file_that_is_not_understood_is_set_aside_and_nothing_of_it_lost(tmp_path):
    for number in (1, 2):
        (tmp_path / NAME).write_bytes(b"rubbish %d" % number)
        monitor, keeper = a_keeper(tmp_path)
        keeper.load()
        finish(monitor, 1)
        written(keeper)
        assert kept_in(tmp_path).accounts["one"].mark.row_id == 1
    assert sorted(path.read_bytes() for path in tmp_path.glob("history-damaged-*")) == [b"rubbish 1", b"rubbish 2"]


def test_what_a_newer_version_wrote_is_left_as_it_is(tmp_path):
    content = b'{"llamabar_history":2,"anything":1}'
    (tmp_path / NAME).write_bytes(content)
    monitor, keeper = a_keeper(tmp_path)
    keeper.load()
    finish(monitor, 1)
    written(keeper)
    assert (tmp_path / NAME).read_bytes() == content
    assert requests(monitor) == 1


# one who writes


def test_only_one_writes_and_another_takes_over_with_all_that_was_counted(tmp_path):
    (first, one), (second, two) = a_keeper(tmp_path, "a"), a_keeper(tmp_path, "a", "b")
    one.load()
    two.load()
    finish(second, 1, 2, server="b")
    two.end()
    two.finish(5.0)
    assert not (tmp_path / NAME).exists()
    finish(first, 1, 2, 3, server="a")
    written(one)
    two._next_s = 0.0
    finish(second, 1, 2, server="a", at_unix_s=time.time() - 100)
    two.note()
    two.finish(5.0)
    kept = kept_in(tmp_path)
    assert {name: account.mark.row_id for name, account in kept.accounts.items()} == {"a": 3, "b": 2}
    assert requests(second, "a") == 3


def test_servers_that_are_not_watched_here_keep_their_history(tmp_path):
    monitor, keeper = a_keeper(tmp_path, "a", "b")
    keeper.load()
    finish(monitor, 1, server="b")
    written(keeper)
    monitor, keeper = a_keeper(tmp_path, "a")
    keeper.load()
    finish(monitor, 1, server="a")
    written(keeper)
    assert set(kept_in(tmp_path).accounts) == {"a", "b"}


def test_nothing_is_written_while_nothing_changes_and_at_most_once_a_minute(tmp_path):
    monitor, keeper = a_keeper(tmp_path)
    keeper.load()
    for _ in range(3):
        keeper._next_s = 0.0
        assert keeper.note() is False
    assert not (tmp_path / NAME).exists()
    finish(monitor, 1)
    keeper.note()
    assert not (tmp_path / NAME).exists()
    keeper._next_s = 0.0
    keeper.note()
    wait_for((tmp_path / NAME).exists)


def test_days_that_are_too_old_are_dropped(tmp_path):
    monitor, keeper = a_keeper(tmp_path, days=7)
    keeper.load()
    finish(monitor, 1, at_unix_s=time.time() - 8 * 86_400)
    finish(monitor, 1, 2, at_unix_s=time.time())
    written(keeper)
    assert list(kept_in(tmp_path).accounts["one"].days) == [clock.local_day(time.time())]


def test_the_readings_of_the_last_minutes_are_there_after_a_new_start_with_the_pause_as_a_gap(tmp_path, monkeypatch):
    monitor, keeper = a_keeper(tmp_path)
    keeper.load()
    watched, now_s = monitor.servers["one"], clock.now_s()
    for second in range(20):
        watched.history = record(watched.history, Readings(generation_tps=float(second)), now_s=now_s - 19 + second)
    written(keeper)
    later_s = 30.0
    monkeypatch.setattr(kept_history.clock, "unix_s", lambda: time.time() + later_s)
    again, keeper = a_keeper(tmp_path)
    keeper.load()
    history = again.servers["one"].history
    assert [one.generation_tps for one in history.buckets[-20:]] == [float(second) for second in range(20)]
    assert abs(history.newest - (clock.now_s() - later_s)) <= 2
    later_s = 400.0
    stale, keeper = a_keeper(tmp_path)
    keeper.finish(0)
    keeper.load()
    assert stale.servers["one"].history.buckets == ()


def test_it_is_not_written_again_once_the_plugin_was_taken_off(tmp_path):
    monitor, _ = a_keeper(tmp_path)
    keeper = Keeper(
        monitor, {"LLAMABAR_DATA_DIR": str(tmp_path), "LLAMABAR_FILE": str(tmp_path / "gone.pyz")}, days=90
    )
    keeper.load()
    finish(monitor, 1)
    written(keeper)
    assert not (tmp_path / NAME).exists()


def test_a_disk_that_hangs_holds_nothing_up(tmp_path):
    monitor, keeper = a_keeper(tmp_path)
    keeper.load()
    finish(monitor, 1)
    os.mkfifo(files.beside(tmp_path / NAME))  # nobody reads it: whoever opens it for writing hangs
    began_s = time.monotonic()
    for _ in range(2):
        keeper._next_s = 0.0
        keeper.note()
    keeper.end()
    keeper.finish(0.1)
    assert time.monotonic() - began_s < 2
    assert not (tmp_path / NAME).exists()
    os.close(os.open(files.beside(tmp_path / NAME), os.O_RDONLY | os.O_NONBLOCK))


def test_a_folder_that_cannot_be_made_is_no_fault(tmp_path):
    (tmp_path / "file").write_text("")
    monitor, keeper = a_keeper(tmp_path / "file" / "data")
    keeper.load()
    finish(monitor, 1)
    written(keeper)
    assert requests(monitor) == 1


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
    found = json.loads(history(tmp_path, "--json").stdout)
    assert found["llamabar_json"] == 1
    assert [(day["model"], day["requests"], day["complete"]) for day in found["days"]] == [(MODEL, 4, True)]
    assert (tmp_path / "data" / NAME).stat().st_mode & 0o777 == 0o600


def test_the_command_says_it_in_words_in_csv_and_on_a_page(tmp_path):
    with llama_swap() as server, plugin(server.url, tmp_path) as shown:
        chat(server, MODEL, tokens=30).join()
        shown.wait_for_row("Today: 1 request")
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
    assert json.loads(history(tmp_path, "--json", "--server", "another").stdout)["days"] == []


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
    ("--since", "yesterday"), ("--since", "2026-13-01"), ("--csv", "--json"), ("--html", "x", "--csv"), ("more",),
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
    assert kept_in(tmp_path / "data").accounts
    run(tmp_path, "demo", "--seconds", "1", LLAMABAR_DATA_DIR=str(tmp_path / "demo"))
    assert not (tmp_path / "demo").exists()
