"""The real program, the made-up llama-swap, real sockets and processes."""

import json
import re
import subprocess
import threading
import time
from contextlib import closing

import pytest

from llamabar.macos.paths import HISTORY_FILE, data_folder
from llamabar.store import reports, schema
from llamabar.store.places import place_of
from tests.fakes.here import run_here
from tests.fakes.programs import (
    PATIENCE_S,
    Plugin,
    Stranger,
    chat,
    command,
    environment,
    free_port,
    llama_swap,
    run,
    wait_for,
)


def routes(server, since=0):
    """Return the distinct routes that were requested, without the users' chats."""
    found = set()
    for method, path in server.requests[since:]:
        path = re.sub(r"no-model-\w+", "no-model-", path.split("?")[0])
        if not path.startswith("/v1/"):
            found.add((method, path))
    return found


@pytest.fixture
def server():
    with llama_swap() as running:
        yield running


def test_while_nothing_happens_nothing_is_logged(tmp_path, server):
    with Plugin(server.url, tmp_path) as plugin:
        chat(server, "alpha-8b", tokens=5).join(10)
        plugin.wait_for_row("alpha-8b: ready, 5 min left")
        wait_for(lambda: ("GET", "/api/profiles") in routes(server))
        time.sleep(1.5)
        before, log = len(server.requests), server.world.logs["proxy"]
        frames = len(plugin.frames)
        time.sleep(2.5)
        assert server.requests[before:] == []
        assert server.world.logs["proxy"] == log
        assert len(plugin.frames) - frames <= 2


def test_a_model_with_a_short_ttl_is_unloaded_on_time_while_it_is_watched(tmp_path, server):
    with Plugin(server.url, tmp_path) as plugin:
        chat(server, "org/short:ttl", tokens=5).join(10)
        ended_s = time.monotonic()
        wait_for(lambda: server.world.processes["org/short:ttl"].state == "stopped")
        assert 1.9 <= time.monotonic() - ended_s <= 8.0
        wait_for(lambda: any(re.search("org/short:ttl: ready, . s left", content) for _, content in plugin.frames))
        plugin.wait_for_row("llama-swap: no model loaded")


def test_of_three_requests_on_one_slot_one_is_active_and_two_wait(tmp_path, server):
    with Plugin(server.url, tmp_path) as plugin:
        chat(server, "beta-3b", tokens=1).join(10)
        waiting = [chat(server, "beta-3b", tokens=400) for _ in range(3)]
        plugin.wait_for_text("waiting")
        wait_for(lambda: sum(item.text.startswith("#") and " beta-3b: " in item.text for item in plugin.items()) == 3)
        wait_for(lambda: plugin.row("Requests: 1 active, 2 waiting"))
        for one in waiting:
            one.join(20)
        wait_for(lambda: not plugin.row("#"))


def test_clicks_on_stdin_load_unload_and_cancel(tmp_path, server):
    with Plugin(server.url, tmp_path) as plugin:
        plugin.wait_for_row("Load Model: 5")
        plugin.click("alpha-8b", under="Load Model:")
        plugin.wait_for_row("alpha-8b: ready")
        answer = chat(server, "alpha-8b", tokens=2000)
        plugin.wait_for_row("Cancel Request")
        plugin.click("Cancel Request", under="Requests")
        answer.join(5)
        assert not answer.is_alive()
        wait_for(lambda: not plugin.row("#"))
        plugin.click("Unload", under="alpha-8b")
        plugin.wait_for_row("llama-swap: no model loaded")
        assert ("GET", "/upstream/alpha-8b/") in server.requests


def test_a_click_through_a_new_process_does_the_same(tmp_path, server):
    with Plugin(server.url, tmp_path, version="2.0.1") as plugin:
        plugin.wait_for_row("Load Model: 5")
        words = plugin.click("org/short", under="Load Model:")
        assert words[1] == "click"
        done = subprocess.run(
            [*command(), *words[1:]],
            env=environment(tmp_path, LLAMABAR_URL=server.url),
            capture_output=True,
            text=True,
            timeout=20,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("✓ org/short:ttl loaded in ")
        wait_for(lambda: ("GET", "/upstream/org%2Fshort%3Attl/") in server.requests)
        plugin.wait_for_row("org/short:ttl: ready")


def test_a_click_on_something_gone_does_nothing_and_says_so(tmp_path, server):
    done = run(tmp_path, "click", "0123456789ab", LLAMABAR_URL=server.url)
    assert done.returncode == 1
    assert "no longer in the menu" in done.stderr
    assert not [path for _, path in server.requests if "upstream" in path]


def test_a_failed_click_shows_its_reason_and_unknown_lines_are_ignored(tmp_path, server):
    with Plugin(server.url, tmp_path) as plugin:
        plugin.wait_for_row("Load Model: 5")
        plugin.process.stdin.write(b"\xff\xfe nonsense\n" + b"x" * 5000 + b"\nload alpha-8b\n")
        plugin.click("broken-1b", under="Load Model:")
        plugin.wait_for_row("broken-1b: couldn't load (unspecific error: upstream command exited prematurely")
        assert server.world.processes["alpha-8b"].state == "stopped"


def test_a_double_click_is_one_click(tmp_path, server):
    with Plugin(server.url, tmp_path) as plugin:
        plugin.wait_for_row("Load Model: 5")
        plugin.click("alpha-8b", under="Load Model:")
        plugin.click("alpha-8b", under="Load Model:")
        plugin.wait_for_row("alpha-8b: ready")
        assert server.requests.count(("GET", "/upstream/alpha-8b/")) == 1


def test_a_stopped_server_and_its_return_are_shown(tmp_path):
    port = free_port()
    with Plugin(f"http://127.0.0.1:{port}", tmp_path) as plugin:
        plugin.wait_for_row("llama-swap: not responding at")
        with llama_swap(port=port) as server:
            chat(server, "alpha-8b", tokens=5).join(10)
            plugin.wait_for_row("alpha-8b: ready")
        plugin.wait_for_row("llama-swap: not responding at")
        plugin.wait_for_row("Last update:")
        assert "alpha-8b" in plugin.row("Last update:"), "what was known is still said"
        with llama_swap("v236", port=port):
            plugin.wait_for_row("llama-swap: no model loaded")
            plugin.wait_for_row("Version: v236")


def test_a_reload_of_the_configuration_only_reconnects(tmp_path, server):
    with Plugin(server.url, tmp_path) as plugin:
        plugin.wait_for_row("llama-swap: no model loaded")
        server.world.hang_up()
        wait_for(lambda: server.requests.count(("GET", "/api/events")) == 2)
        plugin.wait_for_row("llama-swap: no model loaded")


def test_a_reload_during_a_single_run_is_not_an_outage(tmp_path, server):
    def reload():
        wait_for(lambda: ("GET", "/api/version") in server.requests, every_s=0.001)
        server.world.hang_up()

    chat(server, "alpha-8b", tokens=4000)  # so the run lasts until it has a speed
    wait_for(lambda: server.world.processes["alpha-8b"].state == "ready")
    reloading = threading.Thread(target=reload)
    reloading.start()
    done = run_here(tmp_path, "status", "--json", LLAMABAR_URL=server.url)
    reloading.join()
    assert (done.returncode, json.loads(done.stdout)["servers"][0]["reachable"]) == (0, True)
    assert server.requests.count(("GET", "/api/events")) == 2


def test_sigterm_ends_it_within_half_a_second_and_closes_the_stream(tmp_path, server):
    with Plugin(server.url, tmp_path) as plugin:
        plugin.wait_for_row("llama-swap: no model loaded")
        code, took_s = plugin.end()
        assert code == 0
        assert took_s < 0.5
        wait_for(lambda: not server.world.listeners)
        assert plugin.stderr == b""


def test_sigterm_ends_it_just_as_fast_when_nobody_reads_its_frames(tmp_path, server):
    with Plugin(server.url, tmp_path, reading=False) as plugin:
        wait_for(lambda: server.world.listeners)
        for n in range(300):
            server.world.publish("profileChanged", {"active": f"profile {n}"})
            time.sleep(0.005)
        assert plugin.end()[1] < 0.8


def test_a_reader_that_never_reads_blocks_neither_the_stream_nor_new_frames(tmp_path, server):
    with Plugin(server.url, tmp_path, reading=False) as plugin:
        listener = wait_for(lambda: server.world.listeners)[0]
        for n in range(40):
            for _ in range(200):
                server.world.log("upstream", "x" * 500 + "\n")
            server.world.publish("profileChanged", {"active": f"profile {n}"})
            time.sleep(0.03)
        wait_for(lambda: listener.empty(), seconds=5)
        server.world.publish("profileChanged", {"active": "the last one"})
        time.sleep(0.5)
        plugin.reader.start()
        plugin.wait_for_row("llama-swap: no model loaded")
        assert len(plugin.frames) <= 40, "frames that nobody read were replaced, not queued"


def test_every_frame_is_one_write_that_ends_with_the_separator(tmp_path, server):
    with Plugin(server.url, tmp_path) as plugin:
        plugin.wait_for_row("llama-swap: no model loaded")
        chat(server, "alpha-8b", tokens=60).join(10)
        plugin.wait_for_row("Today: 1 request")
        contents = [content for _, content in plugin.frames]
        assert all(content.count("~~~") == 0 for content in contents)
        assert all(len(content.encode()) <= 16_384 for content in contents)
        assert len(contents) == len({*contents}) or all(a != b for a, b in zip(contents, contents[1:]))


def test_status_in_words_and_as_json(tmp_path, server):
    chat(server, "alpha-8b", tokens=20).join(10)
    done = run(tmp_path, "status", LLAMABAR_URL=server.url)
    assert (done.returncode, done.stderr) == (0, "")
    head, columns, model = done.stdout.splitlines()
    assert head == f"llama-swap at {server.url[7:]}: ready"
    assert columns.split() == ["MODEL", "STATE", "TOK/S", "MEMORY", "UNLOADS"]
    assert re.fullmatch(r"  alpha-8b +ready +(last [\d.]+|–) +\d+ MB +5 min", model), model
    document = json.loads(run(tmp_path, "status", "--json", LLAMABAR_URL=server.url).stdout)
    assert document["llamabar_json"] == 1
    found = document["servers"][0]
    assert (found["status"], found["reachable"], found["version"]) == ("ready", True, "250")
    assert {"cancel", "unload_one", "activity", "profiles", "wol_health"} <= set(found["capabilities"])
    model = next(one for one in found["models"] if one["id"] == "alpha-8b")
    assert (model["state"], model["generation_tps_source"], model["in_flight"]) == ("ready", "last", 0)
    assert 250 < model["unloads_in_s"] <= 300
    assert model["memory_bytes"] > 5_000_000
    assert found["totals"] == {"requests": 1, "prompt_tokens": 29, "generated_tokens": 20}
    assert document["host"]["memory_total_bytes"] > 1e8


def test_status_while_generating_shows_the_live_speed(tmp_path, server):
    chat(server, "alpha-8b", tokens=2000)
    wait_for(lambda: server.world.processes["alpha-8b"].state == "ready")

    def _seen():
        found = json.loads(run(tmp_path, "status", "--json", LLAMABAR_URL=server.url).stdout)["servers"][0]
        model = next(one for one in found["models"] if one["id"] == "alpha-8b")
        return (found, model) if model["generation_tps_source"] == "live" else None  # a busy machine reports it later

    found, model = wait_for(_seen)
    assert found["status"] == "generating"
    assert model["generation_tps"] == pytest.approx(40.0, rel=0.3)
    assert found["in_flight"][0]["phase"] == "generating"


def test_models_as_table_and_json(tmp_path, server):
    done = run(tmp_path, "models", LLAMABAR_URL=server.url)
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()][:3] == ["MODEL", "alpha-8b", "beta-3b"]
    document = json.loads(run(tmp_path, "models", "--json", LLAMABAR_URL=server.url).stdout)
    assert {one["id"] for one in document["models"]} >= {"alpha-8b", "hidden", "org/short:ttl"}


def loads_kept(home, url):
    database = schema.opened_to_read(data_folder({"HOME": str(home)}) / HISTORY_FILE)
    if database is None:
        return []
    with closing(database):
        return reports.loads_of(database, place_of(url))


def test_models_shows_needs_only_for_measured_loads(tmp_path, server):
    with Plugin(server.url, tmp_path) as plugin:
        plugin.wait_for_row("Load Model: 5")
        plugin.click("alpha-8b", under="Load Model:")
        plugin.wait_for_row("alpha-8b: ready")
        wait_for(lambda: loads_kept(tmp_path, server.url))
        plugin.end()
    assert run(tmp_path, "unload", "alpha-8b", LLAMABAR_URL=server.url).returncode == 0
    document = json.loads(run(tmp_path, "models", "--json", LLAMABAR_URL=server.url).stdout)
    found = {one["id"]: one["needs"] for one in document["models"]}
    took = found.pop("alpha-8b")
    assert took["memory_bytes"] > 10**6 and took["load_s"] > 0 and took["fits"] and took["measured_loads"] == 1
    assert set(found.values()) == {None}
    done = run(tmp_path, "models", LLAMABAR_URL=server.url)
    assert re.search(r"alpha-8b .* \d+ MB, about \d+ s\n", done.stdout)


def test_a_single_frame_can_be_printed(tmp_path, server):
    done = run(tmp_path, "frame", LLAMABAR_URL=server.url)
    assert done.returncode == 0
    assert done.stdout.endswith("~~~\n")
    assert "llama-swap: no model loaded" in done.stdout


def test_without_a_server_every_command_says_so_and_exits_with_1(tmp_path):
    url = f"http://127.0.0.1:{free_port()}"
    for words in (["status"], ["models"], []):
        done = run(tmp_path, *words, LLAMABAR_URL=url)
        assert done.returncode in (1, 0 if words == [] else 1)
        assert "Traceback" not in done.stderr
    assert "Connection refused" in run(tmp_path, "status", LLAMABAR_URL=url).stdout


def test_watch_without_a_terminal_prints_plain_frames(tmp_path, server):
    process = subprocess.Popen(
        [*command(), "watch"], env=environment(tmp_path, LLAMABAR_URL=server.url), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    impatience = threading.Timer(PATIENCE_S, process.terminate)
    impatience.start()
    shown = ""
    while "llama-swap: no model loaded" not in shown and process.poll() is None:
        shown += process.stdout.readline()
    impatience.cancel()
    process.terminate()
    rest, errors = process.communicate(timeout=PATIENCE_S)
    assert errors == ""
    assert "llama-swap: no model loaded" in shown
    assert "\x1b" not in shown + rest


def test_a_demo_of_not_a_number_of_seconds_ends_at_once(tmp_path):
    assert run(tmp_path, "demo", "--seconds", "nan").returncode == 0


def test_the_demo_ends_by_itself(tmp_path):
    done = run(tmp_path, "demo", "--seconds", "4")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Demo server at http://127.0.0.1:" in done.stdout
    assert "Qwen3 30B: loading" in done.stdout


def test_a_missing_server_is_diagnosed_as_by_doctor(tmp_path):
    url = f"http://127.0.0.1:{free_port()}"
    with Plugin(url, tmp_path) as plugin:
        plugin.wait_for_row("Why: Connection refused")
        plugin.wait_for_row(f"Why: Connection refused at {url}")
        assert not plugin.row("Copy Fix: "), "to try again is no fix"


def test_commands_work_on_a_server_that_requires_a_key(tmp_path):
    with llama_swap(api_key="sk-right") as server:
        more = {"LLAMABAR_URL": server.url, "LLAMABAR_API_KEY": "sk-right"}
        assert run(tmp_path, "load", "alpha-8b", **more).returncode == 0
        assert server.world.processes["alpha-8b"].state == "ready"
        assert run(tmp_path, "unload", "--all", **more).returncode == 0
        assert server.world.processes["alpha-8b"].state == "stopped"


@pytest.mark.parametrize("key", ["", "sk-1"])
def test_a_truncated_refusal_is_reported_and_retried(tmp_path, key):
    broken = b"HTTP/1.1 401 Unauthorized\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nunauth"
    with Stranger(broken) as stranger, Plugin(stranger.url, tmp_path, LLAMABAR_API_KEY=key) as plugin:
        plugin.wait_for_row("Why: ")
        wait_for(lambda: len(stranger.heard) > 2)
        assert plugin.stderr == b""


def test_a_single_run_leaves_no_thread_behind(server):
    from llamabar.app.one_look import look
    from llamabar.settings.load import ServerSettings, Settings

    before = threading.active_count()
    for url in (server.url, "http://127.0.0.1:9"):
        look(Settings((ServerSettings("one", url),)))
    wait_for(lambda: threading.active_count() <= before)
