"""The exporter as a process: what it reports, to whom, and that counters never decrease."""

import contextlib
import gzip
import json
import re
import signal
import socket
import sqlite3
import subprocess
import threading
import time

import psutil
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics

from llamabar.core.address import of_listener
from llamabar.core.events import Fault, FaultKind
from llamabar.core.history import BUCKETS, Chart, Readings
from llamabar.core.state import Snapshot
from llamabar.demo.dialect import DemoModel
from llamabar.demo.forward import Outcome, record
from llamabar.demo.inflight import Entry
from llamabar.export.counts import Book
from llamabar.export.encode import Scrape
from llamabar.export.pages import Pages
from llamabar.export.points import labels_of, put_server
from llamabar.store.database import put_charts
from llamabar.store.places import place_of
from llamabar.store.reports import charts_of
from tests.fakes.exporter import Exporter, gone_back, samples, value_of
from tests.fakes.here import run_here
from tests.fakes.programs import (
    PATIENCE_S,
    Plugin,
    as_installed,
    chat,
    command,
    environment,
    free_port,
    llama_swap,
    run,
    wait_for,
)  # fmt: skip

TEXT, OPEN = "text/plain; version=0.0.4", "application/openmetrics-text; version=1.0.0"
NO_REQUESTS = (
    b"\x16\x03\x01teapot\x02\x00\x01\x00\r\n\r\n",
    b"teapot\r\n\r\n",
    b"\r\n" * 10_000,
    b"GET /<teapot> HTTP/teapot\r\n\r\n",
    b"GET /metrics HTTP/9.9\r\nteapot: 1\r\n\r\n",
    b"GET /a teapot HTTP/1.1\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\n" + b"teapot: 1\r\n" * 150 + b"\r\n",
)
HOSTILE = ('say "hi"', "two\nlines", "back\\slash", "日本語🦙", "x" * 300, "bell\x07", "other", "a|b{c=}")


def test_requests_are_counted_with_their_tokens_speeds_and_times(tmp_path):
    with llama_swap() as server, Exporter(server.url, tmp_path) as exporter:
        exporter.wait_for("model_state", 1.0, model="alpha-8b", state="stopped")
        unused = {name for name, of, _ in exporter.samples() if name.endswith("_total") and "model" in of}
        assert unused == {"llamabar_model_load_failures_total"}, "the first load may fail at once"
        chat(server, "broken-1b", tokens=5).join(20)
        for _ in range(2):
            chat(server, "alpha-8b", tokens=60, words=30).join(20)
        exporter.wait_for("requests_total", 2.0, model="alpha-8b", outcome="ok")
        exporter.wait_for("requests_total", 1.0, model="broken-1b", outcome="failed")
        exporter.wait_for("model_load_failures_total", 1.0, model="broken-1b")
        found = exporter.samples()

        assert value_of(found, "generated_tokens_total", model="alpha-8b") == 120.0
        assert value_of(found, "prompt_tokens_total", model="alpha-8b") > 0
        assert value_of(found, "request_generation_tokens_per_second_count", model="alpha-8b") == 2.0
        assert value_of(found, "request_duration_seconds_count", model="alpha-8b") == 2.0
        assert value_of(found, "request_first_token_seconds_count", model="alpha-8b") == 2.0
        assert value_of(found, "model_load_seconds_count", model="alpha-8b") == 1.0
        assert 0.2 < value_of(found, "model_load_seconds_sum", model="alpha-8b") < 3.0
        assert 30 < value_of(found, "request_generation_tokens_per_second_sum", model="alpha-8b") / 2 < 50
        assert value_of(found, "server_up") == 1.0
        assert value_of(found, "model_state", model="alpha-8b", state="ready") == 1.0
        assert value_of(found, "model_failing", model="broken-1b") == 1.0
        assert value_of(found, "model_failing", model="alpha-8b") is None
        assert value_of(found, "server_models", state="ready") == 1.0
        assert value_of(found, "model_until_unload_seconds", model="alpha-8b") > 200
        assert exporter.end() == 0


def test_a_models_current_speed_is_exported_with_its_source(tmp_path):
    with llama_swap() as server, Exporter(server.url, tmp_path) as exporter:
        answer = chat(server, "beta-3b", tokens=900)
        speed = exporter.wait_for("model_generation_tokens_per_second", lambda tps: tps > 0, model="beta-3b")
        assert 50 < speed < 150
        found = exporter.samples()
        sources = {of["source"] for name, of, _ in found if name == "llamabar_model_generation_source"}
        assert sources in ({"live"}, {"estimate"})
        assert value_of(found, "model_requests_in_flight", model="beta-3b") == 1.0
        assert value_of(found, "model_requests_in_flight", model="alpha-8b") is None, "it is not loaded"
        assert value_of(found, "requests_total", model="beta-3b", outcome="ok") == 0.0, "seen before it rises"
        assert value_of(found, "request_duration_seconds_count", model="beta-3b") == 0.0, "a histogram, too"
        assert value_of(found, "server_status", status="generating") == 1.0
        assert sum(value for name, _, value in found if name == "llamabar_server_status") == 1.0
        answer.join(20)
        assert exporter.wait_for("model_generation_tokens_per_second", 0.0, model="beta-3b") == 0.0
        assert value_of(exporter.samples(), "model_generation_source", model="beta-3b") is None


def test_counters_never_decrease_across_a_restart_of_any_part(tmp_path):
    with llama_swap() as server:
        port = server.server_address[1]
        with Exporter(server.url, tmp_path) as exporter:
            for _ in range(3):
                chat(server, "beta-3b", tokens=30).join(20)
            exporter.wait_for("requests_total", 3.0, model="beta-3b", outcome="ok")
            before = exporter.samples()
            exporter.end(signal.SIGKILL)  # rows that weren't stored are read again
        with Exporter(server.url, tmp_path) as exporter:
            exporter.wait_for("requests_total", model="beta-3b", outcome="ok")
            after = exporter.samples()
            assert not gone_back(before, after) and not gone_back(after, before), "nothing more, nothing less"
            chat(server, "beta-3b", tokens=30).join(20)
            exporter.wait_for("requests_total", 4.0, model="beta-3b", outcome="ok")
            before = exporter.samples()
            server.stop()
            exporter.wait_for("server_up", 0.0)
            down = exporter.samples()
            assert not gone_back(before, down), "what was counted stays known"
            assert value_of(down, "server_models", state="ready") is None, "what is unknown is absent"
            exporter.wait_for("server_fault", 1.0, fault="refused")
            with llama_swap("v236", port=port) as again:
                exporter.wait_for("server_up", 1.0)
                chat(again, "beta-3b", tokens=30).join(20)
                exporter.wait_for("requests_total", 5.0, model="beta-3b", outcome="ok")
                before = exporter.samples()
                assert not gone_back(down, before)
                assert exporter.end() == 0
            with llama_swap("v250", port=port) as third, Exporter(third.url, tmp_path) as exporter:
                exporter.wait_for("requests_total", 5.0, model="beta-3b", outcome="ok")
                assert not gone_back(before, exporter.samples()), "of this server nothing is there to read again"


def test_requests_from_before_the_first_start_and_beside_another_watcher_count_once(tmp_path):
    with llama_swap() as server:
        chat(server, "beta-3b", tokens=20).join(20)
        data = {"LLAMABAR_DATA_DIR": str(tmp_path / "data")}
        with Plugin(server.url, tmp_path, **data) as plugin, Exporter(server.url, tmp_path) as exporter:
            plugin.wait_for_row("Today: 1 request")
            exporter.wait_for("requests_total", 1.0, model="beta-3b", outcome="ok")
            chat(server, "beta-3b", tokens=20).join(20)
            plugin.wait_for_row("Today: 2 requests")
            exporter.wait_for("requests_total", 2.0, model="beta-3b", outcome="ok")
            plugin.end()
            exporter.end()
        with Exporter(server.url, tmp_path) as exporter:
            exporter.wait_for("requests_total", 2.0, model="beta-3b", outcome="ok")


def test_without_storage_counters_start_at_zero_and_do_not_count_the_past(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "history.sqlite").mkdir()  # not a file, so it is never set aside
    with llama_swap() as server:
        chat(server, "beta-3b", tokens=20).join(20)
        with Exporter(server.url, tmp_path) as exporter:
            exporter.wait_for("requests_total", 0.0, model="beta-3b", outcome="ok")
            chat(server, "beta-3b", tokens=20).join(20)
            exporter.wait_for("requests_total", 1.0, model="beta-3b", outcome="ok")


@pytest.mark.parametrize("dialect", ["v150", "v228", "v236"])
def test_older_versions_leave_out_what_they_do_not_tell(tmp_path, dialect):
    with llama_swap(dialect) as server, Exporter(server.url, tmp_path) as exporter:
        exporter.wait_for("server_up", 1.0)
        chat(server, "beta-3b", tokens=30).join(20)
        exporter.wait_for("requests_total", 1.0, model="beta-3b", outcome="ok")
        if dialect != "v150":
            exporter.wait_for("server_requests_in_flight", 0.0)
        found = exporter.samples()
        told = dialect == "v236"
        assert (value_of(found, "model_requests_in_flight", model="beta-3b") is not None) is told
        assert (value_of(found, "server_requests_in_flight") is not None) is (dialect != "v150")
        assert (value_of(found, "request_duration_seconds_count", model="beta-3b") is not None) is (dialect != "v150")


def test_any_model_name_becomes_a_label_that_can_be_read_back(tmp_path):
    models = tuple(DemoModel(one, load_s=0.1) for one in HOSTILE)
    with llama_swap(models=models) as server, Exporter(server.url, tmp_path) as exporter:
        exporter.wait_for("model_state", 1.0, model="日本語🦙")
        chat(server, "two\nlines", tokens=5).join(10)
        exporter.wait_for("requests_total", 1.0, model="two\nlines", outcome="ok")
        found = exporter.samples()
        said = sorted(of["model"] for name, of, _ in found if name == "llamabar_model_state")
        wanted = {"bell\x07": "bell\ufffd", "other": "other~"}
        assert said == sorted(wanted.get(one, one) for one in HOSTILE)
        _, _, text = exporter.get(Accept=OPEN)
        assert sum(len(list(family.samples)) for family in open_metrics(text.decode())) >= len(found) - 1


def test_a_model_missing_from_the_config_counts_as_other(tmp_path):
    with llama_swap() as server, Exporter(server.url, tmp_path) as exporter:
        exporter.wait_for("server_up", 1.0)
        for number in range(5):
            outcome, entry = Outcome(), Entry(number, f"made-up-{number}", "/v1/chat/completions", {})
            record(server.world, entry, outcome, 0.1)
        exporter.wait_for("requests_total", 5.0, model="other", outcome="ok")
        assert not [of for _, of, _ in exporter.samples() if "made-up" in of.get("model", "")]


def test_a_server_that_flaps_is_counted_down_and_up_and_its_counters_stay(tmp_path):
    port = free_port()
    with Exporter(f"http://127.0.0.1:{port}", tmp_path) as exporter:
        for reconnects in range(3):
            with llama_swap("v250", port=port) as server:
                exporter.wait_for("server_up", 1.0)
                chat(server, "beta-3b", tokens=5).join(10)
                exporter.wait_for("requests_total", 1.0 + reconnects, model="beta-3b", outcome="ok")
                assert value_of(exporter.samples(), "watcher_reconnects_total") >= reconnects
            before = exporter.samples()
            exporter.wait_for("server_up", 0.0)
            assert not gone_back(before, exporter.samples())


def test_server_names_become_labels_that_can_be_read_back(tmp_path):
    names = ('say "hi"', "two\nlines", "back\\slash", "日本語🦙", "n" * 300, "turn\u202ed", "same", "same")
    file = tmp_path / "c.toml"
    said = [json.dumps(one, ensure_ascii=False) for one in names]
    file.write_text("".join(f'[[server]]\nname = {one}\nurl = "http://127.0.0.1:1"\n' for one in said))
    with Exporter("", tmp_path, "--config", str(file)) as exporter:
        exporter.wait_for("server_up", 0.0, server="same")
        found = [of["server"] for name, of, _ in exporter.samples() if name == "llamabar_watcher_events_total"]
        assert len(set(found)) == len(names) and {*names[:5], "turn\ufffdd", "same"} < set(found)


def test_two_servers_have_separate_labels_and_one_that_is_down_does_not_affect_the_other(tmp_path):
    with llama_swap("v250") as mini, llama_swap("v228") as studio:
        file = tmp_path / "c.toml"
        file.write_text("".join(f'[[server]]\nname = "one"\nurl = "{url}"\n' for url in (mini.url, studio.url)))
        with Exporter("", tmp_path, "--config", str(file)) as exporter:
            exporter.wait_for("server_up", 1.0, server="one")
            exporter.wait_for("server_info", 1.0, server="one 2", version="228")
            studio.stop()
            exporter.wait_for("server_up", 0.0, server="one 2")
            assert value_of(exporter.samples(), "server_up", server="one") == 1.0


def test_formats_are_negotiated_and_gzip_is_used_on_request(tmp_path):
    with llama_swap() as server, Exporter(server.url, tmp_path) as exporter:
        exporter.wait_for("server_up", 1.0)
        status, headers, plain = exporter.get()
        assert status == 200 and headers["Content-Type"].startswith(TEXT) and "Content-Encoding" not in headers
        status, headers, zipped = exporter.get(Accept_Encoding="gzip")
        assert headers["Content-Encoding"] == "gzip" and len(zipped) < len(plain) / 4
        assert b"llamabar_server_up" in gzip.decompress(zipped)
        status, headers, text = exporter.get(Accept=f"{OPEN},text/plain;q=0.5")
        assert headers["Content-Type"].startswith("application/openmetrics-text") and text.endswith(b"# EOF\n")
        assert list(open_metrics(text.decode()))
        _, _, other_server = exporter.get(Accept="image/png")
        assert samples(other_server.decode())


def test_pages_methods_and_arbitrary_requests(tmp_path):
    with llama_swap() as server, Exporter(server.url, tmp_path) as exporter:
        exporter.wait_for("server_up", 1.0)
        assert exporter.get("/healthz")[::2] == (200, b"OK\n")
        status, headers, page = exporter.get("/")
        assert status == 200 and b'href="/metrics"' in page and headers["Content-Type"].startswith("text/html")
        status, headers, body = exporter.get(method="HEAD")
        assert status == 200 and body == b"" and int(headers["Content-Length"]) > 1000
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "WAT"):
            status, headers, _ = exporter.get(method=method)
            assert (status, headers["Allow"]) == (405, "GET, HEAD"), method
        status, _, body = exporter.get("/<script>alert(1)</script>")
        assert status == 404 and b"script" not in body
        assert exporter.get("/metrics?name[]=x")[0] == 200
        assert exporter.get(X_Big="x" * 200_000)[0] == 431
        assert exporter.get(Accept="\xff\xfe;q=x,,;=", Accept_Encoding=";;gzip;q=-1")[0] == 200
        assert exporter.get(Accept="text/plain;version=x")[0] == 200
        assert "Content-Encoding" not in exporter.get(Accept_Encoding="br, gzip;q=0.0")[1]
        assert exporter.get(Accept_Encoding="br;q=1, GZIP ; q=0.5")[1]["Content-Encoding"] == "gzip"
        with socket.create_connection(("127.0.0.1", exporter.port), timeout=PATIENCE_S) as caller:
            caller.sendall(b"POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n")
            said = caller.makefile("rb")
            assert b" 405 " in said.readline()
            caller.sendall(b"x" * 2_000_000)  # a connection that is closed before it has read that loses the answer
            assert b"Only GET and HEAD" in said.read()
        for line in (b"\r\nGET /healthz", b"GET http://localhost:9469/healthz?x=http://y/metrics"):
            with socket.create_connection(("127.0.0.1", exporter.port), timeout=PATIENCE_S) as caller:
                caller.sendall(line + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert caller.makefile("rb").read().endswith(b"\r\n\r\nOK\n"), line
        for raw in NO_REQUESTS:
            with socket.create_connection(("127.0.0.1", exporter.port), timeout=PATIENCE_S) as caller:
                caller.sendall(raw)
                said = caller.makefile("rb").read()
                assert re.match(rb"HTTP/1.1 (400|431|505) [\w ]+\r\n", said), raw[:40]
                assert b"teapot" not in said and b"text/plain" in said, "nothing that a caller says is shown"
        assert exporter.get()[0] == 200


def test_hanging_scrapers_and_a_hundred_at_once_block_nobody(tmp_path):
    with llama_swap() as server, Exporter(server.url, tmp_path) as exporter:
        exporter.wait_for("server_up", 1.0)
        silent = [socket.create_connection(("127.0.0.1", exporter.port)) for _ in range(60)]
        unread = [socket.create_connection(("127.0.0.1", exporter.port)) for _ in range(20)]
        for caller in unread:
            caller.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        statuses = []
        callers = [threading.Thread(target=lambda: statuses.append(exporter.get()[0])) for _ in range(100)]
        for one in callers:
            one.start()
        for one in callers:
            one.join()
        assert statuses == [200] * 100
        for caller in silent:
            caller.settimeout(15)
            assert caller.recv(100) == b"", "who says nothing is let go"
            caller.close()
        for caller in unread:
            caller.close()
        chat(server, "beta-3b", tokens=10).join(10)
        exporter.wait_for("requests_total", 1.0, model="beta-3b", outcome="ok")


def test_callers_leave_room_for_servers_and_history(tmp_path):
    """launchd gives a process 256 descriptors. Without any left, the listener turned in circles."""
    with Exporter("http://127.0.0.1:1", tmp_path) as exporter, contextlib.ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(socket.create_connection(("127.0.0.1", exporter.port)))
        process = psutil.Process(exporter.process.pid)
        wait_for(lambda: process.num_fds() > 100)
        time.sleep(0.2)
        assert process.num_fds() < 256 - 50


def test_a_port_in_use_is_reported_and_the_other_listener_left_alone(tmp_path):
    with llama_swap() as server, Exporter(server.url, tmp_path) as exporter:
        at = f"127.0.0.1:{exporter.port}"
        done = run(tmp_path, "export", "--listen", at, LLAMABAR_URL=server.url)
        assert done.returncode == 1 and done.stdout == ""
        another = f"Choose another one: llamabar export --listen 127.0.0.1:{exporter.port + 1}"
        assert as_installed(done.stderr).splitlines() == [f"Port {exporter.port} is in use.", another]
        exporter.wait_for("server_up", 1.0)


@pytest.mark.parametrize(("named", "another"), [("[::1]:20469", "[::1]:20470"), ("127.0.0.1:65535", "127.0.0.1:65534")])
def test_the_port_that_is_suggested_is_an_address_to_listen_on(tmp_path, named, another):
    host, port = of_listener(named)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        taken = socket.create_server((host, port), family=family)
    except OSError as error:
        pytest.skip(f"{named}: {error}")
    with taken:
        done = run_here(tmp_path, "export", "--listen", named, LLAMABAR_URL="http://127.0.0.1:1")
        assert as_installed(done.stderr).splitlines()[1] == f"Choose another one: llamabar export --listen {another}"


@pytest.mark.parametrize("wrong", ["nonsense", "127.0.0.1:99999", "a b:9469", "::1:9469", "127.0.0.1:"])
def test_an_invalid_address_is_reported(tmp_path, wrong):
    done = run_here(tmp_path, "export", "--listen", wrong, LLAMABAR_URL="http://127.0.0.1:1")
    assert done.returncode == 1 and "isn't an address to listen on" in done.stderr and "Traceback" not in done.stderr


def test_a_bearer_token_is_required_and_never_shown(tmp_path):
    (tmp_path / "token").write_text("s3cret-token\n")
    (tmp_path / "token").chmod(0o600)
    file = tmp_path / "c.toml"
    with llama_swap() as server:
        url = f'[[server]]\nurl = "{server.url}"\n'
        file.write_text(f'{url}[export]\ntoken_file = "{tmp_path / "token"}"\n')
        by_file = Exporter("", tmp_path, "--config", str(file))
        by_variable = Exporter(server.url, tmp_path, LLAMABAR_EXPORT_TOKEN="s3cret-token")
        for exporter in (by_file, by_variable):
            with exporter:
                assert exporter.get()[0] == 401
                assert exporter.get(Authorization="Bearer wrong")[0] == 401
                assert exporter.get(Authorization="s3cret-token")[0] == 401
                assert exporter.get(Authorization="bearer  s3cret-token")[0] == 200
                assert exporter.get("/healthz")[0] == 200
                wait_for(lambda one=exporter: one.get(Authorization="Bearer s3cret-token")[0] == 200)
                assert b"s3cret" not in exporter.get(Authorization="Bearer s3cret-token")[2] + exporter.get("/")[2]
                exporter.end()
                assert "s3cret" not in exporter.process.stderr.read()
        (tmp_path / "token").unlink()
        done = run(tmp_path, "export", "--config", str(file), "--listen", "127.0.0.1:0")
        assert done.returncode == 1 and "Can't use the token in" in done.stderr


def test_a_public_address_without_a_token_causes_a_warning(tmp_path):
    with llama_swap() as server, Exporter(server.url, tmp_path, listen="0.0.0.0:0") as exporter:
        assert "Anyone who can reach this address" in exporter.process.stderr.readline()
        exporter.wait_for("server_up", 1.0)


def test_an_unnamed_server_does_not_continue_another_servers_counts(tmp_path):
    more = {"LLAMABAR_DATA_DIR": str(tmp_path / "data")}
    for tokens in (20, 30):
        with llama_swap() as server:
            chat(server, "beta-3b", tokens=tokens).join(10)
            found = samples(run(tmp_path, "export", "--once", LLAMABAR_URL=server.url, **more).stdout)
            assert value_of(found, "requests_total", model="beta-3b", outcome="ok") == 1.0
            assert value_of(found, "generated_tokens_total", model="beta-3b") == tokens


def test_once_prints_one_scrape_and_what_it_counted_stays_counted(tmp_path):
    more = {"LLAMABAR_DATA_DIR": str(tmp_path / "data")}
    with llama_swap() as server:
        chat(server, "beta-3b", tokens=20).join(10)
        apart_s = time.time() + 2.0  # within a second, the first row of a new table would be the old table's
        first = run(tmp_path, "export", "--once", LLAMABAR_URL=server.url, **more)
        assert (first.returncode, first.stderr) == (0, "")
        assert value_of(samples(first.stdout), "requests_total", model="beta-3b", outcome="ok") == 1.0
        port = server.server_address[1]
    chart = Chart(time.time(), 300 / BUCKETS, (Readings(generation_tps=40.0),))
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "history.sqlite", isolation_level=None)) as database:
        put_charts(database, place_of(server.url), [chart])
        time.sleep(max(0.0, apart_s - time.time()))
        with llama_swap(port=port) as server:
            chat(server, "beta-3b", tokens=20).join(10)
            second = run(tmp_path, "export", "--once", LLAMABAR_URL=server.url, **more)
            assert value_of(samples(second.stdout), "requests_total", model="beta-3b", outcome="ok") == 2.0
        assert charts_of(database, place_of(server.url)) == [chart], "what it doesn't show it leaves as it is"
    down = run(tmp_path, "export", "--once", LLAMABAR_URL=f"http://127.0.0.1:{free_port()}", **more)
    assert down.returncode == 0 and value_of(samples(down.stdout), "server_up") == 0.0
    assert run_here(tmp_path, "export", "--once", "--listen", ":1").returncode == 2


def test_ctrl_c_during_once_ends_the_line_and_says_nothing(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(PATIENCE_S)
        env = environment(tmp_path, LLAMABAR_URL=f"http://127.0.0.1:{silent.getsockname()[1]}")
        words = [*command(), "export", "--once"]
        with subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            caller, _ = silent.accept()
            with caller:
                process.send_signal(signal.SIGINT)
                assert process.communicate(timeout=PATIENCE_S) == (b"", b"\n")
    assert process.returncode == 130


@pytest.mark.skipif("-I" in command(), reason="the built file is started without Python's variables")
def test_the_plugin_and_the_other_commands_never_import_the_library(tmp_path):
    with llama_swap() as server:
        with Plugin(server.url, tmp_path, PYTHONPROFILEIMPORTTIME="1") as plugin:
            plugin.wait_for_row("llama-swap: no model loaded")
            plugin.end()
        wait_for(lambda: b"llamabar.view.swiftbar" in plugin.stderr)
        status = run(tmp_path, "status", LLAMABAR_URL=server.url, PYTHONPROFILEIMPORTTIME="1")
        assert "llamabar.cli.reports" in status.stderr
        assert b"prometheus_client" not in plugin.stderr and "prometheus_client" not in status.stderr
        assert "llamabar.export" not in status.stderr


@pytest.mark.parametrize(("host", "token", "status"), [
    ("127.0.0.1:9469", "", 503), ("localhost", "", 503), ("[::1]:9469", "", 503), ("", "", 503),
    ("evil.example", "", 403), ("evil.example:9469", "secret", 401), ("127.0.0.1.evil.example", "", 403),
])  # fmt: skip
def test_a_web_page_with_a_rebound_host_name_gets_nothing(host, token, status):
    pages = Pages(token, only_local=not token)
    assert pages("/metrics", {"host": host} if host else {}).status == status


def test_a_server_is_neither_up_nor_down_before_the_first_try():
    for fault, is_up in ((None, None), (Fault(FaultKind.REFUSED), 0.0)):
        scrape = Scrape()
        put_server(scrape, "a", Snapshot(fault=fault), Book(None), now_s=0.0)
        assert value_of(samples(b"".join(scrape.page("").pieces()).decode()), "server_up") == is_up


def test_no_label_reverses_the_text_direction():
    labels = labels_of(["a\u202eb", "a\u2066b", "日本語"])
    assert list(labels.values()) == ["a\ufffdb", "a\ufffdb~", "日本語"]
