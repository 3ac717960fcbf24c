"""The built file when launchd, llama-swap or the disk refuse: its output is true, and what runs keeps running."""

import json
import signal
import subprocess
import time

import pytest

from tests.fakes.programs import wait_for
from tests.installer.test_install import LABEL, PYZ, a_ready_mac, bar, data, environment, home_of, install, own_plist

ready = a_ready_mac
pytestmark = pytest.mark.skipif(not PYZ.is_file(), reason="not built: python3 build.py pyz")
REFUSED = {"code": 1, "stderr": "Not privileged\n"}


def test_a_job_that_cannot_be_asked_about_is_not_said_to_be_off_this_mac(ready):
    mac = ready()
    assert install(mac).returncode == 0
    mac.fault("launchctl", "print", **REFUSED)
    done = bar(mac, "uninstall", "--yes")
    assert done.returncode == 1 and "has been removed" not in done.stdout
    assert "Not privileged" in done.stdout and own_plist(mac).exists() and mac.job(LABEL).pid
    mac.mend()
    assert bar(mac, "uninstall", "--yes").returncode == 0
    assert mac.job(LABEL) is None and not own_plist(mac).exists()


def test_a_job_that_could_not_be_stopped_again_keeps_the_agent_that_can_stop_it(ready):
    mac = ready()
    mac.fault("launchctl", "kickstart", **REFUSED)
    mac.fault("launchctl", "bootout", **REFUSED)
    mac.llama_swap(mac.home / "go" / "bin" / "llama-swap").behave(start_s=1000)
    mac.own()
    done = install(mac, "--no-plugin")
    assert done.returncode == 1 and "as it was before" not in done.stdout
    assert own_plist(mac).exists() and "still loaded" in done.stdout, done.stdout
    mac.mend()
    assert bar(mac, "uninstall", "--yes").returncode == 0
    assert mac.job(LABEL) is None


def test_a_refused_restart_or_stop_is_said_in_launchds_words_and_soon(ready):
    mac = ready()
    assert install(mac, "--no-plugin").returncode == 0
    pid = mac.job(LABEL).pid
    for verb, word in (("kickstart", "restart"), ("bootout", "stop")):
        mac.fault("launchctl", verb, **REFUSED)
        began_s = time.monotonic()
        done = bar(mac, word)
        assert time.monotonic() - began_s < 15
        assert done.returncode == 1 and f"didn't {word} {LABEL}: " in done.stderr and "Not privileged" in done.stderr
        assert mac.job(LABEL).pid == pid
        mac.mend()


def test_a_restart_with_a_config_that_llama_swap_refuses_leaves_it_running(ready):
    mac = ready()
    assert install(mac, "--no-plugin").returncode == 0
    pid = mac.job(LABEL).pid
    config = mac.home / ".config" / "llama-swap" / "config.yaml"
    config.write_text("broken: [\n")
    done = bar(mac, "restart")
    assert done.returncode == 1 and "keeps running" in done.stderr
    assert mac.job(LABEL).pid == pid
    config.write_text("models: {}\n")
    assert bar(mac, "restart").returncode == 0
    assert mac.job(LABEL).pid != pid


def test_a_service_that_was_switched_off_for_us_need_not_come_up_for_us_to_go(ready):
    mac = ready()
    program = mac.home / "go/bin/llama-swap"
    plist = mac.write_agent(
        "com.user.llama-swap", program, "--config", "~/.config/llama-swap/config.yaml",
        "--listen", f"127.0.0.1:{mac.port}", RunAtLoad=True,
    )  # fmt: skip
    mac.run("launchctl", "bootstrap", f"gui/{mac.uid}", str(plist))
    done = bar(mac, "install", "--yes", "--take-over")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (mac.home / "~").exists()
    program.unlink()
    done = bar(mac, "uninstall", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "com.user.llama-swap is switched on again, but" in done.stdout
    assert mac.disabled("com.user.llama-swap") is False and not own_plist(mac).exists() and not data(mac).exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_or_a_window_that_is_closed_undoes_what_was_begun(ready, number):
    mac = ready()
    assert bar(mac, "--version").returncode == 0
    left_out = (str(mac.home / ".shiv"), str(mac.home / "Library" / "Logs"))
    before = home_of(mac, *left_out)
    mac.fault("launchctl", "enable", hang=True)
    words = ("sh", mac.file, "install", "--yes", "--no-plugin", "--port", str(mac.port))
    running = mac.popen(*words, env=environment(mac), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    ends_s = time.monotonic() + 20
    while not own_plist(mac).exists() and time.monotonic() < ends_s:
        time.sleep(0.02)
    running.send_signal(number)
    out, err = running.communicate(timeout=60)
    mac.mend()
    assert b"Traceback" not in err and running.returncode == 130, (out, err)
    assert not own_plist(mac).exists() and mac.job(LABEL) is None, (out, err)
    assert home_of(mac, *left_out) == before


def test_a_second_ctrl_c_does_not_break_the_undoing_off(ready):
    mac = ready()
    assert bar(mac, "--version").returncode == 0
    mac.fault("launchctl", "enable", hang=True)
    words = ("sh", mac.file, "install", "--yes", "--no-plugin", "--port", str(mac.port))
    running = mac.popen(*words, env=environment(mac), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for(lambda: [one for one in mac.calls("launchctl") if one.arguments[:1] == ["enable"]], 20)
    for verb in ("print", "bootout"):
        mac.fault("launchctl", verb, hang=True)
    for _ in range(3):
        before = len(mac.calls())
        running.send_signal(signal.SIGINT)
        wait_for(lambda: running.poll() is not None or len(mac.calls()) > before, 10)  # noqa: B023
    out, err = running.communicate(timeout=60)
    mac.mend()
    assert b"Traceback" not in err and running.returncode == 130, (out, err)
    said = out.decode()
    assert "start llama-swap: Interrupted" in said, (out, err)
    assert "undone: write the LaunchAgent" in said or "Couldn't undo “write the LaunchAgent”" in said, (out, err)
    assert own_plist(mac).exists() is ("Couldn't undo" in said), (out, err)


def test_the_backup_of_what_was_replaced_is_named_for_programs_too(ready):
    mac = ready()
    assert install(mac, "--no-plugin").returncode == 0
    edited = own_plist(mac).read_bytes().replace(b"Interactive", b"Background")
    own_plist(mac).write_bytes(edited)
    answer = json.loads(install(mac, "--no-plugin", "--force", "--json").stdout)
    (kept,) = [path for path in (data(mac) / "backups").iterdir() if path.read_bytes() == edited]
    assert str(kept) in answer["remarks"][0] and answer["undone"] == []
