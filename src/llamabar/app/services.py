"""The LaunchAgent of a server: which one it is, and what is done with it. Nothing is started that nobody asked for."""

import os
from pathlib import Path
from typing import Callable, List, NamedTuple, Optional

from llamabar.core.address import is_local, port_of
from llamabar.core.events import ServiceFound
from llamabar.errors import LlamabarError
from llamabar.macos import files, launchctl, logs, probe
from llamabar.macos.agents import Agent, find_agents, flag, listen_of
from llamabar.macos.launchctl import Job, Trouble
from llamabar.macos.paths import OWN_LABEL, data_folder
from llamabar.macos.service_control import Control, Outcome
from llamabar.settings.load import ServerSettings, settings_path
from llamabar.settings.options import CONFIG_FILE, LOG_FILE
from llamabar.settings.page import first_settings

SETTINGS, FOLDER, PLIST, LOG, CONFIG = "settings", "folder", "plist", "log", "config"
TEXTS = (SETTINGS, LOG, CONFIG)
NAMED = {LOG: LOG_FILE, CONFIG: CONFIG_FILE}  # by those who come from the Rust plugin


class Known(NamedTuple):
    """A service: its label, plist, address and log, and the program that it starts."""

    label: str
    plist: Path
    url: str
    log: Optional[Path]
    program: str
    config: Optional[Path] = None


def find(server: ServerSettings) -> Optional[Known]:
    """Return the service of a server on this computer: the one its settings name, else the one at its address."""
    if not is_local(server.url):
        return None
    agents = find_agents(Path(os.path.expanduser("~")))
    named = [agent for agent in agents if server.service and agent.label == server.service]
    same = [agent for agent in agents if port_of(agent.url) == port_of(server.url)]
    ours = [agent for agent in same if agent.label == OWN_LABEL]
    chosen: List[Agent] = named or ours or same
    if not chosen or not launchctl.LABEL.match(chosen[0].label):
        return None
    agent = chosen[0]
    config = flag(agent.arguments[1:], "config")
    path = Path(os.path.expanduser(config)) if config else None
    return Known(agent.label, agent.plist, server.url, agent.log, agent.arguments[0], path)


def require(server: ServerSettings) -> Known:
    """Return the service of a server; raise LlamabarError that says why it has none."""
    if not is_local(server.url):
        raise LlamabarError(f"{server.url} is on another computer.", "Start, stop and restart it there.")
    if not launchctl.available():
        raise LlamabarError("There is no launchd here (launchctl was not found).", "Services need a Mac.")
    known = find(server)
    if known is not None:
        return known
    from llamabar.sources.processes import running

    for process in running(listen_of):
        if port_of(process.url) == port_of(server.url):
            raise LlamabarError(
                f"The llama-swap at {process.url} (pid {process.pid}) was not started by a LaunchAgent.",
                "End it where it was started (Ctrl-C in its terminal). For a service: llamabar.pyz install",
            )
    raise LlamabarError("No service is known that runs llama-swap.", "Make one: llamabar.pyz install")


def start(known: Known, *, say: Callable[[str], None]) -> Outcome:
    """Start a service, its log shortened first when it has grown long."""
    _shorten_log(known)
    return _not_ours(known) or _control(known, say).start()


def stop(known: Known, *, say: Callable[[str], None]) -> Outcome:
    """Stop a service until the next login or start."""
    return _not_ours(known) or _control(known, say).stop()


def restart(known: Known, *, say: Callable[[str], None]) -> Outcome:
    """Restart a service; loaded anew where its plist or its program's file has changed."""
    from llamabar.sources.processes import runs_an_older_file

    try:
        pid = launchctl.look(known.label).pid
    except Trouble:
        pid = None
    return _not_ours(known) or _control(known, say).restart(replaced=runs_an_older_file(pid, known.program))


def look(server: ServerSettings, *, answering: bool) -> Optional[ServiceFound]:
    """Return a server's service and its state; None where nothing can be said.

    While it answers only plists are read: launchd is not asked what the API shows.
    """
    if not is_local(server.url) or not launchctl.available():
        return None
    known = find(server)
    if known is None:
        return ServiceFound("", "none")
    _shorten_log(known)
    if answering:
        return ServiceFound(known.label, "running")
    try:
        job = launchctl.look(known.label)
    except Trouble:
        return None
    return ServiceFound(known.label, state_of(job), crashes_of(job))


def state_of(job: Job) -> str:
    """Return a job's state as one of: running, starting, stopping, stopped, not loaded, failing."""
    if not job.loaded:
        return "not loaded"
    if job.ending:
        return "stopping"
    if job.pid is not None:
        return "running"
    if job.state in ("spawn scheduled", "spawning", "xpcproxy"):
        return "failing" if job.failed or job.refused else "starting"
    return "failing" if job.refused or job.failed else "stopped"


def crashes_of(job: Job) -> int:
    """Return how often it ended badly, as far as launchd's count of runs tells; 0 while it runs well."""
    return (job.runs or 1) if job.pid is None and (job.failed or job.refused) else 0


def path_of(kind: str, server: ServerSettings) -> Path:
    """Return the path of a file that belongs to a server; raise LlamabarError where there is none."""
    if kind == SETTINGS:
        return _settings_file()
    if kind == FOLDER:
        return _data_folder()
    named = os.environ.get(NAMED.get(kind, ""), "").strip()
    if named:
        return _named(Path(os.path.expanduser(named)), NAMED[kind])
    known = require(server)
    if kind == PLIST:
        return known.plist
    path = known.log if kind == LOG else known.config
    if path is None or not path.is_file():
        raise LlamabarError(f"{known.label} has no {kind} that is there.", f"Its LaunchAgent names it: {known.plist}")
    return path


def log_of(server: ServerSettings) -> Optional[Path]:
    """Return where a server's log is, None if it has no service here; raise LlamabarError where it is not there."""
    if os.environ.get(LOG_FILE, "").strip():
        return path_of(LOG, server)
    known = find(server)
    if known is not None and (known.log is None or not known.log.is_file()):
        raise LlamabarError(f"{known.label} has no log file.", "`llamabar.pyz logs --upstream` asks llama-swap itself.")
    return known.log if known is not None else None


def _named(path: Path, variable: str) -> Path:
    if not path.is_file():
        raise LlamabarError(f"There is no file {path}.", f"{variable} names it.")
    return path


def _not_ours(known: Known) -> Optional[Outcome]:
    """Return why a service cannot be started or stopped: it does not run, and something else answers there."""
    try:
        job = launchctl.look(known.label)
    except Trouble:
        return None
    if job.pid is not None or not probe.answers(known.url):
        return None
    said = f"The llama-swap at {known.url} was not started by {known.label}"
    return Outcome(False, said, "End it where it was started (Ctrl-C in its terminal), then: llamabar.pyz start")


def _shorten_log(known: Known) -> None:
    """launchd never does: the log of our own service is moved aside when it is long, one older part is kept."""
    if known.label == OWN_LABEL and known.log is not None:
        logs.rotate(known.log)


def _settings_file() -> Path:
    path = settings_path(os.environ)
    if not path.exists():
        files.write(path, first_settings(), mode=0o600)
    return path


def _data_folder() -> Path:
    folder = data_folder(os.environ)
    if not folder.is_dir():
        raise LlamabarError(f"There is no data folder yet ({folder}).", "llamabar.pyz install makes it.")
    return folder


def _control(known: Known, say: Callable[[str], None]) -> Control:
    return Control(known.label, known.plist, lambda: probe.answers(known.url), known.log, say)
