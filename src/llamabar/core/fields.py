"""Read values of any type from foreign JSON: the value if it has the right type, else None."""

import json
import math
from datetime import datetime
from typing import Any, Dict, List, Optional, Tuple

from llamabar.core.limits import DIGITS, TEXT_CHARS, TEXTS

_LARGEST = 1 << 62


def parse(raw: "bytes | str") -> Any:
    """Return the value of JSON in UTF-8, or None for anything else."""
    try:
        return _JSON.decode(raw if isinstance(raw, str) else raw.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        return None


def _int(digits: str) -> Optional[int]:
    """Return a whole number; None if it has so many digits that parsing, quadratic in their number, would take minutes.
    """
    return int(digits) if len(digits) <= DIGITS else None


_JSON = json.JSONDecoder(parse_int=_int)  # created once: `json.loads` creates one for each call


def mapping(value: Any) -> Dict[str, Any]:
    """Return the object, or an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> List[Dict[str, Any]]:
    """Return the objects of an array; everything else in it is left out."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Any) -> str:
    """Return a string of at most TEXT_CHARS; a number becomes its digits, anything else ""."""
    if isinstance(value, str):
        if value.isascii():
            return value[:TEXT_CHARS]
        return value[:TEXT_CHARS].encode("utf-8", "replace").decode("utf-8")
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST else ""


def texts(value: Any) -> Tuple[str, ...]:
    """Return the first TEXTS strings of an array."""
    return tuple(text(item) for item in value[:TEXTS] if isinstance(item, str)) if isinstance(value, list) else ()


def number(value: Any) -> Optional[float]:
    """Return a finite number of at least 0, also from a string."""
    if type(value) is int:
        return float(value) if 0 <= value < _LARGEST else None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str) and not value.isascii():  # float accepts `٣` as a digit; no server sends that
        return None
    try:
        found = float(value[:40] if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and 0 <= found < _LARGEST else None


def whole(value: Any) -> Optional[int]:
    """Return a whole number of at least 0, also from a string."""
    found = number(value)
    return int(found) if found is not None and found == int(found) else None


def unix_s(value: Any) -> Optional[float]:
    """Return the seconds since 1970 of an RFC 3339 time with 0 to 9 digits of fraction."""
    stamp = text(value)
    head, dot, tail = stamp.partition(".")
    digits = tail[: len(tail) - len(tail.lstrip("0123456789"))] if dot else ""
    zone = tail[len(digits) :] if dot else ""
    try:
        moment = datetime.fromisoformat((head + zone).replace("Z", "+00:00"))
        return moment.timestamp() + (float(f"0.{digits}") if digits else 0.0)
    except (ValueError, OverflowError, OSError):
        return None
