"""Checks of the service: the LaunchAgent that starts llama-swap, on disk and in launchd."""

from typing import Any, Optional, Tuple

from llamabar.core.events import FaultKind
from llamabar.core.mac import Refusal
from llamabar.doctor.checks import packages
from llamabar.doctor.checks.facts import Facts, Server
from llamabar.doctor.checks.finding import Check, Found, Layer, Level

LOG_LIMIT_BYTES = 100_000_000
CRASHES_THAT_LOOP = 3
SLACK_S = 1.0  # start times are in whole seconds
QUOTED_LINES = 5
STATES = {"": "not loaded", "spawn scheduled": "waiting for its next start"}
FULL_DISK_ACCESS = "open 'x-apple.systempreferences:com.apple.preference.security?Privacy_AllFiles'"


def _summary(facts: Facts) -> Tuple[bool, str]:
    service = facts.service
    if facts.trouble("job"):
        return False, f"{service.label}, state unknown"
    if not facts.job.running:
        return False, f"{service.label}, {STATES.get(facts.job.state, facts.job.state)}"
    return True, f"{service.label}, running (pid {facts.job.pid})"


def server_of(facts: Facts) -> Optional[Server]:
    """Return the server that the service runs, with its answers."""
    return next((server for server in facts.servers if server.name == facts.service.server), None)


def _rewrite(facts: Facts, applies: Any, said: str, wanted: str) -> Any:
    """Return a finding. In our own LaunchAgent a new install fixes it; any other one must be edited by hand."""
    if not applies or facts.service.ours:
        return applies and Found(detail=said)
    by_hand = f"{said} llamabar didn't write it: set {wanted} in this file, then run: {{llamabar}} restart{{on}}"
    return Found(detail=by_hand.strip(), remedy="open -t {service.plist}")


UNTIL_LOGOUT = "It runs only until you log out. It was turned off by `launchctl disable`, or in Login Items."
FOLDER_WORDS = {  # launchd doesn't mind a folder that can't be written
    Refusal.NOT_A_FOLDER: Found(detail="{agents.folder} isn't a folder.",
                                remedy="mv {agents.folder} {agents.folder}.aside"),
    Refusal.OF_ANOTHER: Found(detail="{agents.folder} belongs to another user.",
                              remedy='sudo chown -R "$(id -un)" {agents.folder}'),
    Refusal.OPEN: Found(),
}  # fmt: skip


def _folder(facts: Facts) -> Any:
    return facts.agents.refusal and FOLDER_WORDS.get(facts.agents.refusal)


def _no_program(facts: Facts) -> Any:
    """Find a missing program. If another one is here, as after a move to a new Mac, the service needs its path."""
    missing, here = not facts.service.program_there, facts.packages.llama_swap
    if not missing or here in ("", facts.service.program):
        return missing and Found(remedy=packages.install(facts))
    said = "{service.program} can't be executed, but {packages.llama_swap} is here."
    return Found(detail=said, remedy=_INSTALL) if facts.service.ours else _rewrite(facts, True, said, "its path")


def _no_plist(facts: Facts) -> Any:
    """Find a missing plist: launchd goes on with what it has read. `install` writes only our own."""
    said = "{service.plist}. It runs only until you log out. What launchd knows of it:"
    theirs = Found(detail=said, remedy="launchctl print gui/{uid}/{service.label}")
    return not facts.service.plist_there and (facts.service.ours or theirs)


def _by_type(facts: Facts) -> Any:
    found = facts.service.process_type
    said = "Its ProcessType is {service.process_type}." if found else "It sets no ProcessType."
    return _rewrite(facts, found != "Interactive", f"{said} Models generate several times slower.",
                    "ProcessType to Interactive")  # fmt: skip


def _open_to_all(facts: Facts) -> Any:
    server = server_of(facts)
    return facts.service.listens_everywhere and server is not None and not server.fault and not server.key_wanted


def _no_config(facts: Facts) -> Any:
    """Find a missing config. `install` writes our own service's; for another one, a config without models suffices."""
    if facts.service.config_there or facts.service.ours:
        return not facts.service.config_there
    named = facts.service.config
    file = named if named.endswith((".yaml", ".yml")) else f"{named}/config.yaml"  # else it is a --config-dir
    folder = file.rpartition("/")[0]
    return Found({"folder": folder, "file": file}, remedy="mkdir -p {folder} && echo 'models: {{}}' > {file}")


def _no_log(facts: Facts) -> Any:
    service = facts.service
    aside = Found(remedy="mv {service.log} {service.log}.aside && touch {service.log}")  # a folder, or another user's
    missing = Found({"folder": service.log.rpartition("/")[0]})
    return service.log_trouble and (missing if service.log_bytes is None else aside)


def _large_log(facts: Facts) -> Any:
    used, free = facts.service.log_bytes or 0, facts.data.free_bytes
    fits = free is None or used < free
    return used > LOG_LIMIT_BYTES and (fits or Found(remedy=f"tail -n 9999 {_LOG} > {_LOG}.1 && : > {_LOG}"))


def _denied(facts: Facts) -> Any:
    lines = [line for line in facts.service.log_lines if "operation not permitted" in line.lower()]
    return lines and Found(lines=tuple(lines[-1:]))


def _holder(facts: Facts, *, is_llama_swap: bool) -> Any:
    """Return the process on the port of a service that isn't running."""
    holder = facts.processes.holder
    if holder is None or facts.job.running:
        return None
    known = holder.pid in [process.pid for process in facts.processes.llama_swaps]
    return holder if known is is_llama_swap else None


def _crash_loop(facts: Facts) -> Any:
    """Find a crash loop. Between crashes it runs for a moment, so running counts only if it also answers."""
    job, server = facts.job, server_of(facts)
    up = job.running and (server is None or server.fault is not FaultKind.REFUSED)
    loops = not up and job.failed and (job.runs or 0) >= CRASHES_THAT_LOOP
    return loops and Found(lines=facts.service.log_lines[-QUOTED_LINES:])


def _newer_config(facts: Facts) -> Any:
    changed_s, started_s = facts.service.config_modified_s, facts.job.started_s
    known = changed_s is not None and started_s is not None and not facts.service.watches_config
    return known and (changed_s or 0) > (started_s or 0) + SLACK_S


def _twin(facts: Facts) -> Any:
    same = facts.service.same_port
    return same and {"label": same[0][0], "plist": same[0][1]}


_AGENTS = ("mac", "agents")
_BINARY = ("mac", "service", "binary")
_PORT = ("mac", "service", "job", "processes")
_JOB = ("mac", "logged_in", "service", "job")
_PROGRAM = ("service-program-missing", "service-program-quarantined", "service-program-fails")
_CONFIG = ("service-without-config", "service-config-missing", "service-config-refused")
_CAUSES = ("launchd-silent", "no-login-at-the-screen", "service-plist-broken", "agents-folder-refused",
           "service-plist-refused", "runs-outside-its-service")  # fmt: skip
_LOADED = (*_CAUSES, "service-disabled", "service-not-loaded")
_STARTS = (*_LOADED, *_PROGRAM, *_CONFIG, "port-held-by-another", "service-log-unwritable", "service-signature-refused")
_RUNS = (*_STARTS, "service-cannot-be-started", "service-killed-for-memory", "service-crash-loop")
WONT_START = frozenset((*_STARTS, "service-cannot-be-started")) - {"service-not-loaded", "service-signature-refused"}
_INSTALL, _LOG = "{llamabar} install --force", "{service.log}"
_START, _RESTART = "{llamabar} start{on}", "{llamabar} restart{on}"
SERVICE = Layer("service", ("mac", "service"), _summary, (
    Check("launchd-silent", Level.WARNING, lambda f: f.logged_in is None,
          "launchd isn't responding", "launchctl didn't answer, so the state of the service is unknown.",
          "launchctl managername", needs=("mac", "logged_in")),
    Check("no-login-at-the-screen", Level.ERROR, lambda f: f.logged_in is False,
          "You aren't logged in at the Mac's screen",
          "launchd can't start a user service over ssh. Log in there, or with Screen Sharing from another Mac. Then:",
          _START, ("launchd-silent",), ("mac", "logged_in", "service")),
    Check("agents-folder-refused", Level.ERROR, _folder,
          "launchd refuses the LaunchAgents folder", "Others can write {agents.folder}.", "chmod go-w {agents.folder}",
          needs=_AGENTS),
    Check("service-plist-broken", Level.ERROR, lambda f: f.agents.broken and {"plist": f.agents.broken[0]},
          "A LaunchAgent isn't a valid property list", "{plist}. If llamabar wrote it: {llamabar} install --force",
          "plutil -lint {plist}", needs=_AGENTS),
    Check("service-plist-missing", Level.WARNING, _no_plist,
          "The LaunchAgent of {service.label} is gone", "{service.plist}. It runs only until you log out. To write it:",
          "{llamabar} install"),
    Check("service-plist-refused", Level.ERROR, lambda f: f.service.plist_refused,
          "launchd refuses the LaunchAgent", "Others can write {service.plist}, or it isn't yours.",
          "cp {service.plist} {service.plist}.new && chmod 644 {service.plist}.new && "
          "mv -f {service.plist}.new {service.plist}"),
    Check("service-plist-linked", Level.WARNING, lambda f: f.service.plist_linked,
          "The LaunchAgent is a symbolic link", "macOS doesn't load it at login.",
          "cp {service.plist} {service.plist}.new && mv {service.plist}.new {service.plist}"),
    Check("service-plist-quarantined", Level.ERROR, lambda f: f.service.plist_quarantined,
          "macOS has quarantined the LaunchAgent", "{service.plist}", "xattr -d com.apple.quarantine {service.plist}"),
    Check("service-program-missing", Level.ERROR,
          _no_program,
          "The service's llama-swap is missing", "{service.program} can't be executed.", packages.INSTALL),
    Check("service-program-quarantined", Level.ERROR, lambda f: f.service.program_quarantined,
          "macOS has quarantined llama-swap", "{service.program}", "xattr -d com.apple.quarantine {service.program}",
          ("service-program-missing",)),
    Check("service-program-fails", Level.ERROR, lambda f: f.binary.trouble,
          "llama-swap doesn't start", "{binary.trouble}", "{service.program} --version",
          ("service-program-missing", "service-program-quarantined"), _BINARY),
    Check("service-without-config", Level.ERROR,
          lambda f: _rewrite(f, not f.service.config, "llama-swap needs one to start.", "--config in ProgramArguments"),
          "The service names no config file", "llama-swap needs one to start.", _INSTALL),
    Check("service-config-missing", Level.ERROR, _no_config,
          "The service's config file is missing", "{service.config}. To begin with a new one:", "{llamabar} install",
          ("service-without-config",)),
    Check("service-config-refused", Level.ERROR, lambda f: f.binary.config_good is False,
          "llama-swap rejects its config file", "{binary.config_words}", "open -t {service.config}",
          ("service-without-config", "service-config-missing", *_PROGRAM), _BINARY),
    Check("service-twice", Level.WARNING, _twin,
          "{label} uses the same port as {service.label}", "Only one of them can run. To set that one aside:",
          "mv {plist} {plist}.aside; launchctl bootout gui/{uid}/{label}"),
    Check("service-open-to-all", Level.WARNING, _open_to_all,
          "Anyone on your network can use and stop llama-swap",
          "It listens on all interfaces without an API key. Add apiKeys, or use --listen 127.0.0.1:PORT.",
          "open -t {service.config}", needs=("mac", "service", "servers")),
    Check("service-log-large", Level.WARNING,
          _large_log,
          "The log has grown to {service.log_bytes:size}", "{service.log}. launchd never shortens it.",
          f"cp {_LOG} {_LOG}.1 && : > {_LOG}", fix=True),
    Check("service-log-unwritable", Level.ERROR,
          _no_log,
          "The service's log can't be written", "{service.log_trouble}. launchd won't start the service without it.",
          "mkdir -p {folder} && touch {service.log}"),
    Check("service-denied-files", Level.ERROR, _denied,
          "macOS denies the service a file", "Give llama-swap and llama-server Full Disk Access:", FULL_DISK_ACCESS,
          ("service-log-unwritable",)),
    Check("service-throttled-by-type", Level.WARNING, _by_type,
          "macOS slows the service down", "Its ProcessType isn't Interactive. Models generate several times slower.",
          _INSTALL),
    Check("service-without-path", Level.WARNING,
          lambda f: _rewrite(f, not f.service.has_path, "Model servers named without a folder aren't found.",
                             "PATH in EnvironmentVariables"),
          "The service has no PATH", "Model servers named without a folder aren't found.", _INSTALL),
    Check("port-held-by-another", Level.ERROR, lambda f: _holder(f, is_llama_swap=False),
          "{it.name} (pid {it.pid}) uses the service's port", "Quit it, or use another port (--listen). To quit it:",
          "kill {it.pid}", needs=_PORT),
    Check("runs-outside-its-service", Level.WARNING, lambda f: _holder(f, is_llama_swap=True),
          "llama-swap (pid {it.pid}) runs outside its service", "It uses the port, so the service can't start.",
          f"kill {{it.pid}} && {_START}", needs=_PORT),
    Check("service-disabled", Level.ERROR,
          lambda f: f.job.disabled and Found(detail=UNTIL_LOGOUT if f.job.running else ""),
          "{service.label} is disabled", "By `launchctl disable`, or in Login Items & Extensions.",
          f"launchctl enable gui/{{uid}}/{{service.label}} && {_START}", _CAUSES, _JOB, fix=True),
    Check("service-not-loaded", Level.ERROR, lambda f: not f.job.loaded,
          "{service.label} isn't loaded", "It was stopped, or turned off in Login Items & Extensions.", _START,
          (*_CAUSES, "service-disabled", "port-held-by-another"), _JOB),
    Check("service-signature-refused", Level.ERROR, lambda f: f.job.signature_refused,
          "macOS rejects llama-swap's code signature", "The program was replaced while loaded, as an upgrade does.",
          _RESTART, _LOADED, _JOB),
    Check("service-cannot-be-started", Level.ERROR, lambda f: f.job.refused and not f.job.running,
          "launchd can't start {service.label}",
          "Its program, working folder or log is missing or denied ({job.last_exit}).",
          "launchctl print gui/{uid}/{service.label}", _STARTS, _JOB),
    Check("service-killed-for-memory", Level.ERROR,
          lambda f: f.job.last_exit.startswith("JETSAM") and not f.job.running,
          "macOS stopped llama-swap: out of memory", "Load fewer or smaller models at a time.", _START, _LOADED, _JOB),
    Check("service-crash-loop", Level.ERROR, _crash_loop,
          "{service.label} keeps crashing", "Started {job.runs:time}, last exit {job.last_exit}.",
          "{llamabar} logs{on}", (*_STARTS, "service-cannot-be-started", "service-killed-for-memory"), _JOB),
    Check("service-failed", Level.ERROR,
          lambda f: not f.job.running and f.job.failed and Found(lines=f.service.log_lines[-QUOTED_LINES:]),
          "{service.label} failed", "Last exit {job.last_exit}.", _START, _RUNS, _JOB),
    Check("service-not-running", Level.ERROR, lambda f: not f.job.running,
          "{service.label} isn't running", "launchd's state: {job.state}.", _START,
          (*_RUNS, "service-failed"), _JOB),
    Check("service-program-replaced", Level.NOTE, lambda f: f.job.replaced,
          "A newer llama-swap is waiting for a restart", "{service.program}", _RESTART, _LOADED, _JOB),
    Check("service-plist-changed", Level.NOTE,
          lambda f: f.job.arguments and f.service.command not in ((), f.job.arguments),
          "The LaunchAgent changed after launchd loaded it", "{service.plist}", _RESTART, _LOADED, _JOB),
    Check("config-newer-than-process", Level.NOTE, _newer_config,
          "The config changed after llama-swap started", "{service.config}", _RESTART, _LOADED,
          ("mac", "service", "job")),
))  # fmt: skip
