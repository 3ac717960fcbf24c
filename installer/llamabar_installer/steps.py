"""The parts of a plan, as values: steps with a target and a reason, and notes (notes.py)."""

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Optional, Tuple

from llamabar.macos.paths import program_of
from llamabar_installer.notes import Note


class Kind(Enum):
    """What a step does, in words."""

    OLD_SERVICE = "switch off the old service"
    OLD_PLUGIN = "set the old plugin aside"
    CONFIG = "write a first config"
    AGENT = "write the LaunchAgent"
    START = "start {service}"
    RELOAD = "restart {service}"
    SETTINGS = "write the settings"
    PROGRAM = "copy the program"
    ATTRIBUTE = "mark the program as a streaming plugin"
    LINK = "link the plugin into SwiftBar's folder"
    REFRESH = "reload SwiftBar"
    COMMAND = "link the llamabar command"
    STOP = "stop {service}"
    REMOVE_AGENT = "remove the LaunchAgent"
    REMOVE_LINK = "remove the plugin from SwiftBar's folder"
    REMOVE_COMMAND = "remove the llamabar command"
    REMOVE_FILE = "remove a file"
    PUT_BACK = "put back what was set aside"
    REMOVE_CACHE = "remove the unpacked program"
    REMOVE_FOLDERS = "remove empty folders"


class Group(str, Enum):
    """Steps that succeed or fail together. When one fails, its group is undone; finished groups stay."""

    SERVICE = "service"
    PLUGIN = "plugin"
    COMMAND = "command"
    EXPORT = "export"


class Reason(Enum):
    """Why a step is in the plan, as a template for the step's fields."""

    NO_CONFIG = "llama-swap needs one. It holds an example and no model until you add one"
    NO_AGENT = "starts {source} at {url}"
    EXPORTS = "serves metrics to Prometheus at {url}"
    RUN_BY_EXPORT = "the exporter runs this copy, wherever you move the file"
    AGENT_DIFFERS = "replaces the current one; a copy is kept"
    NOT_RUNNING = "now and at each login"
    AGENT_CHANGED = "its LaunchAgent has changed"
    TAKEN_OVER = "llamabar's own service takes over; uninstall switches it on again"
    TWO_MENUS = "two menus would show the same; uninstall puts it back"
    POINT_MENU = "so that the menu shows the llama-swap at {url}"
    NEW_VERSION = "a new version"
    NOT_COPIED = "SwiftBar runs this copy, wherever you move the file"
    NOT_MARKED = "without it SwiftBar wouldn't keep the plugin running"
    NOT_LINKED = "SwiftBar loads what is there"
    SHOW_MENU = "to show the new menu"
    NO_COMMAND = "so that you can type llamabar in Terminal"
    UNINSTALL = ""
    SWITCH_ON = "{source} is switched on again"
    PURGE = "--purge"


@dataclass(frozen=True)
class Step:
    """One thing to do. `target` is a path or a label; `content` is that of a file to write."""

    kind: Kind
    target: str
    reason: Reason = Reason.UNINSTALL
    group: Group = Group.SERVICE
    content: bytes = field(default=b"", repr=False)
    source: str = ""
    url: str = ""

    @property
    def path(self) -> Path:
        """Return the target as a path."""
        return Path(self.target)

    @property
    def words(self) -> str:
        """Return what it does."""
        return self.kind.value.format(service=program_of(self.target))

    @property
    def why(self) -> str:
        """Return the reason in words."""
        return self.reason.value.format(source=self.source, url=self.url)


@dataclass(frozen=True)
class Plan:
    """Steps in order; empty if nothing needs doing."""

    steps: Tuple[Step, ...] = ()
    notes: Tuple[Note, ...] = ()

    @property
    def complete(self) -> bool:
        """Tell whether everything that was requested can be done."""
        return all(one.ok for one in self.notes)


@dataclass(frozen=True)
class Options:
    """What the user requested."""

    service: bool = True
    plugin: bool = True
    command: bool = True
    take_over: bool = False
    force: bool = False
    purge: bool = False
    port: Optional[int] = None
    export: bool = False
