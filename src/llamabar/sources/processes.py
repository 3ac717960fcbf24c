"""The llama-swap processes of this user, as the process table shows them. Slow: asked once, never while watching."""

from __future__ import annotations

import os
from typing import Callable, Iterator, NamedTuple, Optional, Tuple

try:
    import psutil
except ImportError:  # see host.py
    psutil = None  # type: ignore[assignment]

from llamabar.core.address import of_listen
from llamabar.macos.agents import is_llama_swap

ListenOf = Callable[[Tuple[str, ...]], Tuple[str, bool]]

CHECKED = "llamabar-checks-"  # the folder of a config that llama-swap is asked to read


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
        at = next((index for index, word in enumerate(words[:2]) if is_llama_swap(word)), None)
        if at is None or {"-version", "--version"} & set(words) or any(CHECKED in word for word in words):
            continue  # one that is only asked something, by us
        listen, tls = listen_of(tuple(words[at + 1 :]))
        url = of_listen(listen, tls=tls)
        if url is not None:
            yield Running(process.pid, url, words[at])


def listens(port: int, listen_of: ListenOf) -> bool:
    """Tell whether a llama-swap of this user is seen listening on a port; False where it can't be seen."""
    for one in running(listen_of):
        try:
            if _listens(psutil.Process(one.pid), port):
                return True
        except psutil.Error:  # it has ended since
            continue
    return False


def runs_an_older_file(pid: Optional[int], program: str) -> bool:
    """Tell whether a process was started before its program's file was put in place: `brew upgrade` does that."""
    if psutil is None or pid is None:
        return False
    try:
        started_s = psutil.Process(pid).create_time()
        return os.stat(os.path.realpath(program)).st_ctime > started_s + 1.0
    except (psutil.Error, OSError):
        return False


class Holder(NamedTuple):
    """A process that listens on a port."""

    pid: int
    name: str


def holder(port: int) -> Optional[Holder]:
    """Return this user's process that listens on a port; None for one of another user, which cannot be seen."""
    for process in psutil.process_iter(["name", "uids"]) if psutil is not None else ():
        uids = process.info["uids"]
        if uids is not None and uids.real == os.getuid() and _listens(process, port):
            return Holder(process.pid, process.info["name"] or "a program")
    return None


def _listens(process: psutil.Process, port: int) -> bool:
    try:
        found = process.net_connections(kind="tcp")
    except (psutil.Error, OSError):
        return False
    return any(one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port for one in found)
