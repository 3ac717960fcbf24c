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
    """The folders that an installation touches."""

    home: Path
    data: Path
    settings: Path
    cache: Path
    named: Tuple[str, ...] = ()  # the variables that name one of them

    @property
    def agents(self) -> Path:
        """Return the folder of this user's LaunchAgents."""
        return self.home / "Library" / "LaunchAgents"

    @property
    def plist(self) -> Path:
        """Return our own LaunchAgent."""
        return self.agents / f"{OWN_LABEL}.plist"

    @property
    def export_plist(self) -> Path:
        """Return the LaunchAgent of `llamabar export`."""
        return self.agents / f"{EXPORT_LABEL}.plist"

    @property
    def export_log(self) -> Path:
        """Return what that agent's exporter has to say."""
        return self.home / "Library" / "Logs" / "llamabar" / "export.log"

    @property
    def log(self) -> Path:
        """Return the log of the llama-swap that our agent starts."""
        return self.home / "Library" / "Logs" / "llama-swap" / "llama-swap.log"

    @property
    def config(self) -> Path:
        """Return where a first llama-swap config is written."""
        return self.home / ".config" / "llama-swap" / "config.yaml"

    @property
    def program(self) -> Path:
        """Return the installed program."""
        return self.data / PLUGIN

    @property
    def manifest(self) -> Path:
        """Return the list of what was installed."""
        return self.data / "manifest.json"

    @property
    def backups(self) -> Path:
        """Return where replaced files are kept."""
        return self.data / "backups"

    @property
    def bytecode(self) -> Path:
        """Return where Apple's Python keeps the bytecode of what lies in other folders."""
        return self.home / "Library" / "Caches" / "com.apple.python"


def places(environment: Mapping[str, str]) -> Places:
    """Return the places of this user, as the contract names them."""
    home = Path(environment.get("HOME") or os.path.expanduser("~"))
    named = tuple(name for name in ("LLAMABAR_CONFIG", "LLAMABAR_DATA_DIR") if environment.get(name))
    settings = _named(environment, "LLAMABAR_CONFIG", home / ".config" / "llamabar" / "config.toml")
    return Places(home, data_folder(environment), settings, _named(environment, "SHIV_ROOT", home / USUAL_CACHE), named)


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
