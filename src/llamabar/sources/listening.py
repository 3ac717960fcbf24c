"""The process that listens on a port, its parents, and the files it writes to: what links a server to a launchd job.

Slow, as it examines every process: used to search for a service, never in the steady state. What psutil can't read is
None, whatever it raises (on macOS also RuntimeError: psutil #2116).
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Optional, Tuple

from llamabar.core.address import parse
from llamabar.macos import logs
from llamabar.sources import processes
from llamabar.sources.processes import psutil

LAUNCHD_PID = 1
LOOKS, LOOK_S, LINES = 3, 0.5, 200
_WARNING = re.compile(r".*?\[(?:WARN|ERROR)\]\s*(.+)")


def lineage(url: str) -> Optional[Tuple[int, ...]]:
    """Return this user's process that listens at a URL, followed by its parents; () if none does.

    None if that can't be known: it is another user's process, or psutil fails. If one process listens at the address
    itself and another on all interfaces, the first one counts.
    """
    address = parse(url)
    if psutil is None or address is None:
        return None
    found, sure = processes.listeners(address.host, address.port)
    if not found:
        return () if sure else None
    return (found[0].pid, *(parent.pid for parent in processes.parents(found[0])))


def outputs(pid: int) -> Tuple[Path, ...]:
    """Return the regular files that a process has as its standard output and standard error."""
    if psutil is None:
        return ()
    try:
        held = sorted((one.fd, one.path) for one in psutil.Process(pid).open_files() if one.fd in (1, 2))
    except Exception:  # as above
        return ()
    return tuple(dict.fromkeys(Path(path) for _, path in held))


def last_words(pid: int, model_id: str) -> str:
    """Return llama-swap's last log line about a model that quit, "" if its output goes to no file on this computer.

    The process may not have written it yet. Among the model's lines since its load, the last warning is the most
    useful; v200 and similar versions add a line without news after it.
    """
    for _ in range(LOOKS):
        time.sleep(LOOK_S)
        lines = logs.merged_tail(outputs(pid), LINES)
        named = [line for line in lines if f"<{model_id}>" in line or f"[{model_id}]" in line]
        began = max((index for index, line in enumerate(named) if "Health check passed" in line), default=-1)
        said = [found for found in map(_WARNING.match, named[began + 1 :]) if found]
        if said:
            return said[-1].group(1).strip()
    return ""
