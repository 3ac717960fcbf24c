"""A connection to whichever address of a host takes one first.

A name may stand for several addresses, some of which lead nowhere: IPv6 outside a tunnel, another network's, an old
record. urllib3 lets each of them time out before the next, at every call. Here the next is tried as well after a
moment, as RFC 8305 has it, and at once where one refuses.
"""

import contextlib
import os
import selectors
import socket
from typing import List, Optional, Tuple

from llamabar.sources import clock

NEXT_AFTER_S = 0.25


def connect(host: str, port: int, *, within_s: float) -> socket.socket:
    """Return the connected socket; raise OSError, of an address that refused, else of the last that said why."""
    left = list(dict.fromkeys(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
    ends_s, why = clock.now_s() + within_s, OSError("no address")
    trying = selectors.DefaultSelector()
    try:
        while left or trying.get_map():
            why = _clearer(why, _begin(trying, left.pop(0)) if left else None)
            if not trying.get_map():
                continue
            rest_s = ends_s - clock.now_s()
            if rest_s <= 0:
                raise socket.timeout("timed out")
            connected, failed = _finished(trying, min(rest_s, NEXT_AFTER_S) if left else rest_s)
            if connected is not None:
                connected.settimeout(within_s)
                return connected
            why = _clearer(why, failed)
        raise why
    finally:
        for key in list(trying.get_map().values()):
            _close(key)
        trying.close()


def _clearer(why: OSError, other: Optional[OSError]) -> OSError:
    """Return the one that says more: a host that refuses is there, though another of its addresses may lead nowhere."""
    return why if other is None or isinstance(why, ConnectionRefusedError) else other


def _begin(trying: selectors.BaseSelector, found: Tuple[int, int, int, str, object]) -> Optional[OSError]:
    """Begin to connect; return why that can't be."""
    family, kind, protocol, _, at = found
    begun = None
    try:
        begun = socket.socket(family, kind, protocol)
        begun.setblocking(False)
        begun.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(BlockingIOError):  # it goes on; anything else is told only here
            begun.connect(at)  # type: ignore[arg-type]
        trying.register(begun, selectors.EVENT_WRITE)
        return None
    except OSError as error:
        if begun is not None:
            begun.close()
        return error


def _finished(trying: selectors.BaseSelector, wait_s: float) -> Tuple[Optional[socket.socket], Optional[OSError]]:
    """Wait for one to be connected, and return it; or why another failed."""
    why = None
    ready: List[selectors.SelectorKey] = [key for key, _ in trying.select(wait_s)]
    for key in ready:
        one = key.fileobj
        assert isinstance(one, socket.socket)
        code = one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        trying.unregister(one)
        if not code:
            return one, None
        one.close()
        why = OSError(code, os.strerror(code))
    return None, why


def _close(key: selectors.SelectorKey) -> None:
    if isinstance(key.fileobj, socket.socket):
        key.fileobj.close()
