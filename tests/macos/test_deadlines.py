"""start, stop and restart end by their limits, whatever launchctl does, and report the state of the Mac."""

import json
import time

import pytest

from tests.fakes.programs import free_port, wait_for
from tests.mac import asking

LABEL = "org.llamabar.llama-swap"
STOP_S, START_S = 10.0, 20.0  # ExitTimeOut 5 and 5 s


@pytest.fixture(name="ready")
def a_mac_with_a_service(make_mac):
    """A Mac whose launchd runs a llama-swap that launchd kills after 5 s."""

    def make(*, loaded=True, **keys):
        mac = make_mac()
        program = mac.home / "bin" / "llama-swap"
        mac.llama_swap(program)
        mac.port = free_port()
        words = (program, "--config", mac.home / "c.yaml", "--listen", f"127.0.0.1:{mac.port}")
        (mac.home / "c.yaml").write_text("models: {}\n")
        logs = {"StandardOutPath": str(mac.home / "out.log"), "StandardErrorPath": str(mac.home / "err.log")}
        path = mac.write_agent(LABEL, *words, RunAtLoad=True, ExitTimeOut=5, **logs, **keys)
        mac.own()
        mac.url = {"LLAMABAR_URL": f"http://127.0.0.1:{mac.port}"}
        if loaded:
            assert asking.bootstrap(mac, path).returncode == 0
        return mac

    return make


def timed(mac, *words):
    began_s = time.monotonic()
    done = mac.llamabar(*words, env=mac.url)
    return done, time.monotonic() - began_s


@pytest.mark.parametrize("verb", ["bootout", "print", "list"])
def test_stop_keeps_its_limit_whichever_verb_hangs(ready, verb):
    mac = ready()
    mac.fault("launchctl", verb, hang=True)
    done, took_s = timed(mac, "stop")
    assert took_s < STOP_S and "Traceback" not in done.stderr
    if verb == "bootout":
        assert done.returncode == 1 and "running now (pid" in done.stderr, done.stderr
    if verb == "print":
        assert done.returncode == 1 and "Can't reach launchd" in done.stderr


@pytest.mark.parametrize("verb", ["bootstrap", "enable", "print-disabled"])
def test_start_keeps_its_limit_whichever_verb_hangs(ready, verb):
    mac = ready(loaded=False)
    mac.fault("launchctl", verb, hang=True)
    done, took_s = timed(mac, "start")
    assert took_s < START_S and "Traceback" not in done.stderr
    assert done.returncode in (0, 1) and LABEL in done.stdout + done.stderr
    if verb == "bootstrap":
        assert "isn't loaded now" in done.stderr, done.stderr


@pytest.mark.parametrize("fault", [("print", {"seconds": 4}), ("kickstart", {"hang": True})])
def test_restart_keeps_its_limit(ready, fault):
    mac = ready()
    verb, how = fault
    mac.fault("launchctl", verb, **how)
    done, took_s = timed(mac, "restart")
    assert took_s < START_S, done.stdout + done.stderr
    if verb == "kickstart":
        assert done.returncode == 1 and "didn't restart" in done.stderr and "running now" in done.stderr
    assert mac.job(LABEL).pid


def test_a_restart_that_runs_out_of_time_never_leaves_the_service_stopped(ready):
    mac = ready(ThrottleInterval=1)
    path = mac.agents / f"{LABEL}.plist"
    mac.llama_swap(mac.home / "bin" / "llama-swap").behave(ignore_sigterm=True)
    mac.own()
    asking.launchctl(mac, "bootout", label=LABEL)
    asking.wait_gone(mac, LABEL)
    path.write_bytes(path.read_bytes().replace(b"<integer>5</integer>", b"<integer>24</integer>"))
    assert asking.bootstrap(mac, path).returncode == 0
    first = asking.wait_for_state(mac, "running", LABEL).pid
    path.write_bytes(path.read_bytes().replace(b"--config", b"-config"))  # launchd doesn't load a changed plist itself
    (mac.home / "mine.toml").write_text(f'[[server]]\nname = "mine"\nurl = "{mac.url.pop("LLAMABAR_URL")}"\n')
    mac.own()
    done, took_s = timed(mac, "restart", "--config", "mine.toml", "--server", "mine")
    assert took_s < START_S
    assert done.returncode == 1 and "still exiting and will then start again" in done.stderr, done.stderr
    wait_for(lambda: (mac.job(LABEL) or done).__dict__.get("pid") not in (None, first), 40)


def test_a_service_without_a_plist_is_never_unloaded_by_a_restart(ready):
    """Nothing could load it again: somebody deleted its plist, and its program is a newer one."""
    mac = ready(ThrottleInterval=1)
    first = asking.wait_for_state(mac, "running", LABEL).pid
    (mac.agents / f"{LABEL}.plist").unlink()
    time.sleep(1.1)  # its program's file is newer by more than a second
    mac.llama_swap(mac.home / "bin" / "llama-swap", version="251")
    mac.own()
    done, _ = timed(mac, "restart")
    assert done.returncode == 0 and mac.job(LABEL).pid not in (None, first), done.stderr


def test_json_has_the_result_and_the_message(ready):
    mac = ready()
    found = json.loads(timed(mac, "stop", "--json")[0].stdout)
    assert (found["llamabar_json"], found["result"], found["label"]) == (1, "stopped", LABEL)


def test_a_failed_start_quotes_standard_error_and_only_what_is_new(ready):
    mac = ready(loaded=False)
    (mac.home / "err.log").write_text("an older failure\n")
    (mac.home / "out.log").write_text("older words\n")
    mac.llama_swap(mac.home / "bin" / "llama-swap").behave(crash=1)
    mac.own()
    done, _ = timed(mac, "start")
    assert done.returncode == 1 and "exited right after it started" in done.stderr
    assert "made to fail" in done.stderr and "older" not in done.stderr
