"""What each build of llama-swap was found to be able to do, by its address.

Probing costs logged requests, and a build answers the same every time. Which one it is is asked at each connection, so
that another in its place is noticed; up to v172 that cannot be asked, and what was learned counts for an hour. Of an
address only a digest is kept; a file of a version that kept addresses is written again without them.
"""

import hashlib
import json
from pathlib import Path
from typing import FrozenSet, List, Mapping, NamedTuple, Optional
from urllib.parse import urlsplit

from llamabar.core.events import CapabilitiesFound
from llamabar.macos import files
from llamabar.macos.paths import KNOWN_SERVERS, data_folder
from llamabar.sources import clock

FORMAT, WITH_ADDRESSES = 2, 1
NO_VERSION = "none"
NO_VERSION_FOR_S = 3600.0
NAMES = frozenset({
    "cancel", "unload_one", "inflight_count", "profiles", "wol_health", "performance", "activity", "metrics",
})  # fmt: skip
NEEDED = NAMES - {"inflight_count", "activity", "metrics"}  # and one of the last two
MOST_ENTRIES = 50
LARGEST_BYTES = 65_536


class _Known(NamedTuple):
    place: str
    build: str
    confirmed: FrozenSet[str]
    refuted: FrozenSet[str]
    at_unix_s: float

    def is_valid(self) -> bool:
        """Tell whether it still counts."""
        return self.build != NO_VERSION or 0.0 <= clock.unix_s() - self.at_unix_s < NO_VERSION_FOR_S


class KnownServers:
    """The file in the data folder; what cannot be read or written is simply asked again."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._path = data_folder(environment) / KNOWN_SERVERS

    def recall(self, url: str, build: str) -> Optional[CapabilitiesFound]:
        """Return what this build at this address can do, None if it is not known."""
        there = (one for one in _read(self._path) if one.is_valid())
        found = (one for one in there if (one.place, one.build) == (_place(url), build))
        return next((CapabilitiesFound(one.confirmed, one.refuted) for one in found), None)

    def learn(self, url: str, build: str, found: CapabilitiesFound) -> None:
        """Keep what a build can do, once everything about it is known."""
        confirmed, refuted = found.confirmed & NAMES, found.refuted & NAMES
        known = confirmed | refuted
        if not build or not known >= NEEDED or not known & {"activity", "metrics"}:
            return
        new, before = _Known(_place(url), build, confirmed, refuted, clock.unix_s()), _read(self._path)
        if not any(one[:4] == new[:4] and one.is_valid() for one in before):
            rest = [one for one in before if one[:2] != new[:2]]
            _write(self._path, [new, *rest][:MOST_ENTRIES])


def _place(url: str) -> str:
    parts = urlsplit(url)
    address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
    return hashlib.sha256(address.encode("utf-8", "replace")).hexdigest()[:16]


def _read(path: Path) -> List[_Known]:
    try:
        document = json.loads(files.read(path, limit_bytes=LARGEST_BYTES) or b"{}")
        version = document.get("llamabar_known_servers")
        entries = document["servers"][:MOST_ENTRIES] if version in (FORMAT, WITH_ADDRESSES) else []
        known = [
            _Known(
                str(one["place"]) if version == FORMAT else _place(str(one["address"])), str(one["build"]),
                NAMES & {*one["can"]}, NAMES & {*one["cannot"]}, float(one["at_unix_s"]),
            )
            for one in entries
        ]
    except (ValueError, LookupError, TypeError, ArithmeticError, AttributeError, RecursionError):
        return []
    if version == WITH_ADDRESSES:
        _write(path, known)
    return known


def _write(path: Path, entries: List[_Known]) -> None:
    listed = [
        {
            "place": one.place, "build": one.build, "can": sorted(one.confirmed),
            "cannot": sorted(one.refuted), "at_unix_s": one.at_unix_s,
        }
        for one in entries
    ]  # fmt: skip
    document = {"llamabar_known_servers": FORMAT, "servers": listed}
    try:
        files.private_folder(path.parent)
        files.write(path, json.dumps(document).encode("utf-8") + b"\n", mode=files.PRIVATE_MODE)
    except OSError:
        pass  # it is asked again
