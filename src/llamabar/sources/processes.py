"""The processes of this user, from the process table. Slow: read once, never while watching.

What psutil can't read is unknown, and nothing else is: on macOS it raises RuntimeError for an unreadable process
(psutil #2116, still so in 7.2.2), and NotImplementedError or OSError elsewhere. `failures` keeps the first of each kind
for doctor; it isn't a failure that a process has ended or belongs to another user.
"""

from __future__ import annotations

import math
import os
import threading
from functools import partial
from typing import Callable, Dict, FrozenSet, Iterator, List, NamedTuple, Optional, Sequence, Tuple, TypeVar, Union

try:
    import psutil as psutil
except ImportError:  # no compiled module for this Python or processor, or no folder to unpack it into
    psutil = None  # type: ignore[assignment]

from llamabar.core.address import of_listen
from llamabar.core.mac import Running
from llamabar.macos import agents, shell
from llamabar.macos.paths import CHECKED_CONFIG
from llamabar.sources import clock

T = TypeVar("T")
U = TypeVar("U")

PASS_ON = (  # programs whose ports lead to another program
    "ssh", "autossh", "socat", "kubectl", "docker", "com.docker", "orbstack", "limactl", "colima", "podman", "gvproxy",
    "nginx", "caddy", "haproxy", "traefik", "tailscale",
)  # fmt: skip
WILDCARDS = ("0.0.0.0", "::")

failures: Dict[str, str] = {}  # what couldn't be read, and the exception's name


def read(what: str, reading: Callable[[], T], otherwise: U) -> Union[T, U]:
    """Return a reading, or `otherwise` if it fails."""
    try:
        return reading()
    except Exception as error:
        if psutil is None or not isinstance(error, (psutil.NoSuchProcess, psutil.AccessDenied)):
            failures.setdefault(what, type(error).__name__)
        return otherwise


def running() -> Iterator[Running]:
    """Yield this user's running llama-swap processes."""
    for process in mine():
        words = command(process)
        at = next((index for index, word in enumerate(words[:2]) if shell.is_llama_swap(word)), None)
        asked = {"-version", "--version"} & set(words) or any(CHECKED_CONFIG in word for word in words)  # run by us
        if at is None or asked or passes_on(process):
            continue
        listen, tls = agents.listen_of(tuple(words[at + 1 :]))
        url = of_listen(listen, tls=tls)
        if url is not None:
            yield Running(process.pid, url, words[at])


def runs_an_older_file(pid: Optional[int], program: str) -> bool:
    """Tell whether a process started before its program's file was replaced, as `brew upgrade` does."""
    started = started_s(pid)
    try:
        return started is not None and os.stat(os.path.realpath(program)).st_ctime > started + 1.0
    except OSError:
        return False


def holder(port: int) -> Optional[Tuple[int, str]]:
    """Return pid and name of this user's process on a port; None if it is another user's, which can't be seen."""
    found = next((process for process in mine() if any(at == port for _, at in listening(process))), None)
    return (found.pid, read("names", found.name, "") or "a program") if found is not None else None


def started_s(pid: Optional[int]) -> Optional[float]:
    """Return when a process was started, by the system's clock; None if unknown."""
    if psutil is None or pid is None:
        return None
    return read("start times", lambda: float(psutil.Process(pid).create_time()), None)


def is_alive(pid: int, *, started_before_s: float) -> Optional[bool]:
    """Tell whether a process started before this time is still alive: its PID may have been reused."""
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
    """Yield the PID and command line of this user's orphaned processes of a program: their parent is now launchd."""
    for process in mine():
        words = command(process)
        named = any(os.path.basename(word) == program for word in words[:2])
        if named and read("parents", process.ppid, None) == 1:
            yield process.pid, words


def memory() -> Tuple[Optional[int], Optional[int]]:
    """Return this computer's memory and how much of it is available, in bytes; None if unknown."""
    found = read("memory", psutil.virtual_memory, None) if psutil is not None else None
    return (found.total, found.available) if found is not None else (None, None)


def library() -> Tuple[str, str]:
    """Return psutil's version and folder, "" if it doesn't load."""
    return (psutil.__version__, os.path.dirname(psutil.__file__)) if psutil is not None else ("", "")


class Identity(NamedTuple):
    """What distinguishes a process from every other that ever ran here: its PID and its start time."""

    pid: int
    started_unix_s: float


def identity(process: psutil.Process) -> Optional[Identity]:
    """Return a process's identity, None if unknown."""
    return read("start times", lambda: Identity(process.pid, float(process.create_time())), None)


def lives(known: Identity) -> bool:
    """Tell whether a process is definitely still running."""
    process = read("processes", partial(psutil.Process, known.pid), None) if psutil is not None else None
    return process is not None and identity(process) == known


def memory_of(pid: int) -> Optional[int]:
    """Return the memory of a process in bytes; None if unknown."""
    return read("memory", lambda: int(psutil.Process(pid).memory_info().rss), None)


def own_connections() -> Optional[int]:
    """Return how many connections this process has; None if unknown."""
    return read("connections", lambda: len(psutil.Process().net_connections()), None)


def mine() -> List[psutil.Process]:
    """Return this user's processes, oldest first; none without psutil."""
    pids = read("processes", psutil.pids, ()) if psutil is not None else ()
    found = (read("processes", partial(psutil.Process, pid), None) for pid in pids)
    return [process for process in found if process is not None and _is_mine(process)]


def _is_mine(process: psutil.Process) -> bool:
    return read("owners", lambda: process.uids().real == os.getuid(), False)


def command(process: psutil.Process) -> Sequence[str]:
    """Return the words of a process's command line; none if it can't be read."""
    return read("command lines", process.cmdline, ())


def is_llama_swap(process: psutil.Process) -> bool:
    """Tell whether a program is called llama-swap, by its file or by the name it was started with.

    `ssh llama-swap` doesn't count: it leads to one.
    """
    names = [*command(process)[:2], read("programs", process.exe, "")]
    return any(map(shell.is_llama_swap, names)) and not passes_on(process)


def passes_on(process: psutil.Process) -> bool:
    """Tell whether a program is a tunnel, a container engine or a reverse proxy: its ports lead to other programs."""
    return read("names", process.name, "").lower().startswith(PASS_ON)


class Sockets(NamedTuple):
    """The TCP sockets of a process: where it listens, and its connections as (own port, other port)."""

    listening: FrozenSet[Tuple[str, int]] = frozenset()
    open_to: Tuple[Tuple[int, int], ...] = ()


def sockets(process: psutil.Process) -> Optional[Sockets]:
    """Return the TCP sockets of a process, except in a separate network namespace; None if they can't be read."""
    found = read("connections", lambda: process.net_connections(kind="tcp"), None)
    if found is None:
        return None
    named = [one for one in found if one.laddr]
    return Sockets(
        frozenset((one.laddr.ip, one.laddr.port) for one in named if one.status == psutil.CONN_LISTEN),
        tuple((c.laddr.port, c.raddr.port) for c in named if c.raddr and c.status == psutil.CONN_ESTABLISHED),
    )


def listening(process: psutil.Process) -> FrozenSet[Tuple[str, int]]:
    """Return the addresses and ports where a process listens."""
    return (sockets(process) or Sockets()).listening


class _Table:
    """Which process listens where on this computer. Callers that wait for a read share the next one: twenty servers
    that connect at once read the process table twice. No caller gets a read that began before its call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began_s = -math.inf
        self._found: Tuple[List[Tuple[psutil.Process, FrozenSet[Tuple[str, int]]]], bool] = [], False

    def look(self) -> Tuple[List[Tuple[psutil.Process, FrozenSet[Tuple[str, int]]]], bool]:
        """Return this user's processes that listen, with their addresses and ports, and whether these are all."""
        asked_s = clock.now_s()
        with self._lock:
            if self._began_s < asked_s:
                self._began_s = clock.now_s()
                each = [(one, sockets(one)) for one in mine()]
                sure = bool(each) and not any(held is None and _lives(one) for one, held in each)
                self._found = [(one, held.listening) for one, held in each if held and held.listening], sure
            return self._found


_TABLE = _Table()


def _lives(process: psutil.Process) -> bool:
    return read("states", process.status, psutil.STATUS_ZOMBIE) != psutil.STATUS_ZOMBIE


def listeners(host: str, port: int) -> Tuple[List[psutil.Process], bool]:
    """Return this user's processes that listen at an address itself, or if there are none, on all interfaces; and
    whether these are surely all."""
    exact = ("127.0.0.1", "::1") if host == "localhost" else (host.strip("[]"),)
    found, sure = _TABLE.look()
    here, everywhere = (
        [process for process, where in found if where & {(ip, port) for ip in ips}] for ips in (exact, WILDCARDS)
    )
    return here or everywhere, sure


def listener(host: str, port: int) -> Optional[psutil.Process]:
    """Return the process that answers at an address of this computer; None if that can't be determined.

    Processes that share one socket are a parent and its children: the parent counts.
    """
    found, _ = listeners(host, port)
    pids = {process.pid for process in found}
    first = [process for process in found if read("parents", process.ppid, 0) not in pids]
    return first[0] if len(first) == 1 else None


def parents(process: psutil.Process) -> Sequence[psutil.Process]:
    """Return a process's parent, that one's parent, and so on."""
    return read("parents", process.parents, ())


def descendants(process: psutil.Process) -> List[psutil.Process]:
    """Return a process's children and their children, without this program."""
    return [one for one in read("children", lambda: process.children(recursive=True), ()) if one.pid != os.getpid()]
