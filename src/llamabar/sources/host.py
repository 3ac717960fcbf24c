"""This computer, and the processes of one llama-swap. Without psutil every figure is unknown.

Law: a loopback address in a server's answer isn't ours until proven. Behind a tunnel or in a container,
`http://localhost:5800` is a port of another machine, and both count up from 5800. A model server is ours only if the
process that listens at the watched address has it among its descendants, with no other server between them. Nothing
else is queried, measured or linked to, and a process that forwards connections is never taken for llama-swap.

The whole process table is read only to find llama-swap after a connection, and its children after a model became ready;
in between, only the processes found are measured. Only this user's processes are examined.
"""

from __future__ import annotations

import re
import zlib
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

from llamabar.core.address import is_loopback, parse, port_of
from llamabar.core.decode import may_sleep
from llamabar.core.events import ConnectionsSeen, HostMeasured, MemoryMeasured, ModelServer
from llamabar.core.run import UNPLACED, MemoryKind, ModelRun
from llamabar.core.state import LOADED_STATES, READY, Model, Snapshot
from llamabar.sources import processes
from llamabar.sources.footprint import footprint_bytes
from llamabar.sources.processes import psutil
from llamabar.sources.rarely import POWER, POWER_EVERY_S, PRESSURE
from llamabar.sources.telling_apart import told_apart

SLEEP_VARIABLE = "LLAMA_ARG_SLEEP_IDLE_SECONDS"
LOCAL = ("127.0.0.1", "::1", *processes.WILDCARDS)
PRESSURE_LOOKS = 5
COMPUTING_CPU_S = 0.025  # between two checks: on Linux a moment may count as two ticks of 10 ms, user and system

_measured_before = False


def measure(*, every_s: float = 0.0) -> HostMeasured:
    """Return this computer's CPU load since the last call (None at the first) and memory; `every_s`: how often the menu
    calls this. Memory pressure, which takes a subprocess, is read once in PRESSURE_LOOKS times."""
    global _measured_before
    pressed = PRESSURE.said(every_s=PRESSURE_LOOKS * every_s)
    if psutil is None:
        return HostMeasured(None, None, None, pressed)
    percent = processes.read("CPU", lambda: psutil.cpu_percent(None), None)
    total, available = processes.memory()
    cpu_ratio, _measured_before = (percent / 100 if percent is not None and _measured_before else None), True
    used = None if total is None or available is None else total - available
    return HostMeasured(cpu_ratio, used, total, pressed)


def saves_power() -> bool:
    """Tell whether this computer is saving power, as far as that is known."""
    return POWER.said(every_s=POWER_EVERY_S)


class _Served(NamedTuple):
    """The processes of one model. `line`: its server and the server's parents below llama-swap; `url` is the server's.
    """

    members: Tuple[psutil.Process, ...]
    line: Tuple[psutil.Process, ...] = ()
    url: Optional[str] = None
    port: int = 0


class Processes:
    """The processes of one llama-swap on this computer, found once and measured often."""

    def __init__(self, url: str) -> None:
        found = parse(url)
        self._host, self._port = (found.host, found.port) if found is not None else ("", 0)
        self._server: Optional[psutil.Process] = None
        self._proven = False  # to be a llama-swap
        self._by_model: Dict[str, _Served] = {}
        self._unplaced: List[_Served] = []  # each serves one of several models, and nothing tells which
        self._runs: Dict[str, ModelRun] = {}
        self.found: Dict[str, processes.Identity] = {}  # the model servers' processes
        self._cpu_s: Dict[Union[str, int], float] = {}
        self._files: Optional[int] = None  # that llama-swap had open at the last check
        self._serving = False  # it had connections to its model servers then
        self.misses = False  # a process that was there at the last measurement

    def find(self, snapshot: Snapshot) -> MemoryMeasured:
        """Look up the processes again, then measure them. Slow: it reads the whole process table."""
        if psutil is None:
            return MemoryMeasured(None, {}, servers={})
        self._look_up()
        loaded = [model for model in snapshot.models.values() if model.state in LOADED_STATES]
        self._by_model, self._unplaced = self._matched(loaded, self._server) if self._server is not None else ({}, [])
        self._files = None
        runs = ((model_id, _run(served)) for model_id, served in self._by_model.items())
        self._runs = {model_id: run for model_id, run in runs if run is not None}
        found = {one: processes.identity(served.line[0]) for one, served in self._by_model.items() if served.line}
        self.found = {model_id: process for model_id, process in found.items() if process is not None}
        ready = [model.id for model in loaded if model.state == READY and model.id in self._by_model]
        served = [(model_id, self._by_model[model_id]) for model_id in ready]
        servers = {model_id: ModelServer(one.url, any(map(_may_sleep, one.line))) for model_id, one in served}
        return self.measure()._replace(servers=servers, unplaced=bool(self._unplaced))

    def _look_up(self) -> None:
        """Find llama-swap again if it no longer listens: one that is still shutting down may already have a successor.
        """
        if self._server is None or all(port != self._port for _, port in processes.listening(self._server)):
            self._server = processes.listener(self._host, self._port)
            self._proven = self._server is not None and processes.is_llama_swap(self._server)

    def identity(self) -> Optional[processes.Identity]:
        """Return the listening process if it is called llama-swap: while it lives, its build stays the same."""
        if psutil is not None:
            self._look_up()
        named = self._server is not None and processes.is_llama_swap(self._server)
        return processes.identity(self._server) if named and self._server is not None else None

    def measure(self) -> MemoryMeasured:
        """Return the memory of the processes found before; a process that has gone is left out."""
        self.misses = False
        by_model = {model_id: _used(served.members) for model_id, served in self._by_model.items()}
        gone = {model_id for model_id, (used, _) in by_model.items() if used is None}
        gone |= {UNPLACED for served in self._unplaced if _used(served.members)[0] is None}
        own = _used([self._server])[0] if self._server is not None and self._proven else None
        runs = {model_id: run._replace(memory=by_model[model_id][1]) for model_id, run in self._runs.items()}
        used_bytes = {model_id: used for model_id, (used, _) in by_model.items() if used}
        return MemoryMeasured(own, used_bytes, frozenset(gone), runs=runs)

    def connections(self, *, least_cpu_s: Optional[float] = None) -> Optional[ConnectionsSeen]:
        """Return llama-swap's connections to the model servers, for versions that report less; None if unknown or
        unchanged.

        A table of connections may be long, so the number of open files is compared first. No connection counts as use
        while only this program is connected to llama-swap. `least_cpu_s`: who used less since the last check isn't at
        work.
        """
        every: Dict[Union[str, int], _Served] = {model_id: one for model_id, one in self._by_model.items() if one.url}
        every.update((served.port, served) for served in self._unplaced if served.url)
        if self._server is None or not every:
            return None
        files_before, self._files = self._files, processes.read("files", self._server.num_fds, None)
        read_s = {one: _cpu_s(served.members) for one, served in every.items()}
        self.misses = None in read_s.values()
        before, self._cpu_s = self._cpu_s, {one: used_s or 0.0 for one, used_s in read_s.items()}
        used = {one: used_s - before.get(one, used_s) for one, used_s in self._cpu_s.items()}
        enough_s = max(COMPUTING_CPU_S, least_cpu_s or 0.0)
        computing = frozenset(one for one, used_s in used.items() if used_s >= enough_s)
        works = before != self._cpu_s if least_cpu_s is None else bool(computing)
        if not (self._serving or works or self._files != files_before):
            return None
        seen = processes.sockets(self._server)
        if seen is None:
            return None
        found = {
            one: tuple(sorted(mine for mine, theirs in seen.open_to if theirs == served.port))
            for one, served in every.items()
        }
        if any(found.values()) and not _has_clients(seen):
            found = dict.fromkeys(found, ())
        self._serving = any(found.values())
        unplaced = any(found[one] for one in computing if isinstance(one, int))
        by_model = {one: mine for one, mine in found.items() if isinstance(one, str)}
        return ConnectionsSeen(by_model, frozenset(one for one in by_model if one in computing), unplaced=unplaced)

    def _matched(self, models: Sequence[Model], server: psutil.Process) -> Tuple[Dict[str, _Served], List[_Served]]:
        """Return each model's processes: by its port, or without one those found before, or as something tells them
        apart. If only one model without a port is left, it gets the remaining children. Also return the children that
        may be of several models."""
        children = _served(server)
        by_port = {served.port: served for served in children if served.url}
        found: Dict[str, _Served] = {}
        for model in models:
            before = self._by_model.get(model.id)
            if model.proxy is not None:
                served = by_port.get(port_of(model.proxy) or 0) if is_loopback(model.proxy) else None
            else:
                again = [one for one in children if before and one.members[0] == before.members[0]]
                served = _together(again) if again else None
            if served is not None:
                found[model.id] = served
        left, unknown = _left(children, found), _unknown(models, found)
        if len(unknown) > 1 and left:
            told = told_apart(server, unknown, [one.members for one in left])
            found.update((model_id, left[at]) for model_id, at in told.items())
            left, unknown = _left(children, found), _unknown(models, found)
        if len(unknown) == 1 and left:
            found[unknown[0].id] = _together(left)
        self._proven = self._proven or any(served.url for served in found.values())
        return (found, left if len(unknown) > 1 else []) if self._proven else ({}, [])


def _left(children: Sequence[_Served], found: Dict[str, _Served]) -> List[_Served]:
    return [one for one in children if all(one.members != taken.members for taken in found.values())]


def _unknown(models: Sequence[Model], found: Dict[str, _Served]) -> List[Model]:
    return [model for model in models if model.proxy is None and model.id not in found]


def _has_clients(server: processes.Sockets) -> bool:
    """Tell whether anybody but this program is connected to a server."""
    listens = {port for _, port in server.listening}
    this = processes.read("processes", psutil.Process, None)
    ours = {mine for mine, _ in ((this and processes.sockets(this)) or processes.Sockets()).open_to}
    return any(mine in listens and theirs not in ours for mine, theirs in server.open_to)


def _served(server: psutil.Process) -> List[_Served]:
    """Return each child of llama-swap with its descendants, once for each port that its server listens on.

    The server is the first process on the way down that listens: wrappers (a shell, `uv run`) don't, and descendants of
    another listener belong to that one. A program that forwards connections, or another llama-swap, isn't a model
    server.
    """
    everyone = processes.descendants(server)
    pids = {process.pid for process in everyone}
    lines = {one.pid: [above for above in processes.parents(one) if above.pid in pids] for one in everyone}
    at = {one.pid: [(ip, port) for ip, port in processes.listening(one) if ip in LOCAL] for one in everyone}
    found: List[_Served] = []
    for child in (one for one in everyone if not lines[one.pid]):
        members = (child, *(one for one in everyone if child in lines[one.pid]))
        servers = [one for one in members if at[one.pid] and not any(at[above.pid] for above in lines[one.pid])]
        served = [
            _Served(members, (one, *lines[one.pid]), f"http://{'[::1]' if ip == '::1' else '127.0.0.1'}:{port}", port)
            for one in servers
            if not processes.is_llama_swap(one) and not processes.passes_on(one)
            for ip, port in at[one.pid]
        ]
        found += served or [_Served(members)]
    return found


def _together(children: Sequence[_Served]) -> _Served:
    """Return children as one model's: its server is the one whose command line names the port it listens on."""
    members = tuple(dict.fromkeys(process for served in children for process in served.members))
    named = [served for served in children if served.url and _names(served.line[0], served.port)]
    return named[0]._replace(members=members) if len(named) == 1 else _Served(members)


def _names(process: psutil.Process, port: int) -> bool:
    return any(word == str(port) or word.endswith((f"={port}", f":{port}")) for word in processes.command(process))


def _may_sleep(process: psutil.Process) -> bool:
    """Tell whether a model server may sleep. An unreadable command line counts as yes, an unreadable environment as no.
    """
    words = processes.command(process)
    said = processes.read("environments", lambda: process.environ().get(SLEEP_VARIABLE), None)
    return not words or may_sleep(" ".join(words)) or (said is not None and may_sleep(f"{SLEEP_VARIABLE}={said}"))


def _cpu_s(members: Sequence[psutil.Process]) -> Optional[float]:
    """Return the CPU time of processes, None if the first one's can't be read."""
    times = [processes.read("CPU times", one.cpu_times, None) for one in members]
    return None if times[0] is None else sum(time.user + time.system for time in times if time is not None)


def _run(served: _Served) -> Optional[ModelRun]:
    """Return the identity of one run of a model's processes. Ports are reassigned when the configuration changes, so
    the model's own port is removed from its command line."""
    first = served.members[0]
    words, began_s = processes.command(first), processes.read("start times", first.create_time, None)
    if not words or began_s is None:
        return None
    own = re.sub(rf"(?<!\d){served.port or 'no port'}(?!\d)", "PORT", "\0".join(words))
    return ModelRun(zlib.crc32(own.encode("utf-8", "surrogateescape")), int(began_s))


def _used(members: Sequence[psutil.Process]) -> Tuple[Optional[int], MemoryKind]:
    """Return the memory of processes, the larger of two figures: resident memory misses what only the GPU uses, the
    footprint misses weights that are mapped from their file."""
    read_ones = [processes.read("memory of processes", one.memory_info, None) for one in members]
    resident = sum(one.rss for one in read_ones if one is not None)
    footprint = sum(footprint_bytes(one.pid) or 0 for one in members)
    return max(resident, footprint) or None, MemoryKind.FOOTPRINT if footprint > resident else MemoryKind.RESIDENT
