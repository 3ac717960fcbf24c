"""The lean process: no TLS in it, and HTTP as before."""

import subprocess
import sys

import pytest

from tests.programs import environment, llama_swap

WATCH = """
import sys
sys.path[:0] = sys.argv[2:]
from llamabar import lean
done = lean.without_tls([sys.argv[1]])
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
    script = f"from llamabar import lean; print(lean.without_tls({urls!r})); import ssl, urllib3"
    done = subprocess.run([sys.executable, "-c", script], env=environment(tmp_path), capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")
