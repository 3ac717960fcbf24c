"""Every path that llamabar ever writes.

Law: nothing else is ever written, except a file that the user names (`preview FILE`, `history --html FILE`) and what
`doctor --fix` says it changes. In the data folder, which only its user can read (the program apart):

    llamabar.pyz                   install
    manifest.json, backups/*       install, uninstall
    history*                       the plugin, watch, export, history --clear
    STATE_FILES                    the plugin, commands
    .*.tmp                         briefly, until it is renamed to one of these

Elsewhere:

    the settings                   install, open settings
    the LaunchAgent                install
    the exporter's, and its log    install --export, launchd
    SwiftBar's folder/llamabar.pyz install, doctor --fix: a symlink to the program
    llama-swap's config            install, if there is none
    llama-swap's log, .log.1       launchd; start and the menu rotate a long one
    CACHE/*llamabar*               the first start of a version; Apple's Python keeps its bytecode in `bytecode`
    $TMPDIR/llamabar-checks-*      doctor, restart, install: a copy of llama-swap's config while it is checked
"""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import List, Mapping, Tuple

from llamabar.core.text import quoted

OWN_LABEL = "org.llamabar.llama-swap"
EXPORT_LABEL = "org.llamabar.export"
RUST_LABEL = "com.user.llama-swap"
AGENT_FOLDER = "Library/LaunchAgents"
PLUGIN = "llamabar.pyz"
PLUGIN_NAME = "llamabar"
COMMAND = "llamabar"
USUAL_CACHE = ".shiv"
HISTORY = "history"  # prefix of the history's files
UPDATE, KNOWN_SERVERS, NAMES = "update.json", "known-servers.json", "names.json"
STATE_FILES = ("watcher.json", UPDATE, KNOWN_SERVERS, NAMES, "plugin.json")  # the last one is an earlier version's
HISTORY_FILE = "history.sqlite"
CHECKED_CONFIG = "llamabar-checks-"  # prefix of a temporary folder that holds a copy of llama-swap's config


@dataclass(frozen=True)
class Places:
    """The files and folders that an installation touches."""

    home: Path
    data: Path
    settings: Path
    cache: Path
    named: Tuple[str, ...]  # the environment variables that set one of them
    agents: Path  # this user's LaunchAgents folder
    plist: Path  # our own LaunchAgent
    log: Path  # the log of the llama-swap that it starts
    config: Path  # where a first llama-swap config is written
    export_plist: Path  # the LaunchAgent of `llamabar export`
    export_log: Path  # output of that exporter
    program: Path  # the installed copy
    manifest: Path  # the list of what was installed
    backups: Path  # of replaced files
    bytecode: Path  # where Apple's Python keeps bytecode


def places(environment: Mapping[str, str], *, option: str = "") -> Places:
    """Return this user's places, as the contract names them. `option` is the --config of a command."""
    home = _home(environment)
    named = tuple(name for name in ("LLAMABAR_CONFIG", "LLAMABAR_DATA_DIR") if environment.get(name))
    settings, cache = settings_file(environment, option), _named(environment, "SHIV_ROOT", home / USUAL_CACHE)
    return places_of(home, data_folder(environment), settings=settings, cache=cache, named=named)


def places_of(home: Path, data: Path, *, settings: Path, cache: Path, named: Tuple[str, ...] = ()) -> Places:
    """Return every place of a user, given the folders that can be chosen."""
    agents, logs = home / AGENT_FOLDER, home / "Library" / "Logs"
    return Places(
        home, data, settings, cache, named,
        agents=agents, plist=agents / f"{OWN_LABEL}.plist", log=logs / "llama-swap" / "llama-swap.log",
        config=home / ".config" / "llama-swap" / "config.yaml",
        export_plist=agents / f"{EXPORT_LABEL}.plist", export_log=logs / "llamabar" / "export.log",
        program=data / PLUGIN, manifest=data / "manifest.json", backups=data / "backups",
        bytecode=home / "Library" / "Caches" / "com.apple.python",
    )  # fmt: skip


def data_folder(environment: Mapping[str, str]) -> Path:
    """Return the data folder, the same one for the plugin and for a terminal."""
    home = _home(environment)
    mac = sys.platform == "darwin"
    usual = home / "Library" / "Application Support" if mac else home / ".local" / "share"
    return _named(environment, "LLAMABAR_DATA_DIR", usual / "llamabar")


def start_words(environment: Mapping[str, str]) -> List[str]:
    """Return the words that start this program: its one file, or Python with the module."""
    file = environment.get("LLAMABAR_FILE", "")
    return [*_shell_for(file), os.path.abspath(file)] if file else [sys.executable, "-m", "llamabar"]


def _shell_for(file: str) -> List[str]:
    """Return what must stand before our file to run it: a browser's download isn't executable."""
    return [] if os.access(file, os.X_OK) else ["sh"]


def program_of(label: str) -> str:
    """Return what the service with this label runs, in words."""
    return "llamabar export" if label == EXPORT_LABEL else "llama-swap"


def settings_file(environment: Mapping[str, str], option: str = "") -> Path:
    """Return the path of the settings file, whether or not it exists."""
    usual = _home(environment) / ".config" / "llamabar" / "config.toml"
    return Path(os.path.expanduser(option)) if option else _named(environment, "LLAMABAR_CONFIG", usual)


def command_name() -> str:
    """Return what to type to run this program: `llamabar` if it is on PATH, else its file, quoted for a shell."""
    if shutil.which(COMMAND):
        return COMMAND
    file, home = os.environ.get("LLAMABAR_FILE", ""), os.path.expanduser("~")
    if not file:
        return f"{quoted(sys.executable or 'python3', home)} -m llamabar"
    return " ".join([*_shell_for(file), quoted(os.path.abspath(file), home)])


def _home(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("HOME") or os.path.expanduser("~"))


def _named(environment: Mapping[str, str], variable: str, usual: Path) -> Path:
    named = environment.get(variable, "")
    return Path(os.path.expanduser(named)).absolute() if named else usual
