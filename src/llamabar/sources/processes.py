"""The llama-swap processes of this user, as the process table shows them. Slow: asked once, never while watching.

What psutil can't read is unknown, and only that: on macOS it raises RuntimeError where another process can't be read.
`failures` keeps the first of each kind for doctor to name; that a process has ended or is another user's is no failure.
"""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple, TypeVar, Union

try:
    import psutil
except ImportError:  # see host.py
    psutil = None  # type: ignore[assignment]

from llamabar.core.address import of_listen
from llamabar.macos.agents import is_llama_swap

ListenOf = Callable[[Tuple[str, ...]], Tuple[str, bool]]
T = TypeVar("T")
U = TypeVar("U")

CHECKED = "llamabar-checks-"  # the folder of a config that llama-swap is asked to read

failures: Dict[str, str] = {}  # what could not be read, and the exception's name


def read(what: str, reading: Callable[[], T], otherwise: U) -> Union[T, U]:
    """Return a reading, or `otherwise` where it can't be made."""
    try:
        return reading()
    except Exception as error:
        if psutil is None or not isinstance(error, (psutil.NoSuchProcess, psutil.AccessDenied)):
            failures.setdefault(what, type(error).__name__)
        return otherwise


class Running(NamedTuple):
    """A running llama-swap: where it listens by its own arguments, and its program."""

    pid: int
    url: str
    program: str


def running(listen_of: ListenOf) -> Iterator[Running]:
    """Yield this user's running llama-swap processes."""
    for process in _mine():
        words: Sequence[str] = read("command lines", process.cmdline, ())
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
    started = started_s(pid)
    try:
        return started is not None and os.stat(os.path.realpath(program)).st_ctime > started + 1.0
    except OSError:
        return False


class Holder(NamedTuple):
    """A process that listens on a port."""

    pid: int
    name: str


def holder(port: int) -> Optional[Holder]:
    """Return this user's process that listens on a port; None for one of another user, which cannot be seen."""
    for process in _mine():
        if _listens(process, port):
            return Holder(process.pid, read("names", process.name, "") or "a program")
    return None


def started_s(pid: Optional[int]) -> Optional[float]:
    """Return when a process was started, by the system's clock; None if that can't be told."""
    if psutil is None or pid is None:
        return None
    return read("start times", lambda: float(psutil.Process(pid).create_time()), None)


def is_alive(pid: int, *, started_before_s: float) -> Optional[bool]:
    """Tell whether a process lives that was started before a time: its number may be another's by now."""
    if psutil is None:
        return None
    if not 0 < pid < 2**31 or not read("processes", lambda: psutil.pid_exists(pid), True):
        return False
    state = read("states", lambda: psutil.Process(pid).status(), None)
    started = started_s(pid)
    if state is None or started is None:
        return None if psutil.pid_exists(pid) else False
    return state != psutil.STATUS_ZOMBIE and started <= started_before_s


def left_behind(program: str) -> Iterator[Tuple[int, Sequence[str]]]:
    """Yield pid and words of this user's processes of a program whose parent is gone: children of launchd."""
    for process in _mine():
        words: Sequence[str] = read("command lines", process.cmdline, ())
        named = any(os.path.basename(word) == program for word in words[:2])
        if named and read("parents", process.ppid, None) == 1:
            yield process.pid, words


def memory() -> Tuple[Optional[int], Optional[int]]:
    """Return this computer's memory and how much of it is available, in bytes; None where that can't be told."""
    found = read("memory", psutil.virtual_memory, None) if psutil is not None else None
    return (found.total, found.available) if found is not None else (None, None)


def library() -> Tuple[str, str]:
    """Return psutil's version and folder, "" where it doesn't load."""
    return (psutil.__version__, os.path.dirname(psutil.__file__)) if psutil is not None else ("", "")


def memory_of(pid: int) -> Optional[int]:
    """Return the memory of a process in bytes; None if that can't be told."""
    return read("memory", lambda: int(psutil.Process(pid).memory_info().rss), None)


def own_connections() -> Optional[int]:
    """Return how many connections this process has; None if that can't be told."""
    return read("connections", lambda: len(psutil.Process().net_connections()), None)


def _mine() -> List[Any]:
    """Return this user's processes; none without psutil."""
    found: Sequence[Any] = read("processes", lambda: list(psutil.process_iter()), ()) if psutil is not None else ()
    return [one for one in found if _is_mine(one)]


def _is_mine(process: Any) -> bool:
    return read("owners", lambda: bool(process.uids().real == os.getuid()), False)


def _listens(process: Any, port: int) -> bool:
    found: Sequence[Any] = read("connections", lambda: process.net_connections(kind="tcp"), ())
    return any(one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port for one in found)
