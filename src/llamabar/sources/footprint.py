"""The physical footprint of a process, which macOS alone tells: what Activity Monitor calls its memory.

From proc_pid_rusage(2), RUSAGE_INFO_V0 (<sys/resource.h>): an id of 16 bytes, then ten numbers of 8, of which it is the
eighth. Only of one's own processes.
"""

import sys
from functools import lru_cache
from typing import Any, Optional

SIZE, AT = 96, 16 + 7 * 8


def footprint_bytes(pid: int) -> Optional[int]:
    """Return a process's physical footprint in bytes; None if that can't be told."""
    ask = _ask() if sys.platform == "darwin" else None
    if ask is None:
        return None
    import ctypes

    told = ctypes.create_string_buffer(SIZE)
    return None if ask(pid, 0, told) else of(told.raw)


def of(told: bytes) -> int:
    """Return the footprint in what the system tells."""
    return int.from_bytes(told[AT : AT + 8], sys.byteorder)


@lru_cache(maxsize=1)
def _ask() -> Any:
    """Return the system's function, None where there is none; loaded only on macOS."""
    try:
        import ctypes

        return ctypes.CDLL(None).proc_pid_rusage
    except (ImportError, OSError, AttributeError):
        return None
