"""Where a key and a login are sent, over real sockets and with real processes; and that nobody can see them."""

import base64
import contextlib
import json
import os
import plistlib
import shutil
import socket
import subprocess
import sys
import threading

import pytest

from llamabar.core.events import FaultKind
from llamabar.settings import discover
from llamabar.settings.load import ServerSettings
from llamabar.sources.client import Unreachable
from llamabar.sources.echoes import without
from tests.fakes.here import run_here
from tests.fakes.programs import ROOT, Plugin, Stranger, accept, environment, free_port, llama_swap, run, wait_for

KEY, PASSWORD = "sk-key-0123456", "pass-w0rd-0123"
LOGIN = base64.b64encode(f"anna:{PASSWORD}".encode())
IMITATION = (
    b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"llama-swap\"\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)
REFUSAL = IMITATION.replace(b"llama-swap", b"gate")


class Gate:
    """A proxy that requires a login, removes it, and passes everything else to a port behind it."""

    def __init__(self, port):
        self.port, self.heads, self.listener = port, [], socket.create_server(("127.0.0.1", 0))
        self.place = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=accept, args=(self.listener, self._pass), daemon=True).start()

    def _pass(self, caller):
        with caller, contextlib.suppress(OSError):
            head, _, body = caller.recv(65536).partition(b"\r\n\r\n")
            self.heads.append(head)
            lines = head.split(b"\r\n")
            if b"Authorization: Basic " + LOGIN not in lines:
                caller.sendall(REFUSAL)
                return
            kept = b"\r\n".join(line for line in lines if not line.startswith(b"Authorization:"))
            with socket.create_connection(("127.0.0.1", self.port)) as behind:
                behind.sendall(kept + b"\r\n\r\n" + body)
                while piece := behind.recv(65536):
                    caller.sendall(piece)


def settings(folder, text):
    path = folder / "settings.toml"
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


@pytest.mark.parametrize("given", ["url", "basic_auth_env"])
def test_a_login_opens_the_proxy_the_key_opens_what_is_behind_it_and_neither_is_shown(tmp_path, given):
    with llama_swap(api_key=KEY) as server:
        gate = Gate(server.server_address[1])
        user = f"anna:{PASSWORD}@" if given == "url" else ""
        more = {} if user else {"THE_LOGIN": f"anna:{PASSWORD}"}
        login = "" if user else 'basic_auth_env = "THE_LOGIN"\n'
        file = settings(tmp_path, f'[[server]]\nurl = "http://{user}{gate.place}"\napi_key = "{KEY}"\n{login}')
        shown = ""
        for words in ("status", "status --json", "config", "doctor --report", "load no-such", "frame"):
            done = run(tmp_path, *words.split(), LLAMABAR_CONFIG=file, **more)
            shown += done.stdout + done.stderr
        assert f"llama-swap at {gate.place}: no model loaded" in shown
        assert f"basic_auth     set (from {given})" in shown
        for secret in (KEY, PASSWORD, "anna", LOGIN.decode()):
            assert secret not in shown
        assert all(b"Authorization: Bearer" not in head for head in gate.heads)
        assert any(f"x-api-key: {KEY}".encode() in head for head in gate.heads)


def test_a_wrong_login_is_never_shown_either(tmp_path):
    with llama_swap() as server:
        gate = Gate(server.server_address[1])
        done = run_here(tmp_path, "status", LLAMABAR_URL=f"http://anna:wrong-{PASSWORD}@{gate.place}")
        assert done.returncode == 1
        assert PASSWORD not in done.stdout + done.stderr
        assert b"Authorization: Basic " in gate.heads[0]


def test_whoever_imitates_llama_swap_on_a_usual_port_gets_no_key_and_an_unusable_address_watches_nobody(tmp_path):
    try:
        socket.create_server(("127.0.0.1", 45786)).close()
    except OSError:
        pytest.skip("port 45786 is taken")
    with Stranger(IMITATION, port=45786) as stranger:
        for said in ("http//mini", "http://anna–mini:1", ""):
            for command in ("status", "frame", "doctor"):
                run_here(tmp_path, command, LLAMABAR_URL=said, LLAMABAR_API_KEY=KEY)
            with Plugin(said, tmp_path, LLAMABAR_API_KEY=KEY) as plugin:
                plugin.wait_for_row("llama-swap: ")
            assert not (said and any(stranger.heard))
        assert KEY.encode() not in b"".join(stranger.heard)


def test_the_menu_reports_an_unusable_address(tmp_path):
    with Plugin("http//mini", tmp_path) as plugin:
        plugin.wait_for_row("Settings: LLAMABAR_URL must be an address")
        plugin.wait_for_text("can't be used")


def opens(client):
    try:
        client.open_stream().close()
    except Unreachable as error:
        assert error.fault.kind is FaultKind.REFUSED, error.fault
        return False
    return True


def test_a_llama_swap_of_this_user_that_is_found_listening_gets_the_key(tmp_path):
    program, port = tmp_path / "llama-swap", free_port()
    url = f"http://127.0.0.1:{port}"
    shutil.copy(sys.executable, program)
    script = (
        "import time; from tests.fakes.keyed import demo_server; from llamabar.demo.world import World;"
        f"demo_server(World('v250', ()), {port}, '{KEY}').start(); time.sleep(60)"
    )
    env = environment(tmp_path, PYTHONHOME=sys.base_prefix, PYTHONPATH=f"{ROOT}:{ROOT}/src:{ROOT}/installer")
    process = subprocess.Popen([str(program), "-c", script, "--listen", f"127.0.0.1:{port}"], env=env)
    try:
        ours = discover.client_of(ServerSettings("x", url, discovered=True, api_key=KEY))
        wait_for(lambda: opens(ours))
    finally:
        process.kill()
        process.wait()
    with llama_swap(api_key=KEY) as other:  # another program of this user, whatever it says
        stranger = discover.client_of(ServerSettings("x", other.url, discovered=True, api_key=KEY))
        with pytest.raises(Unreachable) as refused:
            stranger.open_stream()
        assert refused.value.fault.kind is FaultKind.UNAUTHORIZED


def test_a_launchagent_that_names_the_address_proves_nothing_about_who_has_taken_it(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with Stranger(IMITATION) as stranger:
        folder = tmp_path / "Library" / "LaunchAgents"
        folder.mkdir(parents=True)
        words = ["/opt/homebrew/bin/llama-swap", "--listen", stranger.url[len("http://") :]]
        (folder / "org.example.llama-swap.plist").write_bytes(
            plistlib.dumps({"Label": "org.example.llama-swap", "ProgramArguments": words})
        )
        found = discover.settings({"HOME": str(tmp_path), "LLAMABAR_API_KEY": KEY}).servers[0]
        assert (found.url, found.discovered, found.api_key) == (stranger.url, True, KEY)
        with pytest.raises(Unreachable) as refused:
            discover.client_of(found).open_stream()
        assert refused.value.fault.kind is FaultKind.UNAUTHORIZED
        assert KEY.encode() not in b"".join(stranger.heard)


def echoing(request):
    """A llama-swap that echoes its key to everyone: as a model, a name, a state and a reason."""
    if KEY.encode() not in request:
        return IMITATION.replace(b"Connection: close\r\n", b"")
    if b"/api/events" not in request:
        body = json.dumps({"error": f"no model for {KEY}", "src": "llama-swap"}).encode()
        return b"HTTP/1.1 404 Not Found\r\nServer: %s\r\nContent-Length: %d\r\n\r\n" % (KEY.encode(), len(body)) + body
    told = [{"id": "m", "name": f"named {KEY}", "state": "ready"}, {"id": KEY, "state": KEY, "name": ""}]
    said = json.dumps({"type": "modelStatus", "data": json.dumps(told)}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata:" + said + b"\n\n"


@pytest.mark.parametrize("written", [
    "a1/b&c<d>e+f=", "a1/b\\u0026c\\u003cd\\u003ee+f=", "a1\\/b&c<d>e+f=", "a1/b\\\\u0026c\\\\u003cd\\\\u003ee+f=",
    "a1%2Fb%26c%3Cd%3Ee%2Bf%3D", "a1/b%26c%3Cd%3Ee%2Bf%3D", "a1%2fb%26c%3cd%3ee%2bf%3d",
])  # fmt: skip
def test_a_key_is_found_as_json_an_event_within_json_or_an_address_writes_it(written):
    said = without(f"m={written};".encode(), api_key="a1/b&c<d>e+f=", login="")
    assert said == b"m=(key);"


def test_a_server_that_echoes_the_key_has_it_shown_nowhere(tmp_path):
    with Stranger(echoing, hold_s=9) as stranger:
        known = {"LLAMABAR_URL": stranger.url, "LLAMABAR_API_KEY": KEY}
        shown = ""
        more = ("doctor", "frame", "logs --upstream") if os.environ.get("LLAMABAR_LONG_TESTS") else ()
        for words in ("status", "models --json", "load m", *more):
            done = run(tmp_path, *words.split(), **known)
            shown += done.stdout + done.stderr
        with Plugin(stranger.url, tmp_path, LLAMABAR_API_KEY=KEY) as plugin:
            plugin.wait_for_text("(key)")
            shown += "".join(text for _, text in plugin.frames)
        assert any(KEY.encode() in heard for heard in stranger.heard)
        assert KEY not in shown and "(key)" in shown
        assert not [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
