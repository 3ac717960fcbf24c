"""The physical footprint of a process, which only macOS reports: Activity Monitor calls it memory.

From proc_pid_rusage(2), RUSAGE_INFO_V0 (<sys/resource.h>): a 16-byte ID, then ten 8-byte numbers; the footprint is the
eighth. Works only for the user's own processes.
"""

import sys
from functools import lru_cache
from typing import Any, Optional

SIZE, AT = 96, 16 + 7 * 8


def footprint_bytes(pid: int) -> Optional[int]:
    """Return a process's physical footprint in bytes; None if it can't be read."""
    ask = _ask() if sys.platform == "darwin" else None
    if ask is None:
        return None
    import ctypes

    told = ctypes.create_string_buffer(SIZE)
    return None if ask(pid, 0, told) else of(told.raw)


def of(told: bytes) -> int:
    """Return the footprint in the system's answer."""
    return int.from_bytes(told[AT : AT + 8], sys.byteorder)


@lru_cache(maxsize=1)
def _ask() -> Any:
    """Return the system's function, None if it doesn't exist; loaded only on macOS."""
    try:
        import ctypes

        return ctypes.CDLL(None).proc_pid_rusage
    except (ImportError, OSError, AttributeError):
        return None
