"""Up to v185, llama-swap doesn't report its models' ports. With two models loaded, what is certain is shown: which one
works if something tells it, else that one of them does."""

import os
import signal

import psutil
import pytest

from llamabar.demo.load import ask
from tests.fakes.named_llama_swap import named_llama_swap
from tests.fakes.programs import Plugin, chat, free_port, wait_for

CONFIG = """
models:
  alpha-8b:
    cmd: server --port ${PORT} --load-s 0.3 --tps 40.0
  embed:
    cmd: server --port ${PORT} --load-s 0.1
"""


@pytest.fixture
def swap(request, tmp_path):
    """Start a v150 with two models loaded, a chat and an embedding model; `request.param` is its configuration."""
    (tmp_path / "c.yaml").write_text(request.param)
    with named_llama_swap(tmp_path, "v150", free_port(), "--config", "c.yaml", "--computes") as started:
        assert [ask(started.address, model, 1, 1) for model in ("embed", "alpha-8b")] == [200, 200]
        yield started


def server_of(swap, load_s):
    """Return the model server that was started with a load time."""
    family = psutil.Process(swap.process.pid).children(recursive=True)
    return next(one for one in family if str(load_s) in one.cmdline())


@pytest.mark.parametrize("swap", ["models:\n  alpha-8b:\n    cmd: docker run x\n"], indirect=True)
def test_if_nothing_tells_which_of_two_models_works_neither_is_called_ready_and_a_crash_is_seen(tmp_path, swap):
    with Plugin(swap.url, tmp_path) as plugin:
        plugin.wait_for_row("llama-swap: ready, 2 models")
        wait_for(lambda: "GET /api/performance" in swap.asked())  # the last probe
        answer = chat(swap, "alpha-8b", tokens=4000)
        plugin.wait_for_row("llama-swap: busy")
        assert (plugin.row("alpha-8b:"), plugin.row("embed:")) == ("alpha-8b: ready or busy", "embed: ready or busy")
        os.kill(server_of(swap, 0.3).pid, signal.SIGKILL)
        plugin.wait_for_row("alpha-8b: crashed just now")
        answer.join(10)
        plugin.wait_for_row("llama-swap: ready, 1 model")
        assert plugin.row("embed:") == "embed: ready"
    asked = {*swap.asked()} - {"POST /v1/chat/completions"}
    assert asked <= {"GET /api/events", "GET /running", "GET /api/metrics"}, "the stream is opened again, once"


@pytest.mark.parametrize("swap", [CONFIG], indirect=True)
def test_the_configuration_tells_which_of_two_models_works(tmp_path, swap):
    with Plugin(swap.url, tmp_path) as plugin:
        plugin.wait_for_row("llama-swap: ready, 2 models")
        answer = chat(swap, "alpha-8b", tokens=200)
        wait_for(lambda: "tok/s" in plugin.row("alpha-8b:"))
        assert plugin.row("embed:") == "embed: ready"
        answer.join(20)
        plugin.wait_for_row("llama-swap: ready, 2 models")
