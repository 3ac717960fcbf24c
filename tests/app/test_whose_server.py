"""A llama-swap behind a forwarded port, beside a local one with the same ports: nothing of the local one appears."""

import json
import re
import shutil
import subprocess
import sys

import pytest

from llamabar.demo.load import ask
from tests.fakes.programs import ROOT, Plugin, chat, free_port, llama_swap, recording, run, wait_for

OTHER = [sys.executable, str(ROOT / "tests" / "fakes" / "other_machine.py")]
HERE_TPS, THERE_TPS = 160.0, 25.0


def _own_network():
    """Return the command that starts a program in its own network namespace, or why that isn't possible."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return None, "no unshare or no ip on this system"
    command = ["unshare", "--net", "--map-root-user", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    done = subprocess.run([*command, "true"], capture_output=True, text=True)
    return (command, "") if done.returncode == 0 else (None, f"no network namespace: {done.stderr.strip()}")


@pytest.fixture(params=["network namespace", "port forward"])
def remote(request, tmp_path):
    """Start a llama-swap of a dialect elsewhere that reports a port; return its forwarded address."""
    own_network, why_not = _own_network() if request.param == "network namespace" else ([], "")
    if own_network is None:
        pytest.skip(why_not)
    started = []

    def begin(dialect, told_port, record):
        port, forwarded, file = free_port(), free_port(), str(tmp_path / "way")
        model_port = told_port if own_network else free_port()
        words = [dialect, str(port), str(model_port), str(told_port), str(THERE_TPS), str(record)]
        started.append(subprocess.Popen([*own_network, *OTHER, *words, *([file] if own_network else [])]))
        wait_for((tmp_path / "way").exists if own_network else lambda: ask(f"127.0.0.1:{port}", "none", 1, 1))
        started.append(subprocess.Popen([*OTHER, "forward", str(forwarded), file if own_network else str(port)]))
        wait_for(lambda: ask(f"127.0.0.1:{forwarded}", "none", 1, 1))
        return f"http://127.0.0.1:{forwarded}"

    yield begin
    for process in started:
        process.terminate()
        process.wait()


@pytest.mark.parametrize("dialect", ["v250", "v228"])
def test_nothing_of_a_local_llama_swap_shows_as_the_remote_ones(tmp_path, remote, dialect):
    here_asked, there_asked = tmp_path / "here.jsonl", tmp_path / "there.jsonl"
    there_asked.touch()
    with llama_swap("v250") as local:
        beta = local.world.processes["beta-3b"]
        beta.program = recording(here_asked)
        chat(local, "beta-3b", tokens=1).join(10)
        url = remote(dialect, beta.port, there_asked)
        with Plugin(url, tmp_path) as plugin:
            plugin.wait_for_row("llama-swap: no model loaded")
            ask(url[7:], "m", 70, 10)
            plugin.wait_for_row("m: ready")
            busy = chat(local, "beta-3b", tokens=2000)
            ask(url[7:], "m", 100, 10)
            document = json.loads(run(tmp_path, "status", "--json", LLAMABAR_URL=url).stdout)
            plugin.wait_for_row("m: ready")
            shown = "".join(content for _, content in plugin.frames)
        local.stop()
        busy.join(5)
    speeds = re.findall(r"m: (~?)([\d.]+) tok/s", shown)
    assert all(about == "~" and float(speed) < 1.6 * THERE_TPS for about, speed in speeds)
    assert speeds or dialect == "v228", "the bytes that its events tell of give a speed, about"
    assert not re.search("m: ready, .* left", shown) or dialect == "v250", "v228 tells of no request under /upstream"
    model = document["servers"][0]["models"][0]
    assert (model["id"], model["memory_bytes"]) == ("m", None)
    assert not [line for line in shown.splitlines() if line.startswith("--Memory: ")]
    for record in (here_asked, there_asked):
        asked = [json.loads(line)[4] for line in record.read_text().splitlines()]
        assert not [agent for agent in asked if agent.startswith("llamabar")], "nobody's model server is asked"
