"""Back ends other than llama-server, answers of one token, and model servers that die, in the real program."""

import json
import os
import re
import signal
import sys
import threading
import time

import pytest

from llamabar.core.rates import rate
from llamabar.demo.dialect import DemoModel
from llamabar.demo.load import ask
from tests.fakes import other_backend
from tests.fakes.loading_text import TellsOfLoading
from tests.fakes.programs import Plugin, chat, llama_swap, run, wait_for

OTHER = ("media", "mlx")
MODELS = (
    DemoModel("alpha-8b", load_s=0.2, tps=40.0, prompt_tps=2000.0),
    DemoModel("fast", load_s=0.1, tps=400.0, prompt_tps=9000.0),
    DemoModel("media", load_s=0.1),
    DemoModel("mlx", tps=20.0, prompt_tps=20.0, load_s=2.0),
)


@pytest.fixture
def server(request):
    with llama_swap(getattr(request, "param", "v250"), MODELS) as running:
        for name in OTHER:
            running.world.processes[name].program = [sys.executable, other_backend.__file__]
        yield running


def title_of(plugin):
    return plugin.text.partition("---")[0]


def status_of(server, home, model):
    document = json.loads(run(home, "status", "--json", LLAMABAR_URL=server.url).stdout)
    return next(one for one in document["servers"][0]["models"] if one["id"] == model)


@pytest.mark.parametrize("server", ["v150", "v250"], indirect=True)
def test_answers_of_one_token_say_nothing_of_a_speed(tmp_path, server):
    address = server.url[7:]
    with Plugin(server.url, tmp_path) as plugin:
        plugin.wait_for_row("llama-swap: no model loaded")
        assert ask(address, "alpha-8b", 60, 20) == 200
        for _ in range(30):
            ask(address, "alpha-8b", 1, 20)
        tokens = [row.get("tokens", row)["tokens_per_second"] for row in server.world.rows]
        assert max(tokens) > 100_000, "the model server claims it"
        plugin.wait_for_row("Today: 31 requests")
        # beside a chart, or without one; the frame that counts the 31st may still show it in flight
        speed = wait_for(lambda: plugin.row("Speed: last ") or plugin.row("Last speed: "))
        assert re.search(r" (39|40|41)(\.\d)? tok/s", speed), speed
        plugin.end()
    found = status_of(server, tmp_path, "alpha-8b")
    assert (found["generation_tps_source"], found["generation_tps"]) == ("last", pytest.approx(40.0, rel=0.1))
    day = json.loads(run(tmp_path, "history", "--json", LLAMABAR_URL=server.url).stdout)["days"][0]
    assert (day["requests"], day["generation_tps"]) == (31, pytest.approx(40.0, rel=0.1))


@pytest.mark.parametrize(
    ("tokens", "duration_ms", "told", "found"),
    [(60, 1500, 40.0, 40.0), (60, None, 40.0, 40.0), (1, 1, 1e6, None), (2, 50, 40.0, None), (15, 400, 40.0, None),
     (16, 400, 40.0, 40.0), (None, 400, 40.0, None), (60, 1500, None, None), (60, 1500, 0.0, None),
     (60, 1500, -1.0, None), (60, 1500, float("nan"), None), (60, 1500, 1e309, None), (60, 2, 30_000.0, None),
     (100, 5, 19_000.0, None), (64, 0, 40.0, None)],
)  # fmt: skip
def test_a_rate_needs_enough_tokens_and_time_and_a_possible_value(tokens, duration_ms, told, found):
    assert rate(tokens, duration_ms, told) == found


def test_loading_text_is_not_an_answer_and_calibrates_nothing(tmp_path, server):
    server.RequestHandlerClass = TellsOfLoading
    with Plugin(server.url, tmp_path) as plugin:
        plugin.wait_for_row("llama-swap: no model loaded")
        answer = chat(server, "mlx", tokens=60, words=51)  # loads 2 s, prompt 3 s, writes 3 s
        plugin.wait_for_row("mlx: loading")
        wait_for(lambda: server.world.processes["mlx"].state == "ready")
        ready_s, said = time.monotonic(), set()
        while time.monotonic() < ready_s + 2.6:
            said.add(plugin.row("mlx: "))
            time.sleep(0.05)
        assert not [one for one in said if "tok/s" in one or "generating" in one], said
        assert [one for one in said if "prompt" in one], said
        wait_for(lambda: "generating" in plugin.row("mlx: ") or "tok/s" in plugin.row("mlx: "))
        answer.join(20)
        plugin.wait_for_row("Today: 1 request")
        assert "0 tokens" not in plugin.text and "token" not in plugin.row("Today:")


@pytest.mark.parametrize(
    ("path", "says"),
    [("/v1/audio/transcriptions", "transcribing"), ("/v1/audio/speech", "speaking"),
     ("/v1/images/generations", "making an image"), ("/v1/embeddings", "embedding"), ("/v1/rerank", "reranking")],
)  # fmt: skip
def test_what_is_done_in_one_piece_is_called_by_its_name(tmp_path, server, path, says):
    with Plugin(server.url, tmp_path) as plugin:
        plugin.wait_for_row("llama-swap: no model loaded")
        threading.Thread(target=ask, args=(server.url[7:], "media", 5, 5), kwargs={"path": path}, daemon=True).start()
        plugin.wait_for_row(f"media: {says}")
        plugin.wait_for_row(f"#1 media: {says}")
        assert "prompt" not in plugin.row("media:") + plugin.row("llama-swap:") + plugin.title()
        plugin.wait_for_row("Today: 1 request")
        assert "token" not in plugin.row("Today:")
    totals = json.loads(run(tmp_path, "status", "--json", LLAMABAR_URL=server.url).stdout)["servers"][0]["totals"]
    told = (12, 0) if says == "embedding" else (None, None)
    assert (totals["prompt_tokens"], totals["generated_tokens"]) == told


def test_an_unstreamed_chat_on_a_server_without_slots_is_in_progress(tmp_path, server):
    with Plugin(server.url, tmp_path) as plugin:
        plugin.wait_for_row("llama-swap: no model loaded")
        chat(server, "media", tokens=80, stream=False)
        plugin.wait_for_row("media: busy, 1 request")
        plugin.wait_for_row("#1 media: in progress")
        assert "prompt" not in plugin.row("llama-swap:") + plugin.title()


@pytest.mark.parametrize("server", ["v150", "v228", "v236", "v250"], indirect=True)
def test_a_model_server_that_dies_in_an_answer_leaves_a_trace(tmp_path, server):
    with Plugin(server.url, tmp_path) as plugin:
        plugin.wait_for_row("llama-swap: no model loaded")
        chat(server, "alpha-8b", tokens=2000)
        plugin.wait_for_row("alpha-8b: ")
        time.sleep(1.5)
        os.kill(server.world.processes["alpha-8b"].child.pid, signal.SIGKILL)
        plugin.wait_for_row("alpha-8b: crashed just now", seconds=25)
        wait_for(lambda: "exclamationmark.triangle" in title_of(plugin))
        chat(server, "alpha-8b", tokens=5).join(10)
        plugin.wait_for_row("alpha-8b: ready")
        wait_for(lambda: "exclamationmark.triangle" not in title_of(plugin))


@pytest.mark.parametrize("server", ["v150", "v228", "v236", "v250"], indirect=True)
def test_unloads_and_swaps_are_no_crashes(tmp_path, server):
    address, said = server.url[7:], []
    with Plugin(server.url, tmp_path) as plugin:
        plugin.wait_for_row("llama-swap: no model loaded")
        for _ in range(3):
            assert (ask(address, "alpha-8b", 3, 3), ask(address, "fast", 3, 3)) == (200, 200)
            server.world.unload(server.world.processes["fast"])
        time.sleep(1.5)
        said = [content for _, content in plugin.frames if "crashed" in content]
    assert said == []
