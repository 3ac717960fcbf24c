"""How short of memory this computer is, as macOS tells it."""

from enum import Enum


class Pressure(str, Enum):
    """The kernel's word for it: what Activity Monitor draws green, yellow and red."""

    NORMAL = "normal"
    WARNING = "warning"
    CRITICAL = "critical"
