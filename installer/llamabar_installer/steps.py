"""What a plan consists of: steps with their target and reason, and notes on what could not be planned."""

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Optional, Tuple


class Kind(str, Enum):
    """What a step does. The words are those of `install --json`."""

    OLD_SERVICE = "switch off the old service"
    OLD_PLUGIN = "set the old plugin aside"
    CONFIG = "write a first config"
    AGENT = "write the LaunchAgent"
    START = "start llama-swap"
    RELOAD = "restart llama-swap"
    SETTINGS = "write the settings"
    PROGRAM = "copy the program"
    ATTRIBUTE = "mark it as a streaming plugin"
    LINK = "link it into SwiftBar's folder"
    REFRESH = "have SwiftBar load it"
    STOP = "stop llama-swap"
    REMOVE_AGENT = "remove the LaunchAgent"
    REMOVE_LINK = "take it out of SwiftBar's folder"
    REMOVE_FILE = "remove a file"
    PUT_BACK = "put back what was set aside"
    REMOVE_CACHE = "remove the unpacked program"
    REMOVE_FOLDERS = "remove folders that are empty now"


class Group(str, Enum):
    """Steps that stand or fall together: when one fails, those of its group are undone, finished groups stay."""

    SERVICE = "service"
    PLUGIN = "plugin"


@dataclass(frozen=True)
class Step:
    """One thing to do. `target` is a path or a label; `content` and `mode` are those of a file to be written."""

    kind: Kind
    target: str
    why: str
    group: Group = Group.SERVICE
    content: bytes = field(default=b"", repr=False)
    source: str = ""
    url: str = ""

    @property
    def path(self) -> Path:
        """Return the target as a path."""
        return Path(self.target)


@dataclass(frozen=True)
class Note:
    """Something to know. `missing`: a thing that was wanted cannot be done before the hint is followed."""

    said: str
    hint: str = ""
    missing: bool = False
    lines: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Steps in their order; empty when all is well."""

    steps: Tuple[Step, ...] = ()
    notes: Tuple[Note, ...] = ()

    @property
    def complete(self) -> bool:
        """Tell whether everything that was wanted can be done."""
        return not any(note.missing for note in self.notes)


@dataclass(frozen=True)
class Options:
    """What the user asked for."""

    service: bool = True
    plugin: bool = True
    take_over: bool = False
    force: bool = False
    purge: bool = False
    port: Optional[int] = None
