"""One run of a model's processes, as it is told apart from every other."""

from enum import Enum
from typing import NamedTuple


class MemoryKind(str, Enum):
    """What counts as a process's memory. FOOTPRINT: macOS's, with what is compressed and what the GPU uses."""

    RESIDENT = "resident"
    FOOTPRINT = "footprint"


class RunEnded(NamedTuple):
    """A run that ended by itself: what llama-swap wrote last of it."""

    model: str
    line: str


class ModelRun(NamedTuple):
    """`command` is a digest of the command line without the model's own port; `memory` says how it was measured."""

    command: int
    started_unix_s: int
    memory: MemoryKind = MemoryKind.RESIDENT
