"""Every path that is ever written.

Law: nothing but this is written, ever, except a file that the user names (`preview FILE`, `history --html FILE`) and
what `doctor --fix` says it changes. In the data folder, readable by its user alone but for the program:

    llamabar.pyz                   install
    manifest.json, backups/*       install, uninstall
    history*                       the plugin, watch, export, history --clear
    STATE_FILES                    the plugin, commands
    .*.tmp                         a moment before one of these is put in place

Elsewhere:

    the settings                   install, open settings
    the LaunchAgent                install
    the exporter's, and its log    install --export, launchd
    SwiftBar's folder/llamabar.pyz install, doctor --fix: a link to the program
    llama-swap's config            install, where there is none
    llama-swap's log, .log.1       launchd; start and the menu move a long one aside
    CACHE/*llamabar*               the first start of a version; Apple's Python keeps bytecode of it in `bytecode`
    $TMPDIR/llamabar-checks-*      doctor, restart, install: a copy of llama-swap's config while it is checked
"""

import os
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, Tuple

OWN_LABEL = "org.llamabar.llama-swap"
EXPORT_LABEL = "org.llamabar.export"
RUST_LABEL = "com.user.llama-swap"
PLUGIN = "llamabar.pyz"
PLUGIN_NAME = "llamabar"
COMMAND = "llamabar"
USUAL_CACHE = ".shiv"
HISTORY = "history"  # what the files of the history begin with
KNOWN_SERVERS, NAMES = "known-servers.json", "names.json"
# Of this version and of those before.
STATE_FILES = ("watcher.json", "plugin.json", "update.json", KNOWN_SERVERS, NAMES)
HISTORY_FILE = "history.sqlite"
CHECKED_CONFIG = "llamabar-checks-"  # the start of a temporary folder's name: a copy of llama-swap's config


@dataclass(frozen=True)
class Places:
    """The files and folders that an installation touches."""

    home: Path
    data: Path
    settings: Path
    cache: Path
    named: Tuple[str, ...]  # the variables that name one of them
    agents: Path  # the folder of this user's LaunchAgents
    plist: Path  # our own LaunchAgent
    log: Path  # of the llama-swap that it starts
    config: Path  # where a first llama-swap config is written
    export_plist: Path  # the LaunchAgent of `llamabar export`
    export_log: Path  # what that exporter has to say
    program: Path  # the installed one
    manifest: Path  # the list of what was installed
    backups: Path  # of files that were replaced
    bytecode: Path  # where Apple's Python keeps that of other folders


def places(environment: Mapping[str, str]) -> Places:
    """Return the places of this user, as the contract names them."""
    home = Path(environment.get("HOME") or os.path.expanduser("~"))
    named = tuple(name for name in ("LLAMABAR_CONFIG", "LLAMABAR_DATA_DIR") if environment.get(name))
    settings = _named(environment, "LLAMABAR_CONFIG", home / ".config" / "llamabar" / "config.toml")
    return places_of(
        home, data_folder(environment), settings=settings, cache=_named(environment, "SHIV_ROOT", home / USUAL_CACHE),
        named=named,
    )  # fmt: skip


def places_of(home: Path, data: Path, *, settings: Path, cache: Path, named: Tuple[str, ...] = ()) -> Places:
    """Return every place of a user by the folders that can be chosen."""
    agents, logs = home / "Library" / "LaunchAgents", home / "Library" / "Logs"
    return Places(
        home, data, settings, cache, named,
        agents=agents, plist=agents / f"{OWN_LABEL}.plist", log=logs / "llama-swap" / "llama-swap.log",
        config=home / ".config" / "llama-swap" / "config.yaml",
        export_plist=agents / f"{EXPORT_LABEL}.plist", export_log=logs / "llamabar" / "export.log",
        program=data / PLUGIN, manifest=data / "manifest.json", backups=data / "backups",
        bytecode=home / "Library" / "Caches" / "com.apple.python",
    )  # fmt: skip


def data_folder(environment: Mapping[str, str]) -> Path:
    """Return the data folder: the same for the plugin and for a terminal."""
    home = Path(environment.get("HOME") or os.path.expanduser("~"))
    mac = sys.platform == "darwin"
    usual = home / "Library" / "Application Support" if mac else home / ".local" / "share"
    return _named(environment, "LLAMABAR_DATA_DIR", usual / "llamabar")


def command_name() -> str:
    """Return how this program is called, ready for a shell: `llamabar` where that is on PATH, else its file."""
    if shutil.which(COMMAND):
        return COMMAND
    file, home = os.environ.get("LLAMABAR_FILE", ""), os.path.expanduser("~")
    if not file:
        return f"{quoted(sys.executable or 'python3', home)} -m llamabar"
    shell = "" if os.access(file, os.X_OK) else "sh "  # as a browser leaves it
    return shell + quoted(os.path.abspath(file), home)


def quoted(text: str, home: str = "") -> str:
    """Return text as one word of a shell, with ~ for the home folder."""
    inside = bool(home) and text.startswith(f"{home}/")
    return f"~/{shlex.quote(text[len(home) + 1 :])}" if inside else shlex.quote(text)


def _named(environment: Mapping[str, str], variable: str, usual: Path) -> Path:
    named = environment.get(variable, "")
    return Path(os.path.expanduser(named)) if named else usual
