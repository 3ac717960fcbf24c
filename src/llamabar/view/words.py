"""Every word that a user reads in the menu. Sentence case; states named as llama-swap names them."""

from typing import Dict, Optional

from llamabar.core import units
from llamabar.core.events import FaultKind, ServiceFound
from llamabar.core.phases import Phase
from llamabar.core.speed import Reading, Source
from llamabar.core.state import Snapshot
from llamabar.core.status import Status, is_sure
from llamabar.view.text import name

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
    Status.PROMPT: "processing prompt",
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
    FaultKind.CLOSED: "the connection was closed", FaultKind.NO_ADDRESS: "its address can't be used",
    FaultKind.LAGGING: "we fell behind and connect again",
    FaultKind.ASLEEP: "the machine behind it sleeps; a request wakes it, watching does not",
}

REMEDIES: Dict[FaultKind, str] = {
    FaultKind.UNAUTHORIZED: "Key: put api_key_keychain or api_key_file into the settings",
    FaultKind.NOT_LLAMA_SWAP: "Address: put the right url into the settings",
}

PHASES: Dict[Phase, str] = {
    Phase.QUEUED: "waiting",
    Phase.LOADING: "waiting for the model",
    Phase.PROMPT: "processing prompt",
    Phase.WORKING: "in progress",
    Phase.GENERATING: "generating",
}

SOURCE_MARKS: Dict[Source, str] = {Source.LIVE: "", Source.ESTIMATE: "~", Source.LAST: "last "}

# Labels: the part of a row before its colon, or its first word, by which SwiftBar finds it in an open menu.
SPEED, MEMORY, CPU, GPU, REQUESTS, TODAY, FINISHED = "Speed", "Memory", "CPU", "GPU", "Requests", "Today", "Finished"
REQUEST, LOAD, PEERS, WHY, LAST_SEEN = "Request", "Load", "Peers", "Why", "Last seen"
PLUGIN, UPDATE = "Plugin", "Update"
GENERATION, PROMPT, CONTEXT, LOAD_TIME, ALIASES = "Generation", "Prompt", "Context", "Load time", "Also called"
ADDRESS, VERSION, WATCHED, SERVICE, IN_FLIGHT, UNLOADS = (
    "Address", "Version", "Watched", "Service", "In flight", "Unloads",
)  # fmt: skip

# Actions
OPEN_UI, MODELS_PAGE = "Open web UI", "models#/models"
OPEN_PAGES = (("Web UI: activity", "activity#/activity"), ("Web UI: logs", "#/logs"))
COPY_ENDPOINT, COPY_BASE_URL, COPY_CURL, COPY_ID = (
    "Copy: endpoint", "Copy: base URL for OpenAI clients", "Copy: curl line", "Copy: model id",
)  # fmt: skip
UNLOAD_ALL, CANCEL_ALL, CANCEL, LOAD_AGAIN, OWN_PAGE = (
    "Unload all models", "Cancel all requests", "Cancel: this request", "Load again", "Open: its own web page",
)  # fmt: skip
START, STOP, RESTART, MORE = "Start llama-swap", "Stop llama-swap", "Restart llama-swap", "More"
PROFILE, NO_PROFILE, LEAVE_PROFILE = "Profile", "none", "Leave the profile"
LOG_IN_TERMINAL, OPEN_LOG, OPEN_CONFIG, OPEN_PLIST, OPEN_SETTINGS = (
    "Show the log in a terminal", "Open the log file", "Open llama-swap's config", "Show the LaunchAgent in its folder",
    "Open the settings file",
)  # fmt: skip
TYPE = "To type (a click copies it)"
DOCTOR, WHY_DOCTOR, EARLIER = "Run doctor in a terminal", "Find out why: doctor", "Earlier days, in a terminal"
REFRESH, ABOUT = "Start this plugin anew", "llamabar"

OTHERS, STALE, AT_LEAST = "Others", "What is below is from then", "at least"
MODEL_STATES: Dict[str, str] = {"stopping": "unloading", "starting": "loading", "": "on another host"}
ASKED, STAYS, BUSY, READY_WAITING = "asked…", "stays loaded", "busy", "ready, requests waiting"
UNLOAD, COMPUTER, ITSELF = "Unload", "computer", "llama-swap itself"
REFUSED_FOR_S = 10.0
NO_REQUESTS, NONE_TODAY = "none", "no request yet"
FIVE_MINUTES_S = 300.0
FAULT_TITLE = "llamabar has a fault"
FAULT_GOES_ON = "It tries again every few seconds. If this stays: please report it with the line above"
LEGEND = "In the picture: bars for generation, dashes for prompts, each to its own scale"


def fault_of_ours(kind: str, where: str) -> str:
    """Return that this program failed, and where."""
    return f"llamabar: a fault of ours, {kind} at {where}"


def status(snapshot: Snapshot, found: Status) -> str:
    """Return a status in words; "busy" where a version does not tell what it is busy with."""
    if found is Status.CRASHING:
        return crashing(snapshot.service)
    if found is Status.STOPPING and not snapshot.connected:
        return "stopping"
    return BUSY if found is Status.GENERATING and not is_sure(snapshot) else STATUS[found]


def crashing(service: Optional[ServiceFound]) -> str:
    """Return that a service ends again and again, and how often it has."""
    times = service.crashes if service is not None else 0
    return f"{STATUS[Status.CRASHING]} ({units.plural(times, 'time')})" if times > 1 else "has crashed"


DOING: Dict[str, str] = {"profile": "choose the profile", "show": "open it", "copy": "copy it"}


def refused(what: str, why: str, *, in_row: bool = False) -> str:
    """Return that a click was refused, and why; `in_row`: behind the colon of the row that was clicked."""
    return f"could not {what}, {why}" if in_row else f"Could not {DOING.get(what, what)}: {why}"


def lost(requests: Optional[int]) -> str:
    """Return what an action does to somebody's work, "" if there is none."""
    return f", {units.plural(requests, 'request')} will be lost" if requests else ""


def asked(text: str, waiting: bool) -> str:
    """Return an item's text, while its click is on its way with a mark."""
    return f"{text}, {ASKED}" if waiting else text


def speed(reading: Optional[Reading]) -> str:
    """Return a speed with its unit and how sure it is: 41.2 tok/s, ~41.2 tok/s, last 41.2 tok/s."""
    return units.UNKNOWN if reading is None else f"{SOURCE_MARKS[reading.source]}{units.rate(reading.tps)} tok/s"


def speeds(generation: Reading, prompt_tps: Optional[float]) -> str:
    """Return how fast a request was answered and, where it is known, how fast its prompt was read."""
    return speed(generation) + (f", prompt {units.rate(prompt_tps)} tok/s" if prompt_tps else "")


def generating(reading: Optional[Reading]) -> str:
    """Return that a model generates, and how fast if that is known."""
    return "generating" + ("" if reading is None else f" {speed(reading)}")


def over(span_s: float) -> str:
    """Return over what time something was looked at."""
    return "over five minutes" if span_s == FIVE_MINUTES_S else f"over {units.duration(span_s)}"


def best(tps: float, span_s: float) -> str:
    """Return the best speed of a time in which nothing was measured just now."""
    return f"best {units.rate(tps)} tok/s {over(span_s)}"


def prompts(middle_tps: Optional[float], requests: int) -> str:
    """Return how fast prompts were read."""
    return f"median {units.rate(middle_tps)} tok/s of {units.plural(requests, 'request')}"


def tokens(count: int) -> str:
    """Return a number of tokens."""
    return f"{units.count(count)} tokens"


def peak(now: str, highest: str) -> str:
    """Return a size, with the highest it was if that is another."""
    return now if highest == now else f"{now} (highest {highest})"


def usual(seconds: Optional[float], times: int) -> str:
    """Return how long something usually takes, and of how many times that is known."""
    return f"{units.span(seconds)} (median of {times})"


def of_models(size_bytes: float) -> str:
    """Return the memory that all models take."""
    return f"models {units.size(size_bytes)}"


def on_other_hosts(models: int) -> str:
    """Return how many models other hosts have."""
    return f"{units.plural(models, 'model')} on other hosts"


def left_out(things: int, kind: str = "") -> str:
    """Return how much there was no room for."""
    return f"{units.count(things)} more {kind}".rstrip()


def rest(models: int, *, everything: bool) -> str:
    """Return how many models there are to load, beside those that have a row of their own."""
    return units.plural(models, "model" if everything else "more model")


def at(what: str, address: str) -> str:
    """Return what a server does, and where it is."""
    return f"{what} at {address}"


def lasting(seconds: float) -> str:
    """Return for how long."""
    return f"for {units.duration(seconds)}"


def totals(requests: int, generated: Optional[int], *, missed: bool = False) -> str:
    """Return what was done, the tokens where they are known; `missed`: there was more, which nobody saw."""
    said = units.plural(requests, "request") + (f", {tokens(generated)} generated" if generated else "")
    return f"{AT_LEAST} {said}" if missed else said if requests else NONE_TODAY


def title_speed(reading: Optional[Reading]) -> str:
    """Return a speed of always eight characters: "  41 t/s", " ~41 t/s"."""
    if reading is None:
        return f"{units.UNKNOWN:>4} t/s"
    whole = round(reading.tps)
    if reading.source is not Source.ESTIMATE:
        return f"{units.short_count(whole):>4} t/s"
    return f"{f'~{whole}' if whole < 1000 else f'~{whole // 1000}k':>4} t/s"


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
    return "processing prompt" + ("" if tokens is None else f", {units.count(tokens)} tokens so far")


def unload(ttl_s: Optional[float], rest_s: Optional[float], *, busy: bool) -> str:
    """Return when a ready model will be unloaded, as far as that is known; "" when it is not."""
    if ttl_s is None:
        return ""
    if ttl_s == 0:
        return STAYS
    if rest_s is not None:
        return f"unloads in {units.countdown(max(0.0, rest_s))}"
    return "" if busy else f"unloads {ttl(ttl_s)}"


def ttl(ttl_s: float) -> str:
    """Return the rule by which a model is unloaded."""
    return f"{units.duration(ttl_s)} after its last use" if ttl_s else "never"


def spread(now: Optional[Reading], middle: Optional[float], best: Optional[float], span_s: float) -> str:
    """Return a speed now, its median and its best over a time."""
    said = [] if now is None else [f"now {SOURCE_MARKS[now.source]}{units.rate(now.tps)}"]
    return f"{', '.join([*said, f'median {units.rate(middle)}', f'best {units.rate(best)}'])} tok/s {over(span_s)}"


def total(model: str, requests: int, tokens: int) -> str:
    """Return what one model did today."""
    return f"{name(model)}: {units.plural(requests, 'request')}" + (f", {units.count(tokens)} tokens" if tokens else "")


def waiting(running: Optional[int], queued: int) -> str:
    """Return how many requests are in flight, and how many of them wait."""
    if running is None:
        return units.UNKNOWN
    return f"{units.count(running)} in flight" + (f", {units.count(queued)} of them waiting" if queued else "")
