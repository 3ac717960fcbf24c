"""This computer, and the processes of one llama-swap. Without psutil every figure is unknown.

The whole process table is read only to find llama-swap after a connection, and its children after a model
became ready; between, only the processes found are measured.
"""

from __future__ import annotations

import os
from typing import Dict, Iterable, List, Optional, Tuple
from urllib.parse import urlsplit

try:
    import psutil
except ImportError:  # no compiled module for this Python or processor, or no folder to unpack it into
    psutil = None  # type: ignore[assignment]

from llamabar.core.events import HostMeasured, MemoryMeasured
from llamabar.core.state import LOADED_STATES, Snapshot

NAME_HINTS = ("llama-swap", "llamabar", "python")


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
        parts = urlsplit(url)
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._server: Optional[psutil.Process] = None
        self._by_model: Dict[str, Tuple[psutil.Process, ...]] = {}

    def find(self, snapshot: Snapshot) -> MemoryMeasured:
        """Look the processes up anew, then measure them. Slow: a whole process table."""
        if psutil is None:
            return MemoryMeasured(None, {})
        if self._server is None or not self._server.is_running():
            self._server = _listener(self._port)
        children = _children(self._server)
        self._by_model = {}
        ports = {
            model.id: urlsplit(model.proxy).port if model.proxy else None
            for model in snapshot.models.values()
            if model.state in LOADED_STATES
        }
        for model_id, port in ports.items():
            if len(ports) == 1:
                mine = children
            else:
                mine = [child for child in children if port is not None and _names_port(child, port)]
            if mine:
                self._by_model[model_id] = tuple(_with_descendants(mine))
        return self.measure()

    def measure(self) -> MemoryMeasured:
        """Return the memory of the processes found before; a process that has gone is left out."""
        by_model = {model_id: _resident(processes) for model_id, processes in self._by_model.items()}
        gone = frozenset(model_id for model_id, used in by_model.items() if used is None)
        own = _resident((self._server,)) if self._server is not None else None
        return MemoryMeasured(own, {model_id: used for model_id, used in by_model.items() if used}, gone)


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
