"""Runs launchctl. Its exit codes prove nothing: after each verb, look at the job and decide from that.

Laws: never use a target without a label (`bootout gui/501/` ends the user's login session); never use `load` or
`unload`; of the output of `print`, read only lines with exactly one leading tab, never its environment blocks (they
hold secrets). Every call ends by the deadline of tools.within. Source: shared facts on launchd, sections 1 and 2.
"""

import os
import re
from dataclasses import dataclass
from typing import Dict, FrozenSet, List, Optional, Tuple

from llamabar.core.events import ServiceState
from llamabar.macos import tools
from llamabar.macos.tools import Output

NOT_FOUND = 113
NO_DOMAIN = (112, 125)
LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_ENTRY = re.compile(r"\t([^\t=][^=]*?) = (.*)\Z")
_DISABLED = re.compile(r'\t\t"(.+)" => (disabled|true)\Z')
_ENDING = ("SIGTERMed", "SIGKILLed", "languishing", "exited")
_STARTING = ("spawn scheduled", "spawning", "xpcproxy")


class Trouble(Exception):
    """launchctl didn't answer, or its answer can't be understood."""


@dataclass(frozen=True)
class Job:
    """A service as launchd reports it. `last_exit` is launchd's text about how the previous instance ended."""

    label: str
    loaded: bool = False
    state: str = ""
    job_state: str = ""
    pid: Optional[int] = None
    runs: Optional[int] = None
    last_exit: str = ""
    path: str = ""
    arguments: Tuple[str, ...] = ()
    outputs: Tuple[str, ...] = ()  # stdout path, stderr path
    exit_timeout_s: float = 5.0

    @property
    def ending(self) -> bool:
        """Tell whether its process was told to exit and hasn't yet."""
        return self.state in _ENDING

    @property
    def running(self) -> bool:
        """Tell whether it has a process that isn't exiting."""
        return self.pid is not None and not self.ending

    @property
    def signature_refused(self) -> bool:
        """Tell whether macOS rejected the program's code signature. Only bootout and bootstrap help then."""
        return "CODESIGNING" in self.last_exit

    @property
    def refused(self) -> bool:
        """Tell whether launchd couldn't even start its program."""
        return self.job_state == "spawn failed" or self.last_exit.startswith("78") or self.signature_refused

    @property
    def failed(self) -> bool:
        """Tell whether its last instance exited with a failure."""
        return self.last_exit not in ("", "0", "(never exited)", "Terminated: 15")

    @property
    def crashes(self) -> int:
        """Return how often it has crashed, going by launchd's count of runs; 0 while it runs."""
        return (self.runs or 1) if self.pid is None and (self.failed or self.refused) else 0

    @property
    def kind(self) -> ServiceState:
        """Return its state, derived from its process, `state =` and the exit line."""
        if not self.loaded:
            return ServiceState.NOT_LOADED
        if self.ending:
            return ServiceState.STOPPING
        if self.pid is not None:
            return ServiceState.RUNNING
        if self.failed or self.refused:
            return ServiceState.FAILING
        return ServiceState.STARTING if self.state in _STARTING else ServiceState.STOPPED


def available() -> bool:
    """Tell whether this computer has launchd."""
    return tools.find("launchctl") is not None


def domain() -> str:
    """Return the launchd domain of this user's GUI session."""
    return f"gui/{os.getuid()}"


def target(label: str) -> str:
    """Return the service target for a label; raise ValueError if it isn't a valid label."""
    if not LABEL.match(label):
        raise ValueError(f"{label!r} is not a service label")
    return f"{domain()}/{label}"


def has_gui() -> Optional[bool]:
    """Tell whether this user is logged in at the screen; None if launchctl didn't answer."""
    code = tools.run("launchctl", "print", domain()).code
    return None if code is None else code not in NO_DOMAIN


def look(label: str, *, timeout_s: float = tools.TIMEOUT_S) -> Job:
    """Return the job with a label; raise Trouble if launchd can't be asked."""
    found = tools.run("launchctl", "print", target(label), timeout_s=timeout_s)
    if found.code == 0 and " = {" in found.out.split("\n", 1)[0]:
        return parse(label, found.out)
    if found.code == NOT_FOUND or found.code in NO_DOMAIN:
        return Job(label)
    raise Trouble(f"launchctl print: {found.words}")


def parse(label: str, text: str) -> Job:
    """Return the job in the output of `launchctl print`. Any key may be missing, since launchd's versions differ."""
    entries: Dict[str, str] = {}
    arguments: List[str] = []
    block = ""
    for line in text.split("\n"):
        entry = _ENTRY.match(line)
        if entry and entry.group(2) == "{":
            block = entry.group(1)
        elif line == "\t}":
            block = ""
        elif entry:
            entries.setdefault(entry.group(1), entry.group(2))
        elif block == "arguments" and line.startswith("\t\t"):
            arguments.append(line[2:])
    exits = (entries.get(key, "") for key in ("last exit code", "last terminating signal", "last exit reason"))
    return Job(
        label,
        loaded=True,
        state=entries.get("state", ""),
        job_state=entries.get("job state", ""),
        pid=whole(entries.get("pid")),
        runs=whole(entries.get("runs")),
        last_exit=next((said for said in exits if said), ""),
        path=entries.get("path", ""),
        arguments=tuple(arguments),
        outputs=tuple(entries[key] for key in ("stdout path", "stderr path") if key in entries),
        exit_timeout_s=float(whole(entries.get("exit timeout")) or 5),
    )


def pids() -> Dict[int, str]:
    """Return the label of every job that has a process, by pid; raise Trouble. A listed process may be gone already."""
    found = tools.run("launchctl", "list")
    if found.code != 0:
        raise Trouble(f"launchctl list: {found.words}")
    rows = (line.split("\t", 2) for line in found.out.splitlines())
    return {whole(row[0]) or 0: row[2] for row in rows if len(row) == 3 and whole(row[0])}


def disabled() -> Optional[FrozenSet[str]]:
    """Return the disabled labels; None if launchd didn't answer. Only the first block of the output is read."""
    found = tools.run("launchctl", "print-disabled", domain())
    if found.code != 0:
        return None
    first = found.out.split("\t}", 1)[0]
    return frozenset(match.group(1) for match in map(_DISABLED.match, first.split("\n")) if match)


def bootstrap(plist: str) -> Output:
    """Load a plist. Use `look` to see whether that worked."""
    return tools.run("launchctl", "bootstrap", domain(), plist)


def tell(verb: str, label: str, *, timeout_s: float = tools.TIMEOUT_S) -> Output:
    """Send a job bootout, enable, disable, kickstart or `kickstart -k`. Use `look` to see whether that worked.

    After bootout the process exits later; disable outlasts the next login; kickstart can block forever, hence the
    timeout.
    """
    return tools.run("launchctl", *verb.split(), target(label), timeout_s=timeout_s)


def whole(text: Optional[str]) -> Optional[int]:
    """Return a number written in ASCII digits; None for anything else (str.isdigit also accepts `²` and `٣`)."""
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 19 else None
