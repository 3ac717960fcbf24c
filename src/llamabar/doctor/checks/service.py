"""The service: the LaunchAgent that starts llama-swap, as it is on disk and as launchd runs it."""

from typing import Any, Optional, Tuple

from llamabar.doctor.checks import packages
from llamabar.doctor.checks.facts import Facts, Server
from llamabar.doctor.checks.finding import Check, Found, Layer, Level

LOG_LIMIT_BYTES = 100_000_000
STOP_S = 35.0  # llama-swap waits this long for its model servers
LAUNCHD_STOP_S = 5.0
CRASHES_THAT_LOOP = 3
SLACK_S = 1.0  # a start is known to the second
QUOTED_LINES = 5
STATES = {"": "not loaded", "spawn scheduled": "waiting for its next start"}
FULL_DISK_ACCESS = "open 'x-apple.systempreferences:com.apple.preference.security?Privacy_AllFiles'"


def _summary(facts: Facts) -> Tuple[bool, str]:
    service = facts.service
    if facts.trouble("job"):
        return False, f"{service.label}, state unknown"
    if service.pid is None:
        return False, f"{service.label}, {STATES.get(service.state, service.state)}"
    return True, f"{service.label}, running (pid {service.pid})"


def server_of(facts: Facts) -> Optional[Server]:
    """Return the server that the service runs, as it answers."""
    return next((server for server in facts.servers if server.name == facts.service.server), None)


def _rewrite(facts: Facts, applies: Any, said: str, wanted: str) -> Any:
    """Return what writing our LaunchAgent again repairs; somebody else's is changed by hand."""
    if not applies or facts.service.ours:
        return applies and Found(detail=said)
    by_hand = f"{said} llamabar didn't write it: set {wanted} in this file, then run: {{llamabar}} restart"
    return Found(detail=by_hand.strip(), remedy="open -t {service.plist}")


def _folder(facts: Facts) -> Any:
    words = {
        "not_a_folder": Found(detail="{agents.folder} isn't a folder.",
                              remedy="mv {agents.folder} {agents.folder}.aside"),
        "foreign": Found(detail="{agents.folder} belongs to another user.",
                         remedy='sudo chown -R "$(id -un)" {agents.folder}'),
    }  # fmt: skip
    trouble = facts.agents.folder_trouble
    return trouble and words.get(trouble, True)


def _by_type(facts: Facts) -> Any:
    found = facts.service.process_type
    said = "Its ProcessType is {service.process_type}." if found else "It sets no ProcessType."
    return _rewrite(facts, found != "Interactive", f"{said} Models generate several times slower.",
                    "ProcessType to Interactive")  # fmt: skip


def _stops_too_soon(facts: Facts) -> Any:
    waits_s = facts.service.exit_timeout_s
    found = _rewrite(facts, waits_s is None or waits_s < STOP_S, f"Stopping its models can take {STOP_S:g} s.",
                     "ExitTimeOut to 45")  # fmt: skip
    return found and Found({"seconds": f"{LAUNCHD_STOP_S if waits_s is None else waits_s:g}"}, detail=found.detail,
                           remedy=found.remedy)  # fmt: skip


def _open_to_all(facts: Facts) -> Any:
    server = server_of(facts)
    return facts.service.listens_everywhere and server is not None and not server.fault and not server.key_wanted


def _denied(facts: Facts) -> Any:
    lines = [line for line in facts.service.log_lines if "operation not permitted" in line.lower()]
    return lines and Found(lines=tuple(lines[-1:]))


def _holder(facts: Facts, *, is_llama_swap: bool) -> Any:
    """Return who holds the port of a service that isn't running."""
    holder = facts.processes.holder
    if holder is None or facts.service.pid is not None:
        return None
    known = holder.pid in [process.pid for process in facts.processes.llama_swaps]
    return holder if known is is_llama_swap else None


def _not_allowed(facts: Facts) -> Any:
    if facts.service.loaded or not facts.background.off:
        return None
    grey = " Where the switch is grey, only your company can." if facts.background.managed else ""
    return Found(detail=f"Turn it on there.{grey}")


def _not_loaded(facts: Facts) -> Any:
    if facts.service.loaded:
        return None
    maybe = ", or it is turned off in Login Items & Extensions" if facts.trouble("background") else ""
    return Found(detail=f"It was stopped{maybe}.")


def _crash_loop(facts: Facts) -> Any:
    """Between two crashes it lives for a moment: only one that answers counts as up."""
    service, server = facts.service, server_of(facts)
    up = service.pid is not None and (server is None or server.fault != "refused")
    loops = not up and service.failed and (service.runs or 0) >= CRASHES_THAT_LOOP
    return loops and Found(lines=service.log_lines[-QUOTED_LINES:])


def _failed(facts: Facts) -> Any:
    service = facts.service
    return service.pid is None and service.failed and Found(lines=service.log_lines[-QUOTED_LINES:])


def _not_running(facts: Facts) -> Any:
    service = facts.service
    if service.pid is not None:
        return None
    waits = service.state == "spawn scheduled"
    said = "launchd waits before starting it again." if waits else "launchd's state: {service.state}."
    return Found(detail=said if service.state else "")


def _newer_config(facts: Facts) -> Any:
    changed_s, started_s = facts.service.config_modified_s, facts.service.started_s
    known = changed_s is not None and started_s is not None and not facts.service.watches_config
    return known and (changed_s or 0) > (started_s or 0) + SLACK_S


def _twin(facts: Facts) -> Any:
    same = facts.service.same_port
    return same and {"label": same[0][0], "plist": same[0][1]}


_AGENTS = ("mac", "agents")
_BINARY = ("mac", "service", "binary")
_PORT = ("mac", "service", "job", "processes")
_JOB = ("mac", "launchd", "service", "job")
_PROGRAM = ("service-program-missing", "service-program-quarantined", "service-program-fails")
_CONFIG = ("service-without-config", "service-config-missing", "service-config-refused")
_CAUSES = ("launchd-silent", "no-login-at-the-screen", "service-plist-broken", "agents-folder-refused",
           "service-plist-refused", "runs-outside-its-service")  # fmt: skip
_LOADED = (*_CAUSES, "service-disabled", "service-not-allowed", "service-not-loaded")
_STARTS = (*_LOADED, *_PROGRAM, *_CONFIG, "port-held-by-another", "service-log-unwritable", "service-signature-refused")
_RUNS = (*_STARTS, "service-cannot-be-started", "service-killed-for-memory", "service-crash-loop")
_INSTALL = "{llamabar} install --force"
_START, _RESTART = "{llamabar} start", "{llamabar} restart"
SERVICE = Layer("service", ("mac", "service"), _summary, (
    Check("launchd-silent", Level.WARNING, lambda f: not f.launchd.answers,
          "launchd isn't responding", "launchctl didn't answer, so nobody can tell whether the service runs.",
          "launchctl managername", needs=("mac", "launchd")),
    Check("no-login-at-the-screen", Level.ERROR, lambda f: f.launchd.gui is False,
          "You aren't logged in at the Mac's screen",
          "launchd can't start a user service over ssh. Log in there, or with Screen Sharing:",
          "open 'vnc://localhost'", ("launchd-silent",), ("mac", "launchd")),
    Check("agents-folder-refused", Level.ERROR, _folder,
          "launchd refuses the LaunchAgents folder", "Others can write {agents.folder}.", "chmod go-w {agents.folder}",
          needs=_AGENTS),
    Check("service-plist-broken", Level.ERROR, lambda f: f.agents.broken and {"plist": f.agents.broken[0]},
          "A LaunchAgent isn't a valid property list", "{plist}. If llamabar wrote it: {llamabar} install --force",
          "plutil -lint {plist}", needs=_AGENTS),
    Check("service-plist-refused", Level.ERROR, lambda f: f.service.plist_refused,
          "launchd refuses the LaunchAgent", "Others can write {service.plist}, or it isn't yours.",
          "chmod 644 {service.plist}"),
    Check("service-plist-linked", Level.WARNING, lambda f: f.service.plist_linked,
          "The LaunchAgent is a symbolic link", "macOS doesn't load it at login.",
          "cp {service.plist} {service.plist}.new && mv {service.plist}.new {service.plist}"),
    Check("service-plist-quarantined", Level.ERROR, lambda f: f.service.plist_quarantined,
          "macOS has quarantined the LaunchAgent", "{service.plist}", "xattr -d com.apple.quarantine {service.plist}"),
    Check("service-program-missing", Level.ERROR,
          lambda f: not f.service.program_there and Found(remedy=packages.install(f)),
          "The service's llama-swap is missing", "{service.program} can't be executed.", packages.INSTALL),
    Check("service-program-quarantined", Level.ERROR, lambda f: f.service.program_quarantined,
          "macOS has quarantined llama-swap", "{service.program}", "xattr -d com.apple.quarantine {service.program}",
          ("service-program-missing",)),
    Check("service-program-fails", Level.ERROR, lambda f: f.service.program_trouble,
          "llama-swap doesn't start", "{service.program_trouble}", "{service.program} --version",
          ("service-program-missing", "service-program-quarantined"), _BINARY),
    Check("service-program-translated", Level.WARNING,
          lambda f: f.service.program_translated and Found(remedy=packages.upgrade(f)),
          "llama-swap is an Intel program on Apple silicon", "{service.program} runs under Rosetta.",
          packages.RELEASES, ("service-program-missing",)),
    Check("service-without-config", Level.ERROR,
          lambda f: _rewrite(f, not f.service.config, "llama-swap needs one to start.", "--config in ProgramArguments"),
          "The service names no config file", "llama-swap needs one to start.", _INSTALL),
    Check("service-config-missing", Level.ERROR, lambda f: not f.service.config_there,
          "The service's config file is missing", "{service.config}", "ls -l {service.config}",
          ("service-without-config",)),
    Check("service-config-refused", Level.ERROR, lambda f: f.service.config_good is False,
          "llama-swap rejects its config file", "{service.config_words}", "open -t {service.config}",
          ("service-without-config", "service-config-missing", *_PROGRAM), _BINARY),
    Check("service-twice", Level.WARNING, _twin,
          "{label} uses the same port as {service.label}", "Only one of them can run. To set that one aside:",
          "mv {plist} {plist}.aside; launchctl bootout gui/{uid}/{label}"),
    Check("service-for-all-users", Level.NOTE, lambda f: f.agents.system and {"plist": f.agents.system[0]},
          "Another llama-swap starts for all users", "{plist}", "ls -l {plist}", needs=_AGENTS),
    Check("service-open-to-all", Level.WARNING, _open_to_all,
          "Anyone on your network can use and stop llama-swap",
          "It listens on all interfaces without an API key. Add apiKeys, or use --listen 127.0.0.1:PORT.",
          "open -t {service.config}", needs=("mac", "service", "servers")),
    Check("service-log-large", Level.WARNING,
          lambda f: f.service.log_bytes is not None and f.service.log_bytes > LOG_LIMIT_BYTES,
          "The log has grown to {service.log_bytes:size}", "{service.log}. launchd never shortens it.",
          "cp {service.log} {service.log}.1 && : > {service.log}", fix=True),
    Check("service-log-unwritable", Level.ERROR,
          lambda f: f.service.log_trouble and {"folder": f.service.log.rpartition("/")[0]},
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
    Check("service-stopped-too-soon", Level.NOTE, _stops_too_soon,
          "launchd kills llama-swap {seconds} s after telling it to stop",
          f"Stopping its models can take {STOP_S:g} s.",
          _INSTALL),
    Check("service-holds-secret", Level.NOTE, lambda f: f.service.secrets,
          "The LaunchAgent contains a secret", "Any program you run can read it: {service.secrets:some}.",
          "open -t {service.plist}"),
    Check("service-in-private-folder", Level.WARNING,
          lambda f: f.service.protected and {"path": f.service.protected[0]},
          "macOS may deny the service its files",
          "Move {path}, or give llama-swap and llama-server Full Disk Access:",
          FULL_DISK_ACCESS),
    Check("service-without-log", Level.NOTE,
          lambda f: _rewrite(f, not f.service.log, "Nothing tells why llama-swap fails.", "StandardErrorPath"),
          "The service has no log", "Nothing tells why llama-swap fails.", _INSTALL),
    Check("port-held-by-another", Level.ERROR, lambda f: _holder(f, is_llama_swap=False),
          "{it.name} (pid {it.pid}) uses the service's port", "Quit it, or use another port (--listen). To quit it:",
          "kill {it.pid}", needs=_PORT),
    Check("runs-outside-its-service", Level.WARNING, lambda f: _holder(f, is_llama_swap=True),
          "llama-swap (pid {it.pid}) runs outside its service", "It uses the port, so the service can't start.",
          "kill {it.pid} && {llamabar} start", needs=_PORT),
    Check("service-disabled", Level.ERROR, lambda f: f.service.disabled,
          "{service.label} is disabled", "By `launchctl disable`, or in Login Items & Extensions.",
          "launchctl enable gui/{uid}/{service.label} && {llamabar} start", _CAUSES, _JOB, fix=True),
    Check("service-not-allowed", Level.ERROR, _not_allowed,
          "{service.label} is turned off in Login Items & Extensions", "Turn it on there.",
          "open 'x-apple.systempreferences:com.apple.LoginItems-Settings.extension'", (*_CAUSES, "service-disabled"),
          (*_JOB, "background")),
    Check("service-not-loaded", Level.ERROR, _not_loaded,
          "{service.label} isn't loaded", "It was stopped.", _START,
          (*_CAUSES, "service-disabled", "service-not-allowed", "port-held-by-another"), _JOB),
    Check("service-signature-refused", Level.ERROR, lambda f: "CODESIGNING" in f.service.last_exit,
          "macOS rejects llama-swap's code signature", "The program was replaced while loaded, as an upgrade does.",
          _RESTART, _LOADED, _JOB),
    Check("service-cannot-be-started", Level.ERROR, lambda f: f.service.refused and f.service.pid is None,
          "launchd can't start {service.label}",
          "Its program, working folder or log is missing or denied ({service.last_exit}).",
          "launchctl print gui/{uid}/{service.label}", _STARTS, _JOB),
    Check("service-killed-for-memory", Level.ERROR,
          lambda f: f.service.last_exit.startswith("JETSAM") and f.service.pid is None,
          "macOS stopped llama-swap: out of memory", "Load fewer or smaller models at a time.", _START, _LOADED, _JOB),
    Check("service-crash-loop", Level.ERROR, _crash_loop,
          "{service.label} keeps crashing", "Started {service.runs:time}, last exit {service.last_exit}.",
          "{llamabar} logs", (*_STARTS, "service-cannot-be-started", "service-killed-for-memory"), _JOB),
    Check("service-failed", Level.ERROR, _failed,
          "{service.label} failed", "Last exit {service.last_exit}.", _START, _RUNS, _JOB),
    Check("service-not-running", Level.ERROR, _not_running,
          "{service.label} isn't running", "launchd's state: {service.state}.", _START,
          (*_RUNS, "service-failed"), _JOB),
    Check("service-program-replaced", Level.NOTE, lambda f: f.service.replaced,
          "A newer llama-swap is waiting for a restart", "{service.program}", _RESTART, _LOADED, _JOB),
    Check("service-plist-changed", Level.NOTE, lambda f: not f.service.same_command,
          "The LaunchAgent changed after launchd loaded it", "{service.plist}", _RESTART, _LOADED, _JOB),
    Check("service-loaded-from-elsewhere", Level.WARNING,
          lambda f: f.service.loaded_path and f.service.loaded_path != f.service.plist,
          "launchd loaded the service from another file", "{service.loaded_path}",
          "launchctl bootout gui/{uid}/{service.label} && {llamabar} start", _LOADED, _JOB),
    Check("config-newer-than-process", Level.NOTE, _newer_config,
          "The config changed after llama-swap started", "{service.config}", _RESTART, _LOADED,
          ("mac", "service", "job")),
))  # fmt: skip
