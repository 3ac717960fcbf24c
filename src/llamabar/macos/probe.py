"""Whether a llama-swap answers at an address, and whether a port is free. Loopback and plain HTTP(S), no proxy."""

import http.client
import socket
from typing import Optional
from urllib.parse import urlsplit

ANSWER_S = 2.0
CONNECT_S = 0.5


def answers(url: str) -> bool:
    """Tell whether a llama-swap answers: its health route says OK, or wants a key."""
    try:
        parts = urlsplit(url)
        connection = _connection(parts.scheme == "https", parts.hostname or "", parts.port)
    except ValueError:
        return False
    try:
        connection.request("GET", f"{parts.path.rstrip('/')}/health", headers={"User-Agent": "llamabar-installer"})
        answer = connection.getresponse()
        return answer.status in (401, 403) or (answer.status == 200 and answer.read(16).strip() == b"OK")
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()


def _connection(secure: bool, host: str, port: Optional[int]) -> http.client.HTTPConnection:
    """Return a connection; a secure one takes any certificate: it is asked whether it answers, and told nothing."""
    if not secure:
        return http.client.HTTPConnection(host, port, timeout=ANSWER_S)
    import ssl

    unchecked = ssl.create_default_context()
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=ANSWER_S, context=unchecked)


def is_free(port: int) -> bool:
    """Tell whether a port can be listened on: nobody answers on loopback, and nobody holds it."""
    with socket.socket() as probe:
        probe.settimeout(CONNECT_S)
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(first: int) -> int:
    """Return the first free port from one on; 0 if a hundred in a row are taken."""
    return next(filter(is_free, range(first, first + 100)), 0)
