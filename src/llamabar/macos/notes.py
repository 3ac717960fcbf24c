"""Findings, and results of a start or of a step: a kind with its fields. The words of each kind stand next to it."""

import shlex
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Dict, Tuple

from llamabar.core.events import ServiceState
from llamabar.macos.paths import command_name


class Why(Enum):
    """Base of a table of notes. A row holds whether the result is good, what happened, and what to do."""

    @property
    def code(self) -> str:
        """Return its name in JSON."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True)
class Note:
    """A finding: its kind, the fields for its words, and lines from a log or a diff."""

    why: Why
    fields: Dict[str, str] = field(default_factory=dict)
    lines: Tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Tell whether the wanted result was reached, or can be."""
        return bool(self.why.value[0])

    @property
    def said(self) -> str:
        """Return what happened, without the final period."""
        return str(self.why.value[1]).format(command=command_name(), **self.fields)

    @property
    def hint(self) -> str:
        """Return what to do, "" if nothing. Each field is quoted as one shell word."""
        quoted = {name: shlex.quote(value) for name, value in self.fields.items()}
        return str(self.why.value[2]).format(command=command_name(), **quoted)


def note(why: Why, **fields: Any) -> Note:
    """Return a note of some kind with its fields."""
    return Note(why, {name: str(value).rstrip(".") for name, value in fields.items()})


_ALLOW = "open 'x-apple.systempreferences:com.apple.LoginItems-Settings.extension'"
_LATER, _AGAIN = "Check later: {command} status", "Try again, then: {command} doctor"


class Result(Why):
    """How a start, stop or restart ended. Fields: label, plist, url, detail, state, pid, program, target."""

    # fmt: off
    RUNNING = True, "{label} is running (pid {pid})", ""
    ALREADY_RUNNING = True, "{label} is already running", ""
    STOPPED = True, "{label} is stopped until you start it or log in again", ""
    ALREADY_STOPPED = True, "{label} is already stopped", ""
    STOPPED_OTHER_ANSWERS = True, "{label} is stopped, but something else still responds at its address", ""
    NO_LAUNCHD = False, "Can't reach launchd: {detail}", _AGAIN
    NO_PLIST = False, "No LaunchAgent at {plist}", "Create one: {command} install"
    NOT_LOGGED_IN = (
        False, "No one is logged in at this Mac's screen", "Log in at the Mac's screen first, then: {command} start")
    DISABLED = False, "{label} is disabled", "launchctl enable {target}"
    PLIST_DAMAGED = False, "{plist} isn't a valid property list", "Write it again: {command} install --force"
    PLIST_OPEN = False, "launchd refuses {plist}: others can write to it, or it isn't yours", "chmod 644 {plist}"
    PLIST_OTHER_LABEL = False, "{plist} has a label other than {label}", "Write it again: {command} install --force"
    NOT_LOADED = (
        False, "launchd didn't load {label}: {detail}. {state}", f"Is it off in Login Items? Allow it: {_ALLOW}")
    NOT_ALLOWED = False, "macOS removed {label} right after it was loaded", f"Allow it in Login Items: {_ALLOW}"
    SIGNATURE = False, "macOS refuses {label}: its program's code signature changed", "Reload it: {command} restart"
    CANNOT_START = False, "launchd can't start {label} ({detail})", "Check its program: {program} --version"
    EXITED = False, "{label} exited right after it started ({detail})", "Fix what its log says, then: {command} start"
    SILENT = False, "{label} isn't responding. {state}", _LATER
    NOT_STOPPED = False, "launchd didn't stop {label}: {detail}. {state}", _AGAIN
    STILL_ENDING = False, "{label} was told to stop and hasn't exited yet. {state}", _LATER
    NOT_RESTARTED = False, "launchd didn't restart {label}: {detail}. {state}", _AGAIN
    RESTART_UNFINISHED = False, "{label} is still exiting and will then start again", _LATER
    CONFIG_REFUSED = (
        False, "{label} keeps running: llama-swap refuses its config: {detail}",
        "Fix the config, then: {command} restart")
    NOT_THIS_SERVICE = (
        False, "The llama-swap at {url} wasn't started by {label}", "Quit it there, then: {command} start")
    # fmt: on


STATES: Dict[ServiceState, str] = {
    ServiceState.NOT_LOADED: "It isn't loaded now",
    ServiceState.RUNNING: "It is running now (pid {pid})",
    ServiceState.STARTING: "launchd is starting it",
    ServiceState.STOPPING: "It is still exiting (pid {pid})",
    ServiceState.STOPPED: "It is loaded and not running",
    ServiceState.FAILING: "It is loaded and keeps failing ({last_exit})",
}
