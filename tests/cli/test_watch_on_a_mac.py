"""`watch` with a launchd: r restarts the service, after one question."""

import sys

import pytest

from tests.cli.test_watch import Terminal
from tests.fakes.programs import environment, free_port, wait_for
from tests.installer.test_install import LABEL


@pytest.fixture
def served(make_mac):
    """A Mac whose llama-swap is our service."""
    mac = make_mac(seconds_per_second=0.1)
    mac.llama_swap(mac.home / "go" / "bin" / "llama-swap")
    config = mac.home / ".config" / "llama-swap" / "config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("models: {}\n")
    mac.own()
    done = mac.llamabar("install", "--yes", "--no-plugin", "--port", str(free_port()))
    assert done.returncode == 0, done.stdout + done.stderr
    return mac


def test_r_asks_once_then_restarts_the_service(served):
    def popen(words, **more):
        paths = environment(served.home)["PYTHONPATH"]
        return served.popen(*words, **{**more, "env": served.environment(PYTHONPATH=paths)})

    pid = served.job(LABEL).pid
    watch = [sys.executable, "-m", "llamabar", "watch"]
    with Terminal(watch, served.home, height=40, width=120, popen=popen) as terminal:
        terminal.wait_for("r restart")
        terminal.press("r")
        terminal.wait_for("Restart llama-swap? No active requests.")
        terminal.press("n")
        terminal.wait_for("Nothing changed.")
        assert served.job(LABEL).pid == pid
        terminal.press("ry")
        terminal.wait_for("Restarting llama-swap…")
        wait_for(lambda: served.job(LABEL).pid not in (None, pid))
        terminal.wait_for("llama-swap restarted in")
