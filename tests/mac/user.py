"""The user of this Mac's programs: 501 in its own namespaces if Linux allows it, else another non-root user.

In namespaces, root's own files belong to 501, only this Mac's processes are visible, and launchd is process 1: orphans
become its children, and nothing outlives it. Elsewhere this Mac's processes are found by their environment.
"""

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Tuple

import psutil

USER, GROUP = 501, 20
NOBODY = 65534
GONE_S = 10.0
NAMESPACES = ("unshare", "--user", f"--map-user={USER}", f"--map-group={GROUP}", "--pid", "--mount", "--fork",
              "--mount-proc", "--kill-child")  # fmt: skip


@functools.cache
def way() -> str:
    """Return how to become a non-root user: namespaces, nobody, or self."""
    if shutil.which("unshare") and shutil.which("nsenter"):
        probe = [*NAMESPACES, "env", "-C", "/", "sh", "-c", "id -u"]
        said = subprocess.run(probe, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if said.stdout == f"{USER}\n":
            return "namespaces"
    return "self" if os.getuid() else "nobody"


def uid() -> int:
    """Return this Mac's user id."""
    return {"namespaces": USER, "nobody": NOBODY}.get(way(), os.getuid())


@functools.cache
def python() -> str:
    """Return a Python that the user may run, without its own environment."""
    own = getattr(sys, "_base_executable", sys.executable)
    if way() != "nobody":
        return own
    for found in (own, "/usr/local/bin/python3", "/usr/bin/python3"):
        with contextlib.suppress(OSError):
            if subprocess.run([found, "-c", ""], user=NOBODY, group=NOBODY, extra_groups=[], cwd="/").returncode == 0:
                return found
    raise RuntimeError(f"user {NOBODY} can run no Python here: {own} is not for everybody, and there is no other")


def place(folder: Path) -> Path:
    """Return where the Mac can be: the folder, or one that `nobody` can access."""
    return Path(tempfile.mkdtemp(prefix="mac-")) if way() == "nobody" else folder


def give(path: Path) -> None:
    """Give a file or folder, with everything in it, to the user."""
    if way() == "nobody":
        for one in (path, *path.rglob("*")):
            os.chown(one, NOBODY, NOBODY, follow_symlinks=False)


def begin(command: List[str], **more: Any) -> "subprocess.Popen[bytes]":
    """Start launchd."""
    return subprocess.Popen([*NAMESPACES, *command] if way() == "namespaces" else command, **_as(), **more)


def enter(first: "subprocess.Popen[bytes]", command: List[str], folder: str, **more: Any) -> "subprocess.Popen[Any]":
    """Start a command beside a running launchd, in its namespaces if there are any."""
    if way() != "namespaces":
        return subprocess.Popen(command, cwd=folder, **_as(), **more)
    spaces = f"/proc/{first.pid}/ns"
    door = ["nsenter", "--preserve-credentials", f"--user={spaces}/user", f"--mount={spaces}/mnt",
            f"--pid={spaces}/pid_for_children", "env", "-C", folder]  # fmt: skip
    return Inside([*door, *command], **more)


def _as() -> Dict[str, Any]:
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if way() == "nobody" else {}


class Inside(subprocess.Popen):
    """A command behind nsenter. Signals go to the command; `returncode` is the command's."""

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            for inner in self._inner():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(inner, sig)

    def _inner(self) -> Tuple[int, ...]:
        """Return the command's pid as this computer counts, once nsenter has started it."""
        while self.poll() is None:
            children = tuple(child.pid for child in psutil.Process(self.pid).children())
            if children:
                return children
        return ()

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def sweep(first: "subprocess.Popen[bytes]", mark: str) -> None:
    """End launchd, and every process whose environment has this Mac's mark; return when they are gone.

    When process 1 ends, its namespace ends, and unshare ends once that is complete.
    """
    ending = psutil.Process(first.pid).children() if way() == "namespaces" and first.poll() is None else []
    for process in psutil.process_iter() if way() != "namespaces" else ():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get("SSH_AUTH_SOCK") == mark:
                ending.append(process)
    for process in ending:
        with contextlib.suppress(psutil.Error):
            process.kill()
    try:
        first.wait(GONE_S)
    except subprocess.TimeoutExpired:
        first.kill()
        first.wait()
