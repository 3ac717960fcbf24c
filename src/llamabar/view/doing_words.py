"""What is said of a request by its path, and of a model that works or has quit."""

from typing import Dict, Iterable

from llamabar.core import units
from llamabar.core.path_kind import PathKind
from llamabar.core.phases import Phase
from llamabar.view import words

KINDS: Dict[PathKind, str] = {
    PathKind.TRANSCRIPTION: "transcribing",
    PathKind.SPEECH: "speaking",
    PathKind.IMAGE: "making an image",
    PathKind.EMBEDDING: "embedding",
    PathKind.RERANKING: "reranking",
}


def busy(requests: int, kinds: Iterable[PathKind] = ()) -> str:
    """Return that a model is busy, and with what where the paths of all its requests tell that."""
    found = {KINDS.get(kind, words.BUSY) for kind in kinds}
    return f"{found.pop() if len(found) == 1 else words.BUSY}, {units.plural(requests, 'request')}"


def phase(found: Phase, kind: PathKind) -> str:
    """Return what a request is doing."""
    return KINDS.get(kind, words.PHASES[found]) if found is Phase.WORKING else words.PHASES[found]


def quit_unexpectedly(age_s: float) -> str:
    """Return that a model's server ended by itself, and when."""
    return f"quit unexpectedly {words.ago(age_s)}"
