"""The process that listens on a port, its parents, and the files it writes to: what ties a server to launchd's jobs.

Slow (every process is looked at), so asked when a service is looked for, never in the steady state. What psutil can't
tell is None, whatever it raises (on macOS a RuntimeError, too: psutil #2116).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional, Tuple

try:
    import psutil
except ImportError:  # see host.py
    psutil = None  # type: ignore[assignment]

LAUNCHD_PID = 1


def lineage(port: int) -> Optional[Tuple[int, ...]]:
    """Return this user's process that listens on a port and its parents, itself first; () if none does.

    None where that can't be told: another user's process, or a psutil that does not answer.
    """
    if psutil is None:
        return None
    unsure = False
    for process in psutil.process_iter():
        try:
            if process.uids().real == os.getuid() and _listens(process, port):
                return (process.pid, *(parent.pid for parent in process.parents()))
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
        except Exception:  # see above: one process that can't be read hides no other
            unsure = True
    return None if unsure else ()


def outputs(pid: int) -> Tuple[Path, ...]:
    """Return the regular files that a process has as its standard output and standard error."""
    if psutil is None:
        return ()
    try:
        held = sorted((one.fd, one.path) for one in psutil.Process(pid).open_files() if one.fd in (1, 2))
    except Exception:  # as above
        return ()
    return tuple(dict.fromkeys(Path(path) for _, path in held))


def _listens(process: psutil.Process, port: int) -> bool:
    read = getattr(process, "net_connections", None) or process.connections
    return any(one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port for one in read(kind="tcp"))
