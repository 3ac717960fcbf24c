"""Every word that a user reads in the menu. Sentence case; states named as llama-swap names them."""

from typing import Dict, Optional

from llamabar.core import units
from llamabar.core.events import FaultKind
from llamabar.core.phases import Phase
from llamabar.core.speed import Reading, Source
from llamabar.core.state import Snapshot
from llamabar.core.status import Status, is_sure

SERVER = "llama-swap"

STATUS: Dict[Status, str] = {
    Status.NO_SERVICE: "not running, and no service is known",
    Status.STOPPED: "stopped",
    Status.STARTING: "starting",
    Status.CRASHING: "keeps crashing",
    Status.UNREACHABLE: "not answering",
    Status.UNAUTHORIZED: "needs a key",
    Status.INCOMPATIBLE: "something else answers",
    Status.EMPTY: "no model loaded",
    Status.READY: "ready",
    Status.LOADING: "loading",
    Status.QUEUED: "requests wait",
    Status.PROMPT: "reading a prompt",
    Status.GENERATING: "generating",
    Status.STOPPING: "unloading",
}

FAULTS: Dict[FaultKind, str] = {
    FaultKind.REFUSED: "nothing listens there",
    FaultKind.TIMEOUT: "no answer in time",
    FaultKind.UNKNOWN_HOST: "the host name is not known",
    FaultKind.TLS: "no secure connection",
    FaultKind.UNAUTHORIZED: "the key is missing or wrong",
    FaultKind.NOT_LLAMA_SWAP: "what answers is not llama-swap",
    FaultKind.CLOSED: "the connection was closed",
    FaultKind.LAGGING: "we fell behind and connect again",
    FaultKind.ASLEEP: "the machine behind it sleeps; a request wakes it, watching does not",
}

REMEDIES: Dict[FaultKind, str] = {
    FaultKind.UNAUTHORIZED: "Key: set LLAMABAR_API_KEY or api_key in the settings",
    FaultKind.NOT_LLAMA_SWAP: "Address: set LLAMABAR_URL or url in the settings",
}

PHASES: Dict[Phase, str] = {
    Phase.QUEUED: "waiting",
    Phase.LOADING: "waiting for the model",
    Phase.PROMPT: "reading the prompt",
    Phase.WORKING: "being answered",
    Phase.GENERATING: "generating",
}

SOURCE_MARKS: Dict[Source, str] = {Source.LIVE: "", Source.ESTIMATE: "~", Source.LAST: "last "}

STALE = "What is below is from then"
MODEL_STATES: Dict[str, str] = {"stopping": "unloading", "starting": "loading", "": "on another host"}
ASKED = "asked…"
STAYS = "stays loaded"
BUSY = "busy"
REFUSED_FOR_S = 10.0
NO_REQUESTS = "none"
FIVE_MINUTES = "over five minutes"


def status(snapshot: Snapshot, found: Status) -> str:
    """Return a status in words; "busy" where a version does not tell what it is busy with."""
    return BUSY if found is Status.GENERATING and not is_sure(snapshot) else STATUS[found]


def speed(reading: Optional[Reading]) -> str:
    """Return a speed with its unit and how sure it is: 41.2 tok/s, ~41.2 tok/s, last 41.2 tok/s."""
    return units.UNKNOWN if reading is None else f"{SOURCE_MARKS[reading.source]}{units.rate(reading.tps)} tok/s"


def title_speed(reading: Optional[Reading]) -> str:
    """Return a speed of always seven characters: " 41 t/s", "~41 t/s"."""
    if reading is None:
        return "  – t/s"
    mark = "~" if reading.source is Source.ESTIMATE else ""
    return f"{mark + units.short_count(round(reading.tps)):>3} t/s"


def title_loading(loading_s: Optional[float]) -> str:
    """Return "load 12s" of always nine characters."""
    return f"load {'' if loading_s is None else f'{min(999, int(loading_s))}s':>4}"


def title_prompt(tokens: Optional[int]) -> str:
    """Return "prompt 5k" of always eleven characters."""
    return f"prompt {'' if tokens is None else units.short_count(tokens):>4}"


def title_queued(waiting: Optional[int]) -> str:
    """Return "2 queued" of always ten characters."""
    return f"{units.UNKNOWN if waiting is None else min(999, waiting):>3} queued"


def ago(seconds: float) -> str:
    """Return an age that need not be counted up: just now, 2 min ago."""
    return "just now" if seconds < 60 else f"{units.duration(seconds)} ago"


def failed(age_s: float, why: str) -> str:
    """Return that a model could not be loaded, when and why."""
    return f"failed to load {ago(age_s)}" + (f", {why}" if why else "")


def loading(loading_s: Optional[float], usual_s: Optional[float]) -> str:
    """Return how long a model has been loading, and how long it usually takes."""
    took = "loading" if loading_s is None else f"loading {units.duration(loading_s)}"
    return took + ("" if usual_s is None else f" (usually {units.span(usual_s)})")


def prompt(tokens: Optional[int]) -> str:
    """Return that a prompt is read, with the position where it is known."""
    return "reading the prompt" + ("" if tokens is None else f", {units.count(tokens)} tokens so far")


def unload(ttl_s: Optional[float], rest_s: Optional[float], *, busy: bool) -> str:
    """Return when a ready model will be unloaded, as far as that is known; "" when it is not."""
    if ttl_s is None:
        return ""
    if ttl_s == 0:
        return STAYS
    if rest_s is not None:
        return f"unloads in {units.countdown(max(0.0, rest_s))}"
    return "" if busy else f"unloads {units.countdown(ttl_s)} after its last use"
