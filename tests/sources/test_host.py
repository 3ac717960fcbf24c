"""Model servers in the process table: whose they are, where they listen, whether they may sleep; real processes."""

import contextlib
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time

import psutil
import pytest

from llamabar.core import events as ev
from llamabar.core.queries import Kind, Query, QueryLog, schedule
from llamabar.core.state import Snapshot
from llamabar.sources import footprint, host, processes
from llamabar.sources.client import Client
from llamabar.sources.query_answers import answer
from tests.fakes.life import after, live, table
from tests.fakes.programs import Plugin, Stranger, chat, free_port, llama_swap, recording, wait_for

SERVER = """
import socket, sys, time
one = socket.create_server((sys.argv[1], int(sys.argv[2])))
time.sleep(60)
"""
WRAPPER = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"
BEHIND = "import socket, subprocess, sys; one = socket.create_server(('127.0.0.1', 0)); subprocess.call(sys.argv[1:])"


@pytest.fixture
def start():
    """Start a process that listens on a port, as a child of this one, which acts as llama-swap."""
    started = []

    def begin(*words, port=None, env=None, before=()):
        port = free_port() if port is None else port
        server = [sys.executable, "-c", SERVER, "127.0.0.1", str(port), *words]
        wrapper = [sys.executable, "-c", *before] if before else []
        started.append(subprocess.Popen([*wrapper, *server], env=env))
        wait_for(lambda: _listens(port, started[-1].pid))
        return port

    yield begin
    for process in started:
        for one in [*psutil.Process(process.pid).children(recursive=True), process]:
            one.kill()
        process.wait()


def _listens(port, pid):
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    ports = {at for one in family for _, at in processes.listening(one)}
    return ports if port == 0 else port in ports


@pytest.fixture
def here():
    """Return the processes of a llama-swap that is this very process: it listens on a port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield host.Processes(f"http://127.0.0.1:{listener.getsockname()[1]}")


def proxied(port, host_name="localhost"):
    running = ev.RunningListed((ev.RunningModel("m", "ready", f"http://{host_name}:{port}", 300.0),))
    return live(table(m="ready"), running)


def alone():
    return live(table(m="ready"))


def test_without_a_reported_address_the_port_a_process_names_and_listens_on_is_the_model_server(here, start):
    port = start("--port", "x")
    assert here.find(alone()).servers == {"m": ev.ModelServer(f"http://127.0.0.1:{port}")}


def test_a_port_must_be_both_named_and_listened_on(here, start):
    start("--port", str(free_port()), port=0)
    assert here.find(alone()).servers == {}


def test_with_two_listening_processes_neither_is_used(here, start):
    start(), start()
    assert here.find(alone()).servers == {}


@pytest.mark.parametrize("before", [(), (WRAPPER,)], ids=["itself", "behind a wrapper that does not listen"])
@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "me:secret@localhost", "localhost/upstream/other"])
def test_a_reported_address_is_ours_if_a_llama_swap_process_listens_there(here, start, before, name):
    port = start("a port that is told need not be named", before=before)
    host_name, slash, path = name.partition("/")
    snapshot = live(
        table(m="ready"),
        ev.RunningListed((ev.RunningModel("m", "ready", f"http://{host_name}:{port}{slash}{path}", 300.0),)),
    )
    found = here.find(snapshot)
    assert found.servers == {"m": ev.ModelServer(f"http://127.0.0.1:{port}")}, "scheme, loopback host and port alone"
    assert found.by_model_bytes["m"] > 1e6 and found.server_bytes


@pytest.mark.parametrize("whose", ["another server's", "nobody's", "another host's", "over TLS"])
def test_a_reported_address_is_not_ours_if_no_llama_swap_process_listens_there(here, start, whose):
    behind = (BEHIND,) if whose == "another server's" else ()  # for example, one started from the same terminal
    port = free_port() if whose == "nobody's" else start(before=behind)
    snapshot = proxied(port, "192.168.1.7" if whose == "another host's" else "localhost")
    if whose == "over TLS":
        snapshot = live(
            table(m="ready"),
            ev.RunningListed((ev.RunningModel("m", "ready", f"https://localhost:{port}", 300.0),)),
        )
    found = here.find(snapshot)
    assert (found.servers, found.by_model_bytes, found.server_bytes) == ({}, {}, None)
    assert here.connections() is None


def test_a_program_that_forwards_connections_is_not_a_model_server(here, start, monkeypatch):
    monkeypatch.setattr(processes, "PASS_ON", ("python",))
    port = start()
    assert here.find(proxied(port)).servers == {}


@pytest.mark.parametrize("word", ["llama-swap", "llama-swap-box"])
def test_a_tunnel_to_a_host_called_llama_swap_is_not_a_llama_swap(tmp_path, word):
    """`ssh llama-swap -L 8080:localhost:8080`: the second word of such programs is their destination."""
    tunnel = tmp_path / "ssh"
    shutil.copy(sys.executable, tunnel)
    port = free_port()
    (tmp_path / word).write_text(SERVER.replace("argv[1]", "argv[-2]").replace("argv[2]", "argv[-1]"))
    words = [str(tunnel), word, "-L", "127.0.0.1", str(port)]
    with subprocess.Popen(words, cwd=tmp_path, env={**os.environ, "PYTHONHOME": sys.base_prefix}) as process:
        try:
            wait_for(lambda: _listens(port, process.pid))
            here = host.Processes(f"http://127.0.0.1:{port}")
            assert here.find(Snapshot()).server_bytes is None and here.identity() is None
            assert process.pid not in [one.pid for one in processes.running()]
        finally:
            process.kill()


def test_if_two_share_a_port_the_one_at_the_exact_address_counts():
    with socket.socket() as everywhere, socket.socket() as exact:
        for one in (everywhere, exact):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        exact.bind(("127.0.0.1", 0))
        port = exact.getsockname()[1]
        exact.listen()
        assert processes.listener("127.0.0.1", port) == psutil.Process()
        assert processes.listener("localhost", port) == psutil.Process()
        assert processes.listener("::1", port) is None


def test_twenty_simultaneous_callers_read_the_process_table_twice_and_get_no_older_result(monkeypatch):
    looks, asked, found = [], [], []
    read_table, now_s = psutil.pids, processes.clock.now_s

    def _read_table():
        looks.append(1)
        wait_for(lambda: len(asked) > 20)  # the twenty, and the reader itself
        return read_table()

    monkeypatch.setattr(processes.psutil, "pids", _read_table)
    monkeypatch.setattr(processes.clock, "now_s", lambda: asked.append(1) or now_s())

    def _look(port):
        found.append(processes.listener("127.0.0.1", port))

    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1] for _ in range(20)]
        threads = [threading.Thread(target=_look, args=(port,)) for port in ports]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert found == [psutil.Process()] * 20 and len(looks) == 2
    assert processes.listener("127.0.0.1", ports[0]) is None, "it listens no longer"


@pytest.mark.parametrize("error", [RuntimeError("proc_pidinfo"), NotImplementedError(), OSError(5, "i/o")])
def test_what_psutil_cannot_read_is_unknown_and_the_rest_stays(here, start, monkeypatch, error):
    port = start()
    assert here.find(proxied(port)).servers

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(processes, "failures", {})
    monkeypatch.setattr(psutil.Process, "net_connections", fail)
    monkeypatch.setattr(psutil, "virtual_memory", fail)
    assert here.measure().by_model_bytes["m"] > 1e6
    assert here.connections() is None
    host.measure()
    measured = host.measure()
    assert measured.cpu_ratio is not None and measured.memory_total_bytes is None
    assert processes.failures == {"connections": type(error).__name__, "memory": type(error).__name__}


def test_a_short_lived_child_does_not_affect_whether_the_server_may_sleep(here, start):
    """A child that has just been forked, or is a zombie, has no command line."""
    port = start()
    zombie = subprocess.Popen([sys.executable, "-c", ""])
    wait_for(lambda: psutil.Process(zombie.pid).status() == psutil.STATUS_ZOMBIE)
    try:
        assert here.find(proxied(port)).servers["m"].may_sleep is False
    finally:
        zombie.wait()


def test_of_two_models_without_an_address_the_later_one_gets_the_later_process(here, start):
    first = start()
    assert here.find(live(table(m="ready"))).servers["m"].url == f"http://127.0.0.1:{first}"
    second = start()
    servers = here.find(live(table(m="ready", n="ready"))).servers
    assert {name: one.url for name, one in servers.items()} == {
        "m": f"http://127.0.0.1:{first}", "n": f"http://127.0.0.1:{second}",
    }  # fmt: skip


def test_two_models_from_before_the_start_are_not_guessed(here, start):
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
def test_the_sleep_option_is_read_from_the_process_itself(here, start, words, env, may_sleep):
    start(*words, env=env)
    assert here.find(alone()).servers["m"].may_sleep is may_sleep


def _asked(snapshot):
    return Kind.SLOTS in [query.kind for at_s, query in schedule(snapshot, QueryLog()) if at_s <= 9.0]


def test_no_model_server_is_queried_before_its_process_is_found():
    snapshot = after(proxied(5801), ev.InflightUpserted(ev.RequestInfo("1", "m", resp_bytes=5)), at_s=1.0)
    ours = ev.ModelServer("http://127.0.0.1:5801")
    assert not _asked(snapshot)
    assert _asked(after(snapshot, ev.MemoryMeasured(None, {}, servers={"m": ours}), at_s=2.0))
    assert not _asked(after(snapshot, ev.MemoryMeasured(None, {}, servers={}), at_s=2.0)), "in a container, say"
    sleepy = {"m": ours._replace(may_sleep=True)}
    assert not _asked(after(snapshot, ev.MemoryMeasured(None, {}, servers=sleepy), at_s=2.0))


@contextlib.contextmanager
def connected(port):
    with socket.create_connection(("127.0.0.1", port)) as one:
        yield one


def test_connections_to_a_model_server_count_only_while_llama_swap_has_a_client(start):
    port = start()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        own = listener.getsockname()[1]
        found = host.Processes(f"http://127.0.0.1:{own}")
        found.find(proxied(port))
        assert found.connections().by_model == {"m": ()}
        with connected(port) as upstream:
            assert found.connections().by_model == {"m": ()}, "kept open, but nobody is there to be served"
            client = subprocess.Popen(
                [sys.executable, "-c", f"import socket, time; s = socket.create_connection(('127.0.0.1', {own})); "
                 "time.sleep(30)"]
            )  # fmt: skip
            try:
                taken, _ = listener.accept()
                with taken:
                    assert found.connections().by_model == {"m": (upstream.getsockname()[1],)}
            finally:
                client.kill()
                client.wait()


BUSY_SERVER = SERVER.replace("time.sleep(60)", """
for seconds in sys.stdin:
    ends_s = time.process_time() + float(seconds)
    while time.process_time() < ends_s: pass
    print(flush=True)
""")  # fmt: skip


def test_where_requests_are_listed_a_connection_alone_is_no_work_and_nothing_is_read_while_nothing_changes():
    port = free_port()
    words = [sys.executable, "-c", BUSY_SERVER, "127.0.0.1", str(port)]
    piped = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with socket.create_server(("127.0.0.1", 0)) as listener, subprocess.Popen(words, bufsize=0, **piped) as server:
        wait_for(lambda: _listens(port, server.pid))
        own = listener.getsockname()[1]
        found = host.Processes(f"http://127.0.0.1:{own}")
        found.find(proxied(port))
        client = [sys.executable, "-c", f"import socket; s = socket.create_connection(('127.0.0.1', {own})); input()"]
        assert found.connections(least_cpu_s=0.1).by_model == {"m": ()}
        assert found.connections(least_cpu_s=0.1) is None
        with connected(port), subprocess.Popen(client, stdin=subprocess.PIPE), listener.accept()[0]:
            for _ in range(20):  # checked soon again, a single tick of the clock is no work
                server.stdin.write(b"0.005\n")
                server.stdout.readline()
                seen = found.connections(least_cpu_s=0.001)
                assert seen.by_model["m"] and not seen.computing
            server.stdin.write(b"60\n")
            seen = wait_for(lambda: (it := found.connections(least_cpu_s=0.02)).computing and it)
        server.kill()
    assert seen.computing == {"m"} and seen.by_model["m"]


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


def test_a_trickling_slots_answer_times_out():
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 90000\r\n\r\n"
    with Stranger(head + b" " * 90_000, piece=len(head), pause_s=0.2) as stranger:
        began_s = time.monotonic()
        found = answer(Client("http://127.0.0.1:1"), Query(Kind.SLOTS, "m", stranger.url))
        assert found.failed
        assert time.monotonic() - began_s < 4.0, "all of it would take minutes"


def test_a_run_is_identified_by_its_start_time_and_its_command_line_without_the_port(here, start):
    def found(*words):
        port = start(*words)
        return here.find(proxied(port)).runs["m"]

    first, moved, other = found("--ctx", "8192"), found("--ctx", "8192"), found("--ctx", "4096")
    assert first.command == moved.command != other.command
    assert abs(first.started_unix_s - time.time()) < 60


def test_the_footprint_is_the_eighth_number_of_the_system_answer():
    told = struct.pack("@16s10Q", b"", *range(10, 20))
    assert len(told) == footprint.SIZE and footprint.of(told) == 17
    if sys.platform == "darwin":
        assert footprint.footprint_bytes(os.getpid()) > 10**6
    else:
        assert footprint.footprint_bytes(os.getpid()) is None
