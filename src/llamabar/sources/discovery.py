"""Finding a llama-swap when no setting names one, and again when it is not there any more."""

import socket
from typing import Iterable, Iterator, Optional, Tuple

from llamabar.core import address
from llamabar.sources.processes import running

DEFAULT_PORTS = (8080, 45786)
CONNECT_S = 0.3

Found = Tuple[str, str]  # a URL, and how it was found


def discover(agents: Iterable[Found]) -> Found:
    """Return the first of: a LaunchAgent's address, a running llama-swap's port, a usual port that answers.

    If nothing is found it is the usual address all the same: there it will appear.
    """
    return next(_candidates(agents), (_usual(DEFAULT_PORTS[0]), "default: no llama-swap was found"))


def rediscover(agents: Iterable[Found]) -> Optional[Found]:
    """Return the first of the same at which somebody listens now, or None."""
    return next((found for found in _candidates(agents) if _listens(found[0])), None)


def _candidates(agents: Iterable[Found]) -> Iterator[Found]:
    yield from agents
    for process in running():
        yield process.url, f"a running llama-swap, process {process.pid}"
    for port in DEFAULT_PORTS:
        if _listens(_usual(port)):
            yield _usual(port), "a usual port that answers"


def _usual(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _listens(url: str) -> bool:
    """Tell whether a connection is taken; nothing is said over it."""
    found = address.parse(url)
    if found is None:
        return False
    try:
        with socket.create_connection((found.host, found.port), timeout=CONNECT_S):
            return True
    except OSError:
        return False
