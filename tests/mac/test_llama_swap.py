"""The simulated llama-swap behaves as the real one does for an installer."""

import json
import signal
import sys
import urllib.request

from tests.fakes.programs import free_port, wait_for
from tests.mac.asking import LABEL, launchctl, load, target, top, wait_for_state, wait_gone

GOOD = "models:\n  a:\n    cmd: x\n"
PRELOADING = GOOD + "hooks:\n  on_startup:\n    preload: [a]\n"
SHOW = """
import json, psutil
rows = [one.info for one in psutil.process_iter(["pid", "name", "cmdline"])]
print(json.dumps({row["pid"]: [row["name"], row["cmdline"]] for row in rows}))
"""


def config(mac, text=GOOD):
    path = mac.home / "config.yaml"
    path.write_text(text)
    mac.own()
    return path


def answer(port, path="/health"):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2) as said:
            return said.read()
    except OSError:
        return b""


def serve(mac, swap, port, **keys):
    """Load it as an agent; return the job once it answers."""
    log = str(mac.home / "log")
    words = (swap.path, "--config", config(mac), "--listen", f"127.0.0.1:{port}")
    load(mac, *words, RunAtLoad=True, StandardOutPath=log, StandardErrorPath=log, **keys)
    wait_for(lambda: answer(port) == b"OK")
    return mac.job(LABEL)


def test_its_version_flags_and_refusals_are_those_of_its_version(mac):
    for version, words in (("250", "failed to load config"), ("150", "Error loading config:")):
        swap = mac.llama_swap(mac.home / "bin" / version / "llama-swap", version=version)
        said = mac.run(swap.path, "--version")
        assert said.returncode == 0 and said.stdout.startswith(f"version: {version} (") and "built at" in said.stdout
        bad = mac.run(swap.path, "-config", config(mac, GOOD + "broken: [\n"), "-listen", "127.0.0.1:1")
        assert bad.returncode == 1 and words in bad.stdout + bad.stderr and "yaml: line 4" in bad.stdout + bad.stderr
        missing = mac.run(swap.path, "--config=/nowhere")
        assert missing.returncode == 1 and "open /nowhere: no such file or directory" in missing.stdout + missing.stderr
        assert mac.run(swap.path, "--unknown").returncode == 2 and mac.run(swap.path, "-h").returncode == 0
    said = mac.run(mac.home / "bin/250/llama-swap")
    assert said.returncode == 1 and "at least one of -config or -config-dir must be provided" in said.stderr


def test_a_good_config_on_a_taken_port_exits_1_after_it_has_preloaded(mac):
    swap, port = mac.llama_swap(), free_port()
    other = mac.llama_swap(mac.home / "go" / "bin" / "llama-swap")
    serve(mac, other, port)
    words = ("--config", config(mac), "--listen", f"127.0.0.1:{port}")
    said = mac.run(swap.path, *words)
    assert said.returncode == 1 and f"listen tcp 127.0.0.1:{port}: bind: address already in use" in said.stderr
    assert mac.preloaded() == []
    config(mac, PRELOADING)
    assert mac.run(swap.path, *words).returncode == 1
    (preloaded,) = mac.preloaded()
    assert mac.is_alive(preloaded.pid), "an orphan"
    table = json.loads(mac.run(sys.executable, "-c", SHOW).stdout)
    assert table[str(preloaded.pid)][1][0] == "llama-server"


def test_it_serves_stops_in_good_order_and_is_seen_as_llama_swap(mac):
    swap, port = mac.llama_swap(version="236"), free_port()
    job = serve(mac, swap, port)
    assert json.loads(answer(port, "/api/version"))["version"] == "236"
    assert json.loads(answer(port, "/v1/models"))["data"]
    name, words = json.loads(mac.run(sys.executable, "-c", SHOW).stdout)[str(job.pid)]
    path = str(swap.path)
    assert name == "llama-swap" and words[:3] == [path, "--config", str(mac.home / "config.yaml")]
    assert mac.run("pgrep", "-x", "llama-swap").stdout == f"{job.pid}\n"
    assert mac.run("launchctl", "kill", "HUP", target(mac)).returncode == 0
    wait_for(lambda: "configuration reloaded" in (mac.home / "log").read_text())
    mac.run("launchctl", "kill", "TERM", target(mac))
    wait_for_state(mac, "not running")
    assert top(mac)["last exit code"] == "0"
    log = (mac.home / "log").read_text()
    assert f"llama-swap listening on http://127.0.0.1:{port}" in log and log.endswith("shutdown complete\n")


def test_it_misbehaves_on_request_and_its_model_servers_outlive_a_kill(make_mac):
    mac, port = make_mac(seconds_per_second=0.02), free_port()
    swap = mac.llama_swap(llama_servers=2, ignore_sigterm=True)
    serve(mac, swap, port, ExitTimeOut=10)
    orphans = wait_for(lambda: len(found := mac.run("pgrep", "-f", "llama-server").stdout.split()) == 2 and found)
    launchctl(mac, "bootout")
    wait_gone(mac)
    assert "Killed: 9" in mac.log and all(mac.is_alive(int(pid)) for pid in orphans)
    swap.behave(crash=1)
    load(mac, swap.path, "--config", config(mac), "--listen", f"127.0.0.1:{port}", RunAtLoad=True)
    assert wait_for_state(mac, "not running").exit_text == "1"
    swap.behave(stop_s=0.3)
    launchctl(mac, "kickstart")
    wait_for(lambda: answer(port) == b"OK")
    launchctl(mac, "bootout")
    assert mac.job(LABEL).state == "SIGTERMed"
    wait_gone(mac)
    swap.behave(dies=int(signal.SIGABRT))
    assert mac.run(swap.path, "--version").returncode == -signal.SIGABRT
    swap.behave()
    before = swap.path.stat().st_ino
    swap.replace("251")
    assert swap.path.stat().st_ino != before and "version: 251 " in mac.run(swap.path, "--version").stdout
    mac.quarantine(swap.path)
    assert mac.run(swap.path, "--version").returncode == -signal.SIGKILL, "Gatekeeper"
