"""The llama-swap processes of this user, as the process table shows them. Slow: asked once, never while watching."""

import os
from typing import Callable, Iterator, NamedTuple, Optional, Tuple

try:
    import psutil
except ImportError:  # see host.py
    psutil = None  # type: ignore[assignment]

ListenOf = Callable[[Tuple[str, ...]], Tuple[str, bool]]


class Running(NamedTuple):
    """A running llama-swap: where it listens by its own arguments, and its program."""

    pid: int
    url: str
    program: str


def running(listen_of: ListenOf) -> Iterator[Running]:
    """Yield this user's running llama-swap processes."""
    for process in psutil.process_iter(["name", "uids", "cmdline"]) if psutil is not None else ():
        uids, words = process.info["uids"], process.info["cmdline"] or []
        if uids is None or uids.real != os.getuid():
            continue
        at = next((index for index, word in enumerate(words[:2]) if os.path.basename(word) == "llama-swap"), None)
        if at is None:
            continue
        listen, tls = listen_of(tuple(words[at + 1 :]))
        host, _, port = listen.rpartition(":")
        host = "127.0.0.1" if host in ("", "0.0.0.0", "[::]", "::", "*") else host
        if port.isdigit():
            yield Running(process.pid, f"{'https' if tls else 'http'}://{host}:{port}", words[at])


def runs_an_older_file(pid: Optional[int], program: str) -> bool:
    """Tell whether a process was started before its program's file was put in place: `brew upgrade` does that."""
    if psutil is None or pid is None:
        return False
    try:
        started_s = psutil.Process(pid).create_time()
        return os.stat(os.path.realpath(program)).st_ctime > started_s + 1.0
    except (psutil.Error, OSError):
        return False
