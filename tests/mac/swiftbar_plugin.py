"""A plugin as SwiftBar sees it: its file, its metadata, its process, its output."""

import base64
import binascii
import os
import re
import signal
import subprocess
from typing import Any, Dict, List, Optional, Tuple

import tests.fakes.swiftbar_host as host
from tests.mac import attributes

ATTRIBUTE = "com.ameba.SwiftBar"
_TAG = re.compile(r"<(?:xbar|swiftbar|bitbar)\.(\w+)>(.*?)</(?:xbar|swiftbar|bitbar)\.\1>", re.DOTALL)


class Plugin:
    """One visible file in the folder. Its path, and so its command, is the unresolved one."""

    def __init__(self, path: str, *, state: str, version: Tuple[int, ...]) -> None:
        self.path, self.version = path, version
        self.metadata = metadata(path, state)
        self.streams = self.metadata.get("type", "").capitalize() == "Streamable"
        resolved = os.path.realpath(path)
        self.id = os.path.basename(path) if self.streams or version < (2, 1) else resolved
        self.name = os.path.basename(path).split(".")[0]
        self.mark = (os.stat(resolved).st_size, os.stat(resolved).st_mtime_ns)
        self.content: Optional[str] = None
        self.error = False
        self.disabled = False
        self.starts = self.printed_bytes = 0
        self.errors = b""
        self.process: Optional[subprocess.Popen[bytes]] = None
        self.code: Optional[int] = None
        self._chunks = host.Chunks(trailing=True, whole_characters=True)
        self._output = b""

    def is_set(self, tag: str, otherwise: bool) -> bool:
        """Tell whether a tag is true."""
        return self.metadata.get(tag, str(otherwise)).strip().lower() == "true"

    def start(self, command: List[str], environment: Dict[str, str]) -> None:
        """Run it. Since 2.1, stdin is a pipe that stays open. The old output stays until there is new output."""
        self._chunks = host.Chunks(
            trailing=self.is_set("useTrailingStreamSeparator", False), whole_characters=self.version >= (2, 1)
        )
        self._output, self.error, self.code = b"", False, None
        self.starts += 1
        stdin = subprocess.PIPE if self.version >= (2, 1) else subprocess.DEVNULL
        try:
            self.process = subprocess.Popen(
                command, env=environment, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except OSError:
            self.error, self.code = True, 127

    def stop(self) -> Optional["subprocess.Popen[bytes]"]:
        """Tell its process to end and ignore its further output; return it."""
        process, self.process = self.process, None
        if process is not None:
            process.send_signal(signal.SIGTERM)
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
        return process

    def pipes(self) -> Dict[int, str]:
        """Return the pipes to read from."""
        process = self.process
        if process is None or process.stdout is None or process.stderr is None:
            return {}
        both = ((process.stdout, "stdout"), (process.stderr, "stderr"))
        return {pipe.fileno(): name for pipe, name in both if not pipe.closed}

    def read(self, number: int, name: str) -> None:
        """Read once from a pipe. The end of stdout is the end of a plugin."""
        data = os.read(number, 65536)
        pipe = getattr(self.process, name)
        if not data:
            pipe.close()
            if not self.pipes():
                self._ended()
        elif name == "stderr":
            self.errors += data
        else:
            self.printed_bytes += len(data)
            self._take(data)

    def _take(self, data: bytes) -> None:
        if not self.streams:
            self._output += data
            return
        self._chunks.read(data)
        if self._chunks.contents:
            self.content = self._chunks.contents[-1]

    def _ended(self) -> None:
        """Handle its exit. A streaming plugin isn't restarted: after 0 its last menu stays, else there is an error."""
        process, self.process = self.process, None
        if process is None:
            return
        self.code = process.wait()
        if process.stdin is not None:
            process.stdin.close()
        self.error = self.code != 0
        if not self.streams and not self.error:
            self.content = self._output.decode("utf-8", "replace")

    def hear(self, text: str) -> bool:
        """Write a line to its stdin; return whether it could be written."""
        if self.process is None or self.process.stdin is None:
            return False
        try:
            os.write(self.process.stdin.fileno(), text.encode() + b"\n")
        except OSError:
            return False
        return True

    def describe(self) -> Dict[str, Any]:
        """Return what a test may want to know."""
        return {
            "text": self.content, "error": self.error, "disabled": self.disabled, "streams": self.streams,
            "starts": self.starts, "code": self.code, "printed_bytes": self.printed_bytes, "path": self.path,
            "pid": self.process.pid if self.process else None, "stderr": self.errors.decode("utf-8", "replace"),
        }  # fmt: skip


def metadata(path: str, state: str) -> Dict[str, str]:
    """Return the tags: those of the attribute, which is read through symlinks, else those in a text file."""
    held = attributes.get(path, ATTRIBUTE, state=state)
    if held is not None:
        try:
            tags = dict(_TAG.findall(base64.b64decode(held, validate=True).decode("utf-8")))
        except (binascii.Error, UnicodeDecodeError):
            tags = {}
        if tags:
            return tags
    try:
        with open(path, encoding="utf-8") as file:
            return dict(_TAG.findall(file.read()))
    except (UnicodeDecodeError, OSError):
        return {}
