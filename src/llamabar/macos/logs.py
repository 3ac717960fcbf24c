"""The log of a service: its last lines, and its growth. launchd never rotates a log; append mode makes a cut safe."""

import os
from pathlib import Path
from typing import Tuple

ROTATE_ABOVE_BYTES = 20_000_000
TAIL_BYTES = 65_536
PIECE_BYTES = 1 << 20


def tail(path: Path, count: int) -> Tuple[str, ...]:
    """Return the last lines of a log, () if there are none that can be read. Whatever is in it becomes text."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ()
    return tuple(line for line in lines if line.strip())[-count:]


def size_bytes(path: Path) -> int:
    """Return the size of a log, 0 if there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def rotate(path: Path, *, above_bytes: int = ROTATE_ABOVE_BYTES) -> bool:
    """Move what a log holds to `NAME.1` when it is long; return whether that was done.

    The file itself stays: the service holds it open. Lines written between copy and cut are lost.
    """
    if size_bytes(path) <= above_bytes:
        return False
    older = path.with_name(f"{path.name}.1")
    temporary = path.with_name(f".{path.name}.1.tmp")
    try:
        with path.open("r+b") as log, temporary.open("wb") as kept:
            piece = log.read(PIECE_BYTES)
            while piece:
                kept.write(piece)
                piece = log.read(PIECE_BYTES)
            os.replace(temporary, older)
            log.truncate(0)
    except OSError:
        temporary.unlink(missing_ok=True)
        return False
    return True
