"""The running plugin's status: a small file that doctor reads.

Laws: it is written at most once a minute, while something changes, and at exit; it is replaced as a whole; and never on
the loop's thread, so that a hanging disk blocks nothing. With two plugins, the last one to write wins; the exit is
recorded only over the plugin's own status. If the file or the plugin itself was removed, it isn't created again, and
its folder never is: uninstall removed them.
"""

import json
import os
import threading
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Callable, Mapping, NamedTuple, Optional

from llamabar import __version__
from llamabar.core.events import Fault, FaultKind
from llamabar.core.state import Snapshot
from llamabar.macos import files
from llamabar.macos.paths import data_folder
from llamabar.sources import clock

VERSION = 1
EVERY_S = 60.0
END_S = 0.2


@dataclass(frozen=True)
class Noted:
    """The file's content. `lagged` counts how often events came faster than they were processed."""

    pid: int
    version: str
    started_unix_s: float
    frames: int = 0
    printed_bytes: int = 0
    reconnects: int = 0
    lagged: int = 0
    last_error: str = ""
    reachable: Optional[bool] = None
    ended: bool = False


def path_in(data: Path) -> Path:
    """Return the path of the file in a data folder."""
    return data / "watcher.json"


def parse(content: bytes) -> Optional[Noted]:
    """Return a file's content, None if it is invalid."""
    try:
        document = json.loads(content)
        if document.pop("llamabar_watcher") != VERSION:
            return None
        noted = Noted(**{name: document[name] for name in Noted.__dataclass_fields__ if name in document})
        numbers = (noted.pid, noted.started_unix_s, noted.frames, noted.printed_bytes, noted.reconnects, noted.lagged)
        texts = isinstance(noted.version, str) and isinstance(noted.last_error, str)
        return noted if texts and isinstance(noted.pid, int) and all(0 <= one < 2**53 for one in numbers) else None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


class Seen(NamedTuple):
    """The state of the servers, and what was printed."""

    snapshots: Mapping[str, Snapshot]
    frames: int
    printed_bytes: int


class WatcherState:
    """Writes the file of one plugin. `seen` returns the plugin's current state."""

    def __init__(self, environment: Mapping[str, str], seen: Callable[[], Seen]) -> None:
        self._seen = seen
        self._path = path_in(data_folder(environment))
        self._file = environment.get("LLAMABAR_FILE", "")
        self._noted = Noted(os.getpid(), __version__, clock.unix_s())
        self._faults: Mapping[str, Optional[Fault]] = {}
        self._next_s = 0.0
        self._written: Optional[Noted] = None
        self._thread: Optional[threading.Thread] = None

    def note(self) -> bool:
        """Update the status, and write it once a minute; return False, so that a loop continues."""
        self._look()
        now_s = clock.now_s()
        if now_s >= self._next_s:
            self._next_s = now_s + EVERY_S
            self._write(self._noted)
        return False

    def end(self) -> None:
        """Record the exit, if that can be done quickly."""
        self._look()
        self._join()
        self._write(replace(self._noted, ended=True))
        self._join()

    def _join(self) -> None:
        if self._thread is not None:
            self._thread.join(END_S / 2)

    def _look(self) -> None:
        snapshots, frames, printed_bytes = self._seen()
        faults = {name: snapshot.fault for name, snapshot in snapshots.items()}
        for name, fault in faults.items():
            if fault is not None and fault is not self._faults.get(name):
                lagged = self._noted.lagged + (fault.kind is FaultKind.LAGGING)
                self._noted = replace(self._noted, last_error=fault.kind.value, lagged=lagged)
        self._faults = faults
        known = any(snapshot.connected or snapshot.fault is not None for snapshot in snapshots.values())
        self._noted = replace(
            self._noted, frames=frames, printed_bytes=printed_bytes,
            reconnects=sum(max(0, snapshot.connections - 1) for snapshot in snapshots.values()),
            reachable=any(snapshot.connected for snapshot in snapshots.values()) if known else None,
        )  # fmt: skip

    def _write(self, noted: Noted) -> None:
        if noted == self._written or (self._thread is not None and self._thread.is_alive()):
            return
        first, self._written = self._written is None and not noted.ended, noted
        words = (self._path, noted, first, self._file)
        self._thread = threading.Thread(target=_put, args=words, name="watcher state", daemon=True)
        self._thread.start()


def _put(path: Path, noted: Noted, first: bool, plugin: str) -> None:
    try:
        there = parse(files.read(path) or b"")
        others = noted.ended and there is not None and there.pid != noted.pid
        removed = not (first or os.path.exists(path)) or bool(plugin and not os.path.exists(plugin))
        if others or removed:
            return
        document = json.dumps({"llamabar_watcher": VERSION, **asdict(noted)}).encode("utf-8") + b"\n"
        files.write_new(files.beside(path), document, mode=files.PRIVATE_MODE)
        os.replace(files.beside(path), path)
    except OSError:
        pass  # a full or read-only disk must not disturb the menu; doctor reports it
