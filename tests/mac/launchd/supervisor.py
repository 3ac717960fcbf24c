"""What launchd does with its jobs: load, start, restart, end, log in and out. Section 11 of the facts is its law."""

import contextlib
import json
import os
import signal
import time
from typing import Any, Dict, List, Optional

from tests.mac.launchd import plists
from tests.mac.launchd.job import STANDARD_PATH, Job, SpawnFailed

MOMENT_S = 0.1  # after which BTM takes a job away
FIRST_ASID = 100016


class Supervisor:
    """The state of launchd. Every change of a job happens here; `log` is what its unified log would say."""

    def __init__(self, state: str, options: Dict[str, Any]) -> None:
        self.state = state
        self.options = options
        self.jobs: Dict[str, Job] = {}
        self.domain = "none"  # of the GUI: none, up, tearing down
        self.asid = FIRST_ASID - 1
        self.inherited: Dict[str, str] = dict(options["inherited"])
        self.timers: List[Any] = []
        self.lines: List[str] = []

    @property
    def uid(self) -> int:
        """Return the user's id."""
        return os.getuid()

    @property
    def macos(self) -> int:
        """Return the major version of macOS."""
        return self.options["macos"]

    def wall_s(self, seconds: float) -> float:
        """Return launchd's seconds as seconds of this test."""
        return seconds * self.options["seconds_per_second"]

    def log(self, line: str) -> None:
        """Note what happened."""
        self.lines.append(line)
        with open(os.path.join(self.state, "launchd.log"), "a", encoding="utf-8") as file:
            file.write(f"{time.time():.3f} {line}\n")

    # the disabled store: label → bool, never deleted from, shared by gui/ and user/

    def disabled(self) -> Dict[str, bool]:
        """Return the store."""
        try:
            with open(os.path.join(self.state, "disabled.json"), encoding="utf-8") as file:
                return json.load(file)
        except OSError:
            return {}

    def set_disabled(self, label: str, value: bool) -> None:
        """Write an entry of the store."""
        store = {**self.disabled(), label: value}
        with open(os.path.join(self.state, "disabled.json"), "w", encoding="utf-8") as file:
            json.dump(store, file)

    def is_disabled(self, label: str, plist: Dict[str, Any]) -> bool:
        """Tell whether a label may not be started; the plist's word counts only until the store has one."""
        return self.disabled().get(label, plist.get("Disabled") is True)

    # loading

    def load(self, path: str, plist: Dict[str, Any], *, at_login: bool = False) -> Job:
        """Add a job, and start it if its plist says so."""
        job = Job(plist["Label"], path, plist, at_login=at_login)
        job.job_state = "uninitialized" if at_login and self.macos >= 26 else ""
        job.identity = job.identify()
        self.jobs[job.label] = job
        if self.denied(job.label, "btm"):
            self.after(MOMENT_S, lambda: self._deny(job))
        elif job.starts_alone and not self.options["lazy"]:
            self.start(job, "speculative" if plist.get("RunAtLoad") is True else "semaphore")
        return job

    def denied(self, label: str, option: str) -> bool:
        """Tell whether an option (True, or a list of labels) concerns a label."""
        wanted = self.options[option]
        return label in wanted if isinstance(wanted, list) else bool(wanted)

    def _deny(self, job: Job) -> None:
        self.log("Untrusted service was denied launch by BTM. Removing.")
        if self.jobs.get(job.label) is job:
            del self.jobs[job.label]

    def login(self) -> None:
        """Make the GUI domain and load every plist of the user's folder, but no links and nothing disabled."""
        self.domain, self.asid = "up", self.asid + 1
        folder = os.path.join(self.options["home"], "Library", "LaunchAgents")
        names = os.listdir(folder) if os.path.isdir(folder) else []
        for path in (os.path.join(folder, name) for name in names if name.endswith(".plist")):
            content, _ = plists.read(path, uid=self.uid, macos=self.macos, state=self.state)
            if content is not None and not os.path.islink(path) and self._may_load(content):
                self.load(path, content, at_login=True)

    def _may_load(self, plist: Dict[str, Any]) -> bool:
        label = plist["Label"]
        refused = label in self.jobs or self.denied(label, "mdm") or self.denied(label, "btm_denied")
        return not refused and not self.is_disabled(label, plist)

    def logout(self) -> None:
        """Tell every job to end; the domain is gone when all have."""
        self.domain = "tearing down"
        for job in list(self.jobs.values()):
            self.boot_out(job)
        self._torn_down()

    def _torn_down(self) -> None:
        if self.domain == "tearing down" and not self.jobs:
            self.domain = "none"

    # starting

    def start(self, job: Job, reason: str) -> None:
        """Start its program; a failure is told by its state alone."""
        job.runs += 1
        job.started_s, job.due_s, job.reason, job.job_state = time.monotonic(), None, reason, ""
        if self.options["spawn_s"]:
            job.state = "xpcproxy"
            self.after(self.options["spawn_s"], lambda: self._spawn(job) if job.state == "xpcproxy" else None)
        else:
            self._spawn(job)

    def _spawn(self, job: Job) -> None:
        if self.options["lwcr"] and job.identify() != job.identity:
            job.refused("last exit reason", "OS_REASON_CODESIGNING")
            return self._schedule(job)
        environment = {**self.base_environment(job.label), **self.inherited, **job.environment()}
        try:
            process = job.spawn(environment, makes_log_folder=self.macos >= 26)
        except SpawnFailed as error:
            self.log(f"{job.label}: could not spawn: {error}")
            job.refused("last exit code", "78: EX_CONFIG")
            return self._schedule(job)
        process.returncode = 0  # it is reaped here, by its pid
        job.pid, job.state, job.penalty = process.pid, "running", False
        self.log(f"{job.label}: spawned {job.pid} because {job.reason}")
        return None

    def base_environment(self, label: str) -> Dict[str, str]:
        """Return what every job gets. Nothing of the caller's: launchd starts programs with launchd's own PATH."""
        noise = {"OSLogRateLimit": "64"} if self.macos >= 14 else {}
        own = {"PATH": STANDARD_PATH, "XPC_FLAGS": "0x0", "XPC_SERVICE_NAME": label}
        return {**self.options["user_environment"], **own, **noise}

    def _schedule(self, job: Job) -> None:
        job.state = "spawn scheduled"
        job.due_s = max(time.monotonic(), job.started_s + self.wall_s(job.throttle_s))

    # ending

    def signal(self, job: Job, number: int) -> None:
        """Send a signal to its process, and show that in its state if it is one that ends it."""
        if job.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(job.pid, number)
        job.state = {signal.SIGTERM: "SIGTERMed", signal.SIGKILL: "SIGKILLed"}.get(number, job.state)

    def terminate(self, job: Job) -> None:
        """Tell its process to end, and set the time after which it is killed."""
        self.signal(job, signal.SIGTERM)
        self.log(f"{job.label}: signaled service: Terminated: 15")
        if job.exit_timeout_s:
            job.kill_s = time.monotonic() + self.wall_s(job.exit_timeout_s)

    def boot_out(self, job: Job) -> None:
        """Remove a job: at once without a process, else when that has ended."""
        if job.leaving:
            return
        job.leaving, job.restarting, job.due_s = True, False, None
        self.log(f"{job.label}: booting out service")
        if job.pid is None:
            del self.jobs[job.label]
        else:
            self.terminate(job)

    def reaped(self, pid: int, status: int) -> None:
        """A child has ended: decide what becomes of its job. What is left of its process group is killed."""
        job = next((job for job in self.jobs.values() if job.pid == pid), None)
        if job is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, 0 if job.plist.get("AbandonProcessGroup") is True else signal.SIGKILL)
        job.ended(status)
        self.log(f"{job.label}: {job.exit_key} = {job.exit_text}")
        if job.leaving:
            del self.jobs[job.label]
            self._torn_down()
        elif job.restarting:
            job.restarting = False
            self.start(job, "non-ipc demand")
        elif job.is_kept_alive() and not self.is_disabled(job.label, job.plist):
            self._schedule(job)
        else:
            job.state = "not running"
            job.job_state = "exited" if self.macos >= 26 and job.exit_status else ""

    # time

    def after(self, seconds: float, act: Any) -> None:
        """Do something later. Wall seconds."""
        self.timers.append((time.monotonic() + seconds, act))

    def tick(self) -> None:
        """Do what is due."""
        now_s = time.monotonic()
        due = [timer for timer in self.timers if timer[0] <= now_s]
        self.timers = [timer for timer in self.timers if timer[0] > now_s]
        for _, act in due:
            act()
        for job in list(self.jobs.values()):
            if job.due_s is not None and job.due_s <= now_s:
                self._again(job)
            if job.kill_s is not None and job.kill_s <= now_s:
                job.kill_s = None
                self.log(f"Service did not exit {job.exit_timeout_s} seconds after SIGTERM. Sending SIGKILL.")
                self.signal(job, signal.SIGKILL)

    def _again(self, job: Job) -> None:
        job.due_s = None
        if self.is_disabled(job.label, job.plist):
            job.state = "not running"
        else:
            self.start(job, "semaphore")

    def next_s(self) -> Optional[float]:
        """Return the moment of the next thing to do."""
        moments = [moment for moment, _ in self.timers]
        moments += [one for job in self.jobs.values() for one in (job.due_s, job.kill_s) if one is not None]
        return min(moments, default=None)
