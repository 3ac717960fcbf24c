"""What `launchctl print` and its sisters print. Source: shared facts on launchd, section 2, and the samples there."""

from typing import Dict, Iterable, List, Mapping, Tuple

from tests.mac.launchd.job import STANDARD_PATH, Job
from tests.mac.launchd.supervisor import Supervisor

SPAWN_TYPES = {"Interactive": "interactive (4)", "Background": "background (5)", "Adaptive": "adaptive (6)"}
MODERN = 14  # the first version whose prints are known to have types, coalitions and allocations


def job_text(host: Supervisor, job: Job) -> str:
    """Return `print gui/UID/LABEL`. Top-level lines have exactly one tab; the blocks repeat their words."""
    lines = [
        f"gui/{host.uid}/{job.label} = {{",
        f"\tactive count = {0 if job.pid is None and job.state != 'xpcproxy' else 1}",
        f"\tpath = {job.path}",
        *(["\ttype = LaunchAgent"] if host.macos >= MODERN else []),
        f"\tstate = {job.state}",
        "",
        *_program(job),
        *_environments(host, job),
        *_counters(host, job),
        *_process(host, job),
        f"\t{job.exit_key} = {job.exit_text}",
        "",
        *_semaphores(job),
        *(_coalitions(host, job) if host.macos >= MODERN else []),
        *_limits(host, job),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _program(job: Job) -> Iterable[str]:
    yield f"\tprogram = {job.program}"
    yield from _block("arguments", job.words)
    if "WorkingDirectory" in job.plist:
        yield from (f"\tworking directory = {job.plist['WorkingDirectory']}", "")
    for key, words in (("StandardOutPath", "stdout path"), ("StandardErrorPath", "stderr path")):
        if key in job.plist:
            yield f"\t{words} = {job.plist[key]}"


def _environments(host: Supervisor, job: Job) -> Iterable[str]:
    own = {name: host.base_environment(job.label)[name] for name in ("XPC_SERVICE_NAME",)}
    noise = {"OSLogRateLimit": "64"} if host.macos >= MODERN else {}
    yield from _block("inherited environment", _pairs(host.inherited))
    yield from _block("default environment", _pairs({"PATH": STANDARD_PATH}))
    yield from _block("environment", _pairs({**noise, **job.environment(), **own}))


def _counters(host: Supervisor, job: Job) -> Iterable[str]:
    yield f"\tdomain = gui/{host.uid} [{host.asid}]"
    yield f"\tasid = {host.asid}"
    yield f"\tminimum runtime = {job.throttle_s:g}"
    yield f"\texit timeout = {job.exit_timeout_s:g}"
    if "Nice" in job.plist:
        yield f"\tnice = {job.plist['Nice']}"
    yield f"\truns = {job.runs}"
    if job.crashes:
        yield f"\tsuccessive crashes = {job.crashes}"


def _process(host: Supervisor, job: Job) -> List[str]:
    if job.pid is None:
        return []
    pairs: List[Tuple[str, object]] = [("pid", job.pid), ("immediate reason", job.reason), ("forks", 0), ("execs", 1)]
    pairs += [("initialized", 1), ("trampolined", 1), ("started suspended", 0), ("proxy started suspended", 0)]
    if host.macos >= MODERN:
        pairs += [("checked allocations", "0 (queried = 1)"), ("checked allocations reason", "no host")]
        pairs += [("checked allocations flags", "0x0")]
    return [f"\t{key} = {value}" for key, value in pairs]


def _semaphores(job: Job) -> Iterable[str]:
    keep = job.plist.get("KeepAlive")
    names = {"SuccessfulExit": "successful exit", "Crashed": "after crash"}
    known = {names[key]: str(int(keep[key])) for key in names if key in keep} if isinstance(keep, dict) else {}
    return _block("semaphores", _pairs(known)) if known else []


def _coalitions(host: Supervisor, job: Job) -> Iterable[str]:
    """Yield two blocks that say `state = active` whatever the job does."""
    first = 1000 + 2 * sorted(host.jobs).index(job.label)
    for number, kind in ((first, "resource"), (first + 1, "jetsam")):
        fields = (f"ID = {number}", f"type = {kind}", "state = active", "active count = 1", f"name = {job.label}")
        yield from _block(f"{kind} coalition", fields)


def _limits(host: Supervisor, job: Job) -> Iterable[str]:
    yield f"\tspawn type = {SPAWN_TYPES.get(job.plist.get('ProcessType', ''), 'daemon (3)')}"
    yield "\tjetsam priority = 40"
    yield "\tjetsam memory limit (active) = (unlimited)"
    yield "\tjetsam memory limit (inactive) = (unlimited)"
    yield "\tjetsamproperties category = daemon"
    yield "\tjetsam thread limit = 32"
    yield "\tcpumon = default"
    if job.job_state:
        yield f"\tjob state = {job.job_state}"
    if host.macos >= 27:
        yield "\tsanitizer flags = 0x0"
    yield ""
    yield f"\tproperties = {' | '.join(_properties(host, job))}"


def _properties(host: Supervisor, job: Job) -> Iterable[str]:
    yield from ["keepalive"] if job.plist.get("KeepAlive") is True else []
    yield from ["runatload"] if job.plist.get("RunAtLoad") is True else []
    yield from ["penalty box"] if job.penalty else []
    yield from [] if "Program" in job.plist else ["inferred program"]
    if host.options["lwcr"]:
        yield from [] if job.identify() == job.identity else ["needs LWCR update"]
        yield from ("managed LWCR", "has LWCR")


def _pairs(values: Mapping[str, str]) -> List[str]:
    return [f"{name} => {value}" for name, value in values.items()]


def _block(name: str, lines: Iterable[str]) -> List[str]:
    return [f"\t{name} = {{", *(f"\t\t{line}" for line in lines), "\t}", ""]


def domain_text(host: Supervisor) -> str:
    """Return `print gui/UID`: the head of it and the services (its form is not among the facts)."""
    running = sum(job.pid is not None for job in host.jobs.values())
    lines = [f"gui/{host.uid} = {{", "\ttype = login", f"\thandle = {host.asid}", f"\tactive count = {running + 1}"]
    lines += [f"\tservice count = {len(host.jobs)}", f"\tactive service count = {running}", "", "\tservices = {"]
    lines += [f"\t\t{job.pid or 0:8} {_status(job):>6} \t{label}" for label, job in host.jobs.items()]
    return "\n".join([*lines, "\t}", "}"]) + "\n"


def disabled_text(store: Dict[str, bool], *, macos: int, login_items: Mapping[str, str]) -> str:
    """Return `print-disabled`: before macOS 13 `true` means disabled. A second block is about something else."""
    words = ("enabled", "disabled") if macos >= 13 else ("false", "true")
    lines = ["", "\tdisabled services = {", *(f'\t\t"{label}" => {words[off]}' for label, off in store.items()), "\t}"]
    if login_items:
        lines += ["", "\tlogin item associations = {"]
        lines += [*(f'\t\t"{label}" => {word}' for label, word in login_items.items()), "\t}"]
    return "\n".join(lines) + "\n"


def _status(job: Job) -> str:
    return "-" if job.exit_text == "(never exited)" else str(job.exit_status)


def table_text(host: Supervisor) -> str:
    """Return `list`: Status is about the previous instance."""
    rows = [f"{job.pid or '-'}\t{job.exit_status}\t{label}" for label, job in host.jobs.items()]
    return "\n".join(["PID\tStatus\tLabel", *rows]) + "\n"


def list_text(job: Job) -> str:
    """Return `list LABEL`: LastExitStatus is the raw wait status, and there is no PID without a process."""
    raw = job.exit_status * 256 if job.exit_status >= 0 else -job.exit_status
    keep = job.plist.get("KeepAlive")
    fields = [f'"{key}" = "{job.plist[key]}";' for key in ("StandardOutPath", "StandardErrorPath") if key in job.plist]
    fields += ['"LimitLoadToSessionType" = "Aqua";', f'"Label" = "{job.label}";']
    fields += [f'"OnDemand" = {"false" if keep else "true"};', f'"LastExitStatus" = {raw};']
    fields += [f'"PID" = {job.pid};'] if job.pid is not None else []
    fields += [f'"Program" = "{job.program}";', '"ProgramArguments" = (', *(f'\t"{word}";' for word in job.words), ");"]
    return "\n".join(["{", *(f"\t{field}" for field in fields), "};"]) + "\n"
