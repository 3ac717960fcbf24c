"""Mac: makes a home, a PATH and a launchd, runs commands as its user, and says what happened.

    with Mac(tmp_path, macos=26) as mac:
        mac.run("launchctl", "print", f"gui/{mac.uid}/com.example")

Process ids are this Mac's own: `mac.kill` and `mac.is_alive` take them, os.kill does not.
"""

import contextlib
import json
import shlex
import shutil
import signal
import subprocess
import sys
import time
import uuid
from ast import literal_eval
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, List, Optional

from tests.mac import call, user
from tests.mac.belongings import Belongings
from tests.mac.launchd.acting import OFFENCES
from tests.mac.options import FOLDERS, OPTIONS, SECRET, TOOLS, ZSH

ENTRY = Path(__file__).with_name("entry.py")
ROOT = Path(__file__).parent.parent.parent
PATIENCE_S = 60.0


class Mac(Belongings):
    """A Mac in a folder. It takes the options in OPTIONS; `name` is its user's."""

    def __init__(self, folder: Path, *, name: str = "someuser", **options: Any) -> None:
        unknown = set(options) - set(OPTIONS)
        assert not unknown, f"a Mac has no option {', '.join(sorted(unknown))}"
        self.root = user.place(folder)
        self.home, self.bin, self.state = (self.root / one for one in (f"Users/{name}", "bin", "state"))
        self.agents = self.home / "Library" / "LaunchAgents"  # missing on a new account
        self.uid, self.python, self.name = user.uid(), user.python(), name
        self._mark = f"/var/run/com.apple.launchd.{uuid.uuid4().hex[:10]}/Listeners"
        self._closed = False
        self.options: Dict[str, Any] = {**OPTIONS, **options}
        self._make()
        self._launchd = self._start()

    def _make(self) -> None:
        for path in (self.bin, self.state / call.FAULTS, self.root / "tmp", *(self.home / one for one in FOLDERS)):
            path.mkdir(parents=True)
        for tool in TOOLS:
            self.add_tool(tool)
        self._script("zsh", ZSH)
        inherited = {"SSH_AUTH_SOCK": self._mark, "OPENAI_API_KEY": SECRET}
        base = {key: self.environment()[key] for key in ("HOME", "USER", "LOGNAME", "SHELL", "TMPDIR")}
        about = {"home": str(self.home), "inherited": inherited, "user_environment": base}
        (self.state / "options.json").write_text(json.dumps({**self.options, **about}), "utf-8")
        user.give(self.root)

    def add_tool(self, tool: str, path: Optional[Path] = None) -> None:
        """Put a program from tests/mac/tools at a path, else on PATH."""
        words = [self.python, "-I", "-S", str(ENTRY), tool, str(self.state)]
        self._script(str(path or tool), f'exec {shlex.join(words)} "$@"\n')

    def _script(self, name: str, text: str) -> None:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{text}", "utf-8")
        path.chmod(0o755)

    def _start(self) -> "subprocess.Popen[bytes]":
        with (self.state / "launchd.err").open("wb") as errors:
            words = [self.python, "-I", "-S", str(ENTRY), "launchd", str(self.state)]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": errors}
            process = user.begin(words, cwd="/", env=self.environment(), **pipes)
        assert process.stdout is not None
        with process.stdout as ready:
            if ready.readline() != b"ready\n":
                user.sweep(process, self._mark)
                raise AssertionError((self.state / "launchd.err").read_text("utf-8"))
        return process

    # commands

    def environment(self, **more: str) -> Dict[str, str]:
        """Return what a terminal of this Mac gives its programs."""
        return {
            "PATH": f"{self.bin}:/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME": str(self.home),
            "USER": self.name,
            "LOGNAME": self.name,
            "SHELL": str(self.bin / "zsh"),
            "TMPDIR": str(self.root / "tmp"),
            "TERM": "xterm",
            "SSH_AUTH_SOCK": self._mark,
            "XPC_SERVICE_NAME": "0",
            **more,
        }

    def popen(self, *command: Any, cwd: Any = None, env: Optional[Dict[str, str]] = None, **more: Any) -> Any:
        """Start a command as this Mac's user: subprocess.Popen, in its home, with its environment, stdin closed."""
        words = [str(word) for word in command]
        kinds = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        chosen = self.environment() if env is None else env
        return user.enter(self._launchd, words, str(cwd or self.home), env=chosen, **kinds)

    def run(
        self, *command: Any, input: Optional[str] = None, timeout: float = PATIENCE_S, **more: Any
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end. On a timeout, kill it and raise. `env`, `cwd` as for popen."""
        stdin = subprocess.DEVNULL if input is None else subprocess.PIPE
        options = {"encoding": "utf-8", "errors": "surrogateescape", "stdin": stdin, **more}
        with self.popen(*command, **options) as process:
            try:
                out, err = process.communicate(input, timeout)
            except BaseException:
                process.kill()
                raise
        return subprocess.CompletedProcess(list(command), process.returncode, out, err)

    def llamabar(self, *arguments: str, env: Optional[Dict[str, str]] = None, **more: Any) -> Any:
        """Run the program from this checkout's source."""
        paths = f"{ROOT / 'src'}:{ROOT / 'installer'}"
        return self.run(sys.executable, "-m", "llamabar", *arguments,
                        env={**self.environment(PYTHONPATH=paths), **(env or {})}, **more)  # fmt: skip

    # what happened

    def calls(self, tool: str = "") -> List[SimpleNamespace]:
        """Return the calls of a tool, or of all: tool, arguments, lc_all, stdin, began_s, code (None: it never ended).

        `stdin` is closed, null, file, pipe or terminal.
        """
        found: Dict[str, Dict[str, Any]] = {}
        for record in self.records(call.CALLS):
            found.setdefault(record["id"], {"code": None}).update(record)
        return [SimpleNamespace(**one) for one in found.values() if tool in ("", one["tool"])]

    def records(self, name: str) -> List[Any]:
        """Return the values recorded in a file of the state folder."""
        path = self.state / name
        text = path.read_text("utf-8") if path.exists() else ""
        return [literal_eval(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    def opened(self) -> List[SimpleNamespace]:
        """Return what was opened: what, app, background, reveal."""
        return [SimpleNamespace(**one) for one in self.records("opened.txt")]

    @property
    def log(self) -> str:
        """Return launchd's log."""
        path = self.state / "launchd.log"
        return path.read_text("utf-8") if path.exists() else ""

    def jobs(self) -> Dict[str, SimpleNamespace]:
        """Return launchd's jobs by label: state, pid, runs, words, plist, path, exit_text … (launchd/job.py)."""
        return {label: SimpleNamespace(**job) for label, job in self.ask(control="jobs").items()}

    def job(self, label: str) -> Optional[SimpleNamespace]:
        """Return one job, None if it is not loaded."""
        return self.jobs().get(label)

    def disabled(self, label: str) -> Optional[bool]:
        """Return a label's entry in the disabled store, None if it has none."""
        path = self.state / "disabled.json"
        return json.loads(path.read_text("utf-8")).get(label) if path.exists() else None

    # things that happen to it

    def ask(self, **request: Any) -> Dict[str, Any]:
        """Return launchd's answer to a request from the test."""
        try:
            return call.ask(str(self.state), request, PATIENCE_S)
        except OSError as error:
            raise AssertionError(f"launchd is gone: {(self.state / 'launchd.err').read_text('utf-8')}") from error

    def change(self, **options: Any) -> None:
        """Change launchd's options from now on."""
        assert set(options) <= set(OPTIONS), options
        self.ask(control="options", options=options)
        self.options.update(options)
        self._add("options.json", {}, lambda held: {**held, **options})

    def logout(self) -> None:
        """End the GUI session, its apps too, and wait until its jobs have ended."""
        self.ask(control="logout")

    def login(self) -> None:
        """Log in at the screen, which loads the agents in the home."""
        self.ask(control="login")

    def fault(self, tool: str, verb: str = "", *, times: Optional[int] = None, **fault: Any) -> None:
        """Spoil a tool, or its calls whose first argument is `verb`, for ever or a number of times.

        hang=True · seconds=3 first · code=5 · stderr="…" · garbage="…" as its stdout · cut=40 characters of stdout ·
        line="\\tkey = 1" as a second line of stdout. With code, stderr or garbage it does nothing, unless done=True.
        """
        known = {"hang", "seconds", "code", "stderr", "garbage", "cut", "line", "done"}
        assert set(fault) <= known, f"no such fault: {sorted(set(fault) - known)}"
        fault.setdefault("done", not {"code", "stderr", "garbage"} & set(fault))
        for index in range(times or 1):
            path = self.state / call.FAULTS / f"{time.time_ns()}-{index:03}.json"
            path.write_text(json.dumps({"tool": tool, "verb": verb, "times": times, **fault}), "utf-8")
            user.give(path.parent)

    def mend(self) -> None:
        """Remove all faults."""
        for path in (self.state / call.FAULTS).iterdir():
            path.unlink()

    def without(self, tool: str) -> None:
        """Take a tool off PATH."""
        (self.bin / tool).unlink()

    def kill(self, pid: int, number: int = signal.SIGKILL) -> None:
        """Send a signal without launchd knowing."""
        self.ask(control="signal", pid=pid, number=int(number))

    def is_alive(self, pid: int) -> bool:
        """Tell whether a process of this Mac exists."""
        return bool(self.ask(control="signal", pid=pid, number=0)["alive"])

    # the end

    def close(self) -> None:
        """End everything that runs here; raise AssertionError if a bootout ended the session, or if launchd died."""
        if self._closed:
            return
        self._closed = True
        died, errors = self._launchd.poll() is not None, (self.state / "launchd.err").read_text("utf-8")
        user.sweep(self._launchd, self._mark)
        with contextlib.suppress(OSError):
            self._launchd.stdin.close()  # type: ignore[union-attr]
        offences = self.records(OFFENCES)
        if self.root.name.startswith("mac-"):
            shutil.rmtree(self.root, ignore_errors=True)
        assert not offences, f"a bootout of the whole domain would have ended the user's session: {offences}"
        assert not died and not errors, f"this Mac's launchd failed:\n{errors}"

    def __enter__(self) -> "Mac":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
