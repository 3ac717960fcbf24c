"""Where everything is: the folders of one home, and the names of what is put there."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, Tuple

OWN_LABEL = "org.llamabar.llama-swap"
PLUGIN = "llamabar.pyz"
PLUGIN_NAME = "llamabar"
USUAL_CACHE = ".shiv"
RUST_LABEL = "com.user.llama-swap"


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


def places(environment: Mapping[str, str]) -> Places:
    """Return the places of this user, as the contract names them."""
    home = Path(environment.get("HOME") or os.path.expanduser("~"))
    named = tuple(name for name in ("LLAMABAR_CONFIG", "LLAMABAR_DATA_DIR") if environment.get(name))
    return Places(home, data_folder(environment), _settings(environment, home), _cache(environment, home), named)


def data_folder(environment: Mapping[str, str]) -> Path:
    """Return the data folder: the same for the plugin and for a terminal."""
    named = environment.get("LLAMABAR_DATA_DIR", "")
    if named:
        return Path(os.path.expanduser(named))
    home = Path(environment.get("HOME") or os.path.expanduser("~"))
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "llamabar"
    return home / ".local" / "share" / "llamabar"


def _settings(environment: Mapping[str, str], home: Path) -> Path:
    named = environment.get("LLAMABAR_CONFIG", "")
    return Path(os.path.expanduser(named)) if named else home / ".config" / "llamabar" / "config.toml"


def _cache(environment: Mapping[str, str], home: Path) -> Path:
    named = environment.get("SHIV_ROOT", "")
    return Path(os.path.expanduser(named)) if named else home / USUAL_CACHE
