"""This computer, and the processes of one llama-swap. Without psutil every figure is unknown.

The whole process table is read only to find llama-swap after a connection, and its children after a model
became ready; between, only the processes found are measured. Only processes of this user are looked at.
"""

from __future__ import annotations

import os
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

try:
    import psutil
except ImportError:  # no compiled module for this Python or processor, or no folder to unpack it into
    psutil = None  # type: ignore[assignment]

from llamabar.core.address import port_of
from llamabar.core.decode import may_sleep
from llamabar.core.events import ClientsSeen, HostMeasured, MemoryMeasured, ModelServer
from llamabar.core.state import LOADED_STATES, READY, Model, Snapshot

NAME_HINTS = ("llama-swap", "llamabar", "python")
ANY_ADDRESS = ("127.0.0.1", "0.0.0.0", "::")
SLEEP_VARIABLE = "LLAMA_ARG_SLEEP_IDLE_SECONDS"


def measure() -> HostMeasured:
    """Return CPU since the last call (None at the first) and memory of this computer."""
    global _measured_before
    if psutil is None:
        return HostMeasured(None, None, None)
    ratio = psutil.cpu_percent(None) / 100
    memory = psutil.virtual_memory()
    cpu_ratio, _measured_before = (ratio if _measured_before else None), True
    return HostMeasured(cpu_ratio, memory.total - memory.available, memory.total)


_measured_before = False


class Processes:
    """The processes of one llama-swap on this computer, found once and measured often."""

    def __init__(self, url: str) -> None:
        self._port = port_of(url) or 0
        self._server: Optional[psutil.Process] = None
        self._by_model: Dict[str, Tuple[psutil.Process, ...]] = {}
        self._worked_s = 0.0

    def find(self, snapshot: Snapshot) -> MemoryMeasured:
        """Look the processes up anew, then measure them. Slow: a whole process table."""
        if psutil is None:
            return MemoryMeasured(None, {}, servers={})
        if self._server is None or not self._server.is_running():
            self._server = _listener(self._port)
        loaded = [model for model in snapshot.models.values() if model.state in LOADED_STATES]
        matched = self._matched(loaded, _children(self._server))
        self._by_model = {model_id: tuple(_with_descendants(mine)) for model_id, mine in matched.items()}
        ready = [model.id for model in loaded if model.state == READY and model.id in self._by_model]
        servers = {model_id: _model_server(self._by_model[model_id]) for model_id in ready}
        return self.measure()._replace(servers=servers)

    def measure(self) -> MemoryMeasured:
        """Return the memory of the processes found before; a process that has gone is left out."""
        by_model = {model_id: _resident(processes) for model_id, processes in self._by_model.items()}
        gone = frozenset(model_id for model_id, used in by_model.items() if used is None)
        own = _resident((self._server,)) if self._server is not None else None
        return MemoryMeasured(own, {model_id: used for model_id, used in by_model.items() if used}, gone)

    def clients(self, snapshot: Snapshot) -> Optional[ClientsSeen]:
        """Return llama-swap's own connections to the model servers: for versions that tell no request in flight.

        None is no news: looking is dear, so it is done only while there are some, or a model's process has worked.
        """
        before, self._worked_s = self._worked_s, sum(map(_cpu_s, self._all()))
        if self._worked_s == before and not any(model.clients for model in snapshot.models.values()):
            return None
        ready = [model for model in snapshot.models.values() if model.state == READY]
        ports = {model.id: port_of(model.server_url or "") for model in ready}
        open_to = _established(self._server) if self._server is not None and any(ports.values()) else []
        return ClientsSeen({
            model_id: tuple(sorted(mine for mine, theirs in open_to if theirs == port))
            for model_id, port in ports.items()
        })  # fmt: skip

    def _all(self) -> List[psutil.Process]:
        return [process for processes in self._by_model.values() for process in processes]

    def _matched(self, models: Sequence[Model], children: List[psutil.Process]) -> Dict[str, List[psutil.Process]]:
        """Return each model's processes: by its port or from before; of those without a port what alone is left."""
        if len(models) == 1:
            return {models[0].id: children} if children else {}
        found: Dict[str, List[psutil.Process]] = {}
        for model in models:
            port = port_of(model.proxy or "")
            before = self._by_model.get(model.id, ())
            if port is not None:
                found[model.id] = [child for child in children if _names_port(child, port)]
            elif before:
                found[model.id] = [child for child in children if child in before]
        unknown = [model.id for model in models if not model.proxy and not found.get(model.id)]
        if len(unknown) == 1:
            taken = [child for mine in found.values() for child in mine]
            found[unknown[0]] = [child for child in children if child not in taken]
        return {model_id: mine for model_id, mine in found.items() if mine}


def _listener(port: int) -> Optional[psutil.Process]:
    """Return the process of this user that listens on a port: likely names first, then any that names the port."""
    mine = [process for process in psutil.process_iter(["name", "uids"]) if _is_mine(process)]
    likely = [process for process in mine if any(hint in (process.info["name"] or "").lower() for hint in NAME_HINTS)]
    others = [process for process in mine if process not in likely and _names_port(process, port)]
    return next((process for process in (*likely, *others) if _listens(process, port)), None)


def _is_mine(process: psutil.Process) -> bool:
    uids = process.info["uids"]
    return uids is not None and uids.real == os.getuid()


def _listens(process: psutil.Process, port: int) -> bool:
    try:
        found = process.net_connections(kind="tcp")
    except (psutil.Error, OSError):
        return False
    return any(c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == port for c in found)


def _cpu_s(process: psutil.Process) -> float:
    try:
        return sum(process.cpu_times()[:2])
    except (psutil.Error, OSError):
        return 0.0


def _established(process: psutil.Process) -> List[Tuple[int, int]]:
    """Return the open connections of a process on this computer, as its own port and the other's."""
    try:
        found = process.net_connections(kind="tcp")
    except (psutil.Error, OSError):
        return []
    return [(c.laddr.port, c.raddr.port) for c in found if c.raddr and c.status == psutil.CONN_ESTABLISHED]


def _model_server(processes: Sequence[psutil.Process]) -> ModelServer:
    """Return what a model's processes show: the one port that one of them names and listens on; an idle sleep."""
    ports = {port for process in processes for port in _own_ports(process)}
    url = f"http://127.0.0.1:{ports.pop()}" if len(ports) == 1 else None
    return ModelServer(url, any(_may_sleep(process) for process in processes))


def _own_ports(process: psutil.Process) -> List[int]:
    try:
        found = process.net_connections(kind="tcp")
    except (psutil.Error, OSError):
        return []
    ports = {c.laddr.port for c in found if c.status == psutil.CONN_LISTEN and c.laddr.ip in ANY_ADDRESS}
    return [port for port in ports if _names_port(process, port)]


def _may_sleep(process: psutil.Process) -> bool:
    """A command line that cannot be read may say anything; an environment, only what it is known to say."""
    try:
        if may_sleep(" ".join(process.cmdline())):
            return True
    except (psutil.Error, OSError):
        return True
    try:
        said = process.environ().get(SLEEP_VARIABLE)
    except (psutil.Error, OSError):
        return False
    return said is not None and may_sleep(f"{SLEEP_VARIABLE}={said}")


def _children(process: Optional[psutil.Process]) -> List[psutil.Process]:
    try:
        return [child for child in process.children() if child.pid != os.getpid()] if process is not None else []
    except (psutil.Error, OSError):
        return []


def _with_descendants(processes: Iterable[psutil.Process]) -> List[psutil.Process]:
    found: List[psutil.Process] = []
    for process in processes:
        found.append(process)
        try:
            found += process.children(recursive=True)
        except (psutil.Error, OSError):
            continue
    return found


def _names_port(process: psutil.Process, port: int) -> bool:
    try:
        return any(word == str(port) or word.endswith((f"={port}", f":{port}")) for word in process.cmdline())
    except (psutil.Error, OSError):
        return False


def _resident(processes: Iterable[psutil.Process]) -> Optional[int]:
    total = 0
    for process in processes:
        try:
            total += process.memory_info().rss
        except (psutil.Error, OSError):
            continue
    return total or None
