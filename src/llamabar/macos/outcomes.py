"""What became of a start, stop or restart: a result with fields, and its words beside it."""

from dataclasses import dataclass
from enum import Enum
from typing import Dict, Optional, Tuple

from llamabar.macos import launchctl
from llamabar.macos.launchctl import Job, State
from llamabar.macos.paths import command_name

LOGIN_ITEMS = "open 'x-apple.systempreferences:com.apple.LoginItems-Settings.extension'"


class Result(Enum):
    """How a command ended. True: what was wanted is so. Then that in words, and what to do."""

    RUNNING = (True, "{label} is running (pid {pid})", "")
    ALREADY_RUNNING = (True, "{label} is already running", "")
    STOPPED = (True, "{label} is stopped until you start it or log in again", "")
    ALREADY_STOPPED = (True, "{label} is already stopped", "")
    STOPPED_OTHER_ANSWERS = (True, "{label} is stopped, but something else still responds at its address", "")
    NO_LAUNCHD = (False, "Can't reach launchd: {detail}", "Try again, then: {command} doctor")
    NO_PLIST = (False, "No LaunchAgent at {plist}", "Create one: {command} install")
    NOT_LOGGED_IN = (
        False,
        "No one is logged in at this Mac's screen",
        "Log in at the Mac's screen first, then: {command} start",
    )
    DISABLED = (False, "{label} is disabled", "launchctl enable {target}")
    PLIST_DAMAGED = (False, "{plist} isn't a valid property list", "Write it again: {command} install --force")
    PLIST_OPEN = (False, "launchd refuses {plist}: others can write to it, or it isn't yours", "chmod 644 '{plist}'")
    PLIST_OTHER_LABEL = (False, "{plist} has a label other than {label}", "Write it again: {command} install --force")
    NOT_LOADED = (False, "launchd didn't load {label}: {detail}", "Is it off in Login Items? Allow it: {login_items}")
    NOT_ALLOWED = (False, "macOS removed {label} right after it was loaded", "Allow it in Login Items: {login_items}")
    SIGNATURE = (False, "macOS refuses {label}: its program's code signature changed", "Reload it: {command} restart")
    CANNOT_START = (False, "launchd can't start {label} ({detail})", "Check its program: '{program}' --version")
    EXITED = (False, "{label} exited right after it started ({detail})", "Fix what its log says, then: {command} start")
    SILENT = (False, "{label} isn't responding", "Check later: {command} status")
    NOT_STOPPED = (False, "launchd didn't stop {label}: {detail}", "Try again, then: {command} doctor")
    STILL_ENDING = (False, "{label} was told to stop and hasn't exited yet", "Check later: {command} status")
    NOT_RESTARTED = (False, "launchd didn't restart {label}: {detail}", "Try again, then: {command} doctor")
    RESTART_UNFINISHED = (False, "{label} is still exiting and will then start again", "Check later: {command} status")
    CONFIG_REFUSED = (
        False,
        "{label} keeps running: llama-swap refuses its config: {detail}",
        "Fix the config, then: {command} restart",
    )
    NOT_THIS_SERVICE = (
        False,
        "The llama-swap at {url} wasn't started by {label}",
        "Quit it there, then: {command} start",
    )

    @property
    def ok(self) -> bool:
        """Tell whether what was wanted is so."""
        return bool(self.value[0])

    @property
    def code(self) -> str:
        """Return its name for programs."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True)
class Outcome:
    """How it went: the result, launchd's or llama-swap's own words, what launchd showed last, the log's new lines.

    `job` is None where launchd could not be asked.
    """

    result: Result
    label: str
    plist: str = ""
    detail: str = ""
    url: str = ""
    job: Optional[Job] = None
    log_lines: Tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Tell whether what was wanted is so."""
        return self.result.ok


STATES: Dict[State, str] = {
    State.NOT_LOADED: "It isn't loaded now",
    State.RUNNING: "It is running now (pid {pid})",
    State.STARTING: "launchd is starting it",
    State.STOPPING: "It is still exiting (pid {pid})",
    State.STOPPED: "It is loaded and not running",
    State.FAILING: "It is loaded and keeps failing ({last_exit})",
}
_SAY_STATE = (Result.NOT_LOADED, Result.SILENT, Result.NOT_STOPPED, Result.STILL_ENDING, Result.NOT_RESTARTED)


def said(outcome: Outcome) -> str:
    """Return what is so now, as sentences without the last full stop."""
    words = _filled(outcome.result.value[1], outcome)
    return f"{words}. {state(outcome)}" if outcome.result in _SAY_STATE else words


def hint(outcome: Outcome) -> str:
    """Return what to do about it, "" where there is nothing to do."""
    return _filled(outcome.result.value[2], outcome)


def state(outcome: Outcome) -> str:
    """Return what launchd showed last."""
    return _filled(STATES[outcome.job.kind], outcome) if outcome.job is not None else "Its state is unknown"


def _filled(words: str, outcome: Outcome) -> str:
    job = outcome.job
    return words.format(
        label=outcome.label,
        plist=outcome.plist,
        detail=outcome.detail.rstrip("."),
        url=outcome.url,
        pid=job.pid if job is not None else "unknown",
        last_exit=job.last_exit if job is not None else "",
        program=job.arguments[0] if job is not None and job.arguments else "llama-swap",
        target=f"{launchctl.domain()}/{outcome.label}",
        command=command_name(),
        login_items=LOGIN_ITEMS,
    )
