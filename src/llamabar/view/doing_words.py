"""Words for what a request does, by its path; for a busy or crashed model; and for the title."""

from typing import Dict, Iterable, Optional

from llamabar.core import units
from llamabar.core.path_kind import PathKind
from llamabar.core.phases import Phase
from llamabar.core.speed import Reading, Source
from llamabar.core.status import Status
from llamabar.view import languages, words
from llamabar.view.languages import said as _

KINDS: Dict[PathKind, str] = {
    PathKind.TRANSCRIPTION: "transcribing",
    PathKind.SPEECH: "speaking",
    PathKind.IMAGE: "making an image",
    PathKind.EMBEDDING: "embedding",
    PathKind.RERANKING: "reranking",
}


def busy(requests: int, kinds: Iterable[PathKind] = ()) -> str:
    """Return that a model is busy, and with what if the paths of all its requests agree."""
    return words.joined(at(kinds), words.counted(requests, "request"))


def at(kinds: Iterable[PathKind]) -> str:
    """Return what a model is busy with, if the paths of all its requests agree."""
    found = {KINDS.get(kind, words.BUSY) for kind in kinds}
    return found.pop() if len(found) == 1 else words.BUSY


def phase(found: Phase, kind: PathKind) -> str:
    """Return what a request is doing."""
    return KINDS[kind] if found is Phase.WORKING and kind in KINDS else words.PHASES[found]


def quit_unexpectedly(age_s: float) -> str:
    """Return that a model's server crashed, and when."""
    return _("crashed {}", words.ago(age_s))


def failed(age_s: float) -> str:
    """Return that a model failed to load, and when."""
    return _("failed to load, {}", words.ago(age_s))


def loading(loading_s: Optional[float], usual_s: Optional[float]) -> str:
    """Return how long a model has been loading, and how long it usually takes."""
    took = words.STATUS[Status.LOADING] + ("" if loading_s is None else f" {units.duration(loading_s)}")
    if usual_s is None:
        return took
    late = loading_s is not None and loading_s > usual_s
    return _("{}, usually {}" if late else "{} of ~{}", took, units.span(usual_s))


def prompt(tokens: Optional[int]) -> str:
    """Return that a prompt is being processed, with the position if known."""
    return words.PHASES[Phase.PROMPT] + ("" if tokens is None else _(", {} tokens so far", units.count(tokens)))


def left(rest_s: float) -> str:
    """Return the time left until a model unloads."""
    return _("{} left", units.countdown(max(0.0, rest_s)))


def ttl(ttl_s: float) -> str:
    """Return after how long a model unloads, as the start of a row."""
    rule = _("unloads after {} idle", units.duration(ttl_s)) if ttl_s else words.NEVER_UNLOADS
    return rule[:1].upper() + rule[1:]


TITLE_CHARS = 8  # of every title text, so that neighbors never move


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
    return _("load{:>4}", "" if loading_s is None else f"{min(999, int(loading_s))}s")


def title_prompt(tokens: Optional[int]) -> str:
    """Return how much of a prompt is processed: "5.2k tok"."""
    return _("  prompt") if tokens is None else f"{units.short_count(tokens):>4} tok"


def title_queued(waiting: Optional[int]) -> str:
    """Return "  2 wait"."""
    return _("{:>3} wait", units.UNKNOWN if waiting is None else min(999, waiting))


def title_unloading() -> str:
    """Return "  unload"."""
    return _("  unload")


languages.constants(globals())
