"""Names for shell completion: models, requests, profiles and servers as of the last connection."""

import re
from typing import Dict, Iterable, List, Mapping, Tuple

from llamabar.core.state import Snapshot
from llamabar.macos.paths import NAMES, data_folder
from llamabar.store import small_files

VERSION = 1
MOST = 2_000
TYPEABLE = re.compile(r"[\w./@][\w./@:+,%=-]*\Z")  # no blank, quote, `$(…)`, option, or leading `~` or `=`
KINDS = ("models", "requests", "profiles", "servers")


def note(environment: Mapping[str, str], snapshots: Mapping[str, Snapshot]) -> None:
    """Store the names from the servers that were reached; what can't be written isn't completed."""
    found = found_in(snapshots)
    if found["models"] and found != recall(environment):
        small_files.write(data_folder(environment) / NAMES, {"llamabar_names": VERSION, **found})


def recall(environment: Mapping[str, str]) -> Dict[str, List[str]]:
    """Return the names by kind; none if there is no valid file."""
    try:
        document = small_files.read(data_folder(environment) / NAMES)
        if document.get("llamabar_names") != VERSION:
            return {}
        return {kind: _typeable(map(str, document[kind])) for kind in KINDS}
    except small_files.NOT_UNDERSTOOD:
        return {}


def found_in(snapshots: Mapping[str, Snapshot]) -> Dict[str, List[str]]:
    """Return the names that can be typed, each once."""
    there = [one for one in snapshots.values() if one.connected]
    models = (name for one in there for model in one.models.values() for name in (model.id, *model.info.aliases))
    return {
        "models": _typeable(models),
        "requests": _typeable(request for one in there for request in one.requests),
        "profiles": _typeable(profile for one in there for profile in one.profiles),
        "servers": _typeable(snapshots),
    }


def _typeable(names: Iterable[str]) -> List[str]:
    """Return the names that a shell takes for a single word: bash puts them on the command line as they are."""
    kept: Tuple[str, ...] = tuple(dict.fromkeys(name for name in names if TYPEABLE.match(name)))
    return list(kept[:MOST])
