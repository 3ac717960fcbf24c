"""The commands as a user types them."""

import json
import os
import plistlib
import re
import shlex
import signal
import socket
import subprocess
import sys

import psutil
import pytest

from llamabar.demo.dialect import DIALECTS
from tests.fakes.here import run_here
from tests.fakes.programs import as_installed, chat, command, environment, free_port, llama_swap, run, wait_for


@pytest.fixture
def server():
    with llama_swap() as running:
        yield running


COMMANDS = (
    "stream", "frame", "status", "watch", "models", "load", "unload", "cancel", "profile", "config", "demo", "preview",
    "history", "requests",
)  # fmt: skip


def test_help_lists_every_command_and_each_explains_itself(tmp_path):
    shown = run_here(tmp_path, "--help")
    assert shown.returncode == 0
    assert not [line for line in shown.stdout.splitlines() if line.startswith("     ")], "a line for each command"
    for name in COMMANDS:
        assert f"\n  {name} " in shown.stdout
        one = run_here(tmp_path, name, "--help")
        assert one.returncode == 0
        assert len(one.stdout.splitlines()) >= 5
        if name != "demo":
            assert "--server NAME" in one.stdout and "--config FILE" in one.stdout
    assert "click" not in shown.stdout


def test_without_arguments_one_line_of_status_then_help(tmp_path, server):
    done = run(tmp_path, LLAMABAR_URL=server.url)
    lines = done.stdout.splitlines()
    assert lines[0] == f"llama-swap at {server.url[7:]}: no model loaded"
    assert [line for line in lines if line in ("Look:", "Models:", "Service:", "Setup:", "More:")] == [
        "Look:", "Models:", "Service:", "Setup:", "More:",
    ]  # fmt: skip
    assert done.returncode == 0


def test_load_and_unload_succeed(tmp_path, server):
    assert run_here(tmp_path, "load", "alpha-8b", LLAMABAR_URL=server.url).returncode == 0
    assert server.world.processes["alpha-8b"].state == "ready"
    assert run_here(tmp_path, "unload", "alpha-8b", LLAMABAR_URL=server.url).returncode == 0
    assert server.world.processes["alpha-8b"].state == "stopped"


def test_cancel_unload_all_and_profiles_work(tmp_path, server):
    one = chat(server, "alpha-8b", tokens=3000)
    wait_for(lambda: server.inflight.entries and server.world.processes["alpha-8b"].state == "ready")
    assert run_here(tmp_path, "cancel", "--all", LLAMABAR_URL=server.url).returncode == 0
    one.join(5)
    assert not one.is_alive()
    assert run_here(tmp_path, "unload", "--all", LLAMABAR_URL=server.url).returncode == 0
    assert server.world.running() == []
    assert run_here(tmp_path, "profile", "coding", LLAMABAR_URL=server.url).returncode == 0
    assert server.world.profile == "coding"
    assert (
        json.loads(run_here(tmp_path, "status", "--json", LLAMABAR_URL=server.url).stdout)["servers"][0]["profile"]
        == "coding"
    )
    assert run_here(tmp_path, "profile", "--none", LLAMABAR_URL=server.url).returncode == 0
    assert server.world.profile is None


@pytest.mark.parametrize("words", [["unload", "--all"], ["load", "alpha-8b"], ["status"], ["models"]])
def test_a_mistyped_address_lets_nothing_be_done_to_another_llama_swap(tmp_path, words):
    """Without an address in the settings one would be discovered, and that server isn't the one that was meant."""
    with llama_swap() as server:
        agents = tmp_path / "Library" / "LaunchAgents"
        agents.mkdir(parents=True)
        (agents / "com.x.plist").write_bytes(plistlib.dumps(
            {"Label": "com.x", "ProgramArguments": ["/usr/local/bin/llama-swap", "--listen", server.url[7:]]}
        ))  # fmt: skip
        assert run_here(tmp_path, "status").returncode == 0, "it is found"
        before = len(server.requests)
        done = run_here(tmp_path, *words, LLAMABAR_URL="http://mini.local:80800")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == (
            'Warning: LLAMABAR_URL must be an address like http://127.0.0.1:8080, not "http://mini.local:80800"\n'
            "The server's address can't be used.\nFix the address above, then try again.\n"
        )
        assert server.requests[before:] == []


def test_an_unusable_address_has_no_copy_item(tmp_path):
    frame = run(tmp_path, "frame", LLAMABAR_URL="http://mini.local:80800").stdout
    assert "This address can't be used" in frame
    assert "Copy Base URL" not in frame and "Copy Endpoint" not in frame


def test_what_an_old_llama_swap_cannot_do_is_said(tmp_path):
    with llama_swap("v150") as server:
        for words, said in (
            (["load", "org/short:ttl"], "This llama-swap is too old to load a model that has a slash in its id.\n"),
            (["unload", "alpha-8b"],
             "This llama-swap is too old to unload a single model.\nTo unload all of them: llamabar unload --all\n"),
            (["cancel", "--all"], "This llama-swap is too old to cancel a request.\n"),
            (["profile", "x"], "No profile is called 'x'.\nThis llama-swap has no profiles, or is too old for them.\n"),
        ):
            done = run_here(tmp_path, *words, LLAMABAR_URL=server.url)
            assert (done.returncode, as_installed(done.stderr)) == (1, said)


def test_each_of_several_servers_does_what_it_can_and_the_others_are_named(tmp_path, server):
    settings = tmp_path / "config.toml"
    with llama_swap("v150") as old:
        told = "".join(f'[[server]]\nname = "{name}"\nurl = "{url}"\n' for name, url in (
            ("old", old.url), ("new", server.url), ("down", f"http://127.0.0.1:{free_port()}")))  # fmt: skip
        settings.write_text(told)
        chat(server, "beta-3b", tokens=3000)
        wait_for(lambda: server.inflight.entries)
        done = run_here(tmp_path, "cancel", "--all", "--config", str(settings))
        assert (done.returncode, done.stdout) == (1, "✓ new: 1 request canceled\n")
        assert as_installed(done.stderr).splitlines() == [
            "old: This llama-swap is too old to cancel a request.",
            "down: can't reach it. To find out why: llamabar doctor",
        ]
        wait_for(lambda: not server.inflight.entries)


def test_an_unknown_name_is_reported_with_the_known_ones(tmp_path, server):
    assert "Profiles: coding." in run_here(tmp_path, "profile", "codng", LLAMABAR_URL=server.url).stderr
    assert "Did you mean alpha-8b?" in run_here(tmp_path, "load", "alhpa-8b", LLAMABAR_URL=server.url).stderr
    assert run_here(tmp_path, "cancel", "--all", LLAMABAR_URL=server.url).returncode == 0, "as unload --all does"


def test_what_models_prints_can_be_typed(tmp_path, server):
    done = run_here(tmp_path, "models", LLAMABAR_URL=server.url)
    assert "org/short:ttl" in [line.split()[0] for line in done.stdout.splitlines()]
    assert run_here(tmp_path, "load", "org/short:ttl", LLAMABAR_URL=server.url).returncode == 0


def test_models_says_why_it_has_none(tmp_path):
    done = run_here(tmp_path, "models", LLAMABAR_URL=f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 1
    assert "Connection refused" in done.stderr


def test_a_server_that_accepts_and_never_answers_has_not_started(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = run_here(tmp_path, "status", LLAMABAR_URL=f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert done.returncode == 1
    assert "Timed out" in done.stdout


@pytest.mark.parametrize("words", [["history", "--csv"], ["status", "--json"], ["config"], ["--version"]])
def test_a_full_disk_is_reported_once(tmp_path, server, words):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*command(), *words], env=environment(tmp_path, LLAMABAR_URL=server.url), stdout=full,
                              stderr=subprocess.PIPE, text=True)  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.count("The disk is full") == 1


@pytest.mark.parametrize("words", ["stream", "frame", "status", "export --once"])
def test_a_closed_stdout_causes_no_internal_error(tmp_path, server, words):
    done = subprocess.run(["/bin/sh", "-c", f"{shlex.join(command())} {words} >&-"], stderr=subprocess.PIPE,
                          env=environment(tmp_path, LLAMABAR_URL=server.url), text=True)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


INTERRUPTED_EARLY = """
import sys

class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == "click":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupts())
from llamabar.boot.entry import main
main()
"""


def test_ctrl_c_before_anything_listens_is_as_quiet_as_later(tmp_path):
    done = subprocess.run([sys.executable, "-c", INTERRUPTED_EARLY], env=environment(tmp_path), capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


def test_commands_report_a_missing_server(tmp_path):
    done = run_here(tmp_path, "load", "m", LLAMABAR_URL=f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 1
    assert ": Connection refused." in done.stderr


def test_two_servers_are_two_sections_and_a_missing_one_disturbs_neither(tmp_path, server):
    settings = tmp_path / "config.toml"
    settings.write_text(
        f'[[server]]\nname="up"\nurl="{server.url}"\n[[server]]\nname="down"\nurl="http://127.0.0.1:{free_port()}"\n'
    )
    done = run(tmp_path, "status", "--config", str(settings))
    assert done.returncode == 1
    assert [line.split()[0] for line in done.stdout.splitlines() if line[0] != " "] == ["up", "down"]
    assert run(tmp_path, "status", "--config", str(settings), "--server", "up").returncode == 0
    frame = run(tmp_path, "frame", "--config", str(settings)).stdout
    assert "up: no model loaded" in frame and "down: not responding" in frame
    assert frame.splitlines()[0].startswith("|sfimage=circle "), "the title speaks of the server that works"
    assert run(tmp_path, "status", "--server", "no").returncode == 1


def test_a_mistake_in_the_settings_is_in_the_menu_and_on_stderr(tmp_path, server):
    settings = tmp_path / "config.toml"
    settings.write_text(f'[[server]]\nurl="{server.url}"\n[menu]\ntitel="icon"\n')
    done = run(tmp_path, "frame", LLAMABAR_CONFIG=str(settings))
    assert "4: unknown setting \"titel\". Did you mean \"title\"?" in done.stdout
    assert "config.toml:4: unknown setting" in done.stderr


def test_config_shows_the_source_of_each_setting_and_never_a_key(tmp_path):
    done = run_here(tmp_path, "config", LLAMABAR_URL="http://127.0.0.1:1", LLAMABAR_API_KEY="sk-secret")
    assert done.returncode == 0
    assert "http://127.0.0.1:1 (from LLAMABAR_URL)" in done.stdout
    assert "set (from LLAMABAR_API_KEY)" in done.stdout
    assert "sk-secret" not in done.stdout


def test_a_taken_port_is_reported(tmp_path, server):
    done = run(tmp_path, "demo", "--serve", server.url.rsplit(":", 1)[1])
    assert done.returncode == 1
    assert "in use." in done.stderr


def test_an_unknown_dialect_is_reported(tmp_path):
    done = run_here(tmp_path, "demo", "--dialect", "v9")
    assert done.returncode == 2
    assert f"'v9' is not one of {', '.join(map(repr, DIALECTS))}." in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_the_demo_leaves_no_model_server_behind_however_it_ends(tmp_path, number, code):
    words = [*command(), "demo", "--serve", "0"]
    process = subprocess.Popen(words, env=environment(tmp_path), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    with process.stdout:
        process.stdout.readline()
        children = wait_for(lambda: psutil.Process(process.pid).children(recursive=True))
        process.send_signal(number)
        assert process.wait(8) == code
    wait_for(lambda: not any(child.is_running() and child.status() != "zombie" for child in children), seconds=8)


def test_a_single_frame_has_no_clicks_that_need_a_running_plugin(tmp_path):
    with llama_swap() as server:
        done = run(tmp_path, "frame", SWIFTBAR="1", SWIFTBAR_VERSION="2.1.1", LLAMABAR_URL=server.url)
    assert done.returncode == 0
    assert "stdin=" not in done.stdout and "param1=click" in done.stdout


def test_the_log_that_the_older_plugins_variable_names_is_shown(tmp_path):
    (tmp_path / "swap.log").write_text("one\ntwo\n")
    done = run_here(tmp_path, "logs", LLAMA_SWAP_LOG_FILE_PATH=str(tmp_path / "swap.log"))
    assert (done.returncode, done.stdout) == (0, "one\ntwo\n")


def test_the_settings_in_force_name_what_the_older_plugins_variables_set(tmp_path):
    more = {"LLAMA_SWAP_CHART_WIDTH": "200", "LLAMA_SWAP_HISTORY_SIZE": "100", "LLAMA_SWAP_CHART_HEIGHT": "high"}
    done = run_here(tmp_path, "config", **more)
    assert "LLAMA_SWAP_CHART_WIDTH 200" in done.stdout
    assert "LLAMA_SWAP_CHART_HEIGHT" not in done.stdout, "what is not followed is not in force"
    assert "minutes        2 (from LLAMA_SWAP_HISTORY_SIZE)" in done.stdout


def test_the_files_that_the_older_plugins_variables_name_are_opened(tmp_path):
    log = tmp_path / "swap.log"
    done = run_here(tmp_path, "open", "log", LLAMA_SWAP_LOG_FILE_PATH=str(log))
    assert done.returncode == 1
    assert f"There is no file {log}." in done.stderr


@pytest.mark.parametrize("more", [{}, {"SWIFTBAR_VERSION": "2.0.1"}])
def test_every_click_in_a_menu_uses_its_settings_file(tmp_path, more):
    """An xbar plugin is a script with `llamabar frame --config FILE`."""
    file = tmp_path / "two words.toml"
    file.write_text('[[server]]\nurl = "http://127.0.0.1:1"\nnam = "mistyped"\n')
    for words, named in ((["--config", str(file)], {}), ([], {"LLAMABAR_CONFIG": str(file)})):
        menu = run_here(tmp_path, "frame", *words, **more, **named).stdout
        clicks = [line for line in menu.splitlines() if "bash=" in line]
        assert len(clicks) > 1 and all(re.search(rf'param\d=--config param\d="{file}"', line) for line in clicks)


def test_a_click_in_a_menu_whose_settings_file_is_missing_does_what_the_menu_says(tmp_path):
    """Each click said only that there is no such file, also the one that would have created it."""
    tool = tmp_path / "open"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    here = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "LLAMABAR_URL": "http://127.0.0.1:1"}
    for named in (tmp_path / "a.toml", os.path.relpath(tmp_path / "b.toml")):
        menu = run_here(tmp_path, "frame", LLAMABAR_CONFIG=str(named), **here).stdout
        line = next(one for one in menu.splitlines() if one.startswith("Open Settings|"))
        words = re.findall(r"param\d=(\S+)", line)
        assert os.path.isabs(words[-1]), "the process may start in another folder"
        assert run_here(tmp_path, *words, **here).returncode == 0
        assert os.path.exists(named)


def test_the_settings_file_that_a_command_names_is_the_one_that_opens(tmp_path):
    """So it is for every process that the command starts: a restart that takes long, the dashboard's commands."""
    named, tool = tmp_path / "mine.toml", tmp_path / "open"
    named.write_text("[menu]\n")
    tool.write_text(f'#!/bin/sh\necho "$@, $LLAMABAR_CONFIG" >"{tmp_path}/opened"\n')
    tool.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    assert run_here(tmp_path, "open", "settings", "--config", str(named), PATH=path).returncode == 0
    assert (tmp_path / "opened").read_text() == f"-t -- {named}, {named}\n"


def opened_ui(tmp_path, script):
    """Return what `open ui` answers if this script is the Mac's `open`."""
    tool = tmp_path / "open"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    return run_here(tmp_path, "open", "ui", PATH=path, LLAMABAR_URL="http://h:1/swap/")


def test_the_web_ui_opens_at_its_models_as_from_the_menu(tmp_path):
    assert opened_ui(tmp_path, f'echo "$@" >"{tmp_path}/opened"').returncode == 0
    assert (tmp_path / "opened").read_text() == "-- http://h:1/swap/ui/models#/models\n"


def test_what_a_tool_says_ends_in_one_period(tmp_path):
    done = opened_ui(tmp_path, "echo 'No browser is installed.' >&2; exit 1")
    said = "Couldn't open http://h:1/swap/ui/models#/models: No browser is installed.\nOpen it yourself.\n"
    assert (done.returncode, done.stderr) == (1, said)


def test_a_failed_print_causes_no_internal_error(tmp_path):
    for where in ("/dev/full", "&-"):
        words = f'{shlex.join(command())} config >{where}'
        more = {"env": environment(tmp_path), "capture_output": True, "text": True, "timeout": 30}
        done = subprocess.run(["sh", "-c", words], **more)
        assert "Traceback" not in done.stderr and "Internal error" not in done.stderr, (where, done.stderr)


def test_importing_the_query_commands_loads_no_tls():
    names = "[name for name in ('ssl', '_hashlib', 'urllib3') if name in sys.modules]"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; import llamabar.cli.main, llamabar.cli.looking; print({names})"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout == "[]\n", done.stderr
