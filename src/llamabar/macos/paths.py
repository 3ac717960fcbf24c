"""Every path that is ever written, by name: where it is, and who writes it.

Law: what llamabar writes stands in `written`; nothing else is written, ever, but a file that the user names
(`preview FILE`, `history --html FILE`) and what `doctor --fix` says that it changes.
"""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, NamedTuple, Tuple

OWN_LABEL = "org.llamabar.llama-swap"
RUST_LABEL = "com.user.llama-swap"
PLUGIN = "llamabar.pyz"
PLUGIN_NAME = "llamabar"
COMMAND = "llamabar"
USUAL_CACHE = ".shiv"
HISTORY = "history"  # what the files of the history begin with
KNOWN_SERVERS, NAMES = "known-servers.json", "names.json"
# Of this version and of those before.
STATE_FILES = ("watcher.json", "plugin.json", "update.json", KNOWN_SERVERS, NAMES)
CHECKED_CONFIG = "llamabar-checks-"  # a temporary folder with a copy of llama-swap's config
HISTORY_FILE = "history.sqlite"


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
        """Return the list of what was put on."""
        return self.data / "manifest.json"

    @property
    def backups(self) -> Path:
        """Return where files are kept that were replaced."""
        return self.data / "backups"

    @property
    def bytecode(self) -> Path:
        """Return where Apple's Python keeps the bytecode of what lies in other folders."""
        return self.home / "Library" / "Caches" / "com.apple.python"


class Written(NamedTuple):
    """A path that is written, and by whom. `private`: nobody else may read it. `path` may hold * for any characters."""

    name: str
    path: str
    by: str
    private: bool = True


def written(places: Places, *, plugin_folder: str = "SwiftBar's plugin folder") -> Tuple[Written, ...]:
    """Return every path that is ever written."""
    data = str(places.data)
    return (
        Written("program", f"{data}/{PLUGIN}", "install", private=False),
        Written("manifest", f"{data}/manifest.json", "install, uninstall"),
        Written("backups", f"{data}/backups/*", "install, uninstall: what was replaced"),
        Written("history", f"{data}/{HISTORY}*", "the plugin, watch, export, history --clear"),
        *(Written("state", f"{data}/{name}", "the plugin, commands") for name in STATE_FILES),
        Written("temporary copy", f"{data}/.*.tmp", "whoever puts one of these in place, for a moment"),
        Written("settings", str(places.settings), "install, open settings"),
        Written("LaunchAgent", str(places.plist), "install", private=False),
        Written("plugin link", f"{plugin_folder}/{PLUGIN}", "install, doctor --fix", private=False),
        Written("llama-swap config", str(places.config), "install, where there is none", private=False),
        Written("llama-swap log", str(places.log), "launchd", private=False),
        Written("older llama-swap log", f"{places.log}.1", "start and the menu, when the log is long", private=False),
        Written("extraction cache", f"{places.cache}/*llamabar*", "the first start of a version"),
        Written("bytecode", f"{places.bytecode}/*", "Apple's Python", private=False),
        Written("config being checked", f"$TMPDIR/{CHECKED_CONFIG}*", "doctor, restart, install, for a moment"),
    )


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
    """Return what to type for this program: `llamabar` where that is installed, else its file, as the user has it."""
    if shutil.which(COMMAND):
        return COMMAND
    file = os.environ.get("LLAMABAR_FILE", "")
    if not file or os.path.realpath(file) == str(data_folder(os.environ) / PLUGIN):
        return PLUGIN
    return file.replace(f"{os.path.expanduser('~')}/", "~/") if " " not in file else f"'{file}'"


def _named(environment: Mapping[str, str], variable: str, usual: Path) -> Path:
    named = environment.get(variable, "")
    return Path(os.path.expanduser(named)) if named else usual
