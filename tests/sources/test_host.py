"""Model servers in the process tree: their port, whether they may sleep; real processes of a made-up llama-swap."""

import json
import socket
import subprocess
import sys
import time

import psutil
import pytest

from llamabar.core import events as ev
from llamabar.core.queries import Ask, AskLog, Kind, due
from llamabar.sources import host
from llamabar.sources.client import Client
from llamabar.sources.query_answers import answer
from tests.fakes.life import after, live, table
from tests.fakes.programs import Plugin, Stranger, chat, free_port, llama_swap, recording, wait_for

SERVER = """
import socket, sys, time
one = socket.create_server((sys.argv[1], int(sys.argv[2])))
time.sleep(60)
"""


@pytest.fixture
def start():
    """Start a process that listens on a port, as a child of this one: of the made-up llama-swap."""
    processes = []

    def begin(*words, port=None, env=None):
        port = free_port() if port is None else port
        process = subprocess.Popen([sys.executable, "-c", SERVER, "127.0.0.1", str(port), *words], env=env)
        processes.append(process)
        wait_for(lambda: psutil.Process(process.pid).net_connections())
        return port

    yield begin
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture
def here():
    """The processes of a llama-swap that is this very process: it listens on a port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = host.Processes(f"http://127.0.0.1:{listener.getsockname()[1]}")
        found._server = psutil.Process()
        yield found


def alone():
    return live(table(m="ready"))


def test_the_port_that_a_process_names_and_listens_on_is_its_models_server(here, start):
    port = start("--port", "x")
    assert here.find(alone()).servers == {"m": ev.ModelServer(f"http://127.0.0.1:{port}")}


def test_a_port_that_is_listened_on_and_not_named_or_named_and_not_listened_on_is_nobodys(here, start):
    start("--port", str(free_port()), port=0)
    assert here.find(alone()).servers == {"m": ev.ModelServer(None)}


def test_of_two_processes_that_listen_neither_is_taken(here, start):
    start(), start()
    assert here.find(alone()).servers == {"m": ev.ModelServer(None)}


def test_of_two_models_without_an_address_the_one_that_came_later_has_the_later_process(here, start):
    first = start()
    assert here.find(live(table(m="ready"))).servers["m"].url == f"http://127.0.0.1:{first}"
    second = start()
    servers = here.find(live(table(m="ready", n="ready"))).servers
    assert {name: one.url for name, one in servers.items()} == {
        "m": f"http://127.0.0.1:{first}", "n": f"http://127.0.0.1:{second}",
    }  # fmt: skip


def test_two_models_that_were_there_before_are_not_guessed(here, start):
    start(), start()
    assert here.find(live(table(m="ready", n="ready"))).servers == {}


@pytest.mark.parametrize(
    ("words", "env", "may_sleep"),
    [
        (["--sleep-idle-seconds", "60"], {}, True),
        (["--sleep-idle-seconds=0"], {}, True),
        (["--sleep-idle-seconds", "-1"], {}, False),
        (["--sleep-idle-seconds", "$SECONDS"], {}, True),
        ([], {"LLAMA_ARG_SLEEP_IDLE_SECONDS": "300"}, True),
        ([], {"LLAMA_ARG_SLEEP_IDLE_SECONDS": "-1"}, False),
        ([], {"LLAMA_ARG_CTX_SIZE": "300"}, False),
    ],
)
def test_a_sleep_is_read_from_the_process_itself(here, start, words, env, may_sleep):
    start(*words, env=env)
    assert here.find(alone()).servers["m"].may_sleep is may_sleep


def test_before_its_process_was_looked_at_no_model_server_is_asked():
    snapshot = live(
        table(m="ready"),
        ev.RunningListed((ev.RunningModel("m", "ready", "http://localhost:5801"),)),
        ev.InflightUpserted(ev.RequestInfo("1", "m", resp_bytes=5)),
    )

    def asked(shown):
        return Kind.SLOTS in [ask.kind for ask in due(shown, AskLog(), now_s=9.0, processes=True)]

    found = {"m": ev.ModelServer(), "other": ev.ModelServer()}
    sleepy = {"m": ev.ModelServer(may_sleep=True)}
    assert not asked(snapshot)
    assert asked(after(snapshot, ev.MemoryMeasured(None, {}, servers=found), at_s=2.0))
    assert asked(after(snapshot, ev.MemoryMeasured(None, {}, servers={}), at_s=2.0)), "in a container, say"
    assert not asked(after(snapshot, ev.MemoryMeasured(None, {}, servers=sleepy), at_s=2.0))


def test_llama_swaps_own_connections_tell_that_a_model_works_until_its_slots_are_idle():
    old = live(table(m="ready"), ev.MemoryMeasured(None, {}, servers={"m": ev.ModelServer("http://127.0.0.1:5801")}))

    def asked(shown):
        return Kind.SLOTS in [ask.kind for ask in due(shown, AskLog(), now_s=9.0, processes=True)]

    assert not asked(old)
    busy = after(old, ev.ClientsSeen({"m": (50_001,)}), at_s=2.0)
    assert asked(busy)
    idle = after(busy, ev.SlotsAnswered("m", (ev.Slot(0, 1, False),)), at_s=3.0)
    assert not asked(idle), "the connection is kept open for the next request"
    assert asked(after(idle, ev.ClientsSeen({"m": (50_002,)}), at_s=4.0))
    assert not asked(after(busy, ev.ClientsSeen({"m": ()}), at_s=4.0))


@pytest.mark.parametrize(("dialect", "how"), [("v150", "command line"), ("v250", "environment")])
def test_a_model_server_that_may_sleep_is_never_asked(tmp_path, monkeypatch, dialect, how):
    record = tmp_path / "asked.jsonl"
    if how == "environment":
        monkeypatch.setenv("LLAMA_ARG_SLEEP_IDLE_SECONDS", "600")
    with llama_swap(dialect) as server, Plugin(server.url, tmp_path) as plugin:
        sleep = ["--sleep-idle-seconds", "600"] if how == "command line" else []
        server.world.processes["beta-3b"].program = [*recording(record), *sleep]
        plugin.wait_for_row("llama-swap: no model loaded")
        chat(server, "beta-3b", tokens=100).join(10)
        plugin.wait_for_row("Today: 1 request, 100 tokens")
        agents = {json.loads(line)[4] for line in record.read_text().splitlines()}
        assert not [agent for agent in agents if agent.startswith("llamabar")]


def test_a_slots_answer_that_trickles_is_given_up_after_its_time():
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 90000\r\n\r\n"
    with Stranger(head + b" " * 90_000, piece=len(head), pause_s=0.2) as stranger:
        began_s = time.monotonic()
        found = answer(Client("http://127.0.0.1:1"), Ask(Kind.SLOTS, "m", stranger.url))
        assert found.failed
        assert time.monotonic() - began_s < 4.0, "all of it would take minutes"
