"""Checks whether a llama-swap answers at an address, and whether a port is free. HTTP or HTTPS, never through a proxy.

One deadline covers everything from connecting to the last byte, and the answer's size is limited. A server that
trickles its answer or never ends it doesn't count as llama-swap.
"""

import re
import socket
import time
from urllib.parse import urlsplit

from llamabar.core import address

ANSWER_S = 2.0
CONNECT_S = 0.5
ANSWER_BYTES = 16_384
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})[ \r]")


def answers(url: str) -> bool:
    """Tell whether a llama-swap answers: /health says OK or asks for an API key."""
    try:
        said = _health(url, time.monotonic() + ANSWER_S)
    except (OSError, ValueError):
        return False
    head, _, body = said.partition(b"\r\n\r\n")
    status = _STATUS.match(head)
    return status is not None and (status[1] in (b"401", b"403") or (status[1] == b"200" and body.strip() == b"OK"))


def listens(url: str) -> bool:
    """Tell whether an address accepts connections. Nothing is sent."""
    found = address.parse(url)
    if found is None:
        return False
    try:
        with socket.create_connection((found.host, found.port), timeout=CONNECT_S):
            return True
    except OSError:
        return False


def _health(url: str, ends_s: float) -> bytes:
    """Return the answer to GET /health over HTTP/1.0, which ends with the connection; raise OSError, ValueError."""
    parts = urlsplit(url)
    secure, host = parts.scheme == "https", parts.hostname or ""
    port, path = parts.port or (443 if secure else 80), f"{parts.path.rstrip('/')}/health"
    request = f"GET {path} HTTP/1.0\r\nHost: {parts.netloc}\r\nUser-Agent: llamabar-installer\r\n\r\n"
    said, plain = b"", socket.create_connection((host, port), timeout=ANSWER_S)
    with plain, _secured(plain, host) if secure else plain as connection:
        connection.sendall(request.encode("ascii"))
        while len(said) < ANSWER_BYTES and not _is_whole(said):
            connection.settimeout(max(0.001, ends_s - time.monotonic()))
            piece = connection.recv(ANSWER_BYTES)
            if not piece:
                break
            said += piece
    return said


def _is_whole(said: bytes) -> bool:
    """Tell whether an answer is complete, so that no further byte can change its meaning."""
    head, _, body = said.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *([0-9]{1,9})\r\n", head + b"\r\n")
    return b"\r\n\r\n" in said and length is not None and len(body) >= int(length[1])


def _secured(plain: socket.socket, host: str) -> socket.socket:
    """Return a TLS connection that accepts any certificate. It only checks for an answer and sends no secret."""
    import ssl

    unchecked = ssl.create_default_context()
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    return unchecked.wrap_socket(plain, server_hostname=host)


def is_free(port: int) -> bool:
    """Tell whether a port is free: nothing accepts connections on loopback, and no process holds it."""
    if listens(f"http://127.0.0.1:{port}"):
        return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(first: int) -> int:
    """Return the first free port from `first` on; 0 if a hundred in a row are taken."""
    return next(filter(is_free, range(first, first + 100)), 0)
