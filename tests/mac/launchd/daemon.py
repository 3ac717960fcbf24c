"""launchd's process: answers one request a connection (plain values each way, see call.py), reaps children, keeps time.

It ends with its stdin: when the tests are gone, so is this Mac.
"""

import json
import os
import select
import signal
import socket
import sys
import time
from typing import Any, Callable, Dict, List, Optional, Tuple

from tests.mac.call import packed, receive
from tests.mac.launchd.domains import Caller
from tests.mac.launchd.supervisor import Supervisor
from tests.mac.launchd.texts import Answer
from tests.mac.launchd.verbs import call

SOCKET = "launchd.sock"
Pending = Tuple[socket.socket, Callable[[], Optional[Any]]]


class Daemon:
    """The loop. `pending` are callers whose verbs block."""

    def __init__(self, state: str) -> None:
        with open(os.path.join(state, "options.json"), encoding="utf-8") as file:
            self.host = Supervisor(state, json.load(file))
        os.chdir(state)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(SOCKET)
        self.listener.listen(64)
        self.callers: List[socket.socket] = []
        self.pending: List[Pending] = []
        self.apps: List[int] = []
        self.woken, waker = os.pipe()
        os.set_blocking(waker, False)
        os.set_blocking(self.woken, False)
        signal.set_wakeup_fd(waker)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        os.chdir("/")

    def run(self) -> None:
        """Serve until stdin ends."""
        if self.host.options["gui"]:
            self.host.login()
        print("ready", flush=True)
        while self._once():
            pass
        for job in self.host.jobs.values():
            self.host.signal(job, signal.SIGKILL)

    def _once(self) -> bool:
        next_s = self.host.next_s()
        patience_s = None if next_s is None else max(0.0, next_s - time.monotonic())
        ready, _, _ = select.select([0, self.woken, self.listener, *self.callers], [], [], patience_s)
        if 0 in ready and not os.read(0, 1024):
            return False
        if self.woken in ready:
            os.read(self.woken, 4096)
        self._reap()
        self.host.tick()
        if self.listener in ready:
            self.callers.append(self.listener.accept()[0])
        for caller in [one for one in self.callers if one in ready]:
            self.callers.remove(caller)
            self._serve(caller)
        self.pending = [one for one in self.pending if not self._reply(*one)]
        return True

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            self.apps = [one for one in self.apps if one != pid]
            self.host.reaped(pid, status)

    def _serve(self, caller: socket.socket) -> None:
        try:
            request = receive(caller)
        except OSError:
            request = {}
        result = self._launchctl(request) if "launchctl" in request else self._control(request)
        if callable(result):
            self.pending.append((caller, result))
        else:
            self._reply(caller, lambda: result)

    def _launchctl(self, request: Dict[str, Any]) -> Any:
        return call(self.host, request["launchctl"], Caller(request["folder"], request["tty"]))

    def _control(self, request: Dict[str, Any]) -> Any:
        """Do what the test wants of this Mac."""
        host, what = self.host, request.get("control")
        if what == "jobs":
            jobs = {label: {**vars(job), "words": job.words} for label, job in host.jobs.items()}
            return json.loads(json.dumps(jobs, default=str))
        if what == "login":
            host.login()
        elif what == "logout":
            for pid in self.apps:
                self._signal(pid, signal.SIGTERM)
            host.logout()
            return lambda: None if host.domain == "tearing down" else {}
        elif what == "options":
            host.options.update(request["options"])
        elif what == "signal":
            return self._signal(request["pid"], request["number"])
        elif what == "spawn":
            return self._spawn(request["words"], request["environment"])
        return {}

    def _spawn(self, words: List[str], environment: Dict[str, str]) -> Dict[str, Any]:
        """Start an app."""
        pid = os.posix_spawn(words[0], words, environment, setsid=True)
        self.apps.append(pid)
        return {"pid": pid}

    @staticmethod
    def _signal(pid: int, number: int) -> Dict[str, Any]:
        """Send a signal, 0 to ask only; a zombie does not count as alive."""
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return {"alive": False}
        return {"alive": True}

    @staticmethod
    def _reply(caller: socket.socket, question: Callable[[], Optional[Any]]) -> bool:
        answer = question()
        if answer is None:
            return False
        said = answer._asdict() if isinstance(answer, Answer) else answer
        try:
            caller.sendall(packed(said))
        except OSError:
            pass  # the caller has given up
        caller.close()
        return True


def main() -> None:
    """Be launchd."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda *_: None)  # SIG_IGN would be passed on to every job
    Daemon(sys.argv[2]).run()
