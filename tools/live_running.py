"""A real llama-swap with its models, the built program watching it, and access to its output for checks.

The menu's words and layout change, so checks find a row by the model's name and its content by the tables of
view/words.py, click by the action's own token, and read everything else from the JSON documents.
"""

import contextlib
import http.client
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "installer"), str(ROOT)]

from tests.fakes.programs import Plugin, wait_for  # noqa: E402

from llamabar.demo.world import free_port  # noqa: E402
from llamabar.settings.load import DEFAULT_NAME  # noqa: E402
from llamabar.view.menu import Action, Do  # noqa: E402

PYZ = ROOT / "dist" / "llamabar.pyz"
CHAT = "/v1/chat/completions"
OURS = "llamabar/"  # prefix of the program's User-Agent


class Running(NamedTuple):
    """A running llama-swap with its models, and the plugin watching it."""

    program: str
    era: int
    address: str
    plugin: Plugin
    home: Path

    def post(self, path: str, **body: Any) -> int:
        """Send a request, read the whole answer, and return its status; 0 if it was cut off."""
        connection = http.client.HTTPConnection(self.address, timeout=60)
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            return answer.status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def chat(self, model: str, tokens: int, *, path: str = CHAT, stream: bool = True) -> threading.Thread:
        """Start a chat on a thread."""
        body = {"model": model, "max_tokens": tokens, "stream": stream, "messages": [{"role": "user", "content": "hi"}]}
        thread = threading.Thread(target=self.post, args=(path,), kwargs=body, daemon=True)
        thread.start()
        return thread

    def rows_of(self, name: str, *, top: bool = False) -> List[str]:
        """Return the text of the menu rows that begin with a name, label and value. `top`: without submenus."""
        items = [item for item in self.plugin.items() if not top or item.level == 0]
        return [whole(item) for item in items if item.text.startswith(name)]

    def wait_for_row(self, name: str, *parts: str, seconds: float = 15.0) -> str:
        """Wait for a row that begins with a name and contains one of some texts; return it."""

        def _found() -> str:
            rows = [row for row in self.rows_of(name) if any(part.lower() in row.lower() for part in parts)]
            return rows[0] if rows else ""

        try:
            return str(wait_for(_found, seconds))
        except AssertionError:
            raise AssertionError(f"no row {name!r} that says {parts} in:\n{self.plugin.text}") from None

    def seen(self, name: str, seconds: float, *, until: Optional[threading.Thread] = None) -> List[str]:
        """Return the texts that a name's first row had, in order, for some seconds or until a thread has ended."""
        found: List[str] = []
        ends_s = time.monotonic() + seconds
        while time.monotonic() < ends_s and (until is None or until.is_alive()):
            rows = self.rows_of(name)
            if rows and rows[0] not in found[-1:]:
                found.append(rows[0])
            time.sleep(0.1)
        return found

    def offers(self, do: Do, target: str = "") -> bool:
        """Tell whether the menu offers an action now."""
        return f"stdin={self._token(do, target)}" in self.plugin.text

    def click(self, do: Do, target: str = "") -> None:
        """Click an action's item once it is offered, which needs a probe to confirm it."""
        self.wait_until(lambda: self.offers(do, target), what=f"{do.value} {target}")
        self.plugin.process.stdin.write(self._token(do, target).encode() + b"\n")
        self.plugin.process.stdin.flush()

    def wait_until(self, what_holds: Callable[[], Any], *, seconds: float = 15.0, what: str = "it") -> None:
        """Wait until a condition holds; raise AssertionError with the menu if it never does."""
        try:
            wait_for(what_holds, seconds)
        except AssertionError:
            raise AssertionError(f"waited {seconds:g} s for {what} in:\n{self.plugin.text}") from None

    @staticmethod
    def _token(do: Do, target: str) -> str:
        return Action(do, target, server=DEFAULT_NAME).token

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of the built program against this llama-swap."""
        environment = {"HOME": str(self.home), "PATH": "/usr/bin:/bin", "LLAMABAR_PYTHON": sys.executable}
        environment["LLAMABAR_URL"] = f"http://{self.address}"
        return subprocess.run([str(PYZ), *words], env=environment, capture_output=True, text=True, timeout=60)

    def document(self, command: str = "status") -> Dict[str, Any]:
        """Return a command's JSON document; for `status`, its one server."""
        found = dict(json.loads(self.command(command, "--json").stdout))
        return dict(found["servers"][0]) if command == "status" else found

    def model(self, model_id: str) -> Dict[str, Any]:
        """Return a model's entry in `status --json`."""
        return dict(next(one for one in self.document()["models"] if one["id"] == model_id))

    def logged(self) -> List[str]:
        """Return the lines in llama-swap's log that our own requests caused."""
        text = (self.home / "llama-swap.log").read_text("utf-8", "replace")
        return [line for line in text.splitlines() if OURS in line]


def whole(item: Any) -> str:
    """Return a row's text and, if it has one, its badge."""
    return f"{item.text} {item.params.get('badge', '')}".strip()


@contextlib.contextmanager
def served(program: str, era: int, config: Dict[str, Any]) -> Iterator[Running]:
    """Run a llama-swap with a configuration, and the plugin watching it. JSON is valid YAML."""
    with tempfile.TemporaryDirectory() as folder:
        home, port = Path(folder), free_port()
        (home / "config.json").write_text(json.dumps({"healthCheckTimeout": 30, **config}), "utf-8")
        words = [program, "--config", str(home / "config.json"), "--listen", f"127.0.0.1:{port}"]
        with started(words, home / "llama-swap.log"), plugin_at(f"127.0.0.1:{port}", home) as plugin:
            here = Running(program, era, f"127.0.0.1:{port}", plugin, home)
            here.wait_until(lambda: all(here.offers(Do.LOAD, model) for model in config["models"] if "/" not in model))
            yield here


@contextlib.contextmanager
def started(words: List[str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program in its own process group, with its output in a file."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            words, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True
        )
    try:
        yield process
    finally:
        subprocess.run(["kill", "--", f"-{process.pid}"], capture_output=True)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


@contextlib.contextmanager
def plugin_at(address: str, home: Path) -> Iterator[Plugin]:
    """Start the built program as SwiftBar does."""
    with Plugin(f"http://{address}", home, program=[str(PYZ)], LLAMABAR_PYTHON=sys.executable, PYTHONPATH="") as plugin:
        yield plugin
