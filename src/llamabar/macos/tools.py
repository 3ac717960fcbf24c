"""Runs system programs so that none can block us, prompt the user, or answer in another language.

Law: every call has a timeout, a closed stdin, LC_ALL=C and no shell. Inside `within`, no call outlives the deadline.
"""

import contextlib
import contextvars
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from typing import IO, Iterator, List, Mapping, Optional

QUARANTINE = "com.apple.quarantine"
SYSTEM_FOLDERS = ("/bin", "/usr/bin", "/usr/sbin", "/sbin")
TIMEOUT_S = 5.0
OUTPUT_LIMIT_BYTES = 1_000_000
SHORTEST_S = 0.05
GLANCE_S = 0.05
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_ends_s: "contextvars.ContextVar[float]" = contextvars.ContextVar("ends_s", default=float("inf"))


@dataclass(frozen=True)
class Output:
    """What a program printed. If there is no exit code, `code` is None and `trouble` says why."""

    code: Optional[int]
    out: str = ""
    err: str = ""
    trouble: str = ""

    @property
    def words(self) -> str:
        """Return one line, without a period: the trouble, else the last on stderr, else on stdout, else the exit code.
        """
        lines = [line.strip() for line in (self.err.strip() or self.out.strip()).splitlines() if line.strip()]
        return self.trouble or (lines[-1].rstrip(".") if lines else f"exit code {self.code}")


@contextlib.contextmanager
def within(limit_s: float) -> Iterator[None]:
    """Set one deadline for all calls in the block. An outer block's deadline still applies."""
    token = _ends_s.set(min(_ends_s.get(), time.monotonic() + limit_s))
    try:
        yield
    finally:
        _ends_s.reset(token)


def left_s() -> float:
    """Return the seconds until the deadline of `within`; 0 when it has passed."""
    return max(0.0, _ends_s.get() - time.monotonic())


@contextlib.contextmanager
def signals_held() -> Iterator[List[int]]:
    """Hold back Ctrl-C and similar signals until the end of the block, then pass the first one to its handler.

    Yields the signals received so far. A KeyboardInterrupt within subprocess can leave a program running, or a lock
    unreleased (seen on 3.11).
    """
    held: List[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield held
        return
    handled = {number: signal.getsignal(number) for number in ENDING}
    before = {number: handler for number, handler in handled.items() if callable(handler)}
    for number in before:
        signal.signal(number, lambda got, _: held.append(got))
    try:
        yield held
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if held:
            first = signal.Signals(held[0])
            before[first](first, None)


def find(name: str) -> Optional[str]:
    """Return the path of a program on PATH, else in the system's own folders; None if it is in neither."""
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(SYSTEM_FOLDERS))


def run(name: str, *arguments: str, timeout_s: float = TIMEOUT_S, text: str = "") -> Output:
    """Run a system program by name. If it is missing or hangs, the Output says so in `trouble`."""
    program = find(name)
    if program is None:
        return Output(None, trouble=f"{name} was not found")
    return call(program, *arguments, timeout_s=timeout_s, text=text)


def is_quarantined(path: "os.PathLike[str]") -> Optional[bool]:
    """Tell whether macOS has quarantined a file; None if xattr couldn't be run."""
    code = run("xattr", "-p", QUARANTINE, os.fspath(path)).code
    return None if code is None else code == 0


def call(
    program: str, *arguments: str, timeout_s: float = TIMEOUT_S, text: str = "",
    environment: Optional[Mapping[str, str]] = None,
) -> Output:  # fmt: skip
    """Run a program by its path. Its output goes to files, since a surviving grandchild would hold a pipe open."""
    name = os.path.basename(program)
    timeout_s = max(SHORTEST_S, min(timeout_s, left_s()))
    files = tempfile.TemporaryFile
    try:
        out, err, stdin = files(), files(), files()
    except OSError as error:
        return Output(None, trouble=f"no temporary file could be made ({type(error).__name__})")
    with signals_held() as held, out, err, stdin:
        stdin.write(text.encode("utf-8", "surrogateescape"))
        stdin.seek(0)
        try:
            process = subprocess.Popen(
                [program, *arguments],
                stdin=stdin if text else subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**(os.environ if environment is None else environment), "LC_ALL": "C"},
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            return Output(None, trouble=f"{name} could not be started ({type(error).__name__})")
        try:
            code = _code(process, timeout_s, held)
        finally:
            _end(process)
        ended = f"{name} was interrupted" if held else f"{name} gave no answer within {timeout_s:.3g} s"
        return Output(code, _read(out), _read(err), ended if code is None else "")


def _code(process: "subprocess.Popen[bytes]", timeout_s: float, held: List[int]) -> Optional[int]:
    """Return a program's exit code; None if it timed out or a signal came first."""
    ends_s = time.monotonic() + timeout_s
    while not held:
        rest_s = ends_s - time.monotonic()
        try:
            return process.wait(max(0.0, min(rest_s, GLANCE_S)))
        except subprocess.TimeoutExpired:
            if rest_s <= GLANCE_S:
                break
    return None


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kill a program that is still running, and everything it started."""
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except OSError:
            process.kill()
        process.wait()


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(OUTPUT_LIMIT_BYTES).decode("utf-8", "replace")
