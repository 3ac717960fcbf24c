"""Starts, stops and restarts a LaunchAgent, within a deadline. Success is what launchd and the API show afterwards.

Laws: a restart never leaves the service stopped; if time runs out, `finish` completes it. Whatever launchctl does, a
command ends by its limit, and its result says what launchd showed last. Source: shared facts on launchd, sections 1.3
to 1.6 and 3.
"""

import os
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from llamabar.core.mac import Job
from llamabar.macos import agent_plist, agents, launchctl, logs, probe, tools
from llamabar.macos.binaries import check_config
from llamabar.macos.launchctl import Trouble
from llamabar.macos.notes import STATES, Note, Result, note
from llamabar.macos.paths import program_of
from llamabar.macos.tools import Output

START_S = 20.0
USUAL_EXIT_S = 5.0  # ExitTimeOut if a plist sets none
GRACE_S = 5.0
STARTING_UP_S = 2.0  # part of a command's limit, for Python to start and for printing
LAST_LOOK_S = 1.5  # part of the limit, kept for a last look at launchd
LOOK_EVERY_S = 0.2
LOOK_LATER_S = 0.5
PATIENT_S = 2.0
SETTLED_S = 1.0  # a job that macOS doesn't allow is removed a moment after it was loaded
LOG_LINES = 5
STILL_ENDING_CODE = 36  # bootout: the process hasn't exited yet
AGAIN_CODES = (5, 17, 36, 37)


@dataclass
class Control:
    """Controls one service. `url` is where its API answers, "" if unknown; `say` reports what is being waited for.

    When time runs out before its process has exited, `finish` starts another process that loads the service again.
    """

    label: str
    plist: Optional[Path]
    url: str
    log_paths: Sequence[Path] = ()
    say: Callable[[str], None] = lambda _: None
    finish: Optional[Callable[[], None]] = None
    limit_s: float = START_S
    began_s: Optional[float] = None  # start of the command by time.monotonic(): earlier work counts towards the limit
    replaced: Callable[[Optional[int]], bool] = lambda _: True  # is the program's file newer than this process?
    only_its_own: bool = False  # leave a llama-swap alone that answers there but isn't this service's process
    _seen: Optional[Job] = field(default=None, init=False)
    _base_runs: int = field(default=0, init=False)
    _marks: Dict[Path, logs.Mark] = field(default_factory=dict, init=False)

    def start(self) -> Note:
        """Load and start the service, then wait until its API answers."""
        return self._bounded(self._started, self.limit_s)

    def stop(self) -> Note:
        """Unload the service, then wait until its process has exited: ExitTimeOut plus 5 s at most."""
        return self._bounded(self._stopped, self._exit_s() + GRACE_S)

    def restart(self) -> Note:
        """Restart the service; reload it if its plist or program has changed, since launchd may refuse a kickstart."""
        return self._bounded(self._restarted, self.limit_s)

    def _bounded(self, act: Callable[[Job], Note], limit_s: float) -> Note:
        """Run an action within a time limit that includes a last look at launchd."""
        self._marks = logs.marks(self.log_paths)
        left_s = limit_s - STARTING_UP_S - (time.monotonic() - self.began_s if self.began_s is not None else 0.0)
        with tools.within(left_s):
            try:
                with tools.within(left_s - LAST_LOOK_S):
                    job = self._look()
                    foreign = self.only_its_own and job.pid is None and self._answers()
                    outcome = self._outcome(Result.NOT_THIS_SERVICE) if foreign else act(job)
            except Trouble as trouble:
                outcome = self._outcome(Result.NO_LAUNCHD, str(trouble))
            if not outcome.ok and outcome.why is not Result.NO_LAUNCHD:
                self._glance()
        return replace(outcome, fields={**outcome.fields, **self._told()})

    def _look(self) -> Job:
        self._seen = launchctl.look(self.label)
        return self._seen

    def _answers(self) -> bool:
        return bool(self.url) and probe.answers(self.url)

    def _glance(self) -> Optional[Job]:
        """Return the job; if launchd doesn't answer, return what was seen before."""
        try:
            return self._look()
        except Trouble:
            return self._seen

    def _restarted(self, job: Job) -> Note:
        if not job.loaded:
            return self._started(job)
        config_words = self._refused_config() if job.running else ""
        if config_words:
            return self._outcome(Result.CONFIG_REFUSED, config_words)
        if (job.refused or self._changed(job) or self.replaced(job.pid)) and self._may_reload():
            return self._reload(job)
        return self._kick(job)

    def _started(self, job: Job) -> Note:
        if job.running and self._answers():
            return self._outcome(Result.ALREADY_RUNNING)
        if not job.loaded and (self.plist is None or not os.path.isfile(self.plist)):
            return self._outcome(Result.NO_PLIST)
        if job.ending:
            self._wait_gone(job)
            job = self._look()
        launchctl.tell("enable", self.label)
        self._base_runs = job.runs or 0
        if not job.loaded:
            refusal = self._load()
            if refusal is not None:
                return refusal
        elif not job.running:
            launchctl.tell("kickstart", self.label, timeout_s=GRACE_S)
        return self._wait_up()

    def _load(self) -> Optional[Note]:
        """Bootstrap until launchd shows the job; return None, or why it doesn't."""
        ends_s, self._base_runs = time.monotonic() + tools.left_s() / 2, 0
        while True:
            said = launchctl.bootstrap(str(self.plist))
            if self._look().loaded:
                return None
            if said.code == 0:
                return self._outcome(Result.NOT_ALLOWED)
            cause = self._cause()
            if said.code not in AGAIN_CODES or time.monotonic() >= ends_s or cause is not None:
                return self._outcome(cause or Result.NOT_LOADED, said.words)
            time.sleep(LOOK_LATER_S)

    def _cause(self) -> Optional[Result]:
        """Return why launchd refused the bootstrap, if that can be seen from here: its own code is 5 for everything."""
        assert self.plist is not None
        if launchctl.has_gui() is False:
            return Result.NOT_LOGGED_IN
        if self.label in (launchctl.disabled() or ()):
            return Result.DISABLED
        content = agents.read_plist(self.plist)
        if content is None:
            return Result.PLIST_DAMAGED
        if agents.is_refused(self.plist):
            return Result.PLIST_OPEN
        return Result.PLIST_OTHER_LABEL if content.get("Label") != self.label else None

    def _wait_up(self, *, not_pid: Optional[int] = None) -> Note:
        """Wait until the service answers, with a pid other than `not_pid`."""
        began_s, kicked = time.monotonic(), False
        self.say(f"waiting for {program_of(self.label)} to respond")
        while True:
            job = self._glance() or Job(self.label)
            waited_s = time.monotonic() - began_s
            if waited_s >= SETTLED_S and job.running and job.pid != not_pid and self._answers():
                return self._outcome(Result.RUNNING)
            if not job.loaded and not_pid is None:
                return self._outcome(Result.NOT_ALLOWED)
            if job.pid is None and (job.refused or (job.failed and (job.runs or 0) > self._base_runs)):
                return self._crashed(job)
            if job.loaded and job.pid is None and not kicked and waited_s > PATIENT_S:
                kicked = True
                launchctl.tell("kickstart", self.label, timeout_s=GRACE_S)
            if not tools.left_s():
                return self._outcome(Result.SILENT, lines=True)
            time.sleep(LOOK_EVERY_S)

    def _crashed(self, job: Job) -> Note:
        if job.signature_refused:
            return self._outcome(Result.SIGNATURE)
        return self._outcome(Result.CANNOT_START if job.refused else Result.EXITED, job.last_exit, lines=True)

    def _stopped(self, job: Job) -> Note:
        if not job.loaded:
            return self._outcome(Result.ALREADY_STOPPED)
        said = launchctl.tell("bootout", self.label)
        refused = said.code not in (0, STILL_ENDING_CODE)
        if not self._wait_gone(job, refused=refused):
            ending = self._seen is not None and self._seen.ending
            return self._outcome(Result.NOT_STOPPED if refused and not ending else Result.STILL_ENDING, said.words)
        return self._outcome(Result.STOPPED_OTHER_ANSWERS if self._answers() else Result.STOPPED)

    def _wait_gone(self, job: Job, *, refused: bool = False) -> bool:
        """Wait until launchd has dropped the job and its process has exited; return whether both happened.

        With `refused`, bootout failed or didn't answer: give up after 5 s unless the job is exiting.
        """
        began_s = time.monotonic()
        self.say(f"waiting for {program_of(self.label)} to exit")
        while True:
            found = self._glance() or job
            if not found.loaded and not _lives(job.pid):
                return True
            waited_s = time.monotonic() - began_s
            if not tools.left_s() or (refused and not found.ending and waited_s >= GRACE_S):
                return False
            time.sleep(LOOK_EVERY_S if waited_s < PATIENT_S else LOOK_LATER_S)

    def _reload(self, job: Job) -> Note:
        """Boot out and bootstrap, the only way to load a new plist or program. It always ends loaded again."""
        gone = False
        try:
            said = launchctl.tell("bootout", self.label)
            gone = self._wait_gone(job, refused=said.code not in (0, STILL_ENDING_CODE))
            if not gone and self._seen is not None and self._seen.running and self._seen.pid == job.pid:
                return self._outcome(Result.NOT_RESTARTED, said.words)
        finally:
            if not gone and self.finish is not None:
                self.finish()
            else:
                launchctl.tell("enable", self.label)
                refusal = self._load()
        if not gone and self.finish is not None:
            return self._outcome(Result.RESTART_UNFINISHED)
        return refusal or self._wait_up()

    def _kick(self, job: Job) -> Note:
        """Run `kickstart -k` on a thread, since it can block for long, and watch its progress through launchd."""
        launchctl.tell("enable", self.label)
        self._base_runs = job.runs or 0
        answer: List[Output] = []
        longest_s = job.exit_timeout_s + GRACE_S + self.limit_s
        kick = lambda: answer.append(launchctl.tell("kickstart -k", self.label, timeout_s=longest_s))  # noqa: E731
        threading.Thread(target=kick, daemon=True).start()
        self.say(f"waiting for {program_of(self.label)} to exit")
        while tools.left_s():
            now = self._glance() or job
            refused = bool(answer) and answer[0].code != 0
            if refused and now.running and now.pid == job.pid:
                return self._outcome(Result.NOT_RESTARTED, answer[0].words)
            if now.pid != job.pid or now.pid is None:
                break
            time.sleep(LOOK_EVERY_S)
        else:
            return self._unfinished(job)
        up = self._wait_up(not_pid=job.pid)
        again = self._glance() if not up.ok else None
        return self._reload(again) if again and again.loaded and again.refused and self._may_reload() else up

    def _unfinished(self, job: Job) -> Note:
        """Return the result when time is up: the old process is still exiting, or was never told to."""
        if not (self._seen or job).ending:
            return self._outcome(Result.NOT_RESTARTED, "launchctl gave no answer")
        if self.finish is not None:
            self.finish()
        return self._outcome(Result.RESTART_UNFINISHED)

    def _refused_config(self) -> str:
        """Return, in llama-swap's own words, why it would refuse its config at the next start; "" if it wouldn't."""
        service = agent_plist.service_of(self._content())
        checked = check_config(service.program, Path(service.config)) if service is not None else None
        return checked.words if checked is not None and checked.good is False else ""

    def _changed(self, job: Job) -> bool:
        """Tell whether the plist's command differs from the loaded one."""
        words = agents.command(self._content())
        return bool(job.arguments and words) and words != job.arguments

    def _may_reload(self) -> bool:
        """Tell whether launchd would load the plist: a service whose plist is gone or damaged must not be unloaded."""
        readable = self._content().get("Label") == self.label
        return readable and self.plist is not None and not agents.is_refused(self.plist)

    def _exit_s(self) -> float:
        """Return the job's ExitTimeOut from its plist, since launchd may not answer."""
        found = self._content().get("ExitTimeOut")
        return float(found) if isinstance(found, int) and found > 0 else USUAL_EXIT_S

    def _content(self) -> Mapping[str, Any]:
        return (agents.read_plist(self.plist) if self.plist is not None else None) or {}

    def _outcome(self, result: Result, detail: str = "", *, lines: bool = False) -> Note:
        shown = logs.merged_tail(self.log_paths, LOG_LINES, since=self._marks) if lines else ()
        return replace(note(result, label=self.label, plist=self.plist or "", url=self.url, detail=detail), lines=shown)

    def _told(self) -> Dict[str, str]:
        """Return what launchd showed last, as fields of the result."""
        job = self._seen
        pid = "unknown" if job is None else str(job.pid)
        state = "Its state is unknown" if job is None else STATES[job.kind].format(pid=pid, last_exit=job.last_exit)
        program = job.arguments[0] if job is not None and job.arguments else "llama-swap"
        return {"pid": pid, "state": state, "program": program, "target": launchctl.target(self.label)}


def _lives(pid: Optional[int]) -> bool:
    try:
        os.kill(pid or 0, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return pid is not None
