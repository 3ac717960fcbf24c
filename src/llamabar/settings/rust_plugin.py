"""What those who come from the Rust plugin have set in the environment, where it means something here.

A value that is no number, or out of bounds, is said and left out. Files: services.py.
"""

import math
import re
from typing import Dict, List, Mapping, NamedTuple, Optional, Tuple

from llamabar.settings.tables import Sourced

STREAMING, NO = "LLAMA_SWAP_STREAMING_MODE", ("0", "false", "no", "off")
BASE_URL, PORT = "LLAMA_SWAP_API_BASE_URL", "LLAMA_SWAP_API_PORT"
LOG_FILE, CONFIG_FILE = "LLAMA_SWAP_LOG_FILE_PATH", "LLAMA_SWAP_CONFIG_FILE_PATH"
_BOUNDS = {  # least and most
    "LLAMA_SWAP_HISTORY_SIZE": (60, 3600),
    "LLAMA_SWAP_CHART_WIDTH": (30, 600),
    "LLAMA_SWAP_CHART_HEIGHT": (8, 96),
    "LLAMA_SWAP_API_TIMEOUT_SECS": (1, 60),
}

class Older(NamedTuple):
    """The values that are set; None for those that are not."""

    history_minutes: Optional[Sourced] = None
    chart_width_px: Optional[int] = None
    chart_height_px: Optional[int] = None
    answer_s: Optional[float] = None
    in_force: Tuple[Tuple[str, str], ...] = ()  # the variables that are set and followed


def address(environment: Mapping[str, str]) -> Dict[str, str]:
    """Return the addresses that are set, by variable, the first to be used first: a base URL takes its port from the
    other variable unless it has one.
    """
    base, port = (environment.get(name, "").strip() for name in (BASE_URL, PORT))
    if re.fullmatch(r"\d{1,5}", port) and int(port) < 2**16 and re.fullmatch(r"(https?://)?[^/:]+/?", base):
        base = f"{base.rstrip('/')}:{port}"
    return {BASE_URL: base, PORT: f"http://127.0.0.1:{port}" if port else ""}


def read(environment: Mapping[str, str], mistakes: List[str]) -> Older:
    """Return what is set."""
    if environment.get(STREAMING, "").strip().lower() in NO:
        mistakes.append(f"{STREAMING} cannot be switched off: SwiftBar starts no streaming plugin a second time")
    numbers = {name: _number(environment.get(name, ""), name, bounds, mistakes) for name, bounds in _BOUNDS.items()}
    readings, width, height, answer_s = numbers.values()  # a reading is taken each second
    files = {name: environment.get(name, "").strip() for name in (LOG_FILE, CONFIG_FILE)}
    followed = {**{name: f"{value:g}" for name, value in numbers.items() if value is not None}, **files}
    return Older(
        None if readings is None else Sourced(math.ceil(readings / 60), "LLAMA_SWAP_HISTORY_SIZE"),
        None if width is None else int(width),
        None if height is None else int(height),
        answer_s,
        tuple((name, value) for name, value in followed.items() if value),
    )


def _number(value: str, name: str, bounds: Tuple[int, int], mistakes: List[str]) -> Optional[float]:
    if not value.strip():
        return None
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if bounds[0] <= number <= bounds[1]:
        return number
    mistakes.append(f"{name} must be a number from {bounds[0]} to {bounds[1]}")
    return None
