"""Published advisories for the pinned urllib3, tried on our client: none of them applies."""

import socket
import threading
import zlib

import pytest

from llamabar.core.events import FaultKind
from llamabar.sources.client import BODY_LIMIT_BYTES, Client, Unreachable
from tests.fakes.programs import Stranger

CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n"
OFFERED_BYTES = 20_000_000
EVENTS = b"text/event-stream"


class Endless:
    """A server that answers with `head` and then offers OFFERED_BYTES of one byte; `taken_bytes` counts those sent."""

    def __init__(self, head, filler):
        self.head, self.filler, self.taken_bytes = head, filler, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        try:
            caller, _ = self.listener.accept()
            with caller:
                caller.recv(65536)
                caller.sendall(self.head)
                while self.taken_bytes < OFFERED_BYTES:
                    self.taken_bytes += caller.send(self.filler * 65536)
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


@pytest.fixture(scope="module")
def bomb():
    """Return fifty megabytes in fifty kilobytes."""
    return zlib.compress(b"\0" * 50_000_000)


def answered(server):
    return Client(server.url).call("GET", "/api/version", answer_s=5.0)


def test_a_chunk_size_line_without_end_is_refused_by_a_call_after_64_kib():
    with Endless(CHUNKED % b"application/json", b"1") as server:
        with pytest.raises(Unreachable) as fault:
            answered(server)
        assert fault.value.fault.kind is FaultKind.CLOSED
        assert server.taken_bytes < OFFERED_BYTES / 2, "what the kernels hold, and no more"


def test_a_chunk_size_line_without_end_is_refused_by_the_event_stream():
    with Endless(CHUNKED % EVENTS, b"1") as server:
        stream = Client(server.url).open_stream()
        with pytest.raises(Unreachable) as fault:
            stream.read()
        stream.close()
        assert fault.value.fault.kind is FaultKind.CLOSED
        assert server.taken_bytes < OFFERED_BYTES / 2


def test_a_chunk_extension_without_end_is_refused_too():
    with Endless(CHUNKED % EVENTS + b"5;", b"x") as server:
        stream = Client(server.url).open_stream()
        with pytest.raises(Unreachable):
            stream.read()
        stream.close()
        assert server.taken_bytes < OFFERED_BYTES / 2


def test_a_body_without_end_is_cut_at_the_limit():
    with Endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x") as server:
        assert len(answered(server).body) == BODY_LIMIT_BYTES


@pytest.mark.parametrize("status", [b"200 OK", b"302 Found\r\nLocation: http://127.0.0.1:9/"])
@pytest.mark.parametrize("coding", [b"deflate", b"gzip", b"deflate, deflate, gzip", b"br", b"zstd"])
def test_nothing_is_decompressed_so_no_bomb_goes_off(coding, status, bomb):
    head = b"HTTP/1.1 %s\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (status, coding, len(bomb))
    with Stranger(head + bomb) as server:
        assert answered(server).body == bomb


def test_chunked_deflate_ends_like_any_other_body(bomb):
    piece = b"%x\r\n%s\r\n" % (len(bomb), bomb)
    with Stranger(CHUNKED % b"text/plain\r\nContent-Encoding: deflate" + piece + b"0\r\n\r\n") as server:
        assert answered(server).body == bomb
    with Stranger(CHUNKED % (EVENTS + b"\r\nContent-Encoding: deflate") + piece) as server:
        stream = Client(server.url).open_stream()
        assert bomb.startswith(stream.read())
        stream.close()


def test_no_compression_is_requested():
    with Stranger(b"HTTP/1.1 204 No Content\r\n\r\n") as server:
        answered(server)
        with pytest.raises(Unreachable):
            Client(server.url).open_stream()
        for heard in server.heard:
            assert b"accept-encoding: identity" in heard.lower()


def test_a_redirect_is_an_answer_and_its_target_hears_nothing():
    with Stranger(b"") as target:
        moved = f"HTTP/1.1 307 Moved\r\nLocation: {target.url}/\r\nContent-Length: 0\r\n\r\n".encode()
        with Stranger(moved) as server:
            client = Client(server.url, api_key="sk-secret", key_wanted=True)
            assert client.call("GET", "/api/version").status == 307
        assert target.heard == []


def test_no_proxy_is_used_for_either_scheme(monkeypatch):
    with Stranger(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        for url in ("http://127.0.0.1:9", "https://127.0.0.1:9"):
            with pytest.raises(Unreachable) as fault:
                Client(url).call("GET", "/")
            assert fault.value.fault.kind is FaultKind.REFUSED
        assert proxy.heard == []
