"""The lean process: a first frame before heavy imports, no TLS, no command line, and HTTP as before."""

import os
import subprocess
import sys

import pytest

from tests.fakes.programs import environment, llama_swap, wait_for

WATCH = """
import sys
sys.path[:0] = sys.argv[2:]
from llamabar.sources.without_tls import without_tls
done = without_tls([sys.argv[1]])
from llamabar.sources.client import Client
client = Client(sys.argv[1])
got = client.call("GET", "/api/version")
stream = client.open_stream()
print(done, got.status, stream.read()[:14], sys.modules.get("ssl"), "importlib.metadata" in sys.modules)
"""


def test_plain_http_works_without_tls_in_the_process(tmp_path):
    with llama_swap() as server:
        words = [sys.executable, "-S", "-c", WATCH, server.url, *sys.path]
        done = subprocess.run(words, env=environment(tmp_path), capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout == "True 200 b'event:message\\n' None False\n"


@pytest.mark.parametrize("urls", [["https://h:1"], ["http://h:1", "https://h:2"]])
def test_tls_stays_where_a_server_needs_it(tmp_path, urls):
    script = f"from llamabar.sources.without_tls import without_tls; print(without_tls({urls!r})); import ssl, urllib3"
    done = subprocess.run([sys.executable, "-c", script], env=environment(tmp_path), capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")


def imported(errors):
    """Return the modules that `-X importtime` lists, in the order in which they were imported."""
    return [line.rsplit("|", 1)[1].strip() for line in errors.splitlines() if line.startswith("import time:")]


def test_almost_nothing_is_imported_before_the_first_frame(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    words = [sys.executable, "-X", "importtime", "-S", "-m", "llamabar", "stream"]
    bare = [sys.executable, "-X", "importtime", "-S", "-m", "this"]
    started = subprocess.run(words, env=environment(tmp_path), stdout=writer, stderr=subprocess.PIPE, text=True)
    usual = subprocess.run(bare, env=environment(tmp_path), capture_output=True, text=True)
    os.close(writer)
    new = set(imported(started.stderr)) - set(imported(usual.stderr))
    assert {name for name in new if not name.startswith("llamabar")} <= {"fcntl"}
    assert new >= {"llamabar.boot.entry", "llamabar.plugin.main"}


def test_the_stream_never_imports_the_command_line_and_tls_or_pictures_only_where_needed(tmp_path):
    found = tmp_path / "errors"
    with llama_swap() as server, found.open("w") as errors:
        words = [sys.executable, "-X", "importtime", "-S", "-m", "llamabar", "stream"]
        env = environment(tmp_path, SWIFTBAR="1", LLAMABAR_URL=server.url)
        env["PYTHONPATH"] += ":" + ":".join(path for path in sys.path if path.endswith("site-packages"))
        plugin = subprocess.Popen(words, env=env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors)
        try:
            wait_for(lambda: "| png" in found.read_text().replace("  ", ""))
        finally:
            plugin.terminate()
            plugin.communicate(timeout=10)
    modules = imported(found.read_text())
    assert "click" not in modules
    assert "_ssl" not in modules
    assert "importlib.metadata" not in modules
    assert modules.index("png") > modules.index("llamabar.app.loop"), "no picture before there is something to draw"


def test_without_psutil_figures_are_unknown_and_nothing_fails(tmp_path):
    script = """
import sys
sys.modules["psutil"] = None
from llamabar.core.state import Snapshot
from llamabar.sources import host, processes
found = host.measure(), host.Processes("http://127.0.0.1:1").find(Snapshot()), list(processes.running())
print([found[0].cpu_ratio, found[0].memory_used_bytes, found[1].server_bytes, found[2]])
"""
    done = subprocess.run([sys.executable, "-c", script], env=environment(tmp_path), capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[None, None, None, []]\n", "")


def test_a_look_at_a_plain_server_loads_no_tls_and_no_pictures(tmp_path):
    with llama_swap() as server:
        words = [sys.executable, "-X", "importtime", "-m", "llamabar", "status"]
        done = subprocess.run(words, env=environment(tmp_path, LLAMABAR_URL=server.url), capture_output=True, text=True)
    modules = imported(done.stderr)
    assert done.returncode == 0 and "urllib3" in modules
    assert "_ssl" not in modules
    assert modules.index("llamabar.view.menu") > modules.index("llamabar.sources.without_tls")
