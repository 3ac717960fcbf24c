"""Actions on the service of a server: start, stop, restart, state, files. Nothing starts by itself."""

import os
import subprocess
import time
from enum import Enum
from pathlib import Path
from typing import Callable, Mapping, Optional, Tuple

from llamabar.app.service_search import Known, Missing, missing, require, search
from llamabar.core.address import is_local
from llamabar.core.events import ServiceFound, ServiceState
from llamabar.errors import LlamabarError
from llamabar.macos import agents, files, launchctl, logs, probe
from llamabar.macos.launchctl import Trouble
from llamabar.macos.notes import Note
from llamabar.macos.paths import OWN_LABEL, command_name, data_folder, settings_file, start_words
from llamabar.settings.load import ServerSettings
from llamabar.settings.options import CONFIG_FILE, LOG_FILE

SETTINGS, FOLDER, PLIST, LOG, CONFIG = "settings", "folder", "plist", "log", "config"
OPENED: Mapping[str, Tuple[str, ...]] = {  # how `open` opens them: a text in an editor, a LaunchAgent in Finder
    PLIST: ("-R",), **dict.fromkeys((SETTINGS, LOG, CONFIG), ("-t",)),
}  # fmt: skip
NAMED = {LOG: LOG_FILE, CONFIG: CONFIG_FILE}  # named by users of the Rust plugin
FINISH_S = 120  # how long a restart that ran out of time continues in the background


class Verb(Enum):
    """The actions on a service."""

    START = "start"
    STOP = "stop"
    RESTART = "restart"


def act(
    verb: Verb, server: ServerSettings, *, say: Callable[[str], None], limit_s: Optional[float] = None,
    known: Optional[Known] = None,
) -> Note:  # fmt: skip
    """Start, stop or restart a server's service within a limit, the contract's by default (stop: ExitTimeOut + 5 s).

    `known`: the service, if it was looked for already: launchd may take seconds to say.
    """
    from llamabar.macos.service_control import START_S, Control  # not needed to watch
    from llamabar.sources.processes import runs_an_older_file

    began_s = time.monotonic()
    known = known or require(server)
    control = Control(
        known.label, known.plist, known.url, log_paths=logs_of(known), say=say, finish=lambda: _finish(server),
        limit_s=START_S if limit_s is None else limit_s, began_s=began_s,
        replaced=lambda pid: runs_an_older_file(pid, known.program), only_its_own=True,
    )  # fmt: skip
    if verb is Verb.START:
        _shorten_logs(known)
        return control.start()
    return control.stop() if verb is Verb.STOP else control.restart()


def look(server: ServerSettings, *, answering: bool) -> Optional[ServiceFound]:
    """Return a server's service and its state; None if unknown.

    While the server responds, launchd isn't asked for the service's state: the API shows it.
    """
    if not is_local(server.url) or not launchctl.available():
        return None
    found = search(server)
    if found.known is None:
        unsure = found.missing in (Missing.UNKNOWN, Missing.NO_LAUNCHD)
        return None if unsure else ServiceFound("", ServiceState.NONE)
    _shorten_logs(found.known)
    if answering:
        return ServiceFound(found.known.label, ServiceState.RUNNING)
    try:
        job = launchctl.look(found.known.label)
    except Trouble:
        return None
    return ServiceFound(found.known.label, job.kind, job.crashes)


def path_of(kind: str, server: ServerSettings) -> Path:
    """Return the path of a file that belongs to a server; raise LlamabarError if there is none."""
    if kind == SETTINGS:
        return _settings_file()
    if kind == FOLDER:
        return _data_folder()
    if os.environ.get(NAMED.get(kind, ""), "").strip():
        return _from_environment(kind)
    known = require(server)
    path = known.plist if kind == PLIST else logs.current(logs_of(known)) if kind == LOG else known.config
    if path is None or not os.path.isfile(path):
        raise LlamabarError(f"{known.label} has no {kind} file.", f"See its LaunchAgent: {known.agent.plist}")
    return path


def logs_for(server: ServerSettings) -> Tuple[Path, ...]:
    """Return a server's logs, () if it has no service here; raise LlamabarError if none of them exists."""
    if os.environ.get(LOG_FILE, "").strip():
        return (path_of(LOG, server),)
    found = search(server)
    if found.known is None:
        if found.missing is Missing.NO_SUCH_LABEL:
            raise missing(server, found)
        return ()
    paths = logs_of(found.known)
    if logs.current(paths) is None:
        raise LlamabarError(
            f"{found.known.label} has no log file.", f"Ask llama-swap: {command_name()} logs --upstream"
        )
    return paths


def logs_of(known: Known) -> Tuple[Path, ...]:
    """Return the files that a service writes to: those that its process has open, then those of its LaunchAgent."""
    from llamabar.sources.listening import lineage, outputs

    pids = lineage(known.url) if probe.answers(known.url) else ()
    held = outputs(pids[0]) if pids else ()
    return tuple(dict.fromkeys((*held, *agents.logs_of(known.agent.content))))


def _from_environment(kind: str) -> Path:
    variable = NAMED[kind]
    path = Path(os.path.expanduser(os.environ[variable].strip()))
    if not os.path.isfile(path):
        raise LlamabarError(f"There is no file {path}.", f"{variable} names it.")
    return path


def _finish(server: ServerSettings) -> None:
    """Start the service once its process has ended, in a separate process that outlives this one."""
    null = subprocess.DEVNULL
    words = [*start_words(os.environ), "start", "--within", str(FINISH_S), "--server", server.name]
    subprocess.Popen(words, stdin=null, stdout=null, stderr=null, start_new_session=True)


def _shorten_logs(known: Known) -> None:
    """Rotate a long log of our own service and keep one older part: launchd never does."""
    for path in agents.logs_of(known.agent.content) if known.label == OWN_LABEL else ():
        logs.rotate(path)


def _settings_file() -> Path:
    from llamabar.settings.page import first_settings

    path = settings_file(os.environ)
    if not os.path.exists(path):
        try:
            files.write(path, first_settings(), mode=files.PRIVATE_MODE)
        except OSError as error:
            raise LlamabarError(f"Can't write {path}: {error.strerror}.", "Check who owns its folder.") from None
    return path


def _data_folder() -> Path:
    folder = data_folder(os.environ)
    if not os.path.isdir(folder):
        raise LlamabarError(f"No data folder yet ({folder}).", f"To create it: {command_name()} install")
    return folder
