"""One run of a model's processes, identified so that it differs from every other."""

from enum import Enum
from typing import NamedTuple

UNPLACED = ""  # in place of a model's ID: processes of which nothing tells whose they are


class MemoryKind(str, Enum):
    """How a process's memory is measured. FOOTPRINT is macOS's: it includes compressed memory and what the GPU uses."""

    RESIDENT = "resident"
    FOOTPRINT = "footprint"


class RunEnded(NamedTuple):
    """A run that ended by itself, and llama-swap's last log line about it."""

    model: str
    line: str


class ModelRun(NamedTuple):
    """`command` is a hash of the command line without the model's own port; `memory` says how it was measured."""

    command: int
    started_unix_s: int
    memory: MemoryKind = MemoryKind.RESIDENT
