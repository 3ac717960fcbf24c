"""Memory pressure of this computer, as macOS reports it."""

from enum import Enum


class Pressure(str, Enum):
    """The kernel's level: green, yellow and red in Activity Monitor."""

    NORMAL = "normal"
    WARNING = "warning"
    CRITICAL = "critical"
