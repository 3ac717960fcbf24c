"""launchd's words: error numbers, signals, targets. Source: shared facts on launchd, sections 1.1, 1.2 and 2.4."""

from typing import Dict, NamedTuple, Optional, Tuple

ERRORS: Dict[int, str] = {
    1: "Operation not permitted", 2: "No such file or directory", 3: "No such process", 5: "Input/output error",
    17: "File exists", 22: "Invalid argument", 36: "Operation now in progress", 37: "Operation already in progress",
    107: "Malformed bundle", 108: "Invalid path", 109: "Invalid property list",
    110: "Invalid or missing service identifier", 111: "Invalid or missing Program/ProgramArguments",
    112: "Could not find specified domain", 113: "Could not find specified service",
    114: "The specified username does not exist", 116: "Routine not yet implemented", 118: "Bad response from server",
    119: "Service is disabled", 120: "Bad subsystem destination for request", 121: "Path not searched for services",
    122: "Path had bad ownership/permissions", 123: "Path is whitelisted for domain", 124: "Domain is tearing down",
    125: "Domain does not support specified action", 126: "Request type is no longer supported",
    133: "Multiple errors were returned; see stderr", 134: "Service cannot load in requested session",
    135: "Process is not managed", 137: "Service does not support the specified action",
    139: "Service cannot presently execute", 140: "Service name is reserved or invalid",
    144: "Requestor lacks required entitlement", 146: "Domain is in on-demand-only mode",
    150: "Operation not permitted while System Integrity Protection is engaged",
    153: "Completely unexpected error", 155: "Refusing to execute/trust quarantined program/file",
}  # fmt: skip

# Darwin's numbers and strsignal texts, by name: Linux counts some of them otherwise.
SIGNALS: Dict[str, Tuple[int, str]] = {
    "SIGHUP": (1, "Hangup"), "SIGINT": (2, "Interrupt"), "SIGQUIT": (3, "Quit"),
    "SIGILL": (4, "Illegal instruction"), "SIGTRAP": (5, "Trace/BPT trap"), "SIGABRT": (6, "Abort trap"),
    "SIGFPE": (8, "Floating point exception"), "SIGKILL": (9, "Killed"), "SIGBUS": (10, "Bus error"),
    "SIGSEGV": (11, "Segmentation fault"), "SIGSYS": (12, "Bad system call"), "SIGPIPE": (13, "Broken pipe"),
    "SIGALRM": (14, "Alarm clock"), "SIGTERM": (15, "Terminated"), "SIGUSR1": (30, "User defined signal 1"),
    "SIGUSR2": (31, "User defined signal 2"),
}  # fmt: skip
CRASHES = ("SIGILL", "SIGTRAP", "SIGABRT", "SIGFPE", "SIGBUS", "SIGSEGV", "SIGSYS")

SYSEXITS = {
    64: "EX_USAGE", 65: "EX_DATAERR", 66: "EX_NOINPUT", 67: "EX_NOUSER", 68: "EX_NOHOST", 69: "EX_UNAVAILABLE",
    70: "EX_SOFTWARE", 71: "EX_OSERR", 72: "EX_OSFILE", 73: "EX_CANTCREAT", 74: "EX_IOERR", 75: "EX_TEMPFAIL",
    76: "EX_PROTOCOL", 77: "EX_NOPERM", 78: "EX_CONFIG",
}  # fmt: skip

RICHER = "Try re-running the command as root for richer errors.\n"
NO_SUCH_TARGET = "Unrecognized target specifier.\n"
FORMS = {
    "bootout": "<domain-target> [service-path1, service-path2, ...] | <service-target>",
    "bootstrap": "<domain-target> [service-path, service-path2, ...]",
    "kickstart": "[-k] [-p] <service-target>",
    "kill": "<signal-number|signal-name> <service-target>",
    "blame": "<service-target>",
    "enable": "<service-target>",
    "disable": "<service-target>",
    "print": "<domain-target> | <service-target>",
    "print-disabled": "<domain-target>",
    "error": "[posix|mach|bootstrap] <code>",
}


class Answer(NamedTuple):
    """What launchctl prints and exits with."""

    code: int
    out: str = ""
    err: str = ""


class Target(NamedTuple):
    """`kind/number/label`. The label is None for a domain, "" for a domain with a slash behind it."""

    kind: str
    number: Optional[int]
    label: Optional[str]

    @property
    def words(self) -> str:
        """Return how launchctl names the domain."""
        names = {"gui": "user gui", "user": "uid", "session": "asid"}
        return self.kind if self.number is None else f"{names.get(self.kind, self.kind)}: {self.number}"


def target(text: str) -> Optional[Target]:
    """Return the target that a text names, None if it names none."""
    kind, *rest = text.split("/", 2)
    if kind == "system":
        return Target(kind, None, "/".join(rest) if rest else None)
    if kind not in ("gui", "user", "login", "session", "pid") or not rest or not rest[0].isdigit():
        return None
    return Target(kind, int(rest[0]), rest[1] if len(rest) > 1 else None)


def usage(verb: str, first: str = NO_SUCH_TARGET) -> Answer:
    """Return the complaint about a wrong call."""
    lines = [f"Usage: launchctl {verb} {FORMS[verb]}\n"]
    if "-target>" in FORMS[verb]:
        lines.append("<service-target> takes a form of <domain-target>/<service-id>.\n")
        lines.append("Please refer to `man launchctl` for explanation of the <domain-target> specifiers.\n")
    return Answer(64, err=first + "".join(lines))


def failed(what: str, code: int) -> Answer:
    """Return `what failed: N: text`, with the line that launchctl adds to every EIO of a plain user."""
    return Answer(code, err=f"{what}: {code}: {ERRORS[code]}\n" + (RICHER if code == 5 else ""))


def no_service(where: Target, *, bad_request: bool = False) -> Answer:
    """Return the 113 of a label that is not loaded."""
    first = "Bad request.\n" if bad_request else ""
    return Answer(113, err=f'{first}Could not find service "{where.label}" in domain for {where.words}\n')


def no_domain(where: Target) -> Answer:
    """Return the 112 of a domain that is not there."""
    return Answer(112, err=f"Could not find domain for {where.words}\n")
