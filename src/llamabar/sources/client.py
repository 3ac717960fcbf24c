"""HTTP to one llama-swap.

Laws: no redirect is followed, no proxy of the environment is used, nothing is decompressed; every call has a
time-out; the key leaves only after the other side has shown that it is llama-swap and wants one.
"""

import socket
import warnings
from base64 import b64encode
from dataclasses import dataclass, field, replace
from http.client import BadStatusLine, HTTPException, RemoteDisconnected, UnknownProtocol
from typing import Any, Callable, Dict, NamedTuple, Optional, Protocol

from llamabar import __version__
from llamabar.core import address
from llamabar.core.decode import error_text
from llamabar.core.events import Fault, FaultKind
from llamabar.sources import clock

warnings.filterwarnings("ignore", message="urllib3 v2 only supports OpenSSL")

import urllib3  # noqa: E402
from urllib3.exceptions import (  # noqa: E402
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    SSLError,
)
from urllib3.exceptions import TimeoutError as PoolTimeoutError  # noqa: E402

CONNECT_S = 3.0
ANSWER_S = 5.0
REFUSAL = "unauthorized: invalid or missing API key"
BODY_LIMIT_BYTES = 4 * 1024 * 1024
USER_AGENT = f"llamabar/{__version__}"
READ_BYTES = 65_536
UNAUTHORIZED = (401, 403)


class Unreachable(Exception):
    """There is no answer; `fault` says why in our words."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.kind.value)
        self.fault = fault


class Answer(NamedTuple):
    """An HTTP answer: status, body up to BODY_LIMIT_BYTES, header names in lower case."""

    status: int
    body: bytes
    headers: Dict[str, str]


@dataclass
class Client:
    """One server's address and, if it has one, its key."""

    url: str
    api_key: str = field(default="", repr=False)
    ca_file: str = ""
    login: str = field(default="", repr=False)  # user:password, for what stands in front of llama-swap
    may_have_secrets: Optional[Callable[[str], bool]] = None  # asked of an address that no setting names
    key_wanted: bool = False
    answer_s: float = ANSWER_S  # how long an answer may take, where nothing else is said

    def at(self, url: str) -> "Client":
        """Return a client of another address on the same computer; it has no key."""
        return Client(url)

    def moved(self, url: str) -> "Client":
        """Return a client of another address, which has to show itself anew before it gets the key."""
        return replace(self, url=url, key_wanted=False)

    def unix_s(self) -> float:
        """Return the wall clock of this computer."""
        return clock.unix_s()

    def call(self, method: str, path: str, *, body: bytes = b"", answer_s: Optional[float] = None) -> Answer:
        """Return the answer of a route; raise Unreachable."""
        answer_s = self.answer_s if answer_s is None else answer_s
        headers = {"Accept": "application/json", "Connection": "close", "User-Agent": USER_AGENT, **self._auth()}
        if body:
            headers["Content-Type"] = "application/json"
        pool = self._pool(answer_s)
        try:
            response = pool.urlopen(method, self._path(path), body=body or None, headers=headers, **_STRICT)
            try:
                return Answer(response.status, _read(response, answer_s), _headers(response))
            finally:
                response.close()
        except Exception as error:
            raise Unreachable(fault_of(error)) from None
        finally:
            pool.close()

    def open_stream(self) -> "Stream":
        """Return the open event stream; raise Unreachable. The first event must come within ANSWER_S."""
        self.key_wanted = False  # whoever listens there now has to show again that it is llama-swap
        stream = self._open()
        if stream.status in UNAUTHORIZED and self.api_key and _refuses(stream):
            stream.close()
            if self.may_have_secrets is not None and not self.may_have_secrets(self.url):
                raise Unreachable(Fault(FaultKind.UNAUTHORIZED, "no setting names this address, so the key isn't sent"))
            self.key_wanted = True
            stream = self._open()
        if stream.status == 200 and stream.content_type.startswith("text/event-stream"):
            return stream
        if stream.status == 204:  # a wol-proxy answers so while the machine behind it sleeps (facts, section 10)
            stream.close()
            raise Unreachable(Fault(FaultKind.ASLEEP))
        refused = stream.status in UNAUTHORIZED and _refuses(stream)
        stream.close()
        if refused:
            raise Unreachable(Fault(FaultKind.UNAUTHORIZED))
        self.key_wanted = False
        detail = f"GET /api/events answers {stream.status} {stream.content_type.split(';')[0]}".strip()
        raise Unreachable(Fault(FaultKind.NOT_LLAMA_SWAP, detail))

    def open_text(self, path: str, *, silence_s: float) -> "Stream":
        """Return an open stream of text, whose reads time out after a silence; raise Unreachable."""
        stream = self._open(path, silence_s)
        if stream.status == 200:
            return stream
        stream.close()
        kind = FaultKind.UNAUTHORIZED if stream.status in UNAUTHORIZED else FaultKind.NOT_LLAMA_SWAP
        raise Unreachable(Fault(kind, f"GET {path} answers {stream.status}"))

    def _open(self, path: str = "/api/events", silence_s: float = ANSWER_S) -> "Stream":
        pool = self._pool(silence_s)
        try:
            headers = {"Accept": "text/event-stream", "User-Agent": USER_AGENT, **self._auth()}
            response = pool.urlopen("GET", self._path(path), headers=headers, **_STRICT)
            return Stream(pool, response)
        except Exception as error:
            pool.close()
            raise Unreachable(fault_of(error)) from None

    def _auth(self) -> Dict[str, str]:
        key = self.api_key if self.key_wanted else ""
        if not self.login or self.may_have_secrets is not None:
            return {"Authorization": f"Bearer {key}"} if key else {}
        basic = {"Authorization": f"Basic {b64encode(self.login.encode()).decode()}"}
        return {**basic, "x-api-key": key} if key else basic

    def _path(self, path: str) -> str:
        return f"{self._address().path}{path}"

    def _address(self) -> address.Address:
        found = address.parse(self.url)
        if found is None:
            raise Unreachable(Fault(FaultKind.NO_ADDRESS))
        return found

    def _pool(self, answer_s: float) -> "urllib3.HTTPConnectionPool":
        found = self._address()
        timeout = urllib3.Timeout(connect=min(CONNECT_S, answer_s), read=answer_s)
        if found.scheme == "https":
            return urllib3.HTTPSConnectionPool(
                found.host, found.port, timeout=timeout, ca_certs=self.ca_file or None, cert_reqs="CERT_REQUIRED"
            )
        return urllib3.HTTPConnectionPool(found.host, found.port, timeout=timeout)


_STRICT: Dict[str, Any] = {"redirect": False, "retries": False, "preload_content": False, "decode_content": False}


class Caller(Protocol):
    """What questions are asked of: a client, or a recording."""

    url: str

    def at(self, url: str) -> "Caller":
        """Return a caller of another address."""

    def unix_s(self) -> float:
        """Return the wall clock of this computer."""

    def call(self, method: str, path: str, *, body: bytes = b"", answer_s: Optional[float] = None) -> Answer:
        """Return the answer of a route; raise Unreachable."""


class Stream:
    """An open event stream. `close` may be called by any thread and wakes the one that reads."""

    def __init__(self, pool: "urllib3.HTTPConnectionPool", response: "urllib3.BaseHTTPResponse") -> None:
        self._pool = pool
        self._response = response
        self._socket = _socket_of(response)
        self.status = response.status
        self.content_type = response.headers.get("Content-Type", "")

    def read(self) -> bytes:
        """Return the next bytes as they come, b"" at the end; raise Unreachable."""
        try:
            return self._response.read1(READ_BYTES, decode_content=False)
        except Exception as error:
            raise Unreachable(fault_of(error)) from None

    def wait_for_ever(self) -> None:
        """Take the time-out off: an idle llama-swap says nothing for hours."""
        if self._socket is not None:
            self._socket.settimeout(None)

    def is_llama_swaps_refusal(self) -> bool:
        """Tell whether a 401 or 403 is llama-swap's own: by its realm, its JSON, or its message."""
        if "llama-swap" in self._response.headers.get("WWW-Authenticate", ""):
            return True
        body = _read(self._response, ANSWER_S)
        return b'"src":"llama-swap"' in body or error_text(body) == REFUSAL

    def close(self) -> None:
        """End the connection."""
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except (OSError, ValueError):
                pass
        self._response.close()
        self._pool.close()


def _refuses(stream: Stream) -> bool:
    """Tell whether a refusal is llama-swap's own; raise Unreachable for one that cannot be read to its end."""
    try:
        return stream.is_llama_swaps_refusal()
    except Exception as error:
        stream.close()
        raise Unreachable(fault_of(error)) from None


def _socket_of(response: "urllib3.BaseHTTPResponse") -> Optional[socket.socket]:
    """Return the socket under a response; where the server closes after it, only http.client's own file has it."""
    held = getattr(response.connection, "sock", None)
    if held is None:
        raw = getattr(getattr(getattr(response, "_original_response", None), "fp", None), "raw", None)
        held = getattr(raw, "_sock", None)
    return held if isinstance(held, socket.socket) else None


def _headers(response: "urllib3.BaseHTTPResponse") -> Dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _read(response: "urllib3.BaseHTTPResponse", within_s: float) -> bytes:
    """Return the body, as far as the limit; raise TimeoutError if it trickles."""
    pieces, left, ends_s = [], BODY_LIMIT_BYTES, clock.now_s() + within_s
    while left > 0:
        if clock.now_s() > ends_s:
            raise TimeoutError
        piece = response.read1(min(left, READ_BYTES), decode_content=False)
        if not piece:
            break
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def fault_of(error: BaseException) -> Fault:
    """Return the fault behind an exception, in our words."""
    if isinstance(error, SSLError):
        return Fault(FaultKind.TLS, _tls_words(error.args[0] if error.args else None))
    if isinstance(error, (NameResolutionError, UnicodeError)):
        return Fault(FaultKind.UNKNOWN_HOST)
    if isinstance(error, ConnectTimeoutError) and not isinstance(error, NewConnectionError):
        return Fault(FaultKind.TIMEOUT)
    if isinstance(error, NewConnectionError):
        return Fault(FaultKind.REFUSED)
    if isinstance(error, (PoolTimeoutError, TimeoutError)):
        return Fault(FaultKind.TIMEOUT)
    if isinstance(error, (HTTPError, HTTPException)):
        garbage = isinstance(error.args[-1] if error.args else None, (BadStatusLine, UnknownProtocol))
        return (
            Fault(FaultKind.NOT_LLAMA_SWAP, "not HTTP") if garbage and not _hung_up(error) else Fault(FaultKind.CLOSED)
        )
    return Fault(FaultKind.CLOSED)


def _tls_words(cause: object) -> str:
    """Return what is wrong with a secure connection; the verdict on a certificate is the library's own sentence."""
    said = getattr(cause, "verify_message", "")
    if said:
        return f"its certificate is not trusted: {said}; a private authority is named by ca_file in the settings"
    if getattr(cause, "reason", "") in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"):
        return "it does not speak TLS; perhaps http:// is meant"
    if isinstance(cause, FileNotFoundError):
        return "the ca_file of the settings is not there"
    return str(getattr(cause, "reason", "") or "").replace("_", " ").lower()


def _hung_up(error: BaseException) -> bool:
    return isinstance(error.args[-1] if error.args else None, RemoteDisconnected)
