"""The history in the whole program: rarely written, never in the way, readable in every form."""

import contextlib
import csv
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from llamabar.app.loop import Watch
from llamabar.core.events import FinishedRequest, ModelInfo, ModelsListed, RequestsFinished, StreamOpened
from llamabar.core.history import Readings, range_of, record, tick
from llamabar.core.totals import Rows
from llamabar.macos.paths import HISTORY_FILE
from llamabar.settings.load import ServerSettings, Settings
from llamabar.sources import clock
from llamabar.store import schema
from llamabar.view.compose import compose
from tests.fakes.here import run_here
from tests.fakes.programs import ROOT, Plugin, chat, command, environment, free_port, llama_swap, run, wait_for
from tests.store.history_files import DAY_S, URL, Watcher, row, rows

MODEL = "alpha-8b"
DOCUMENTED = (ROOT / "docs" / "history.md").read_text("utf-8")


def history(home, *words, **more):
    return run_here(home, "history", *words, LLAMABAR_DATA_DIR=str(home / "data"), **more)


def plugin(url, home, **more):
    return Plugin(url, home, LLAMABAR_DATA_DIR=str(home / "data"), **more)


def kept(folder):
    """Return how many requests are in the file now; 0 while it is being created."""
    with (
        contextlib.suppress(sqlite3.OperationalError),
        contextlib.closing(sqlite3.connect(folder / "history.sqlite")) as database,
    ):
        return database.execute("SELECT COUNT(*) FROM requests").fetchone()[0]
    return 0


def a_watch(folder):
    watch = Watch(Settings((ServerSettings("one", URL),)), lambda *_: None)
    return watch, watch.keep({"LLAMABAR_DATA_DIR": str(folder)})


def finish(watch, *ids, at_unix_s=None):
    now = time.time() if at_unix_s is None else at_unix_s
    found = tuple(FinishedRequest(one, "m", now + one / 10, prompt_tokens=5, generated_tokens=7) for one in ids)
    watch.monitor.take("one", RequestsFinished(found, total=max(ids)), at_s=1.0)


def today(watch):
    """Return today's requests as the menu has them, after processing arrivals."""
    for server, at_s, arrival in watch.inbox.take():
        watch._take(server, at_s, arrival)
    return sum(sums.requests for sums in watch.monitor.servers["one"].totals.of(clock.local_day(time.time())).values())


def closed(store):
    store.end()
    store.finish(5.0)


def commits(folder):
    return (folder / f"{HISTORY_FILE}-wal").stat().st_mtime_ns


# storage


def test_the_menu_continues_from_the_stored_history_and_counts_at_once(tmp_path):
    now = time.time()
    watch, store = a_watch(tmp_path)
    finish(watch, 1, 2, at_unix_s=now)
    assert today(watch) == 2
    closed(store)
    watch, store = a_watch(tmp_path)
    wait_for(lambda: today(watch) == 2)
    finish(watch, 1, 2, 3, at_unix_s=now)
    wait_for(lambda: watch.monitor.servers["one"].totals.told.number == today(watch) - 2)
    assert today(watch) == 3
    closed(store)


def test_the_charts_of_a_server_and_its_models_continue_after_a_restart(tmp_path):
    watch, store = a_watch(tmp_path)
    finish(watch, 1)
    for second in range(5):
        now_s, readings = clock.now_s() - 5 + second, Readings(generation_tps=second)
        watched = watch.monitor.servers["one"]
        watched.history = record(watched.history, readings, now_s=now_s)
        watched.models = tick(watched.models, {"m": readings}, like=watched.history, now_s=now_s)
    closed(store)
    watch, store = a_watch(tmp_path)
    wait_for(lambda: today(watch) and watch.monitor.servers["one"].models)
    closed(store)
    for history in watch.monitor.histories()["one"].values():
        assert range_of(history, "generation_tps").highest == 4.0
    assert set(watch.monitor.histories()["one"]) == {"", "m"}


def test_on_a_day_without_requests_earlier_days_are_still_a_click_away(tmp_path):
    watch, store = a_watch(tmp_path)
    assert not any(row.text.startswith("Today") for row in compose(watch.monitor.scene(now_s=1.0)).rows())
    finish(watch, 1, at_unix_s=time.time() - 2 * DAY_S)
    closed(store)
    today(watch)
    watch.monitor.today = clock.local_day(time.time())
    shown = next(row for row in compose(watch.monitor.scene(now_s=1.0)).rows() if row.text.startswith("Today"))
    assert (shown.text, [child.text for child in shown.children]) == (
        "Today: no requests yet", ["Show Full History"],
    )  # fmt: skip


def test_totals_of_one_address_never_appear_under_another_unnamed_server(tmp_path):
    elsewhere = Rows("llama-swap", URL, (row(1, time.time(), MODEL),))
    Watcher(tmp_path / "data").add(elsewhere).writer.close()
    with llama_swap() as server:
        known = {"LLAMABAR_DATA_DIR": str(tmp_path / "data"), "LLAMABAR_URL": server.url}
        assert "Today: " not in run(tmp_path, "frame", **known).stdout
        with plugin(server.url, tmp_path) as shown:
            shown.wait_for_row("Load Model")
            chat(server, MODEL, tokens=3).join()
            shown.wait_for_row("Today: 1 request, 3 tokens")
            time.sleep(1.0)
            assert shown.row("Today: 1 request, 3 tokens")


def test_the_history_of_an_unnamed_address_includes_no_other_server(tmp_path):
    there, here = "http://127.0.0.1:7001", "http://127.0.0.1:7002"
    for url, model in ((there, "alpha"), (here, "beta")):
        Watcher(tmp_path / "data").add(Rows("llama-swap", url, (row(1, time.time(), model),))).writer.close()
    data = {"LLAMABAR_DATA_DIR": str(tmp_path / "data")}
    for by in ("day", "hour", "model"):
        for url, shown in (("", {"alpha", "beta"}), (here, {"beta"}), ("http://localhost:7001/v1", {"alpha"})):
            named = {"LLAMABAR_URL": url} if url else {}
            lines = json.loads(run_here(tmp_path, "history", "--json", "--by", by, **data, **named).stdout)[f"{by}s"]
            assert {line["model"] for line in lines} == shown
    by_port = json.loads(run_here(tmp_path, "history", "--json", LLAMA_SWAP_API_PORT="7002", **data).stdout)["days"]
    assert [line["model"] for line in by_port] == ["beta"], "as those who come from the Rust plugin name it"
    assert "No requests" in run_here(tmp_path, "history", LLAMABAR_URL="http://127.0.0.1:7003", **data).stdout


def test_all_rows_count_even_if_there_are_more_than_are_remembered(tmp_path):
    watch, store = a_watch(tmp_path)
    found = tuple(FinishedRequest(number, "m", time.time()) for number in range(3000))
    watch.monitor.take("one", RequestsFinished(found, streamed=True), at_s=0.2)
    assert today(watch) == 3000
    closed(store)
    assert today(watch) == 3000


def test_it_is_written_at_most_every_ten_seconds_and_only_after_requests(tmp_path):
    watch, store = a_watch(tmp_path)
    finish(watch, 1)
    wait_for(lambda: watch.inbox.take() and commits(tmp_path))
    before = commits(tmp_path)
    finish(watch, 1, 2)
    store.note()
    time.sleep(0.3)
    assert commits(tmp_path) == before
    closed(store)
    before = (tmp_path / HISTORY_FILE).stat().st_mtime_ns
    watch, store = a_watch(tmp_path)
    wait_for(lambda: watch.inbox.take())
    assert (tmp_path / HISTORY_FILE).stat().st_mtime_ns == before


def test_a_hanging_disk_blocks_nothing_and_loses_nothing_once_it_responds(tmp_path, monkeypatch):
    Watcher(tmp_path).add(rows(1, at_s=time.time() - 5)).writer.close()
    other = sqlite3.connect(tmp_path / HISTORY_FILE, isolation_level=None)
    other.execute("PRAGMA journal_mode=DELETE")
    other.execute("BEGIN EXCLUSIVE")  # anyone who opens it now waits as long as possible
    monkeypatch.setattr("llamabar.store.schema.BUSY_S", 20.0)
    began_s = time.monotonic()
    watch, store = a_watch(tmp_path)
    finish(watch, 2)
    assert today(watch) == 1
    store.end()
    store.finish(0.1)
    assert time.monotonic() - began_s < 1.5
    other.execute("ROLLBACK")
    store.finish(10.0)
    assert today(watch) == 2


def test_sqlite_is_not_even_imported_before_the_first_frame(tmp_path):
    words = "import sys, llamabar.plugin.main, llamabar.app.loop; print([m for m in sys.modules if 'sqlite' in m])"
    words = [sys.executable, "-c", words]
    done = subprocess.run(words, env=environment(tmp_path), capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# the whole program


def test_totals_survive_restarts_of_the_plugin_and_llama_swap(tmp_path):
    """Two runs of llama-swap and two of the plugin: four requests, each counted once."""
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
        chat(server, MODEL, tokens=60).join()
        shown.wait_for_row("Today: 4 requests")
        frame = run(tmp_path, "frame", LLAMABAR_URL=server.url, LLAMABAR_DATA_DIR=str(tmp_path / "data"))
        assert "Today: 4 requests" in frame.stdout, "one look goes on from there, too"
        code, took_s = shown.end(signal.SIGTERM)
        assert code == 0 and took_s < 0.5
        run(tmp_path, "frame", LLAMABAR_URL=server.url, LLAMABAR_DATA_DIR=str(tmp_path / "none"))
        assert not list((tmp_path / "none").glob("*history*")), "and keeps nothing itself"
    found = json.loads(history(tmp_path, "--json").stdout)
    assert found["llamabar_json"] == 1
    assert [(day["model"], day["requests"], day["complete"]) for day in found["days"]] == [(MODEL, 4, True)]
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "history.sqlite")) as database:
        named = "SELECT word FROM requests LEFT JOIN words ON words.id=client ORDER BY ended_s, row_id"
        assert database.execute(named).fetchall()[-1] == ("demo",), "from whom, where it was seen in flight"


def test_the_command_shows_it_as_text_csv_and_a_page(tmp_path):
    with llama_swap() as server, plugin(server.url, tmp_path) as shown:
        chat(server, MODEL, tokens=30).join()
        shown.wait_for_row("Today: 1 request")
        assert shown.click("Show Full History", under="Today")[1:] == ["history"]
        shown.end(signal.SIGTERM)
    today = clock.local_day(time.time())
    said = history(tmp_path).stdout.splitlines()
    assert said[0].split()[:6] == ["DAY", "MODEL", "REQUESTS", "FAILED", "PROMPT", "CACHED"]
    assert said[1].split()[:3] == [today, MODEL, "1"]
    assert said[-1].startswith("Updated ")
    lines = history(tmp_path, "--csv", "--since", "7d").stdout.splitlines()
    assert lines[0].startswith("day,server,model,requests,prompt_tokens,generated_tokens,generation_tps,complete,")
    assert lines[1].startswith(f"{today},llama-swap,{MODEL},1,") and ",true," in lines[1]
    page = tmp_path / "page.html"
    assert history(tmp_path, "--html", str(page)).returncode == 0
    assert MODEL in page.read_text("utf-8") and today in page.read_text("utf-8")
    assert history(tmp_path, "--since", "2999-01-01").stdout.startswith("No requests since 2999-01-01.")
    assert json.loads(history(tmp_path, "--json", "--server", "@1").stdout)["days"] != []
    done = history(tmp_path, "--server", "another")
    assert (done.returncode, done.stdout) == (1, "") and "No server is named" in done.stderr


def test_by_day_model_hour_and_client_the_same_requests_are_told(tmp_path):
    now = time.time()
    Watcher(tmp_path / "data").add(
        Rows("one", URL, tuple(row(n, now - 300 + n, "ab"[n % 2], tps=40.0) for n in range(40)))
    ).writer.close()
    for by in ("day", "model", "hour", "client"):
        found = json.loads(history(tmp_path, "--json", "--by", by).stdout)[f"{by}s"]
        assert {model: sum(one["requests"] for one in found if one["model"] == model) for model in "ab"} == {
            "a": 20, "b": 20,
        }  # fmt: skip
        assert {round(one["generation_tps"]) for one in found} == {40}
        assert all(one["model"] == "a" for one in
                   json.loads(history(tmp_path, "--json", "--by", by, "--model", "a").stdout)[f"{by}s"])  # fmt: skip
        fields = {re.sub("_(typical|p95)$", "", field) for one in found for field in one}
        assert [field for field in fields if f"`{field}`" not in DOCUMENTED] == []


def test_requests_by_client_have_the_figures_of_their_model(tmp_path):
    now = time.time()
    told = {"prompt_tokens": 90, "prompt_tps": 300.0, "duration_s": 9.0, "cached_tokens": 30, "draft_tokens": 8}
    batch = tuple(row(n, now - 60 + n, client="=curl" if n else "", status=200 + 300 * (n > 3), tps=20.0 + n,
                      accepted_tokens=4, **told) for n in range(6))  # fmt: skip
    Watcher(tmp_path / "data").add(Rows("one", URL, batch, load_s={2: 3.0})).writer.close()
    curl, unknown = json.loads(history(tmp_path, "--json", "--by", "client").stdout)["clients"]
    assert (curl["client"], curl["requests"], unknown["client"], unknown["requests"]) == ("=curl", 5, None, 1)
    Watcher(tmp_path / "curl" / "data").add(Rows("one", URL, batch[1:], load_s={2: 3.0})).writer.close()
    (model,) = json.loads(history(tmp_path / "curl", "--json", "--by", "model").stdout)["models"]
    assert curl.pop("client") == "=curl" and model.pop("change") is None
    assert curl == {**model, "complete": curl["complete"]}
    table = history(tmp_path, "--by", "client").stdout
    assert table.splitlines()[2].split()[:3] == ["unknown", "m", "1"]
    assert [line.split(",")[0] for line in history(tmp_path, "--csv", "--by", "client").stdout.splitlines()] == [
        "client", "'=curl", "unknown",
    ]  # fmt: skip
    tomorrow = time.strftime("%Y-%m-%d", time.localtime(now + DAY_S))
    assert json.loads(history(tmp_path, "--json", "--by", "client", "--since", tomorrow).stdout)["clients"] == []


def test_a_model_is_found_by_the_beginning_of_its_id_and_an_unknown_one_gets_a_suggestion(tmp_path):
    found = (row(1, time.time(), "qwen3-30b"), row(2, time.time(), "Qwen3-8b"), row(3, time.time(), "coder"))
    Watcher(tmp_path / "data").add(Rows("one", URL, found)).writer.close()
    for wanted, model in (("qwen3-3", "qwen3-30b"), ("QWEN3-8B", "Qwen3-8b"), ("coder", "coder")):
        (line,) = json.loads(history(tmp_path, "--json", "--model", wanted).stdout)["days"]
        assert line["model"] == model
    assert "No matching requests. Did you mean coder? " in history(tmp_path, "--model", "codre").stdout
    assert json.loads(history(tmp_path, "--json", "--model", "codre").stdout)["days"] == []
    several = history(tmp_path, "--model", "qwen")
    assert (several.returncode, several.stdout) == (1, "") and "'qwen' fits 2 models" in several.stderr


def test_reading_is_no_update(tmp_path):
    Watcher(tmp_path / "data").add(Rows("one", URL, (row(1, time.time()),))).writer.close()
    hour_ago_s = time.time() - 3600
    os.utime(tmp_path / "data" / HISTORY_FILE, (hour_ago_s, hour_ago_s))
    for _ in range(2):  # SQLite makes an empty -wal for who reads
        assert "Updated 1 h ago." in history(tmp_path).stdout
    assert json.loads(history(tmp_path, "--json").stdout)["written_unix_s"] == pytest.approx(hour_ago_s, abs=1)


def test_a_history_without_requests_says_so_and_why(tmp_path):
    (tmp_path / "data").mkdir()
    schema.opened(tmp_path / "data" / HISTORY_FILE).close()
    for words in ((), ("--by", "client"), ("--since", "7d", "--model", "m")):
        assert history(tmp_path, *words).stdout.startswith("No history yet. "), words
    Watcher(tmp_path / "data").add(rows(1, at_s=time.time() - 9 * DAY_S)).writer.close()
    since = f" since {clock.day_ago(1)}. Updated just now.\n"
    assert history(tmp_path, "--by", "hour").stdout == f"No requests{since}"
    assert history(tmp_path, "--by", "hour", "--model", "x").stdout == f"No matching requests{since}"


def test_a_reader_that_is_gone_is_no_error(tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    words, more = [*command(), "history", "--json"], environment(tmp_path, LLAMABAR_DATA_DIR=str(tmp_path))
    done = subprocess.run(words, env=more, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["x'00ff'", "CAST(x'ff41' AS TEXT)", "7"])
def test_names_that_are_no_text_are_shown_as_text(tmp_path, name):
    Watcher(tmp_path / "data").add(Rows("one", URL, (row(1, time.time(), client="curl"),))).writer.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / HISTORY_FILE)) as database, database:
        database.execute(f"UPDATE servers SET name={name}")
        database.execute(f"UPDATE words SET word=CAST({name} AS BLOB)||word")
    for by in ("day", "hour", "model", "client"):
        done = history(tmp_path, "--json", "--by", by)
        assert (done.returncode, len(json.loads(done.stdout).get(f"{by}s", ()))) == (0, 1), by
        assert history(tmp_path, "--by", by).returncode == 0


def test_unreported_figures_are_unknown_and_not_zero(tmp_path):
    told = {"whisper": {"prompt_tokens": 0, "generated": 0}, "embed": {"prompt_tokens": 9, "generated": 0}}
    batch = tuple(row(n, time.time(), model, tps=None, **more) for n, (model, more) in enumerate(told.items(), 1))
    Watcher(tmp_path / "data").add(Rows("one", URL, batch)).writer.close()
    found = json.loads(history(tmp_path, "--json").stdout)["days"]
    assert {one["model"]: (one["prompt_tokens"], one["generated_tokens"]) for one in found} == {
        "whisper": (None, None), "embed": (9, 0),
    }  # fmt: skip
    assert {one[figure] for one in found for figure in ("waited_s", "prompt_s", "generation_s")} == {None}
    shown = {line.split()[-10]: line.split()[-7:-3] for line in history(tmp_path).stdout.splitlines()[1:3]}
    assert shown == {"embed": ["9", "–", "0", "–"], "whisper": ["–", "–", "–", "–"]}


def test_a_model_that_got_slower_than_last_week_is_reported(tmp_path):
    now = time.time()
    found = [row(n, now - (10 if n < 30 else 1) * DAY_S + n, tps=40.0 if n < 30 else 32.0) for n in range(60)]
    Watcher(tmp_path / "data").add(Rows("one", URL, tuple(found))).writer.close()
    (model,) = json.loads(history(tmp_path, "--json", "--by", "model").stdout)["models"]
    assert model["change"] == pytest.approx(-0.2, abs=0.01)
    assert "m (20 % slower than last week)" in history(tmp_path, "--by", "model").stdout


def test_the_menu_shows_that_a_loaded_model_got_slower(tmp_path):
    now = time.time()
    found = [row(n, now - (10 if n < 30 else 1) * DAY_S + n, tps=40.0 if n < 30 else 32.0) for n in range(60)]
    Watcher(tmp_path).add(Rows("one", URL, tuple(found))).writer.close()
    watch, store = a_watch(tmp_path)
    for event in (StreamOpened(), ModelsListed((ModelInfo("m", "ready"),))):
        watch.monitor.take("one", event, at_s=1.0)
    closed(store)
    today(watch)
    menu = compose(watch.monitor.scene(now_s=2.0))
    assert "Change: 20 % slower than last week" in [row.text for row in menu.rows()]


def test_clear_asks_and_deletes(tmp_path):
    Watcher(tmp_path / "data").add(rows(1, 2)).writer.close()
    words, more = [*command(), "history", "--clear"], environment(tmp_path, LLAMABAR_DATA_DIR=str(tmp_path / "data"))
    for answer, code, said, left in (
        ("n\n", 0, "Nothing was deleted.", 1),
        ("", 130, "Nothing was deleted.", 1),
        ("y\n", 0, "The history is empty.", 0),
    ):
        done = subprocess.run(words, env=more, input=answer, capture_output=True, text=True, check=False)
        assert done.returncode == code and said in done.stdout + done.stderr
        assert len(json.loads(history(tmp_path, "--json").stdout)["days"]) == left


HOSTILE = [
    "\x1b]0;owned\x07red\u202e", '=HYPERLINK("http://evil","x")', "-1+1", "@x", "a,b\n|c", "<b>", "模型", "\uff1d1",
]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_hostile_names_drive_neither_a_terminal_nor_a_spreadsheet(tmp_path, encoding):
    found = tuple(row(number, time.time(), model, client=model) for number, model in enumerate(HOSTILE))
    Watcher(tmp_path / "data").add(Rows("one", URL, found)).writer.close()
    page = ("--html", str(tmp_path / "x.html"))
    for words in ((), ("--csv",), ("--json",), ("--by", "hour"), ("--by", "client"), page):
        done = history(tmp_path, *words, PYTHONIOENCODING=encoding)
        assert (done.returncode, done.stderr) == (0, ""), words
        assert not {"\x1b", "\x07", "\u202e"} & set(done.stdout), words
    cells = [cells[2] for cells in csv.reader(history(tmp_path, "--csv").stdout.splitlines())]
    assert len(cells) == len(HOSTILE) + 1
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\uff1d")]
    page = (tmp_path / "x.html").read_text("utf-8")
    assert "\x1b" not in page and "\u202e" not in page and "<b>" not in page


def test_a_missing_history_is_reported(tmp_path):
    done = history(tmp_path)
    assert (done.returncode, done.stdout.count("\n")) == (0, 1)
    assert "No history yet" in done.stdout
    assert json.loads(history(tmp_path, "--json").stdout) == {"llamabar_json": 1, "written_unix_s": None, "days": []}
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / HISTORY_FILE).write_text("rubbish" * 200)
    done = history(tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "is damaged" in done.stderr


def test_a_locked_history_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "BUSY_S", 0.01)
    Watcher(tmp_path / "data").add(rows(1, at_s=time.time())).writer.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / HISTORY_FILE, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        done = run_here(tmp_path, "history", LLAMABAR_DATA_DIR=str(tmp_path / "data"))
    assert (done.returncode, done.stdout) == (1, "") and "is locked by another program" in done.stderr


def test_the_history_in_a_read_only_folder_is_shown(tmp_path):
    Watcher(tmp_path / "data").add(rows(1, at_s=time.time())).writer.close()
    (tmp_path / "data").chmod(0o500)
    try:
        assert json.loads(history(tmp_path, "--json").stdout)["days"][0]["requests"] == 1
    finally:
        (tmp_path / "data").chmod(0o700)


@pytest.mark.parametrize("words", [
    ("--since", "yesterday"), ("--since", "2026-13-01"), ("--since", "0d"), ("--csv", "--json"), ("--by", "year"),
    ("--html", "x", "--csv"), ("--html", "x", "--by", "model"), ("--clear", "--csv"), ("more",),
    ("--clear", "--model", "m"), ("--clear", "--server", "one"), ("--clear", "--since", "7d"),
])  # fmt: skip
def test_wrong_usage_is_said(tmp_path, words):
    assert history(tmp_path, *words).returncode == 2


def test_watch_stores_it_too_and_the_demo_does_not(tmp_path):
    with llama_swap() as server:
        more = {"LLAMABAR_URL": server.url, "LLAMABAR_DATA_DIR": str(tmp_path / "data")}
        chat(server, MODEL).join()
        watch = subprocess.Popen(
            [*command(), "watch"], env=environment(tmp_path, **more), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        wait_for(lambda: (tmp_path / "data" / "history.sqlite").exists() and kept(tmp_path / "data"))
        watch.send_signal(signal.SIGTERM)
        watch.communicate(timeout=10)
    assert json.loads(history(tmp_path, "--json").stdout)["days"]
    run(tmp_path, "demo", "--seconds", "1", LLAMABAR_DATA_DIR=str(tmp_path / "demo"))
    assert not (tmp_path / "demo").exists()


def test_rows_that_cannot_be_written_leave_the_queue_and_are_retried_every_ten_seconds(tmp_path):
    Watcher(tmp_path).add(rows(1)).writer.close()
    other = sqlite3.connect(tmp_path / HISTORY_FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")  # an attempt takes two seconds
    _, store = a_watch(tmp_path)
    for number in range(1, 41):
        store.add(rows(*range(number * 100, number * 100 + 100)))
    wait_for(store._queue.empty, seconds=10.0)
    other.execute("ROLLBACK")
    other.close()


def test_a_server_renamed_in_the_settings_keeps_its_history_before_its_next_request(tmp_path):
    Watcher(tmp_path / "data").add(rows(1, 2)).writer.close()
    file = tmp_path / "c.toml"
    file.write_text(f'[[server]]\nname = "new"\nurl = "{URL}"\n[[server]]\nname = "two"\nurl = "http://h:1"\n')
    said = [history(tmp_path, "--json", "--server", name, LLAMABAR_CONFIG=str(file)).stdout for name in ("new", "two")]
    assert [len(json.loads(one)["days"]) for one in said] == [1, 0]
