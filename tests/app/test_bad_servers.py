"""No server, another program, broken streams: each frame is true, and nothing known is lost."""

import json
import os
import time

import pytest

from tests.fakes.programs import Plugin, Stranger, chat, free_port, llama_swap, run, wait_for

HTML = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>"
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nnot found"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
KEY = "sk-very-secret-0451"


def event(kind, data):
    return b"event:message\ndata:" + json.dumps({"type": kind, "data": json.dumps(data)}).encode() + b"\n\n"


def models(*ids, state="ready"):
    return event("modelStatus", [{"id": one, "state": state, "name": "", "description": ""} for one in ids])


def speaking(*parts):
    """Return a server that sends these events to event stream requests and answers 404 to everything else."""
    body = b"".join(parts)

    def answer(request):
        return STREAM + body if b"/api/events" in request else NOT_FOUND

    return answer


def test_no_server_at_the_address(tmp_path):
    with Plugin(f"http://127.0.0.1:{free_port()}", tmp_path) as plugin:
        plugin.wait_for_row("llama-swap: not responding at 127.0.0.1:")
        assert plugin.row("Why: Connection refused")
        assert not plugin.row("Open Web UI")


@pytest.mark.parametrize("answer", [HTML, NOT_FOUND, b"SSH-2.0-OpenSSH_9.6\r\n", b"\x00\xff" * 50])
def test_another_program_is_recognized_and_never_gets_the_key(tmp_path, answer):
    with Stranger(answer) as stranger, Plugin(stranger.url, tmp_path, LLAMABAR_API_KEY=KEY) as plugin:
        plugin.wait_for_row("llama-swap: not a llama-swap server at")
        assert plugin.row("Address: check url")
        wait_for(lambda: stranger.heard)
        assert not any(KEY.encode() in heard for heard in stranger.heard)


def test_another_programs_refusal_does_not_get_the_key_either(tmp_path):
    refusal = b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="router"\r\nContent-Length: 2\r\n\r\nno'
    with Stranger(refusal) as stranger, Plugin(stranger.url, tmp_path, LLAMABAR_API_KEY=KEY) as plugin:
        plugin.wait_for_row("llama-swap: sign-in required at")
        assert not any(KEY.encode() in heard for heard in stranger.heard)


def test_a_redirect_is_not_followed_with_or_without_the_key(tmp_path):
    with Stranger(HTML) as target:
        moved = f"HTTP/1.1 307 Moved\r\nLocation: {target.url}/api/events\r\nContent-Length: 0\r\n\r\n".encode()
        with Stranger(moved) as stranger, Plugin(stranger.url, tmp_path, LLAMABAR_API_KEY=KEY) as plugin:
            plugin.wait_for_row(f"Why: This address redirects elsewhere (HTTP 307 to {target.url})")
            time.sleep(0.3)
            assert target.heard == []


def test_silence_and_streams_without_events_are_distinguished_from_llama_swap_in_time(tmp_path):
    trickle = Stranger(STREAM + b": ping\n\n" * 400, piece=8, pause_s=0.1)
    with (
        Stranger(b"", hold_s=30) as silent,
        Stranger(STREAM, hold_s=30) as empty,
        trickle,
        Plugin(silent.url, tmp_path) as first,
        Plugin(empty.url, tmp_path) as second,
        Plugin(trickle.url, tmp_path) as third,
    ):
        first.wait_for_row("Why: Timed out", seconds=12)
        second.wait_for_row("llama-swap: not a llama-swap server", seconds=12)
        third.wait_for_row("llama-swap: not a llama-swap server", seconds=12)


@pytest.mark.parametrize("piece", [0, 1])
def test_a_stream_cut_off_during_an_event_keeps_known_state_and_shows_its_age(tmp_path, piece):
    cut = models("a-1b") + models("a-1b", "b-2b")[:-30]
    with Stranger(speaking(cut), piece=piece) as stranger, Plugin(stranger.url, tmp_path) as plugin:
        plugin.wait_for_row("llama-swap: not responding")
        assert plugin.row("Last update: ") == "Last update: just now, a-1b"


def test_unknown_content_is_ignored(tmp_path):
    noise = [
        event("futureThing", {"x": 1}),
        b'event:message\ndata:{"type":"modelStatus","data":"[{\\"id\\":"}\n\n',
        b"event:message\ndata:\xff\xfe not utf-8\n\n",
        b": a comment\n\nretry: 5\n\n",
        event("logData", {"source": "proxy", "data": "z" * 5_000_000}),
        event("inflight", {"operation": "explode"}),
        event(
            "inflight",
            {"operation": "upsert", "request": {"id": 5, "model": "a-1b", "resp_bytes": "12", "elapsed_ms": "x"}},
        ),
        event("inflight", {"operation": "remove", "id": "never was"}),
        event(
            "modelStatus", [{"id": "odd", "state": "dreaming"}, {"state": "ready"}, 7, {"id": "a-1b", "state": "ready"}]
        ),
    ]
    with Stranger(speaking(models("a-1b"), *noise), hold_s=30) as stranger, Plugin(stranger.url, tmp_path) as plugin:
        plugin.wait_for_row("a-1b: generating")
        assert plugin.row("odd") == "odd: dreaming"
        assert plugin.row("llama-swap: generating")


def test_an_empty_model_list_is_shown_as_text(tmp_path):
    with Stranger(speaking(models()), hold_s=30) as stranger, Plugin(stranger.url, tmp_path) as plugin:
        plugin.wait_for_row("llama-swap: no model loaded")
        assert not plugin.row("Load Model:")


def test_two_hundred_models_and_hostile_names_make_one_menu(tmp_path):
    names = [f"m{n}" for n in range(195)] + ["a|b", "---", "~~~", ":bolt:", "x\n--y|bash=/bin/sh"]
    said = speaking(models(*names, state="stopped"))
    with Stranger(said, hold_s=30) as stranger, Plugin(stranger.url, tmp_path) as plugin:
        plugin.wait_for_row("Load Model: 200")
        assert all(len(content.encode()) <= 16_384 for _, content in plugin.frames)
        ours = [item for item in plugin.items() if item.bash]
        assert [item.args for item in ours] == [["doctor"], ["uninstall"]], "the only program in the menu is our own"


def test_an_unknown_state_is_shown_by_its_name(tmp_path):
    with Stranger(speaking(models("m", state="sleeping")), hold_s=30) as stranger:
        document = json.loads(run(tmp_path, "status", "--json", LLAMABAR_URL=stranger.url).stdout)
        assert document["servers"][0]["models"][0]["state"] == "sleeping"


def test_a_server_that_answers_only_its_stream_is_still_watched(tmp_path):
    with Stranger(speaking(models("m")), hold_s=30) as stranger, Plugin(stranger.url, tmp_path) as plugin:
        plugin.wait_for_row("m: ready")
        items = [item.text for item in plugin.items()]
        assert not any(text in ("Unload", "Cancel Request") for text in items), "what no probe confirmed is not offered"


@pytest.mark.parametrize("dialect", ["v228", "v250"])
def test_a_server_with_keys(tmp_path, dialect):
    with llama_swap(dialect, api_key=KEY) as server:
        with Plugin(server.url, tmp_path) as plugin:
            plugin.wait_for_row("llama-swap: API key required")
            assert plugin.row("API key: set api_key_keychain")
        with Plugin(server.url, tmp_path, LLAMABAR_API_KEY="wrong") as plugin:
            plugin.wait_for_row("llama-swap: API key required")
        with Plugin(server.url, tmp_path, LLAMABAR_API_KEY=KEY) as plugin:
            plugin.wait_for_row("llama-swap: no model loaded")
            chat_free = run(tmp_path, "status", "--json", LLAMABAR_URL=server.url, LLAMABAR_API_KEY=KEY)
            assert chat_free.returncode == 0
            assert KEY not in chat_free.stdout + plugin.text
        done = run(tmp_path, "status", LLAMABAR_URL=server.url)
        assert done.returncode == 1
        assert "API key required" in done.stdout


@pytest.mark.skipif(not os.environ.get("LLAMABAR_LONG_TESTS"), reason="takes 40 s: build.py test --all")
def test_a_frozen_server_is_detected_although_its_stream_seems_open(tmp_path):
    healths = []

    def freezing(request):
        healths.extend([request] if b"/wol-health" in request else [])
        if len(healths) > 1:  # the kernel still accepts connections; nobody answers them
            return b""
        if b"/api/events" in request:
            return STREAM + models("m")
        return b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK" if b"/wol-health" in request else NOT_FOUND

    with Stranger(freezing, hold_s=60) as stranger, Plugin(stranger.url, tmp_path) as plugin:
        plugin.wait_for_row("m: ready")
        plugin.wait_for_row("Why: Timed out", seconds=45)


def test_an_address_in_an_answer_that_is_no_process_of_this_llama_swap_is_never_asked(tmp_path):
    with Stranger(HTML) as somebody:
        running = {"running": [{"model": "m", "state": "ready", "proxy": somebody.url, "ttl": 0, "cmd": "x"}]}
        body = json.dumps(running).encode()
        listed = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        upsert = {"operation": "upsert", "request": {"id": "1", "model": "m", "resp_bytes": 900, "elapsed_ms": 10}}
        said = speaking(models("m"), event("inflight", upsert))

        def answer(request):
            return listed if b"GET /running" in request else said(request)

        with Stranger(answer, hold_s=60) as stranger, Plugin(stranger.url, tmp_path) as plugin:
            plugin.wait_for_row("m: generating")
            wait_for(lambda: any(b"GET /running" in heard for heard in stranger.heard))
            time.sleep(1.5)
            assert somebody.heard == []
            assert plugin.row("m:") == "m: generating"


def test_a_path_prefix_of_a_reverse_proxy_is_kept(tmp_path):
    with Stranger(NOT_FOUND) as stranger:
        run(tmp_path, "status", LLAMABAR_URL=f"{stranger.url}/llm/swap/")
        assert stranger.heard[0].startswith(b"GET /llm/swap/api/events ")


def test_proxies_of_the_environment_are_not_used(tmp_path):
    with llama_swap() as server:
        done = run(
            tmp_path, "status", LLAMABAR_URL=server.url, http_proxy="http://127.0.0.1:9", ALL_PROXY="http://127.0.0.1:9"
        )
        assert done.returncode == 0


def test_an_untrusted_certificate_is_explained(tmp_path):
    with Stranger(HTML) as stranger:
        done = run(tmp_path, "status", LLAMABAR_URL=stranger.url.replace("http:", "https:"))
        assert done.returncode == 1
        assert "secure connection" in done.stdout


def test_a_stuck_request_is_dropped_when_the_stream_restarts(tmp_path):
    with llama_swap() as server, Plugin(server.url, tmp_path) as plugin:
        chat(server, "alpha-8b", tokens=3).join(10)
        plugin.wait_for_row("alpha-8b: ready")
        entry = {
            "id": "99",
            "timestamp": "t",
            "model": "alpha-8b",
            "resp_headers": {},
            "resp_bytes": 0,
            "elapsed_ms": 90_000_000,
        }
        server.world.publish("inflight", {"operation": "upsert", "request": entry})
        plugin.wait_for_text("1 d")
        server.world.hang_up()
        wait_for(lambda: not plugin.row("#"))


def test_a_port_that_changes_hands_does_not_get_the_key_that_its_first_owner_wanted(tmp_path):
    port = free_port()
    with Plugin(f"http://127.0.0.1:{port}", tmp_path, LLAMABAR_API_KEY=KEY) as plugin:
        with llama_swap(port=port, api_key=KEY):
            plugin.wait_for_row("llama-swap: no model loaded")
        plugin.wait_for_row("llama-swap: not responding")
        with Stranger(NOT_FOUND, port=port) as stranger:
            plugin.wait_for_row("llama-swap: not a llama-swap server")
            assert not [heard[:60] for heard in stranger.heard if KEY.encode() in heard]


def test_a_refusal_that_only_resembles_llama_swaps_gets_no_key(tmp_path):
    body = b'{"error":{"message":"Invalid API key provided"}}'
    refusal = b"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    with Stranger(refusal + body) as stranger, Plugin(stranger.url, tmp_path, LLAMABAR_API_KEY=KEY) as plugin:
        plugin.wait_for_row("llama-swap: access denied")
        assert not any(KEY.encode() in heard for heard in stranger.heard)


def test_unavailable_finished_requests_are_not_fetched_over_and_over(tmp_path):
    said = speaking(models("m"), event("activity", {"id": 4}))
    with Stranger(said, hold_s=30) as stranger, Plugin(stranger.url, tmp_path) as plugin:
        plugin.wait_for_row("m: ready")
        time.sleep(3.5)
        assert sum(b"/api/metrics" in heard for heard in stranger.heard) <= 4
