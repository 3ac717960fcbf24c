"""Runs launchctl. Its exit codes prove nothing: after each verb, look at the job and decide from that.

Laws: never use a target without a label (`bootout gui/501/` ends the user's login session); never use `load` or
`unload`; of the output of `print`, read only lines with exactly one leading tab, never its environment blocks (they
hold secrets). Every call ends by the deadline of tools.within. Source: shared facts on launchd, sections 1 and 2.
"""

import os
import re
from typing import Dict, FrozenSet, List, Optional

from llamabar.core.fields import whole
from llamabar.core.mac import Job
from llamabar.macos import tools
from llamabar.macos.tools import Output

NOT_FOUND = 113
NO_DOMAIN = (112, 125)
LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_ENTRY = re.compile(r"\t([^\t=][^=]*?) = (.*)\Z")
_DISABLED = re.compile(r'\t\t"(.+)" => (disabled|true)\Z')


class Trouble(Exception):
    """launchctl didn't answer, or its answer can't be understood."""


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
