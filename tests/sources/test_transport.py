"""Keys stay hidden; TLS, certificate authorities, path prefixes and environment proxies work, over real sockets."""

import json
import os
import ssl
import time
from pathlib import Path

import psutil
import pytest

from llamabar.app.loop import Watch
from llamabar.core.events import FaultKind, StreamLost
from llamabar.settings import keys, load
from llamabar.settings.load import ServerSettings, Settings
from llamabar.settings.mistakes import Kind
from llamabar.sources import client as client_module
from llamabar.sources.call_worker import CallWorker
from llamabar.sources.client import Client, Unreachable
from llamabar.sources.inbox import Failed, Inbox, Notice
from llamabar.sources.stream import EventStream
from tests.fakes.programs import Plugin, Stranger, chat, llama_swap, run, wait_for
from tests.fakes.recorder import Recorder

SECRET = "sk-seeded-secret-7719"
NOT_SECURE = "Couldn't establish a secure connection"
CERTIFICATES = Path(__file__).parents[1] / "certificates"


def settings(home, text):
    path = home / "settings.toml"
    path.write_text(text)
    return str(path)


def secured(server):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "server.pem")
    return Recorder(server.server_address[1], tls=context)


@pytest.fixture(params=["api_key", "api_key_env", "api_key_file", "api_key_keychain"])
def keyed(request, tmp_path):
    """Return the settings that name a key, and the environment that they need."""
    (tmp_path / "key").write_text(SECRET + "\n")
    (tmp_path / "key").chmod(0o600)
    tool = tmp_path / "security"
    tool.write_text(f'#!/bin/sh\n[ "$*" = "find-generic-password -s the-item -w" ] && cat {tmp_path / "key"}\n')
    tool.chmod(0o755)
    value = {
        "api_key": SECRET, "api_key_env": "THE_KEY", "api_key_file": tmp_path / "key", "api_key_keychain": "the-item",
    }[request.param]  # fmt: skip
    more = {"THE_KEY": SECRET} if request.param == "api_key_env" else {}
    return f'{request.param} = "{value}"\n', {**more, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}


def test_a_key_from_anywhere_opens_the_server_and_shows_nowhere(tmp_path, keyed):
    line, more = keyed
    home = tmp_path / "home"
    home.mkdir()
    with llama_swap(api_key=SECRET) as server:
        file = settings(tmp_path, f'[[server]]\nurl = "{server.url}"\n{line}')
        with Plugin("", home, LLAMABAR_CONFIG=file, **more) as plugin:
            plugin.wait_for_row("llama-swap: no model loaded")
            chat_refused = chat(server, "alpha-8b", tokens=3)
            chat_refused.join(10)
            family = [psutil.Process(plugin.process.pid), *psutil.Process(plugin.process.pid).children(recursive=True)]
            assert SECRET not in str([one.cmdline() for one in family])
            assert plugin.end()[0] == 0
        shown = plugin.stderr.decode() + "".join(text for _, text in plugin.frames) + server.world.logs["proxy"]
        for words in (["status", "--json"], ["config"], ["load", "broken-1b"]):
            done = run(home, *words, LLAMABAR_CONFIG=file, **more)
            shown += done.stdout + done.stderr
            assert "API key required" not in done.stdout + done.stderr
        assert "Couldn't load broken-1b: unspecific error" in shown
        assert SECRET not in shown
    written = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in content for content in written)


def test_a_rejected_key_is_reported_with_a_fix_and_not_retried_rapidly(tmp_path):
    with llama_swap(api_key=SECRET) as server, Plugin(server.url, tmp_path, LLAMABAR_API_KEY="sk-wrong-1") as plugin:
        plugin.wait_for_row("llama-swap: API key required")
        assert plugin.row("API key: set api_key_keychain")
        wait_for(lambda: len(server.requests) >= 4)
        assert {path for _, path in server.requests} == {"/api/events"}, "nothing else is asked of who refuses"
        assert "sk-wrong-1" not in plugin.text + server.world.logs["proxy"]


def test_a_hanging_keychain_does_not_block(tmp_path, monkeypatch):
    tool = tmp_path / "security"
    tool.write_text("#!/bin/sh\nexec sleep 20\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(keys, "KEYCHAIN_S", 0.2)
    file = settings(tmp_path, '[[server]]\nurl = "http://h:1"\napi_key_keychain = "x"\n')
    found = load.load({"LLAMABAR_CONFIG": file}, discover=lambda: ("", ""))
    assert [one.kind for one in found.mistakes] == [Kind.KEYCHAIN_SILENT]


def test_a_private_certificate_authority_in_the_settings_is_trusted(tmp_path):
    with llama_swap(api_key=SECRET) as server, secured(server) as proxy:
        file = settings(
            tmp_path,
            f'[[server]]\nurl = "{proxy.url}"\nca_file = "{CERTIFICATES / "authority.pem"}"\napi_key = "{SECRET}"\n',
        )
        with Plugin("", tmp_path, LLAMABAR_CONFIG=file) as plugin:
            plugin.wait_for_row("llama-swap: no model loaded")
            plugin.click("beta-3b", under="Load Model:")
            plugin.wait_for_row("beta-3b: ready")
            plugin.wait_for_row("Version: v250")


@pytest.mark.parametrize(
    ("host", "ca", "said"),
    [
        ("127.0.0.1", "", "The certificate isn't trusted ("),
        ("localhost", "authority.pem", f"{NOT_SECURE} (its certificate can't be used: Hostname mismatch"),
        ("127.0.0.1", "missing.pem", f"{NOT_SECURE} (the ca_file in the settings doesn't exist"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_said_in_words(tmp_path, host, ca, said):
    with llama_swap() as server, secured(server) as proxy:
        url = proxy.url.replace("127.0.0.1", host)
        line = f'ca_file = "{CERTIFICATES / ca}"\n' if ca else ""
        file = settings(tmp_path, f'[[server]]\nurl = "{url}"\n{line}api_key = "{SECRET}"\n')
        with Plugin("", tmp_path, LLAMABAR_CONFIG=file) as plugin:
            assert plugin.wait_for_row(f"Why: {said}")
            advised = "Certificate: set ca_file in the settings to its authority's certificate"
            assert plugin.row("Certificate:") == ("" if ca else advised), "it helps only where the authority is unknown"
        assert server.requests == []


def test_https_to_a_server_that_speaks_plain_http_says_so(tmp_path):
    with llama_swap() as server, Plugin(server.url.replace("http:", "https:"), tmp_path) as plugin:
        assert "it doesn't speak TLS; try http://" in plugin.wait_for_row("Why: Couldn't establish a secure connection")


def test_behind_a_path_prefix_everything_works(tmp_path):
    opened, tool = tmp_path / "opened", tmp_path / "open"
    tool.write_text(f'#!/bin/sh\necho "$@" >"{opened}"\n')
    tool.chmod(0o755)
    with llama_swap() as server, Recorder(server.server_address[1], prefix="/llm/swap") as proxy:
        with Plugin(f"{proxy.url}/", tmp_path, PATH=f"{tmp_path}:{os.environ['PATH']}") as plugin:
            plugin.wait_for_row("Load Model: 5")
            plugin.click("org/short", under="Load Model:")
            plugin.wait_for_row("org/short:ttl: ready")
            plugin.click("Unload", under="org/short")
            plugin.wait_for_row("llama-swap: no model loaded")
            plugin.click("Open Web UI")
            wait_for(lambda: opened.exists() and opened.read_text() == f"-- {proxy.url}/ui/models#/models\n")
        assert all(path.startswith("/llm/swap/") for _, _, path, _ in proxy.requests)
        assert "GET /llm/swap/upstream/org%2Fshort%3Attl/" in proxy.routes()


def test_proxies_in_the_environment_get_no_requests(tmp_path):
    with llama_swap() as server, Stranger(b"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n") as proxy:
        names = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
        done = run(tmp_path, "status", "--json", LLAMABAR_URL=server.url, **dict.fromkeys(names, proxy.url))
        assert json.loads(done.stdout)["servers"][0]["reachable"] is True
        assert proxy.heard == []


def test_a_sleeping_machine_behind_a_wol_proxy_is_shown_asleep_and_not_woken(tmp_path):
    woken = []

    def wol_proxy(request):
        if request.startswith(b"GET /api/events "):
            return b"HTTP/1.1 204 No Content\r\n\r\n"
        woken.append(request)
        return b""

    with Stranger(wol_proxy) as stranger, Plugin(stranger.url, tmp_path, LLAMABAR_API_KEY=SECRET) as plugin:
        assert plugin.wait_for_row("Why: ").startswith("Why: Asleep")
        wait_for(lambda: len(stranger.heard) >= 3)
        assert woken == []
        assert run(tmp_path, "status", LLAMABAR_URL=stranger.url).returncode == 1
        assert woken == []


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ENDLESS = {
    "headers": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 60_000,
    "100 Continue": b"HTTP/1.1 100 Continue\r\n\r\n" * 2_000,
    "body": HEAD + b"Content-Length: 90000\r\n\r\n" + b" " * 60_000,
    "chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 9_000,
    "trailers": HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n" + b"x: y\r\n" * 9_000,
}


@pytest.mark.parametrize("what", ENDLESS)
def test_an_endless_answer_is_aborted_at_the_deadline(what):
    with Stranger(ENDLESS[what], piece=50, pause_s=0.01) as stranger:
        began_s = time.monotonic()
        with pytest.raises(Unreachable) as caught:
            Client(stranger.url).call("GET", "/running", answer_s=0.6)
        assert caught.value.fault.kind is FaultKind.TIMEOUT
        assert time.monotonic() - began_s < 1.2


def test_a_model_may_load_for_longer_than_a_connection_may_take(monkeypatch):
    monkeypatch.setattr(client_module, "CONNECT_S", 0.3)

    def _slow(_):
        time.sleep(1.0)
        return HEAD + b"Content-Length: 2\r\n\r\nOK"

    with Stranger(_slow) as stranger:
        assert Client(stranger.url).call("GET", "/upstream/slow/", answer_s=10.0).body == b"OK"


def test_a_stream_with_trickling_headers_is_aborted_at_the_deadline():
    with Stranger(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 60_000, piece=50, pause_s=0.01) as stranger:
        with pytest.raises(Unreachable) as caught:
            Client(stranger.url)._open("/api/events", 0.6)
        assert caught.value.fault.kind is FaultKind.TIMEOUT


@pytest.mark.parametrize("name", ["maximilian’s-mac.local", "möbius.invalid", "a–b.invalid", "..", "x" * 300])
def test_an_impossible_host_is_reported_as_not_found(name):
    with pytest.raises(Unreachable) as caught:
        Client(f"http://{name}:8080").open_stream()
    assert caught.value.fault.kind in (FaultKind.NO_ADDRESS, FaultKind.UNKNOWN_HOST)


def test_a_stream_may_be_closed_by_two_threads_at_once():
    with llama_swap() as server:
        stream = Client(server.url).open_stream()
        body = stream._response._fp
        flush, flushed = body.flush, []

        def _while_the_other_closes():
            flushed.append(True)
            if len(flushed) == 1:
                body.close()
            flush()

        body.flush = _while_the_other_closes
        stream.close()
        assert len(flushed) == 2 and body.closed


def test_an_exception_in_a_thread_reaches_the_loop_and_the_thread_continues():
    inbox = Inbox()
    worker = CallWorker("one", inbox)
    worker.start()
    worker.do(lambda: 1 // 0, Notice("instead"))
    worker.do(lambda: Notice("the next"))
    arrived = []
    wait_for(lambda: arrived.extend(inbox.take()) or len(arrived) == 3)
    worker.stop()
    assert isinstance(arrived[0][2], Failed) and isinstance(arrived[0][2].error, ZeroDivisionError)
    assert [one[2] for one in arrived[1:]] == [Notice("instead"), Notice("the next")]


def test_a_stream_that_meets_an_exception_says_so_and_tries_again():
    class Broken(Client):
        def open_stream(self):
            raise AssertionError("nobody expected this")

    inbox = Inbox()
    stream = EventStream("one", Broken("http://127.0.0.1:1"), inbox)
    stream.start()
    seen = []
    wait_for(lambda: seen.extend(inbox.take()) or sum(isinstance(one[2], Failed) for one in seen) >= 2)
    stream.stop()
    assert any(isinstance(one[2], StreamLost) for one in seen)


def test_the_loop_shows_a_fault_of_a_thread_once_and_goes_on():
    menus = []
    watch = Watch(Settings((ServerSettings("one", "http://127.0.0.1:9"),)), lambda menu, _: menus.append(menu))
    error = RuntimeError("secret text")
    for _ in range(2):
        watch.inbox.put("", Failed(error))
    with pytest.raises(RuntimeError):
        watch.step(1.0)
    watch.inbox.put("", Failed(error))
    watch.step(2.0)
