"""A service's log files: their last lines in order of time, following them, and rotating them.

llama-swap writes its log to standard output, and fatal errors at startup to standard error (shared facts on real
set-ups, 11). Of a job's two files, the one that grows is the log. launchd never rotates a log; it opens it for
appending, so truncating is safe.
"""

import os
import re
import shutil
import stat
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from llamabar.macos import files

ROTATE_ABOVE_BYTES = 20_000_000
TAIL_BYTES = 65_536
PIECE_BYTES = 1 << 20
LINE_BYTES = 65_536
_TIME = re.compile(r"(?:\x1b\[[\d;]*m|\[|time=)*(\d{4})[-/](\d\d)[-/](\d\d)[ T](\d\d:\d\d:\d\d(?:[.,]\d+)?)")


class Mark(NamedTuple):
    """How far a log reached at some moment: its inode and size."""

    inode: int
    size_bytes: int


def tail(path: Path, count: int, *, since: Optional[Mark] = None) -> Tuple[str, ...]:
    """Return the last lines of a log, or those written after `since`; () if it can't be read. Any bytes become text."""
    try:
        file, found = files.opened(path)
    except OSError:
        return ()
    with file:
        same = since is not None and since.inode == found.st_ino and since.size_bytes <= found.st_size
        first = since.size_bytes if same and since is not None else 0
        file.seek(max(first, found.st_size - TAIL_BYTES))
        lines = file.read(TAIL_BYTES).decode("utf-8", "replace").splitlines()
    return tuple(line for line in lines if line.strip())[-count:]


def marks(paths: Iterable[Path]) -> Dict[Path, Mark]:
    """Return how far each log reaches now."""
    return {path: Mark(found.st_ino, found.st_size) for path, found in _stats(paths)}


def merged_tail(paths: Sequence[Path], count: int, *, since: Optional[Dict[Path, Mark]] = None) -> Tuple[str, ...]:
    """Return the last lines of several logs in order of time. Logs without timestamps are ordered by last write."""
    by_age = sorted(_stats(paths), key=lambda one: one[1].st_mtime_ns)
    each = [tail(path, count, since=(since or {}).get(path, Mark(0, 0) if since is not None else None))
            for path, _ in by_age]  # fmt: skip
    timed = [list(_timed(lines)) for lines in each]
    if all(lines and lines[0][0] for lines in timed if lines):
        in_order = sorted((one for lines in timed for one in lines), key=lambda one: one[0])
        return tuple(line for _, line in in_order[-count:])
    return tuple(line for lines in each for line in lines)[-count:]


def current(paths: Iterable[Path]) -> Optional[Path]:
    """Return the log that was written last; an empty one only if all are empty, None if none exists."""
    found = list(_stats(paths))
    return max(found, key=lambda one: (one[1].st_size > 0, one[1].st_mtime_ns), default=(None, None))[0]


class Follower:
    """Reads what is appended to some logs, even after one was truncated or replaced."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._read_to = marks(paths)
        self._rest: Dict[Path, bytes] = {}

    def lines(self) -> Iterator[str]:
        """Yield the complete lines that were appended since the last call."""
        for path in self._paths:
            added = self._added(path)  # must run first: it drops the unfinished line of a truncated file
            *whole, rest = (self._rest.get(path, b"") + added).split(b"\n")
            if len(rest) > LINE_BYTES:
                whole, rest = [*whole, rest], b""
            self._rest[path] = rest
            yield from (line.decode("utf-8", "replace") for line in whole)

    def _added(self, path: Path) -> bytes:
        try:
            file, found = files.opened(path)
        except OSError:
            return b""
        with file:
            inode, read_to_bytes = self._read_to.get(path, Mark(found.st_ino, 0))
            if inode != found.st_ino or found.st_size < read_to_bytes:
                read_to_bytes, self._rest[path] = 0, b""
            file.seek(read_to_bytes)
            piece = file.read(PIECE_BYTES)
        self._read_to[path] = Mark(found.st_ino, read_to_bytes + len(piece))
        return piece


def rotate(path: Path, *, above_bytes: int = ROTATE_ABOVE_BYTES) -> bool:
    """Move the contents of a long log to `NAME.1`, as much of its end as fits; return whether that was done.

    Half of the free space stays free. The file itself stays, since the service holds it open. Lines written between
    copying and truncating are lost.
    """
    if all(found.st_size <= above_bytes for _, found in _stats([path])):
        return False
    try:
        kept = path.with_name(f"{path.name}.1")
        with path.open("r+b") as log, files.replacing(kept) as fresh, files.create(fresh, mode=0o600) as to:
            most_bytes = max(PIECE_BYTES, shutil.disk_usage(path.parent).free // 2)  # on a full disk nothing is done
            log.seek(max(0, os.fstat(log.fileno()).st_size - most_bytes))
            shutil.copyfileobj(log, to, PIECE_BYTES)
        os.truncate(path, 0)
    except OSError:
        return False
    return True


def _timed(lines: Sequence[str]) -> Iterator[Tuple[str, str]]:
    """Yield each line with its time. A line without one gets the previous line's, or else the first time found."""
    times = [_TIME.match(line) for line in lines]
    now = next((_sortable(found) for found in times if found), "")
    for found, line in zip(times, lines):
        now = _sortable(found) if found else now
        yield now, line


def _sortable(found: "re.Match[str]") -> str:
    return "-".join(found.groups()).replace(",", ".")


def _stats(paths: Iterable[Path]) -> List[Tuple[Path, os.stat_result]]:
    found = []
    for path in dict.fromkeys(paths):
        try:
            status = path.stat()
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode):
            found.append((path, status))
    return found
