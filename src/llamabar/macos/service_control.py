"""Start, stop and restart of a LaunchAgent: bounded, and believed only when launchd and the API both show it.

Law: a restart never leaves the service stopped. Source: shared facts on launchd, sections 1.3 to 1.6 and 3.
"""

import os
import plistlib
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Callable, List, Optional, Tuple

from llamabar.macos import agent_plist, files, launchctl
from llamabar.macos.binaries import check_config
from llamabar.macos.launchctl import Job, Trouble
from llamabar.macos.logs import tail
from llamabar.macos.tools import Output

START_S = 20.0
LOOK_EVERY_S = 0.2
LOOK_LATER_S = 0.5
PATIENT_S = 2.0
SETTLED_S = 1.0  # a job that macOS does not allow is taken out a moment after it was loaded
GRACE_S = 5.0
LOG_LINES = 5
ENDING_CODE = 36  # what bootout says when the process has not ended yet
AGAIN_CODES = (5, 17, 36, 37)
SETTINGS_PANE = "open 'x-apple.systempreferences:com.apple.LoginItems-Settings.extension'"


@dataclass(frozen=True)
class Outcome:
    """How it went: what is now, what to do if that is not what was wanted, and the log's last lines."""

    ok: bool
    said: str
    hint: str = ""
    log_lines: Tuple[str, ...] = ()


@dataclass
class Control:
    """One service. `answers` tells whether its API answers; `say` is told what is waited for."""

    label: str
    plist: Path
    answers: Callable[[], bool]
    log: Optional[Path] = None
    say: Callable[[str], None] = lambda _: None
    start_s: float = START_S
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _base_runs: int = field(default=0, init=False)

    def start(self) -> Outcome:
        """Load and start it, and wait until its API answers."""
        try:
            job = launchctl.look(self.label)
            if job.running and self.answers():
                return Outcome(True, f"{self.label} is already running")
            return self._start(job)
        except Trouble as trouble:
            return _no_launchd(trouble)

    def stop(self) -> Outcome:
        """Take it out, and wait until its process is gone."""
        try:
            job = launchctl.look(self.label)
            return self._stop(job) if job.loaded else Outcome(True, f"{self.label} is already stopped")
        except Trouble as trouble:
            return _no_launchd(trouble)

    def restart(self, *, replaced: bool) -> Outcome:
        """Start it anew. `replaced`: its program's file is another than the one that runs, which launchd may refuse."""
        try:
            job = launchctl.look(self.label)
            if not job.loaded:
                return self._start(job)
            refusal = self._bad_config() if job.running else None
            if refusal is not None:
                return refusal
            if replaced or self._changed(job) or job.refused:
                return self._reload(job)
            return self._kick(job)
        except Trouble as trouble:
            return _no_launchd(trouble)

    def _start(self, job: Job) -> Outcome:
        if not self.plist.is_file():
            return Outcome(False, f"There is no LaunchAgent at {self.plist}", "Make one: llamabar.pyz install")
        if job.ending:
            self._wait_gone(job)
            job = launchctl.look(self.label)
        launchctl.enable(self.label)
        self._base_runs = job.runs or 0
        if not job.loaded:
            refusal = self._load()
            if refusal is not None:
                return refusal
        elif not job.running:
            self._kickstart()
        return self._wait_up(self.now() + self.start_s)

    def _load(self) -> Optional[Outcome]:
        """Bootstrap until launchd shows the job; return why it does not."""
        ends_s, self._base_runs = self.now() + self.start_s / 2, 0
        while True:
            said = launchctl.bootstrap(str(self.plist))
            if launchctl.look(self.label).loaded:
                return None
            if said.code == 0:
                return self._vanished()
            if said.code not in AGAIN_CODES or self.now() >= ends_s or self._cause() is not None:
                return self._cause() or Outcome(
                    False,
                    f"launchd did not take {self.label}: {said.words}",
                    "If macOS switched it off in Login Items & Extensions, allow it there: " + SETTINGS_PANE,
                )
            self.sleep(LOOK_LATER_S)

    def _cause(self) -> Optional[Outcome]:
        """Return the cause of a refused bootstrap that can be seen from here: launchd itself says 5 for everything."""
        if launchctl.has_gui() is False:
            return Outcome(False, "Nobody is logged in at the screen, so there is no place for the service",
                           "Log in at the Mac's screen (Screen Sharing does), then: llamabar.pyz start")  # fmt: skip
        if self.label in (launchctl.disabled() or ()):
            return Outcome(False, f"{self.label} is switched off", f"launchctl enable {launchctl.target(self.label)}")
        try:
            status, content = self.plist.stat(), plistlib.loads(self.plist.read_bytes())
        except Exception as error:  # plistlib raises whatever its parser does
            return Outcome(False, f"{self.plist} is not a property list ({type(error).__name__})",
                           "Write it anew: llamabar.pyz install --force")  # fmt: skip
        if status.st_mode & 0o022 or status.st_uid not in (os.getuid(), 0):
            return Outcome(False, f"launchd refuses {self.plist}: others can write it, or it is not yours",
                           f"chmod 644 '{self.plist}'")  # fmt: skip
        if not isinstance(content, dict) or content.get("Label") != self.label:
            return Outcome(False, f"{self.plist} has another label than {self.label}",
                           "Write it anew: llamabar.pyz install --force")  # fmt: skip
        return None

    def _kickstart(self) -> None:
        launchctl.kickstart(self.label, timeout_s=min(GRACE_S, self.start_s))

    def _wait_up(self, ends_s: float, *, not_pid: Optional[int] = None) -> Outcome:
        """Wait until it runs, as another process than `not_pid`, and answers."""
        began_s, kicked = self.now(), False
        self.say("waiting for it to answer")
        while True:
            job = launchctl.look(self.label)
            settled = self.now() - began_s >= SETTLED_S
            if settled and job.running and job.pid != not_pid and self.answers():
                return Outcome(True, f"{self.label} is running (pid {job.pid})")
            if not job.loaded and not_pid is None:
                return self._vanished()
            if job.pid is None and (job.refused or (job.failed and (job.runs or 0) > self._base_runs)):
                return self._crashed(job)
            if job.loaded and job.pid is None and not kicked and self.now() - began_s > PATIENT_S:
                kicked = True
                self._kickstart()
            if self.now() >= ends_s:
                return self._silent(job)
            self.sleep(LOOK_EVERY_S)

    def _vanished(self) -> Outcome:
        return Outcome(False, f"macOS took {self.label} out again as soon as it was loaded",
                       "Allow it in Login Items & Extensions: " + SETTINGS_PANE)  # fmt: skip

    def _crashed(self, job: Job) -> Outcome:
        if "CODESIGNING" in job.last_exit:
            return Outcome(False, f"macOS refuses the program of {self.label}: its code signature has changed",
                           "Load it anew: llamabar.pyz restart")  # fmt: skip
        how = f"launchd cannot start it ({job.last_exit})" if job.refused else f"it ends at once ({job.last_exit})"
        hint = "The last lines of its log say why; then: llamabar.pyz start"
        if job.refused and job.arguments:
            hint = f"See whether its program is there and starts: '{job.arguments[0]}' --version"
        return Outcome(False, f"{self.label} does not run: {how}", hint, self._log_lines())

    def _silent(self, job: Job) -> Outcome:
        what = f"runs (pid {job.pid})" if job.running else f"is {job.state or 'not loaded'}"
        return Outcome(False, f"{self.label} {what}, but its API does not answer",
                       "Look again in a while: llamabar.pyz status", self._log_lines())  # fmt: skip

    def _log_lines(self) -> Tuple[str, ...]:
        return tail(self.log, LOG_LINES) if self.log is not None else ()

    def _stop(self, job: Job) -> Outcome:
        said = launchctl.bootout(self.label)
        refused = said.code not in (None, 0, ENDING_CODE)
        if not self._wait_gone(job, refused=refused):
            if refused and not launchctl.look(self.label).ending:
                return Outcome(False, f"launchd did not stop {self.label}: {said.words}",
                               "Try again; if it stays so: llamabar.pyz doctor")  # fmt: skip
            return Outcome(False, f"{self.label} was told to stop and is still ending (pid {job.pid})",
                           "Look again in a while: llamabar.pyz status")  # fmt: skip
        if self.answers():
            return Outcome(True, f"{self.label} is stopped; something else still answers at its address")
        return Outcome(True, f"{self.label} is stopped, until it is started or you log in again")

    def _wait_gone(self, job: Job, *, refused: bool = False) -> bool:
        """Wait until launchd has forgotten the job and its process is gone; return whether they are.

        `refused`: launchd did not want to end it, so that its word is waited for and not its process.
        """
        began_s = self.now()
        ends_s, refused_s = began_s + job.exit_timeout_s + GRACE_S, began_s + GRACE_S
        self.say("waiting for it to end")
        while True:
            found = launchctl.look(self.label)
            if not found.loaded and not _lives(job.pid):
                return True
            if self.now() >= (refused_s if refused and not found.ending else ends_s):
                return False
            self.sleep(LOOK_EVERY_S if self.now() - began_s < PATIENT_S else LOOK_LATER_S)

    def _reload(self, job: Job) -> Outcome:
        """Bootout and bootstrap: the only way to a new plist or a new program. Whatever happens, it is loaded again."""
        refusal: Optional[Outcome] = None
        try:
            launchctl.bootout(self.label)
            self._wait_gone(job)
        finally:
            launchctl.enable(self.label)
            refusal = self._load()
        return refusal or self._wait_up(self.now() + self.start_s)

    def _kick(self, job: Job) -> Outcome:
        """`kickstart -k` can block for long, so it runs beside us and launchd is asked how far it is."""
        launchctl.enable(self.label)
        self._base_runs = job.runs or 0
        longest_s = job.exit_timeout_s + GRACE_S
        answer: List[Output] = []
        kick = partial(launchctl.kickstart, self.label, kill=True, timeout_s=longest_s + self.start_s)
        threading.Thread(target=lambda: answer.append(kick()), daemon=True).start()
        ends_s = self.now() + self.start_s
        latest_s = self.now() + longest_s
        self.say("waiting for it to end")
        while self.now() < latest_s:
            now = launchctl.look(self.label)
            if answer and answer[0].code != 0 and now.running and now.pid == job.pid:
                return Outcome(False, f"launchd did not restart {self.label}: {answer[0].words}",
                               "It runs on as it was. Try again; if it stays so: llamabar.pyz doctor")  # fmt: skip
            if now.pid != job.pid or now.pid is None or (not now.ending and self.now() >= ends_s):
                break
            self.sleep(LOOK_EVERY_S)
        up = self._wait_up(max(ends_s, self.now() + self.start_s / 2), not_pid=job.pid)
        again = launchctl.look(self.label) if not up.ok else None
        return self._reload(again) if again is not None and again.loaded and again.refused else up

    def _bad_config(self) -> Optional[Outcome]:
        """Return why it is left running: llama-swap says that it would not come up again with this config."""
        service = agent_plist.service_of(agent_plist.parse(files.read(self.plist)))
        checked = check_config(service.program, Path(service.config)) if service is not None else None
        if checked is None or checked.good is not False:
            return None
        said = f"{self.label} runs on and was not restarted: its config is not accepted: {checked.words}"
        return Outcome(False, said, "Mend the config, then: llamabar.pyz restart")

    def _changed(self, job: Job) -> bool:
        """Tell whether the plist says another command than the one that is loaded."""
        try:
            words = plistlib.loads(self.plist.read_bytes()).get("ProgramArguments")
        except Exception:  # plistlib raises whatever its parser does
            return False
        return bool(job.arguments) and isinstance(words, list) and tuple(words) != job.arguments


def _no_launchd(trouble: Trouble) -> Outcome:
    return Outcome(False, f"launchd could not be asked: {trouble}", "Try again; if it stays: llamabar.pyz doctor")


def _lives(pid: Optional[int]) -> bool:
    try:
        os.kill(pid or 0, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return pid is not None
