"""Which features each build of llama-swap was found to have, by its address.

Probing costs logged requests, and a build answers the same every time. The build is queried at each connection, so a
different one is noticed; up to v172 that isn't possible, and what was learned is valid for an hour. A process never
becomes another build, and a model's process never gets another port or idle time (a reload of the config stops all
models): while they are seen to be alive here, neither is queried again. Only a hash of an address is stored.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, FrozenSet, List, Mapping, NamedTuple, Optional, Tuple

from llamabar.core.address import port_of
from llamabar.core.capabilities import Capability
from llamabar.core.events import CapabilitiesFound, RunningModel
from llamabar.core.fields import number, text, whole
from llamabar.core.state import READY
from llamabar.macos import files
from llamabar.macos.paths import KNOWN_SERVERS, data_folder
from llamabar.sources import clock
from llamabar.sources.processes import Identity
from llamabar.store import small_files
from llamabar.store.places import place_of

FORMAT, WITH_ADDRESSES = 3, 1  # version 2 stored another hash of them
NO_VERSION = "none"
NO_VERSION_FOR_S = 3600.0
NEEDED = frozenset({
    Capability.CANCEL, Capability.UNLOAD_ONE, Capability.PROFILES, Capability.WOL_HEALTH, Capability.PERFORMANCE,
})  # fmt: skip
FINISHED = frozenset({Capability.ACTIVITY, Capability.METRICS})  # and one of these
KEPT = NEEDED | FINISHED | {Capability.INFLIGHT_COUNT, Capability.RUNNING_DETAILS}
MOST_ENTRIES = 50

Models = Tuple[Tuple[RunningModel, Identity], ...]


class Known(NamedTuple):
    """What is known about a build at an address, its process if it runs here, and its models' processes."""

    place: str
    build: str
    confirmed: FrozenSet[Capability]
    refuted: FrozenSet[Capability]
    process: Optional[Identity] = None
    models: Models = ()
    at_unix_s: float = 0.0

    @property
    def found(self) -> CapabilitiesFound:
        """Return the build's features."""
        return CapabilitiesFound(self.confirmed, self.refuted)

    def is_valid(self) -> bool:
        """Tell whether it is still valid."""
        return self.build != NO_VERSION or 0.0 <= clock.unix_s() - self.at_unix_s < NO_VERSION_FOR_S


class KnownServers:
    """The file in the data folder; what can't be read or written is simply probed again."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._path = data_folder(environment) / KNOWN_SERVERS
        with suppress(OSError, *small_files.NOT_UNDERSTOOD):
            if small_files.read(self._path).get("llamabar_known_servers") == WITH_ADDRESSES:
                files.discard(self._path)

    def recall(self, url: str, build: str) -> Optional[CapabilitiesFound]:
        """Return the features of this build at this address, None if unknown."""
        there = (one for one in _read(self._path) if build and one.is_valid())
        return next((one.found for one in there if (one.place, one.build) == (place_of(url), build)), None)

    def of_process(self, url: str, process: Identity) -> Optional[Known]:
        """Return what is known about the very process that listens at an address."""
        return next((one for one in _read(self._path) if (one.place, one.process) == (place_of(url), process)), None)

    def learn(
        self, url: str, build: str, found: CapabilitiesFound, *, process: Optional[Identity] = None, models: Models = ()
    ) -> None:
        """Store a build's features, once all of them are known, and its processes."""
        confirmed, refuted = found.confirmed & KEPT, found.refuted & KEPT
        known = confirmed | refuted
        if not (build or process) or not known >= NEEDED or not known & FINISHED:
            return
        new = Known(place_of(url), build, confirmed, refuted, process, models, clock.unix_s())
        before = _read(self._path)
        if not any(one[:-1] == new[:-1] and one.is_valid() for one in before):
            rest = [one for one in before if one[:2] != new[:2]]
            _write(self._path, [new, *rest][:MOST_ENTRIES])


def _read(path: Path) -> List[Known]:
    try:
        document = small_files.read(path)
        entries = document["servers"][:MOST_ENTRIES] if document.get("llamabar_known_servers") == FORMAT else []
        return [
            Known(
                str(one["place"]),
                str(one["build"]),
                frozenset(kept for kept in KEPT if kept in one["can"]),
                frozenset(kept for kept in KEPT if kept in one["cannot"]),
                _identity(one.get("process")),
                tuple(map(_model, one.get("models", ()))),
                float(one["at_unix_s"]),
            )
            for one in entries
        ]
    except small_files.NOT_UNDERSTOOD:
        return []


def _identity(said: Any) -> Optional[Identity]:
    return Identity(int(said[0]), float(said[1])) if said else None


def _model(said: Dict[str, Any]) -> Tuple[RunningModel, Identity]:
    port = whole(said["port"])
    proxy = f"http://localhost:{port}" if port else None
    model = RunningModel(text(said["id"]), READY, proxy, number(said["ttl_s"]), said["may_sleep"] is not False)
    return model, Identity(int(said["process"][0]), float(said["process"][1]))


def _listed(model: RunningModel, process: Identity) -> Dict[str, Any]:
    """Return a model as it is stored; of its server's address only the port, since it is on this computer."""
    port = port_of(model.proxy) if model.proxy is not None else None
    return {"id": model.id, "port": port, "ttl_s": model.ttl_s, "may_sleep": model.may_sleep, "process": process}


def _write(path: Path, entries: List[Known]) -> None:
    listed = [
        {
            "place": one.place, "build": one.build, "can": sorted(one.confirmed), "cannot": sorted(one.refuted),
            "process": one.process, "models": [_listed(*model) for model in one.models],
            "at_unix_s": one.at_unix_s,
        }
        for one in entries
    ]  # fmt: skip
    small_files.write(path, {"llamabar_known_servers": FORMAT, "servers": listed})
