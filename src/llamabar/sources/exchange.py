"""One exchange with a server, from connecting to the last byte, and the faults it can end in.

A socket's timeout limits the wait for the next byte, not a whole answer: headers, `100 Continue` or trailers that
trickle would block a caller forever. So each exchange has a timer that shuts its socket down. http.client itself limits
a line to 64 KiB and an answer to 100 headers. Host name lookup is up to the system, and only the system limits it.
"""

import contextlib
import errno
import os
import socket
import sys
import threading
import time
import warnings
from http.client import BadStatusLine, RemoteDisconnected, UnknownProtocol
from pathlib import Path
from typing import Callable, Optional, Union, cast

from llamabar.core.address import Address
from llamabar.core.events import Fault, FaultKind
from llamabar.macos import files
from llamabar.sources import first_address

warnings.filterwarnings("ignore", message="urllib3 v2 only supports OpenSSL")

import urllib3  # noqa: E402
from urllib3 import exceptions  # noqa: E402
from urllib3.connection import BaseSSLError, HTTPConnection, HTTPSConnection  # noqa: E402

KEPT_ALIVE = (  # name, seconds or count, and the number in macOS's netinet/tcp.h for a Python that lacks the name
    ("TCP_KEEPIDLE", 10, None), ("TCP_KEEPALIVE", 10, 0x10), ("TCP_KEEPINTVL", 5, 0x101), ("TCP_KEEPCNT", 3, 0x102),
)  # fmt: skip
AnyConnection = Union[HTTPConnection, HTTPSConnection]
Response = urllib3.BaseHTTPResponse
CERTIFICATES_BYTES = 4_000_000
UNKNOWN_AUTHORITY = (18, 19, 20, 21)  # OpenSSL's X509_V_ERR_*: self-signed, itself or above; issuer not found; no chain
NO_ROUTE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ENETDOWN)
CLOSED_MEANWHILE = contextlib.suppress(ValueError)  # http.client flushes an answer that another thread has closed


class Unreachable(Exception):
    """There is no answer; `fault` says why in our own wording."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.kind.value)
        self.fault = fault


class Deadline:
    """The time limit of an exchange: when it passes, the socket is shut down, which wakes its reader."""

    def __init__(self, within_s: float) -> None:
        self.passed = False
        self.socket: Optional[socket.socket] = None
        self._within_s = within_s
        self._connection: Optional[AnyConnection] = None
        self._timer = threading.Timer(within_s, self._pass)
        self._timer.daemon = True
        self._timer.start()

    def connect(self, connection: "AnyConnection") -> None:
        """Connect, and keep the socket: without keep-alive, http.client passes it on to the response body only."""
        self._connection = connection
        connection.connect()
        self.check()
        self.socket = connection.sock
        connection.timeout = self._within_s  # urllib3 sets it at each step; so far it limited connecting

    def check(self) -> None:
        """Raise TimeoutError if the time is over: http.client takes truncated headers or bodies for complete ones."""
        if self.passed:
            raise TimeoutError

    def end_with(self, event: Callable[[], bool], *, later_s: float) -> None:
        """End the exchange `later_s` after an event came true; a separate thread waits for it."""

        def _wait() -> None:
            if event():
                time.sleep(later_s)
                self._pass()

        threading.Thread(target=_wait, daemon=True).start()

    def lift(self) -> None:
        """Remove the time limit."""
        self._timer.cancel()

    def fault_of(self, error: BaseException) -> Fault:
        """Return the fault behind an exception of the exchange."""
        return Fault(FaultKind.TIMEOUT) if self.passed else fault_of(error)

    def close(self) -> None:
        """End the exchange."""
        self._timer.cancel()
        if self._connection is not None:
            self._shut()
            with CLOSED_MEANWHILE:
                self._connection.close()
        if self.socket is not None:
            self.socket.close()

    def _pass(self) -> None:
        self.passed = True
        self._shut()

    def _shut(self) -> None:
        held = self.socket or getattr(self._connection, "sock", None)
        if held is not None:
            try:
                held.shutdown(socket.SHUT_RDWR)
            except (OSError, ValueError):
                pass


def keep_alive(held: socket.socket) -> None:
    """Make the system check after 10 s of silence whether the other computer is there, and give up 15 s later.

    Where no unlogged query exists, only this detects that a computer has gone.
    """
    held.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, number, on_mac in KEPT_ALIVE:
        option = getattr(socket, name, on_mac if sys.platform == "darwin" else None)
        if option is not None:
            held.setsockopt(socket.IPPROTO_TCP, option, number)


class _ToFirstAddress(HTTPConnection):
    """Connects to whichever address of its host takes a connection first."""

    def _new_conn(self) -> socket.socket:
        try:
            return first_address.connect(self._dns_host, self.port or 0, within_s=cast(float, self.timeout))
        except socket.gaierror as error:
            raise exceptions.NameResolutionError(self.host, self, error) from error
        except socket.timeout as error:
            raise exceptions.ConnectTimeoutError(self, "timed out") from error
        except OSError as error:
            raise exceptions.NewConnectionError(self, str(error)) from error


class _Secure(_ToFirstAddress, HTTPSConnection):
    """The same, over TLS."""


def connection_to(address: Address, *, ca_file: str, connect_s: float) -> AnyConnection:
    """Return a connection that isn't open yet; raise Unreachable if the certificates can't be read."""
    if address.scheme == "http":
        return _ToFirstAddress(address.host, address.port, timeout=connect_s)
    trusted = _certificates(ca_file) if ca_file else None
    return _Secure(
        address.host, address.port, timeout=connect_s, ca_cert_data=trusted, cert_reqs="CERT_REQUIRED"
    )


def _certificates(path: str) -> str:
    """Return the certificates in a file; raise Unreachable if it isn't a file: OpenSSL would block on a pipe."""
    content = files.read(Path(path), limit_bytes=CERTIFICATES_BYTES)
    if content is None:
        why = "can't be read" if os.path.lexists(path) else "doesn't exist"
        raise Unreachable(Fault(FaultKind.TLS, f"the ca_file in the settings {why}"))
    return content.decode("ascii", "ignore")


def fault_of(error: BaseException) -> Fault:
    """Return the fault behind an exception, in our own wording."""
    if isinstance(error, exceptions.ProtocolError) and isinstance(error.args[-1], BaseException):
        error = error.args[-1]  # urllib3's wrapper for an exception in a body
    if isinstance(error, (exceptions.SSLError, BaseSSLError)) and not isinstance(error, socket.timeout):
        cause = error.args[0] if isinstance(error, exceptions.SSLError) and error.args else error
        return _tls_fault(cause)
    if isinstance(error, (exceptions.NameResolutionError, exceptions.LocationValueError, UnicodeError)):
        return Fault(FaultKind.UNKNOWN_HOST)
    if isinstance(error, exceptions.NewConnectionError):
        cause = getattr(error.__cause__, "errno", None)
        if cause in (errno.EMFILE, errno.ENFILE):
            return Fault(FaultKind.CLOSED, "too many open files on this computer")
        return Fault(FaultKind.NO_ROUTE if cause in NO_ROUTE else FaultKind.REFUSED)
    if isinstance(error, (exceptions.ConnectTimeoutError, exceptions.TimeoutError, TimeoutError, socket.timeout)):
        return Fault(FaultKind.TIMEOUT)
    if isinstance(error, (BadStatusLine, UnknownProtocol)) and not isinstance(error, RemoteDisconnected):
        return Fault(FaultKind.NOT_LLAMA_SWAP, "not HTTP")
    return Fault(FaultKind.CLOSED)


def _tls_fault(cause: object) -> Fault:
    """Return what is wrong with a secure connection; about a certificate, the TLS library's own sentence.

    One that is out of date or for another name stays unusable, whichever authority is trusted.
    """
    said = getattr(cause, "verify_message", "")
    if said and getattr(cause, "verify_code", 0) in UNKNOWN_AUTHORITY:
        return Fault(FaultKind.UNTRUSTED, said)
    if said:
        return Fault(FaultKind.TLS, f"its certificate can't be used: {said.rstrip('.')}")
    if getattr(cause, "reason", "") in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"):
        return Fault(FaultKind.TLS, "it doesn't speak TLS; try http://")
    return Fault(FaultKind.TLS, str(getattr(cause, "reason", "") or "no reason given").replace("_", " ").lower())
