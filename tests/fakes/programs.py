"""Real programs for tests: the plugin as SwiftBar starts it, the demo server, and servers that are something else."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import tests.fakes.swiftbar_host as host
from llamabar.demo.dialect import DemoModel
from llamabar.demo.load import ask
from llamabar.demo.world import World, free_port
from tests.fakes.keyed import demo_server

ROOT = Path(__file__).parents[2]
PATIENCE_S = 15.0

MODELS = (
    DemoModel("alpha-8b", "", "A chat model", ttl_s=300, load_s=0.3, tps=40.0, prompt_tps=2000.0),
    DemoModel("beta-3b", load_s=0.2, tps=100.0, slots=1),
    DemoModel("broken-1b", load_s=0.2, broken=True),
    DemoModel("embed", load_s=0.1, stays=True),
    DemoModel("org/short:ttl", ttl_s=2, load_s=0.1),
    DemoModel("hidden", load_s=0.1, unlisted=True),
)


def command():
    """Return the program's command line: the built file with another Python if the environment names one, else the
    source."""
    python = os.environ.get("LLAMABAR_TEST_PYTHON")
    if python:
        return [python, "-I", str(ROOT / "dist" / "llamabar.pyz")]
    return [sys.executable, "-m", "llamabar"]


def as_installed(text):
    """Return a text whose hints call the program `llamabar`, however it was started here."""
    return re.sub(r": (sh )?\S+( -m llamabar|\.pyz) (?=[a-z])", ": llamabar ", text)


def environment(home, **more):
    """Return an environment without anything from the machine: an empty home, no settings, the code's own path."""
    base = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'installer'}",
        "TERM": "xterm",
    }
    return {**base, "PYTHONWARNINGS": "error,ignore:urllib3 v2 only supports OpenSSL", **more}


def wait_for(what, seconds=PATIENCE_S, every_s=0.02):
    """Return the first true value of what(); fail with the last one if that never comes."""
    ends_s = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < ends_s, f"waited {seconds} s in vain"
        time.sleep(every_s)


class Screen:
    """What a watcher shows: its frames, each with its time, read as SwiftBar reads them."""

    def __init__(self):
        self.frames = []
        self.stderr = b""
        self._parsed = ("", [])

    @property
    def text(self):
        """Return the current frame."""
        return self.frames[-1][1] if self.frames else ""

    def items(self):
        text = self.text
        if self._parsed[0] != text:
            self._parsed = (text, flat(host.parse_menu(text)[1]))
        return self._parsed[1]

    def title(self):
        return host.parse_menu(self.text)[0][0] if self.frames else ""

    def row(self, start):
        """Return the text of the first item that starts this way, or ""."""
        return next((item.text for item in self.items() if item.text.startswith(start)), "")

    def wait_for_row(self, start, seconds=PATIENCE_S):
        try:
            return wait_for(lambda: self.row(start), seconds)
        except AssertionError:
            raise AssertionError(f"no row {start!r} in:\n{self.text}\n{self.stderr.decode()}") from None

    def wait_for_text(self, part, seconds=PATIENCE_S):
        try:
            return wait_for(lambda: part in self.text, seconds)
        except AssertionError:
            raise AssertionError(f"no {part!r} in:\n{self.text}\n{self.stderr.decode()}") from None

    def __enter__(self):
        return self


class Plugin(Screen):
    """`stream` as SwiftBar starts it: frames are collected as they come, each with its time."""

    def __init__(self, url, home, *, version="2.1.1", reading=True, program=None, **more):
        super().__init__()
        env = environment(home, SWIFTBAR="1", SWIFTBAR_VERSION=version, LLAMABAR_URL=url, **more)
        self.process = subprocess.Popen(
            program or command(), env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.chunks = host.Chunks(trailing=True, whole_characters=True)
        self.raw_bytes = 0
        self.reads = threading.Event()
        self.reads.set()
        self.reader = threading.Thread(target=self._read, daemon=True)
        threading.Thread(target=self._read_errors, daemon=True).start()
        if reading:
            self.reader.start()

    def _read(self):
        while True:
            self.reads.wait()
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                return
            seen = len(self.chunks.contents)
            self.raw_bytes += len(data)
            self.chunks.read(data)
            self.frames += [(time.monotonic(), content) for content in self.chunks.contents[seen:]]

    def _read_errors(self):
        with self.process.stderr as errors:
            self.stderr += errors.read()

    def click(self, start, under=""):
        """Click the first item that starts this way, in the submenu of the first row that starts with `under`.

        Wait for it first: an action isn't offered until a probe has confirmed it.
        """
        item = wait_for(lambda: self._clickable(start, under))
        if "stdin" in item.params:
            self.process.stdin.write(item.params["stdin"].encode() + b"\n")
            self.process.stdin.flush()
            return None
        return [item.bash, *item.args]

    def _clickable(self, start, under):
        items = host.parse_menu(self.text)[1]
        if under:
            items = [child for item in items if item.text.startswith(under) for child in item.children]
        found = (item for item in flat(items) if item.text.startswith(start))
        return next((item for item in found if item.bash or "stdin" in item.params), None)

    def end(self, number=signal.SIGTERM):
        """Send a signal; return the exit code and the seconds until the exit."""
        began_s = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE_S)
        return code, time.monotonic() - began_s

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.reader.is_alive():
            self.reader.join(2)
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()


def flat(items):
    return [one for item in items if not item.separator for one in [item, *flat(item.children)]]


@contextlib.contextmanager
def llama_swap(dialect="v250", models=MODELS, port=0, api_key=""):
    """Return a made-up llama-swap with fast models."""
    server = demo_server(World(dialect, models), port, api_key).start()
    try:
        yield server
    finally:
        server.stop()


def chat(server, model, tokens=40, words=20, **more):
    """Send a chat on a thread; return the thread, whose `status` is the answer's."""
    thread = threading.Thread(
        target=lambda: setattr(thread, "status", ask(server.url[7:], model, tokens, words, **more)), daemon=True
    )
    thread.start()
    return thread


def recording(file):
    """Return the start of a command line for a model server that records its requests in a file."""
    return [sys.executable, str(ROOT / "tests" / "fakes" / "recording_modelserver.py"), str(file)]


def run(home, *arguments, timeout=30, **more):
    """Run a command of the program to its end."""
    return subprocess.run(
        [*command(), *arguments],
        env=environment(home, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def accept(listener, serve):
    """Serve each caller in its own thread, until the listener is closed."""
    while True:
        try:
            caller, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=serve, args=(caller,), daemon=True).start()


class Stranger:
    """Another program on a port: it sends `answer` to every caller, and records what was sent to it."""

    def __init__(self, answer, *, hold_s=0.0, piece=0, pause_s=0.0, port=0):
        self.answer, self.hold_s, self.piece, self.pause_s = answer, hold_s, piece, pause_s
        self.heard = []
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(16)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=accept, args=(self.listener, self._speak), daemon=True).start()

    def _speak(self, caller):
        with caller, contextlib.suppress(OSError):
            self.heard.append(caller.recv(65536))
            answer = self.answer(self.heard[-1]) if callable(self.answer) else self.answer
            step = self.piece or len(answer) or 1
            for at in range(0, len(answer), step):
                caller.sendall(answer[at : at + step])
                time.sleep(self.pause_s)
            time.sleep(self.hold_s)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


__all__ = [
    "MODELS",
    "Plugin",
    "Stranger",
    "chat",
    "command",
    "environment",
    "free_port",
    "llama_swap",
    "recording",
    "run",
    "wait_for",
]
