"""pgrep: -x -f -l -n -o -i -q -a, -U and -u with user ids, -P. As on macOS it and its ancestors are left out."""

import os
import re
import subprocess
from typing import Dict, List, NamedTuple

from tests.mac.call import Call

VALUES = "UuPGgtd"


class Process(NamedTuple):
    """A row of the process table."""

    pid: int
    parent: int
    user: int
    name: str
    line: str


def run(call: Call) -> int:
    """Return 0 when something matches, 1 when nothing does, 2 for wrong usage."""
    words, flags, values = list(call.arguments), "", dict.fromkeys(VALUES, "")
    while words and words[0].startswith("-") and len(words[0]) > 1:
        flag = words.pop(0)[1:]
        if flag[0] in VALUES:
            values[flag[0]] = flag[1:] or (words.pop(0) if words else "")
        else:
            flags += flag
    if (not words and not any(values.values())) or set(flags) - set("xflnoiqavI"):
        return call.err("usage: pgrep [-Lafilnoqvx] [-F pidfile] [-G gid] [-P ppid] [-U uid] pattern ...", 2)
    found = [one for one in processes(call) if _matches(one, words, flags, values)]
    if "a" not in flags:
        hidden = _ancestors(processes(call))
        found = [one for one in found if one.pid not in hidden]
    found = found[-1:] if "n" in flags else found[:1] if "o" in flags else found
    for one in found if "q" not in flags else ():
        call.out(f"{one.pid} {one.line if 'f' in flags else one.name}" if "l" in flags else str(one.pid))
    return 0 if found else 1


def _matches(one: Process, patterns: List[str], flags: str, values: Dict[str, str]) -> bool:
    users = [int(user) for user in (values["U"] or values["u"]).split(",") if user.isdigit()]
    if (users and one.user not in users) or (values["P"] and str(one.parent) not in values["P"].split(",")):
        return False
    text, options = one.line if "f" in flags else one.name, re.IGNORECASE if "i" in flags else 0
    match = re.fullmatch if "x" in flags else re.search
    return any(match(pattern, text, options) for pattern in patterns) if patterns else True


def _ancestors(table: List[Process]) -> List[int]:
    parents, chain = {one.pid: one.parent for one in table}, [os.getpid()]
    while chain[-1] in parents and parents[chain[-1]] > 1:
        chain.append(parents[chain[-1]])
    return chain


def processes(call: Call) -> List[Process]:
    """Return the processes of this Mac, oldest first: all where launchd is process 1, else those with its mark."""
    table = _proc() if os.path.isdir("/proc/self") else _ps()
    if any(one.pid == 1 and call.state in one.line for one in table):
        return table
    mark = call.load("options.json", {})["inherited"]["SSH_AUTH_SOCK"]
    return [one for one in table if mark in _environment(one.pid)]


def _proc() -> List[Process]:
    found = []
    for name in sorted((name for name in os.listdir("/proc") if name.isdigit()), key=int):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                comm, _, rest = file.read().partition("(")[2].rpartition(")")
            with open(f"/proc/{name}/cmdline", "rb") as file:
                line = file.read().rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace")
            found.append(Process(int(name), int(rest.split()[1]), os.stat(f"/proc/{name}").st_uid, comm, line))
        except OSError:
            continue
    return found


def _ps() -> List[Process]:
    said = subprocess.run(["/bin/ps", "-axww", "-o", "pid=,ppid=,uid=,args="], capture_output=True, text=True)
    rows = [line.split(None, 3) for line in said.stdout.splitlines()]
    return [
        Process(int(row[0]), int(row[1]), int(row[2]), os.path.basename(row[3].split()[0]), row[3])
        for row in sorted(rows, key=lambda row: int(row[0]))
        if len(row) == 4
    ]


def _environment(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read().decode("utf-8", "replace")
    except OSError:
        said = subprocess.run(["/bin/ps", "-Eww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True)
        return said.stdout if not os.path.isdir("/proc/self") else ""
