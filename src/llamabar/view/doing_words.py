"""What is said of a request by its path, of a model that works or has quit, and in the title."""

from typing import Dict, Iterable, Optional

from llamabar.core import units
from llamabar.core.path_kind import PathKind
from llamabar.core.phases import Phase
from llamabar.core.speed import Reading, Source
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
    return f"crashed {words.ago(age_s)}"


TITLE_UNLOADING = "  unload"
TITLE_CHARS = 8  # of all that the title says while something happens: neighbours never move


def title_speed(reading: Optional[Reading]) -> str:
    """Return a speed: "  41 t/s", " ~41 t/s"."""
    if reading is None:
        return f"{units.UNKNOWN:>4} t/s"
    whole = round(reading.tps)
    if reading.source is not Source.ESTIMATE:
        return f"{units.short_count(whole):>4} t/s"
    return f"{f'~{whole}' if whole < 1000 else f'~{whole // 1000}k':>4} t/s"


def title_loading(loading_s: Optional[float]) -> str:
    """Return "load 12s"."""
    return f"load{'' if loading_s is None else f'{min(999, int(loading_s))}s':>4}"


def title_prompt(tokens: Optional[int]) -> str:
    """Return how much of a prompt is processed: "5.2k tok"."""
    return "  prompt" if tokens is None else f"{units.short_count(tokens):>4} tok"


def title_queued(waiting: Optional[int]) -> str:
    """Return "  2 wait"."""
    return f"{units.UNKNOWN if waiting is None else min(999, waiting):>3} wait"
