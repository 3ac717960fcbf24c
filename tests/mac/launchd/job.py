"""A job: what launchd knows of one service, and how its program is started."""

import os
import resource
import shutil
import signal
import subprocess
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

from tests.mac.launchd.texts import CRASHES, SIGNALS, SYSEXITS

STANDARD_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"
OPEN_FILES = 256  # launchd's default soft limit


class SpawnFailed(Exception):
    """The program could not be started: what launchd answers with 78."""


@dataclass
class Job:
    """One loaded service. Its plist is the one of its bootstrap. Times are wall seconds."""

    label: str
    path: str
    plist: Dict[str, Any]
    at_login: bool = False
    state: str = "not running"
    job_state: str = ""
    pid: Optional[int] = None
    runs: int = 0
    started_s: float = 0.0
    due_s: Optional[float] = None  # the next spawn
    kill_s: Optional[float] = None  # the SIGKILL of a process that was told to end
    leaving: bool = False  # booted out
    restarting: bool = False  # kickstart -k
    reason: str = ""
    exit_key: str = "last exit code"
    exit_text: str = "(never exited)"
    exit_status: int = 0  # as `list` shows it: a code, or minus a signal
    crashes: int = 0
    penalty: bool = False
    identity: Tuple[int, ...] = ()

    @property
    def words(self) -> List[str]:
        """Return its command line."""
        return self.plist.get("ProgramArguments") or [self.plist["Program"]]

    @property
    def program(self) -> str:
        """Return the program as the plist names it."""
        return self.plist.get("Program") or self.words[0]

    @property
    def throttle_s(self) -> float:
        """Return ThrottleInterval in launchd's seconds; 0 is ignored."""
        return self.plist.get("ThrottleInterval") or 10

    @property
    def exit_timeout_s(self) -> float:
        """Return ExitTimeOut in launchd's seconds; 0 is for ever."""
        return self.plist.get("ExitTimeOut", 5)

    @property
    def starts_alone(self) -> bool:
        """Tell whether loading it starts it."""
        keep = self.plist.get("KeepAlive")
        kept = bool({"SuccessfulExit", "Crashed"} & set(keep)) if isinstance(keep, dict) else keep is True
        return kept or self.plist.get("RunAtLoad") is True

    def is_kept_alive(self) -> bool:
        """Tell whether its plist wants it started again after the way it just ended."""
        keep = self.plist.get("KeepAlive")
        if not isinstance(keep, dict):
            return keep is True
        well = self.exit_status == 0 and self.exit_key == "last exit code"
        wanted = [keep["SuccessfulExit"] is well] if "SuccessfulExit" in keep else []
        wanted += [keep["Crashed"] is (self.crashes > 0)] if "Crashed" in keep else []
        return any(wanted)

    def ended(self, status: int) -> None:
        """Take over the wait status of its process."""
        self.pid, self.kill_s = None, None
        if os.WIFSIGNALED(status):
            name = signal.Signals(os.WTERMSIG(status)).name
            number, text = SIGNALS.get(name, (os.WTERMSIG(status), name))
            self._exit("last terminating signal", f"{text}: {number}", -number)
            self.crashes = self.crashes + 1 if name in CRASHES else 0
        else:
            code = os.WEXITSTATUS(status)
            self._exit("last exit code", f"{code}: {SYSEXITS[code]}" if code in SYSEXITS else str(code), code)
            self.crashes = 0

    def refused(self, key: str, text: str) -> None:
        """Take over that its program was not started."""
        self._exit(key, text, 78)
        self.job_state, self.penalty = "spawn failed", True

    def _exit(self, key: str, text: str, status: int) -> None:
        self.exit_key, self.exit_text, self.exit_status = key, text, status

    def find_program(self) -> str:
        """Return the path of the program: a bare name from the standard path, a relative one from its folder."""
        if "/" not in self.program:
            return shutil.which(self.program, path=STANDARD_PATH) or self.program
        return os.path.join(self.plist.get("WorkingDirectory", "/"), self.program)

    def identify(self) -> Tuple[int, ...]:
        """Return what launchd pins of the program's file, () if there is none."""
        try:
            found = os.stat(os.path.realpath(self.find_program()))
        except OSError:
            return ()
        return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)

    def spawn(self, environment: Dict[str, str], *, makes_log_folder: bool) -> "subprocess.Popen[bytes]":
        """Start the program in a process group of its own; raise SpawnFailed."""
        opened: List[int] = []
        try:
            out = self._log("StandardOutPath", opened, makes_log_folder)
            err = self._log("StandardErrorPath", opened, makes_log_folder)
            return subprocess.Popen(
                self.words,
                executable=self.find_program(),
                cwd=self.plist.get("WorkingDirectory", "/"),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
                preexec_fn=self._limit,
            )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            raise SpawnFailed(str(error)) from error
        finally:
            for number in opened:
                os.close(number)

    def environment(self) -> Dict[str, str]:
        """Return its EnvironmentVariables; what is no string is ignored."""
        wanted = self.plist.get("EnvironmentVariables")
        items = wanted.items() if isinstance(wanted, dict) else ()
        return {name: value for name, value in items if isinstance(value, str)}

    def _log(self, key: str, opened: List[int], makes_folder: bool) -> int:
        path = self.plist.get(key)
        if not isinstance(path, str):
            return subprocess.DEVNULL
        path = os.path.join(self.plist.get("WorkingDirectory", "/"), path)
        if makes_folder:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        opened.append(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOCTTY, 0o644))
        return opened[-1]

    def _limit(self) -> None:
        os.umask(0o022)
        wanted = (self.plist.get("SoftResourceLimits") or {}).get("NumberOfFiles", OPEN_FILES)
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard < 0 else min(wanted, hard), hard))
