"""One call of a tool. It is recorded at its start and end, and the faults that a test requested are applied."""

import _socket  # the half in C: the other half, json and typing would double what a call costs
import marshal
import os
import stat
import sys
import time
from importlib import import_module

CALLS = "calls.txt"
FAULTS = "faults"
NEVER_S = 86_400.0
LONGEST_ADDRESS = 100  # bytes; macOS takes 103, Linux 107


class Call:
    """The arguments, the state folder, and the output printed at the end."""

    def __init__(self, tool: str, state: str, arguments: "list[str]") -> None:
        self.tool, self.state, self.arguments = tool, state, arguments
        self.stdout: list[str] = []
        self.stderr: list[str] = []

    def out(self, text: str) -> None:
        """Print a line on stdout."""
        self.stdout.append(f"{text}\n")

    def err(self, text: str, code: int = 1) -> int:
        """Print a line on stderr; return an exit code."""
        self.stderr.append(f"{text}\n")
        return code

    def path(self, name: str) -> str:
        """Return the path of something in the state folder."""
        return os.path.join(self.state, name)

    def load(self, name: str, otherwise):
        """Return a JSON file from the state folder."""
        try:
            with open(self.path(name), encoding="utf-8") as file:
                import json

                return json.load(file)
        except OSError:
            return otherwise

    def note(self, name: str, value: object) -> None:
        """Append a value, as a Python literal, to a file in the state folder, immediately."""
        number = os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.write(number, ascii(value).encode("ascii") + b"\n")
        os.close(number)

    def ask_launchd(self, request: "dict[str, object]"):
        """Return launchd's answer, which may take a while."""
        return ask(self.state, request)


def ask(state: str, request: "dict[str, object]", timeout_s: "float | None" = None, *, name: str = "launchd"):
    """Return the answer of launchd, or of an app; raise OSError if it isn't running."""
    talk = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        talk.settimeout(timeout_s)
        connect(talk, state, f"{name}.sock")
        talk.sendall(packed(request))
        talk.shutdown(_socket.SHUT_WR)
        return receive(talk)
    finally:
        talk.close()


def packed(value: object) -> bytes:
    """Return plain values as bytes that every supported Python can read."""
    return marshal.dumps(value, 2)


def receive(talk: "_socket.socket"):
    """Return what was sent until the end of a connection; raise ConnectionError if nothing was."""
    pieces = []
    piece = talk.recv(65536)
    while piece:
        pieces.append(piece)
        piece = talk.recv(65536)
    if not pieces:
        raise ConnectionError("no answer: it went away")
    return marshal.loads(b"".join(pieces))


def connect(talk: "_socket.socket", folder: str, name: str) -> None:
    """Connect to a socket in a folder, by its name alone if the whole path is too long for an address."""
    path = os.path.join(folder, name)
    if len(os.fsencode(path)) <= LONGEST_ADDRESS:
        return talk.connect(path)
    before = os.open(".", os.O_RDONLY)
    os.chdir(folder)
    try:
        return talk.connect(name)
    finally:
        os.fchdir(before)
        os.close(before)


def stdin_kind() -> str:
    """Return what stdin is: closed, null, file, pipe or terminal."""
    try:
        mode = os.fstat(0)
    except OSError:
        return "closed"
    if sys.stdin is None:
        return "closed"
    null = os.stat(os.devnull)
    if stat.S_ISCHR(mode.st_mode):
        return "null" if mode.st_rdev == null.st_rdev else "terminal"
    return "file" if stat.S_ISREG(mode.st_mode) else "pipe"


def fault_of(call: Call) -> "dict[str, object]":
    """Return the fault requested for this call, {} if there is none. A fault with a limit is used up."""
    folder = call.path(FAULTS)
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        fault = call.load(os.path.join(FAULTS, name), {})
        if fault.get("tool") == call.tool and fault["verb"] in ("", *call.arguments[:1]):
            if fault["times"] is None:
                return fault
            try:
                os.unlink(os.path.join(folder, name))
                return fault
            except FileNotFoundError:
                continue
    return {}


def main(tool: str, state: str, arguments: "list[str]") -> None:
    """Run a tool; print and exit as it returns, or as a fault says."""
    call = Call(tool, state, arguments)
    number = f"{os.getpid()}.{time.time_ns()}"
    about = {"tool": tool, "arguments": arguments, "lc_all": os.environ.get("LC_ALL"), "stdin": stdin_kind()}
    call.note(CALLS, {"id": number, **about, "began_s": time.time()})
    fault = fault_of(call)
    time.sleep(NEVER_S if fault.get("hang") else fault.get("seconds") or 0)
    code = 0
    if fault.get("done", True) or not (fault.get("code") or fault.get("garbage") is not None):
        code = import_module(f"tests.mac.tools.{tool.replace('-', '_')}").run(call)
    code = fault["code"] if fault.get("code") is not None else code
    say(1, spoilt("".join(call.stdout), fault))
    say(2, fault["stderr"] if fault.get("stderr") is not None else "".join(call.stderr))
    call.note(CALLS, {"id": number, "code": code})
    sys.exit(code)


def spoilt(text: str, fault: "dict[str, object]") -> str:
    """Return an output changed by a fault: replaced, with an added line, or cut."""
    text = fault["garbage"] if fault.get("garbage") is not None else text
    if fault.get("line"):
        first, _, rest = text.partition("\n")
        text = f"{first}\n{fault['line']}\n{rest}"
    return text[: fault["cut"]] if fault.get("cut") is not None else text


def say(number: int, text: str) -> None:
    """Write all of a text, even if the reader is gone."""
    data = text.encode("utf-8", "surrogateescape")
    try:
        while data:
            data = data[os.write(number, data) :]
    except OSError:
        pass
