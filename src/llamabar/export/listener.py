"""The HTTP listener: GET and HEAD of three pages, for scrapers that may hang, hurry or send anything.

Laws: no caller ever blocks another, or the loop. Each has a thread, request headers of at most HEAD_BYTES within
HEAD_S, and SEND_S to receive the answer. Nothing that a caller sends is shown, logged or stored. A scrape sends no
requests.
"""

import hmac
import re
import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from typing import Callable, Iterable, Mapping, NamedTuple, Optional, Tuple

from llamabar.sources import clock

HEAD_BYTES = 16_384
HEAD_S, SEND_S, DRAIN_S = 5.0, 10.0, 1.0
CALLERS = 192  # at once; more are rejected. launchd gives a process 256 descriptors
TEXT = "text/plain; charset=utf-8"
METHODS = ("GET", "HEAD")
_HOST = re.compile(r"^http://[^/?]*/?", re.IGNORECASE)  # a request may name the whole address (RFC 9112, 3.2.2)


class Long(NamedTuple):
    """A body that is generated while it is sent."""

    size_bytes: int
    pieces: Iterable[bytes]


class Reply(NamedTuple):
    """An answer; `headers` in addition to its type and length."""

    status: int
    body: bytes
    content_type: str = TEXT
    headers: Mapping[str, str] = {}
    long: Optional[Long] = None  # instead of `body`


Answer = Callable[[str, Mapping[str, str]], Reply]  # of a path and of headers, names in lower case


class Listener(socketserver.ThreadingTCPServer):
    """Listens at an address as soon as it exists; `serve` starts answering. Raises OSError if it can't listen."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, answer: Answer) -> None:
        self.answer = answer
        self._callers = threading.BoundedSemaphore(CALLERS)
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        self.address_family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
        super().__init__(address, _Caller)  # type: ignore[arg-type]

    @property
    def port(self) -> int:
        """Return the port that it listens on."""
        return int(self.server_address[1])

    def serve(self) -> None:
        """Answer, on a separate thread."""
        threading.Thread(target=self.serve_forever, args=(60.0,), name="listener", daemon=True).start()

    def process_request(self, request, client_address) -> None:  # type: ignore[no-untyped-def]
        """Start a thread for a caller, unless there are too many."""
        if self._callers.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request, client_address) -> None:  # type: ignore[no-untyped-def]
        """Answer one caller."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._callers.release()

    def handle_error(self, request, client_address) -> None:  # type: ignore[no-untyped-def]
        """Ignore errors: a caller that disconnects or hangs is no fault of ours."""


class _Caller(BaseHTTPRequestHandler):
    """One caller: one request, one answer."""

    server: Listener
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        """Read all request headers before parsing anything."""
        super().setup()
        self.head, self.is_too_long = _head(self.connection)
        self.rfile = BytesIO(self.head)
        self.connection.settimeout(SEND_S)

    def handle(self) -> None:
        """Answer once."""
        self.close_connection = True
        self.raw_requestline = self.rfile.readline()
        if self.is_too_long:
            self.requestline, self.request_version, self.command = "", self.protocol_version, "GET"
            self._send(Reply(431, b"The request's headers are too long.\n"))
            self._drain()
        elif self.raw_requestline and self.parse_request():
            self._send(self._reply())
            if self.command not in METHODS:  # a body may follow
                self._drain()

    def _reply(self) -> Reply:
        if self.command not in METHODS:
            return Reply(405, b"Only GET and HEAD are answered here.\n", headers={"Allow": ", ".join(METHODS)})
        path = _HOST.sub("/", self.path).partition("?")[0]
        return self.server.answer(path, {name.lower(): value for name, value in self.headers.items()})

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        size_bytes, pieces = reply.long or (len(reply.body), [reply.body])
        headers = {"Content-Type": reply.content_type, "Content-Length": str(size_bytes), **reply.headers}
        for name, value in {**headers, "X-Content-Type-Options": "nosniff", "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            for piece in pieces:
                self.wfile.write(piece)

    def send_error(self, code: int, *_: object) -> None:
        """Answer an invalid request, without repeating any of it."""
        self.command, self.request_version = self.command or "GET", self.protocol_version
        self._send(Reply(int(code), b"This isn't a valid request.\n"))

    def version_string(self) -> str:
        """Return the answer's Server header: no version, no Python."""
        return "llamabar"

    def _drain(self) -> None:
        """Keep reading for a moment: closing a connection with unread bytes loses the answer too."""
        self.connection.shutdown(socket.SHUT_WR)
        ends_s, piece = clock.now_s() + DRAIN_S, b"x"
        while piece and clock.now_s() < ends_s:
            self.connection.settimeout(max(0.001, ends_s - clock.now_s()))
            piece = self.connection.recv(65_536)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: what callers send is private."""


def is_allowed(token: str, headers: Mapping[str, str]) -> bool:
    """Tell whether a caller has the token, if one is required."""
    scheme, _, said = headers.get("authorization", "").partition(" ")
    is_same = hmac.compare_digest(said.strip().encode("utf-8", "replace"), token.encode())
    return not token or (is_same and scheme.lower() == "bearer")


def _head(connection: socket.socket) -> Tuple[bytes, bool]:
    """Return a request's headers, and whether they are too long; nothing if they don't come in time."""
    said = head = b""
    ends_s = clock.now_s() + HEAD_S
    while b"\r\n\r\n" not in head and b"\n\n" not in head:
        connection.settimeout(max(0.001, ends_s - clock.now_s()))
        try:
            piece = connection.recv(4096)
        except OSError:
            return b"", False
        said += piece
        head = said.lstrip(b"\r\n")  # empty lines may come before a request (RFC 9112, 2.2)
        if not piece or len(said) > HEAD_BYTES:
            return (head, True) if piece else (b"", False)
    return head, False
