"""HTTP to one llama-swap.

Laws: no redirect is followed, no proxy from the environment is used, and nothing is decompressed. Every call has one
deadline, from connecting to the last byte. The key is sent only after the other side has shown that it is llama-swap
and requires one.
"""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Callable, Dict, NamedTuple, Optional, Tuple

from llamabar import __version__
from llamabar.core import address
from llamabar.core.decode import error_text
from llamabar.core.events import Fault, FaultKind
from llamabar.core.fields import mapping, parse
from llamabar.sources import clock
from llamabar.sources.chunked import pieces_of
from llamabar.sources.echoes import basic, without
from llamabar.sources.exchange import CLOSED_MEANWHILE, Deadline, Response, connection_to, keep_alive
from llamabar.sources.exchange import Unreachable as Unreachable
from llamabar.sources.faults import fault_of_answer

CONNECT_S = 3.0
ANSWER_S = 5.0
REFUSAL = "unauthorized: invalid or missing API key"
NEEDLESS_S = 0.5  # an answer that is already on its way comes by then
BODY_LIMIT_BYTES = 4 * 1024 * 1024
USER_AGENT = f"llamabar/{__version__}"
READ_BYTES = 65_536
UNAUTHORIZED = (401, 403)


class Answer(NamedTuple):
    """An HTTP answer: status, body up to BODY_LIMIT_BYTES, header names in lower case."""

    status: int
    body: bytes
    headers: Dict[str, str]
    clock_s: Optional[float] = None  # how far the server's clock is ahead of this computer's


@dataclass
class Client:
    """One server's address and, if it has one, its key."""

    url: str
    api_key: str = field(default="", repr=False)
    ca_file: str = ""
    login: str = field(default="", repr=False)  # user:password, for a proxy in front of llama-swap
    may_have_secrets: Optional[Callable[[str], bool]] = None  # decides for an address that no setting names
    key_wanted: bool = False
    answer_s: float = ANSWER_S  # how long an answer may take by default

    def at(self, url: str) -> "Client":
        """Return a client for another address on the same computer, without a key."""
        return Client(url)

    def moved(self, url: str) -> "Client":
        """Return a client for another address, which must identify itself before it gets the key."""
        return replace(self, url=url, key_wanted=False)

    def unix_s(self) -> float:
        """Return this computer's time."""
        return clock.unix_s()

    def without_secrets(self, said: bytes) -> bytes:
        """Return a server's bytes without the secrets that it was sent: it may echo them."""
        return without(said, api_key=self.api_key, login=self.login)

    def hidden(self, said: str) -> str:
        """Return a text without secrets."""
        return self.without_secrets(said.encode("utf-8", "replace")).decode("utf-8", "replace")

    def call(
        self, method: str, path: str, *, body: bytes = b"", answer_s: Optional[float] = None,
        until: Optional[Callable[[], bool]] = None,
    ) -> Answer:  # fmt: skip
        """Return the answer of a route; raise Unreachable. `until` waits for an event that makes the answer needless.
        """
        answer_s = self.answer_s if answer_s is None else answer_s
        headers = {"Accept": "application/json", "Connection": "close", **self._auth()}
        if body:
            headers["Content-Type"] = "application/json"
        deadline, response = self._send(method, path, headers, body=body, within_s=answer_s, until=until)
        try:
            clock_s = clock.ahead_s(response.headers.get("Date"))
            content = _read(response, answer_s)
            deadline.check()
            headers = {name: self.hidden(value) for name, value in _headers(response).items()}
            return Answer(response.status, self.without_secrets(content), headers, clock_s)
        except Exception as error:
            raise Unreachable(deadline.fault_of(error)) from None
        finally:
            response.close()
            deadline.close()

    def open_stream(self) -> "Stream":
        """Return the open event stream; raise Unreachable. The first event must come within ANSWER_S."""
        self.key_wanted = False  # the process that listens now must show again that it is llama-swap
        stream = self._open()
        if stream.status in UNAUTHORIZED and self.api_key and stream.is_llama_swaps_refusal():
            stream.close()
            if self.may_have_secrets is not None and not self.may_have_secrets(self.url):
                raise Unreachable(Fault(FaultKind.UNAUTHORIZED, "no setting names this address, so the key isn't sent"))
            self.key_wanted = True
            stream = self._open()
        if stream.status == 200 and stream.content_type.startswith("text/event-stream"):
            return stream
        if stream.status == 204:  # a wol-proxy answers this while the machine behind it sleeps (facts, section 10)
            stream.close()
            raise Unreachable(Fault(FaultKind.ASLEEP))
        if stream.status in UNAUTHORIZED and stream.is_llama_swaps_refusal():
            stream.close()
            raise Unreachable(Fault(FaultKind.UNAUTHORIZED))
        self.key_wanted = False
        page = b""
        if stream.content_type.startswith("text/html"):
            with suppress(Unreachable):
                page = stream.body()
        stream.close()
        if stream.status == 404 and self._is_llama_swap():
            raise Unreachable(Fault(FaultKind.NO_EVENTS if self._tells_version() else FaultKind.TOO_OLD))
        fault = fault_of_answer(stream.status, stream.headers, url=self.url, page=page)
        if fault.kind is FaultKind.BASIC_AUTH and "Authorization" in self._auth():
            fault = fault._replace(detail=f"{fault.detail}, and those given were refused")
        raise Unreachable(fault._replace(detail=self.hidden(fault.detail)))

    def _tells_version(self) -> bool:
        """Tell whether this llama-swap is new enough for the event stream: `/api/version` has existed since v173."""
        try:
            return "version" in mapping(parse(self.call("GET", "/api/version").body))
        except Unreachable:
            return False

    def _is_llama_swap(self) -> bool:
        """Tell whether this is a llama-swap of any age: `/running` has existed since v94."""
        try:
            return isinstance(mapping(parse(self.call("GET", "/running").body)).get("running"), list)
        except Unreachable:
            return False

    def open_text(self, path: str, *, silence_s: float) -> "Stream":
        """Return an open text stream whose reads time out after a silence; raise Unreachable."""
        stream = self._open(path, silence_s)
        if stream.status == 200:
            stream.wait_for(silence_s)
            return stream
        stream.close()
        kind = FaultKind.UNAUTHORIZED if stream.status in UNAUTHORIZED else FaultKind.NOT_LLAMA_SWAP
        raise Unreachable(Fault(kind, f"GET {path} answers {stream.status}"))

    def _open(self, path: str = "/api/events", silence_s: float = ANSWER_S) -> "Stream":
        return Stream(*self._send("GET", path, {"Accept": "text/event-stream", **self._auth()}, within_s=silence_s))

    def _send(
        self, method: str, path: str, headers: Dict[str, str], *, body: bytes = b"", within_s: float,
        until: Optional[Callable[[], bool]] = None,
    ) -> Tuple[Deadline, Response]:  # fmt: skip
        """Return the response once its headers have come, and the deadline for the rest; raise Unreachable."""
        deadline = Deadline(within_s)
        if until is not None:
            deadline.end_with(until, later_s=NEEDLESS_S)
        try:
            found = address.parse(self.url)
            if found is None:
                raise Unreachable(Fault(FaultKind.NO_ADDRESS))
            connection = connection_to(found, ca_file=self.ca_file, connect_s=min(CONNECT_S, within_s))
            deadline.connect(connection)
            connection.request(
                method, found.path + path, body=body or None, headers={"User-Agent": USER_AGENT, **headers},
                preload_content=False, decode_content=False,
            )  # fmt: skip
            response = connection.getresponse()
            if deadline.passed:
                response.close()
            deadline.check()
            return deadline, response
        except Unreachable:
            deadline.close()
            raise
        except Exception as error:
            deadline.close()
            raise Unreachable(deadline.fault_of(error)) from None

    def _auth(self) -> Dict[str, str]:
        key = self.api_key if self.key_wanted else ""
        if not self.login or self.may_have_secrets is not None:
            return {"Authorization": f"Bearer {key}"} if key else {}
        sign_in = {"Authorization": f"Basic {basic(self.login)}"}
        return {**sign_in, "x-api-key": key} if key else sign_in


class Stream:
    """An open event stream. Any thread may call `close`, which wakes the reading one."""

    def __init__(self, deadline: Deadline, response: Response) -> None:
        self._deadline = deadline
        self._response = response
        self._body: Optional[bytes] = None
        self._next_piece = pieces_of(response)
        self.status = response.status
        self.headers = _headers(response)
        self.clock_s = clock.ahead_s(self.headers.get("date"))
        self.content_type = self.headers.get("content-type", "")

    def read(self) -> bytes:
        """Return the next bytes as they come, b"" at the end; raise Unreachable."""
        try:
            piece = self._next_piece(READ_BYTES)
        except Exception as error:
            raise Unreachable(self._deadline.fault_of(error)) from None
        if self._deadline.passed:
            raise Unreachable(Fault(FaultKind.TIMEOUT))
        return piece

    def wait_for(self, seconds: Optional[float]) -> None:
        """Set the timeout of a read and remove the overall deadline; None waits forever, as an idle llama-swap needs.
        """
        self._deadline.lift()
        if self._deadline.socket is not None:
            self._deadline.socket.settimeout(seconds)
            keep_alive(self._deadline.socket)

    def is_llama_swaps_refusal(self) -> bool:
        """Tell whether a 401 or 403 is llama-swap's own: by its realm, its JSON, or its message."""
        if "llama-swap" in self.headers.get("www-authenticate", ""):
            return True
        body = self.body()
        return b'"src":"llama-swap"' in body or error_text(body) == REFUSAL

    def body(self) -> bytes:
        """Return the rest of the answer, the same at every call; if it trickles, close it and raise Unreachable."""
        if self._body is None:
            try:
                self._body = _read(self._response, ANSWER_S)
            except Exception as error:
                self.close()
                raise Unreachable(self._deadline.fault_of(error)) from None
        return self._body

    def close(self) -> None:
        """Close the connection."""
        self._deadline.close()
        with CLOSED_MEANWHILE:
            self._response.close()


def _headers(response: Response) -> Dict[str, str]:
    """Return the headers; a repeated one is joined to a list, as in RFC 9110."""
    return {name.lower(): response.headers[name] for name in response.headers}


def _read(response: Response, within_s: float) -> bytes:
    """Return the body, up to the limit; raise TimeoutError if it trickles."""
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
