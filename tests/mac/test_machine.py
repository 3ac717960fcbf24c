"""A simulated Mac records what is asked of it, fails on request, and leaves nothing behind."""

import subprocess
import time

import psutil
import pytest

from tests.fakes.programs import wait_for
from tests.mac.asking import LABEL, STUBBORN, bootstrap, launchctl, load, top
from tests.mac.machine import Mac


def test_a_mac_may_be_in_a_deep_folder(tmp_path):
    with Mac(tmp_path / ("x" * 60) / ("y" * 60)) as mac:
        assert load(mac, RunAtLoad=True).pid


def test_closing_a_mac_leaves_nothing_running(make_mac):
    mac = make_mac()
    load(mac, *STUBBORN, RunAtLoad=True)
    lonely = mac.popen("sh", "-c", "setsid sleep 4321 & sleep 4321")
    mine = f"{mac.state}"
    wait_for(lambda: len([one for one in psutil.process_iter() if "4321" in cmdline(one)]) >= 2)
    mac.close()
    lonely.communicate()
    assert not [one for one in psutil.process_iter() if mine in cmdline(one) or "4321" in cmdline(one)]


def cmdline(process):
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def test_a_launchd_that_failed_fails_the_run(make_mac):
    mac = make_mac()
    (mac.state / "launchd.err").write_text("Traceback: made up")
    with pytest.raises(AssertionError, match="made up"):
        mac.close()


def test_calls_are_recorded_with_how_they_were_made(mac):
    mac.run("launchctl", "list", env=mac.environment(LC_ALL="C"))
    mac.run("launchctl", "error", "5", input="x")
    mac.run("sh", "-c", "launchctl managername <&-")
    mac.run("sw_vers")
    first, second, third = mac.calls("launchctl")
    assert (first.arguments, first.lc_all, first.stdin, first.code) == (["list"], "C", "null", 0)
    assert (second.lc_all, second.stdin, third.stdin) == (None, "pipe", "closed")
    assert [call.tool for call in mac.calls()] == ["launchctl"] * 3 + ["sw_vers"]


def test_tools_fail_as_they_are_told_to(mac):
    path = mac.write_agent(LABEL, "/bin/sleep", "9")
    mac.fault("launchctl", "bootstrap", code=5, stderr="Bootstrap failed: 5: Input/output error\n", times=1)
    assert bootstrap(mac, path).returncode == 5 and mac.job(LABEL) is None
    assert bootstrap(mac, path).returncode == 0
    mac.fault("launchctl", "bootout", code=36, done=True)
    assert launchctl(mac, "bootout").returncode == 36 and mac.job(LABEL) is None
    bootstrap(mac, path)
    mac.fault("launchctl", "print", line="\tquantum state = both")
    assert next(iter(top(mac))) == "quantum state"
    mac.mend()
    mac.fault("launchctl", "print", cut=40)
    assert len(launchctl(mac, "print").stdout) == 40
    mac.mend()
    mac.fault("defaults", garbage="\x1b[31m\x00")
    assert mac.run("defaults", "read", "x").stdout == "\x1b[31m\x00"
    mac.fault("launchctl", "list", seconds=0.3)
    began_s = time.monotonic()
    assert mac.run("launchctl", "list").returncode == 0 and time.monotonic() - began_s > 0.3
    mac.fault("launchctl", "list", hang=True)
    with pytest.raises(subprocess.TimeoutExpired):
        mac.run("launchctl", "list", timeout=0.3)
    mac.without("launchctl")
    assert mac.run("sh", "-c", "command -v launchctl").stdout == ""
