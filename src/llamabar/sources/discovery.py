"""Finding a llama-swap when no setting names one."""

import os
import socket
from typing import Callable, Iterable, Iterator, Tuple

try:
    import psutil
except ImportError:  # see host.py
    psutil = None  # type: ignore[assignment]

DEFAULT_PORTS = (8080, 45786)
CONNECT_S = 0.3

Found = Tuple[str, str]  # a URL, and how it was found
ListenOf = Callable[[Tuple[str, ...]], Tuple[str, bool]]


def discover(agent_urls: Iterable[str], listen_of: ListenOf) -> Found:
    """Return the first of: a LaunchAgent's address, a running llama-swap's port, a usual port that answers.

    If nothing is found it is the usual address all the same: there it will appear.
    """
    for url in agent_urls:
        return url, "LaunchAgent"
    for url in running(listen_of):
        return url, "a running llama-swap"
    for port in DEFAULT_PORTS:
        if _listens(port):
            return f"http://127.0.0.1:{port}", "a usual port that answers"
    return f"http://127.0.0.1:{DEFAULT_PORTS[0]}", "default"


def running(listen_of: ListenOf) -> Iterator[str]:
    """Yield the addresses of this user's running llama-swap processes, by their arguments."""
    for process in psutil.process_iter(["name", "uids", "cmdline"]) if psutil is not None else ():
        uids, words = process.info["uids"], process.info["cmdline"] or []
        if uids is None or uids.real != os.getuid() or not words or os.path.basename(words[0]) != "llama-swap":
            continue
        listen, tls = listen_of(tuple(words[1:]))
        host, _, port = listen.rpartition(":")
        host = "127.0.0.1" if host in ("", "0.0.0.0", "[::]", "*") else host
        if port.isdigit():
            yield f"{'https' if tls else 'http'}://{host}:{port}"


def _listens(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(CONNECT_S)
        return probe.connect_ex(("127.0.0.1", port)) == 0
