"""Which service runs a llama-swap: by plists, by launchd's processes, by its label; unknown isn't "none"."""

import socket
import sys

import pytest

from tests.fakes.programs import ROOT, free_port, wait_for
from tests.mac import asking

OWN = "org.llamabar.llama-swap"
ODD = "com.me.models"


@pytest.fixture(name="mac")
def a_mac(make_mac):
    """Return a Mac with a llama-swap, no service, and a port to use."""
    mac = make_mac(seconds_per_second=0.1)
    mac.program = mac.home / "bin" / "llama-swap"
    mac.llama_swap(mac.program)
    (mac.home / "c.yaml").write_text("models: {}\n")
    mac.port = free_port()
    mac.words = f"{mac.program} --config {mac.home}/c.yaml --listen 127.0.0.1:{mac.port}"
    mac.own()
    return mac


def launcher(mac, text, label=ODD, **keys):
    """Load a job whose program decides for itself what it starts: no plist names llama-swap."""
    hidden, script = mac.home / "bin" / "inner", mac.home / "bin" / "launch"
    hidden.write_text(f"#!/bin/sh\n{text}\n")
    script.write_text(f'#!/bin/sh\nexec "{mac.home}/bin/$(echo inner)"\n')
    for path in (hidden, script):
        path.chmod(0o755)
    path = mac.write_agent(label, script, RunAtLoad=True, KeepAlive={"SuccessfulExit": False}, **keys)
    mac.own()
    assert asking.bootstrap(mac, path).returncode == 0
    wait_until_up(mac)


def wait_until_up(mac, host="127.0.0.1"):
    import socket

    def _up():
        with socket.socket() as probe:
            return probe.connect_ex((host, mac.port)) == 0

    wait_for(_up)


def bar(mac, *words, **environment):
    url = {} if "LLAMABAR_CONFIG" in environment else {"LLAMABAR_URL": f"http://127.0.0.1:{mac.port}"}
    return mac.llamabar(*words, env={**url, **environment})


@pytest.mark.parametrize("how", ["exec", "child"])
def test_a_job_whose_process_or_child_listens_is_the_service_whatever_its_files_say(mac, how):
    launcher(mac, f"exec {mac.words}" if how == "exec" else f"{mac.words} &\ntrap 'kill $!; wait; exit 0' TERM\nwait")
    first = mac.job(ODD).pid
    done = bar(mac, "restart")
    assert done.returncode == 0 and f"{ODD} is running" in done.stdout, done.stdout + done.stderr
    assert mac.job(ODD).pid != first
    done = bar(mac, "stop")
    assert done.returncode == 0 and f"{ODD} is stopped" in done.stdout, done.stdout + done.stderr
    assert mac.job(ODD) is None


def test_install_adopts_a_job_known_only_to_launchd_and_creates_no_second_service(mac):
    launcher(mac, f"exec {mac.words}")
    done = bar(mac, "install", "--yes", "--no-plugin")
    assert done.returncode == 0 and ODD in done.stdout, done.stdout + done.stderr
    assert not (mac.agents / f"{OWN}.plist").exists()


def test_a_label_in_the_settings_is_used_and_a_missing_one_is_an_error(mac):
    launcher(mac, f"exec {mac.words}")
    settings = mac.home / "config.toml"
    table = f'[[server]]\nurl = "http://127.0.0.1:{mac.port}"\nservice = '
    settings.write_text(f'{table}"{ODD}"\n')
    mac.own()
    done = bar(mac, "stop", LLAMABAR_CONFIG=str(settings))
    assert done.returncode == 0 and f"{ODD} is stopped" in done.stdout, done.stdout + done.stderr
    done = bar(mac, "start", LLAMABAR_CONFIG=str(settings))
    assert done.returncode == 0, done.stdout + done.stderr
    settings.write_text(f'{table}"com.no.such"\n')
    for command in ("stop", "logs"):
        done = bar(mac, command, LLAMABAR_CONFIG=str(settings))
        assert done.returncode == 1 and 'No service has the label "com.no.such"' in done.stderr


def test_a_llama_swap_started_in_a_terminal_has_no_service(mac):
    with mac.popen("/bin/sh", "-c", f"{mac.words} & wait") as terminal:
        wait_until_up(mac)
        done = bar(mac, "restart")
        assert done.returncode == 1 and "wasn't started by a LaunchAgent" in done.stderr, done.stderr
        terminal.kill()
        mac.run("/bin/sh", "-c", "kill $(pgrep -f 'bin/llama-swap --config') 2>/dev/null; true")


def test_missing_launchd_information_means_unknown_and_not_absent(mac):
    launcher(mac, f"exec {mac.words}")
    mac.fault("launchctl", "list", code=1, stderr="Not privileged\n")
    done = bar(mac, "stop")
    assert done.returncode == 1 and "Can't tell which service runs" in done.stderr, done.stderr


def test_of_two_jobs_that_claim_one_port_the_listening_one_is_used(mac):
    words = mac.words.split()
    first = mac.write_agent("a.first", *words, RunAtLoad=False)
    second = mac.write_agent("b.second", *words, RunAtLoad=True)
    mac.own()
    for path in (first, second):
        assert asking.bootstrap(mac, path).returncode == 0
    wait_until_up(mac)
    done = bar(mac, "stop")
    assert done.returncode == 0 and "b.second is stopped" in done.stdout, done.stdout + done.stderr


def test_a_listening_job_wins_over_one_whose_plist_claims_its_port(mac):
    """An older agent that was never removed, and a launcher that no plist describes."""
    mac.write_agent("a.older", *mac.words.split())
    launcher(mac, f"exec {mac.words}")
    done = bar(mac, "restart")
    assert done.returncode == 0 and f"{ODD} is running" in done.stdout, done.stdout + done.stderr
    done = bar(mac, "stop")
    assert done.returncode == 0 and f"{ODD} is stopped" in done.stdout, done.stdout + done.stderr


BESIDE = "import socket, sys, time; one = socket.create_server(('127.0.0.2', int(sys.argv[1]))); time.sleep(60)"


def test_a_listener_on_the_same_port_of_another_address_is_ignored(mac):
    try:
        socket.create_server(("127.0.0.2", 0)).close()
    except OSError:
        pytest.skip("this system has no 127.0.0.2, as macOS has none")
    with mac.popen(sys.executable, "-c", BESIDE, mac.port) as other:
        try:
            wait_until_up(mac, "127.0.0.2")
            launcher(mac, f"exec {mac.words}")
            done = bar(mac, "stop")
        finally:
            other.kill()
    assert done.returncode == 0 and f"{ODD} is stopped" in done.stdout, done.stdout + done.stderr


UNREADABLE = """
import psutil, sys
def fail(*_, **__):
    raise RuntimeError("can't read")
for owner, name in {targets}:
    setattr(getattr(psutil, owner, psutil), name, fail)
sys.argv = ["llamabar", "stop"]
import llamabar.__main__
"""


@pytest.mark.parametrize(
    ("targets", "stops"),
    [([("", "pids"), ("", "process_iter")], False), ([("Process", "parents"), ("Process", "ppid")], True)],
)
def test_an_unreadable_process_table_is_not_an_internal_error(mac, targets, stops):
    launcher(mac, f"exec {mac.words}")
    environment = {**mac.environment(), "PYTHONPATH": f"{ROOT}/src:{ROOT}/installer"}
    environment["LLAMABAR_URL"] = f"http://127.0.0.1:{mac.port}"
    done = mac.run(sys.executable, "-c", UNREADABLE.format(targets=targets), env=environment)
    said = f"{ODD} is stopped" if stops else "Can't tell which service runs"
    assert done.returncode == (0 if stops else 1) and said in done.stdout + done.stderr, done.stdout + done.stderr


def test_an_unreadable_address_is_not_written_and_not_reported_as_done(mac):
    mac.write_agent(ODD, mac.program, "--config", mac.home / "c.yaml", "--listen", "127.0.0.1:$PORT")
    mac.own()
    done = mac.llamabar("install", "--yes", "--no-plugin")
    assert done.returncode == 1 and "--listen is 127.0.0.1:$PORT" in done.stdout, done.stdout + done.stderr
    assert "Traceback" not in done.stderr and not (mac.home / ".config/llamabar/config.toml").exists()
    assert mac.llamabar("status").returncode == 1


@pytest.mark.parametrize("written", ["StandardOutPath", "StandardErrorPath", "redirected"])
def test_logs_show_the_file_that_llama_swap_writes_to(mac, written):
    other = {"StandardOutPath": "StandardErrorPath", "StandardErrorPath": "StandardOutPath"}.get(written)
    log, empty = mac.home / "written.log", mac.home / "empty.log"
    if written == "redirected":
        launcher(mac, f"exec {mac.words} >>{log} 2>&1", StandardOutPath=str(empty), StandardErrorPath=str(empty))
    else:
        to = "" if written == "StandardOutPath" else " 1>&2"
        launcher(mac, f"exec {mac.words}{to}", **{written: str(log), other: str(empty)})
    done = bar(mac, "logs")
    assert done.returncode == 0 and "llama-swap listening on" in done.stdout, done.stdout + done.stderr
    assert bar(mac, "open", "log").returncode == 0
    opened = mac.opened()[-1]
    assert (opened.what, opened.app) == (str(log), "TextEdit"), "as the menu opens it"


def test_logs_print_no_escape_that_is_not_a_colour(mac):
    log = mac.home / "out.log"
    launcher(mac, f"exec {mac.words}", StandardOutPath=str(log))
    with log.open("a") as file:
        file.write("evil \x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b\u202e end\n")
    assert "evil  end" in bar(mac, "logs").stdout
