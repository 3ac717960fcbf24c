"""What a caller's Accept and Accept-Encoding headers accept (RFC 9110, 12.4 and 12.5)."""

import re
from typing import List

_WEIGHT = re.compile(r";\s*q\s*=\s*(\d+(?:\.\d*)?)", re.IGNORECASE)


def accepted(header: str) -> List[str]:
    """Return a header's entries, the most preferred one first; one with `q=0` is refused, so it isn't there."""
    weights = {entry.strip(): _weight(entry) for entry in header.split(",")}
    return sorted((entry for entry, weight in weights.items() if weight > 0), key=lambda entry: -weights[entry])


def name_of(entry: str) -> str:
    """Return an entry's name, without its parameters."""
    return entry.partition(";")[0].strip().lower()


def _weight(entry: str) -> float:
    found = _WEIGHT.search(entry)
    return float(found[1]) if found is not None else 1.0
