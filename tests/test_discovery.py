"""LaunchAgents and running processes, on real files and a real process."""

import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from llamabar.sources.discovery import discover, running
from llamabar_installer.agents import find_agents, flag, listen_of
from tests.programs import free_port, llama_swap, run, wait_for

TEMPLATE = Path(__file__).parent.parent / "launchd_templates" / "llama-swap.plist"


def agent(home, name, **content):
    folder = home / "Library" / "LaunchAgents"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.plist").write_bytes(plistlib.dumps({"Label": name, **content}))


def test_the_template_is_a_valid_property_list_with_what_the_facts_demand():
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


def test_no_folder_is_no_agents(tmp_path):
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
def test_go_flags_in_every_spelling(words):
    assert flag(words, "listen") == "h:1"


def test_tls_changes_the_usual_port():
    assert listen_of(("-tls-cert-file", "c", "-tls-key-file", "k")) == (":8443", True)
    assert listen_of(()) == (":8080", False)


def test_a_running_llama_swap_is_found_by_its_arguments(tmp_path):
    program = tmp_path / "llama-swap"
    shutil.copy(sys.executable, program)
    port = free_port()
    process = subprocess.Popen(
        [str(program), "-c", "import time; time.sleep(30)", "--listen", f"127.0.0.1:{port}"], stderr=subprocess.DEVNULL
    )
    try:
        wait_for(lambda: f"http://127.0.0.1:{port}" in list(running(listen_of)))
        assert discover([], listen_of)[1] == "a running llama-swap"
        assert discover(["http://127.0.0.1:5"], listen_of) == ("http://127.0.0.1:5", "LaunchAgent")
    finally:
        process.kill()
        process.wait()


def test_the_program_watches_what_the_agent_says_without_any_setting(tmp_path):
    with llama_swap() as server:
        listen = server.url[7:]
        agent(tmp_path, "com.user.llama-swap", ProgramArguments=["/usr/local/bin/llama-swap", "--listen", listen])
        done = run(tmp_path, "status")
        assert done.stdout == f"llama-swap at {listen}: no model loaded\n"
