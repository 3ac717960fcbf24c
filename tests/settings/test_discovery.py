"""Finding LaunchAgents and running processes, with real files and a real process."""

import plistlib
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from llamabar.core.backoff import Rediscovery
from llamabar.macos.agents import find_agents, flag, listen_of
from llamabar.settings.discover import discover, rediscover
from llamabar.sources.client import Client
from llamabar.sources.inbox import Inbox
from llamabar.sources.processes import running
from llamabar.sources.stream import EventStream
from tests.fakes.programs import Plugin, Stranger, free_port, llama_swap, run, wait_for

TEMPLATE = Path(__file__).parents[2] / "launchd_templates" / "llama-swap.plist"


def agent(home, name, **content):
    folder = home / "Library" / "LaunchAgents"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.plist").write_bytes(plistlib.dumps({"Label": name, **content}))


def test_the_template_is_a_valid_property_list_with_what_the_facts_require():
    content = plistlib.loads(TEMPLATE.read_bytes())
    assert content["ProcessType"] == "Interactive"
    assert content["ExitTimeOut"] == 45
    assert content["KeepAlive"] == {"SuccessfulExit": False}
    assert listen_of(tuple(content["ProgramArguments"])) == ("127.0.0.1:8080", False)


def test_agents_are_found_by_their_program_under_any_label(tmp_path):
    agent(tmp_path, "com.user.thing", ProgramArguments=["/opt/homebrew/bin/llama-swap", "-listen", ":9090"])
    agent(tmp_path, "com.other", ProgramArguments=["/bin/sh", "-c", "true"])
    agent(
        tmp_path,
        "com.program",
        Program="/usr/local/bin/llama-swap",
        ProgramArguments=["llama-swap", "--listen=0.0.0.0:7"],
    )
    agent(tmp_path, "com.odd", ProgramArguments=[1, 2])
    (tmp_path / "Library/LaunchAgents/broken.plist").write_bytes(b"not a plist")
    (tmp_path / "Library/LaunchAgents/folder.plist").mkdir()
    assert [(a.label, a.url) for a in find_agents(tmp_path)] == [
        ("com.program", "http://127.0.0.1:7"),
        ("com.user.thing", "http://127.0.0.1:9090"),
    ]


def test_without_a_folder_there_are_no_agents(tmp_path):
    assert find_agents(tmp_path) == []


@pytest.mark.parametrize(
    "words",
    [
        ("-listen", "h:1"),
        ("--listen", "h:1"),
        ("-listen=h:1",),
        ("--listen=h:1",),
        ("-listen", "x:2", "-listen", "h:1"),
    ],
)
def test_go_flags_are_read_in_every_spelling(words):
    assert flag(words, "listen") == "h:1"


def test_tls_changes_the_default_port():
    assert listen_of(("-tls-cert-file", "c", "-tls-key-file", "k")) == (":8443", True)
    assert listen_of(()) == (":8080", False)


def test_a_running_llama_swap_is_found_by_its_arguments(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    program = tmp_path / "llama-swap"
    shutil.copy(sys.executable, program)
    port = free_port()
    process = subprocess.Popen(
        [str(program), "-c", "import time; time.sleep(30)", "--listen", f"127.0.0.1:{port}"], stderr=subprocess.DEVNULL
    )
    try:
        wait_for(lambda: f"http://127.0.0.1:{port}" in [one.url for one in running()])
        assert discover()[1].startswith("a running llama-swap, process ")
    finally:
        process.kill()
        process.wait()


def test_an_agents_address_comes_first_and_on_rediscovery_the_first_that_listens(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with Stranger(b"") as stranger:
        for label, listen in (("com.x", "127.0.0.1:5"), ("com.y", stranger.url[7:])):
            agent(tmp_path, label, ProgramArguments=["/usr/local/bin/llama-swap", "--listen", listen])
        assert discover() == ("http://127.0.0.1:5", "LaunchAgent com.x")
        assert rediscover() == (stranger.url, "LaunchAgent com.y")
        assert stranger.heard in ([], [b""]), "nothing is said over the connection"


def test_without_settings_the_agents_address_is_watched(tmp_path):
    with llama_swap() as server:
        listen = server.url[7:]
        agent(tmp_path, "com.user.llama-swap", ProgramArguments=["/usr/local/bin/llama-swap", "--listen", listen])
        done = run(tmp_path, "status")
        assert done.stdout == f"llama-swap at {listen}: no model loaded\n"


def test_config_shows_what_was_discovered_and_how(tmp_path):
    agent(tmp_path, "com.user.llama-swap", ProgramArguments=["/usr/local/bin/llama-swap", "--listen", "[::]:7"])
    done = run(tmp_path, "config")
    assert "url            http://127.0.0.1:7 (from LaunchAgent com.user.llama-swap)" in done.stdout


def test_a_server_that_changes_its_port_is_followed_if_no_setting_names_it(tmp_path):
    with llama_swap() as server:
        agent(tmp_path, "com.x", ProgramArguments=["/usr/local/bin/llama-swap", "--listen", server.url[7:]])
        with Plugin("", tmp_path) as found, Plugin(server.url, tmp_path) as named:
            for plugin in (found, named):
                plugin.wait_for_row("llama-swap: no model loaded")
            server.stop()
            for plugin in (found, named):
                plugin.wait_for_row("llama-swap: not responding")
            with llama_swap("v236") as moved:
                agent(tmp_path, "com.x", ProgramArguments=["/usr/local/bin/llama-swap", "--listen", moved.url[7:]])
                found.wait_for_row(f"Address: {moved.url[7:]}")
                found.wait_for_row("Version: v236")
                wait_for(lambda: ("GET", "/wol-health") in moved.requests)
                assert named.row("llama-swap: not responding")
                assert moved.requests.count(("GET", "/api/events")) == 1, "nobody else has come"


def test_a_stream_already_opened_at_the_new_address_is_not_opened_twice():
    """The stream's thread may use the new address a moment before it is told about the move."""
    with llama_swap() as server:
        client = Client(server.url)
        stream = EventStream("one", client, Inbox())
        stream.start()
        wait_for(lambda: stream.is_open)
        stream.move(client)
        time.sleep(0.5)
        assert server.requests.count(("GET", "/api/events")) == 1
        stream.move(Client(server.url))
        wait_for(lambda: server.requests.count(("GET", "/api/events")) == 2)
        stream.stop()


def test_a_missing_server_is_searched_for_less_and_less_often_until_it_answers():
    search, looks, now_s = Rediscovery(), [], 0.0
    while now_s < 600.0:
        search = search.seen(answers=False, now_s=now_s)
        if search.due(now_s):
            looks.append(now_s)
            search = search.looked(now_s)
        now_s += 0.5
    waits = [then - before for before, then in zip(looks, looks[1:])]
    assert looks[0] == 2.0
    assert waits == sorted(waits)
    assert waits[-1] == 60.0
    assert search.seen(answers=True, now_s=now_s) == Rediscovery()
    assert not Rediscovery().due(1e9), "a server that answers is not looked for"


@pytest.mark.parametrize(
    "words",
    [
        ["/bin/sh", "-c", "/bin/wait4path /nix/store && exec /nix/store/abc-llama-swap/bin/llama-swap --listen :7"],
        ["/bin/zsh", "-lc", "ulimit -n 4096; llama-swap -config 'a b.yaml' -listen=0.0.0.0:7"],
        ["/usr/bin/caffeinate", "-is", "/opt/homebrew/bin/llama-swap", "--listen", "[::]:7"],
        ["/usr/bin/env", "GGML_METAL=1", "llama-swap", "-listen", "localhost:7"],
        ["/opt/local/bin/daemondo", "--start-cmd", "/opt/local/bin/llama-swap", "-listen", ":7", ";"],
        ["/opt/homebrew/opt/llama-swap/bin/llama-swap", "--config", "c", "--listen", ":::7"],
    ],
)
def test_a_llama_swap_is_found_whatever_starts_it(tmp_path, words):
    agent(tmp_path, "homebrew.mxcl.llama-swap", ProgramArguments=words)
    found = find_agents(tmp_path)
    assert [one.url.replace("localhost", "127.0.0.1") for one in found] == ["http://127.0.0.1:7"]
