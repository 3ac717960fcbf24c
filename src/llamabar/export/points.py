"""Turn what is known into points. Pure: the time is an argument. A point that would be a guess is left out."""

import unicodedata
from collections import Counter
from typing import Dict, Iterable, Mapping, Tuple

from llamabar.core import totals
from llamabar.core.apply_models import has_quit
from llamabar.core.capabilities import Capability
from llamabar.core.phases import WAITING, phases
from llamabar.core.readings import generation, gpu, unloads_in_s
from llamabar.core.state import READY, STARTING, STOPPED, STOPPING, Host, Model, Snapshot, in_flight
from llamabar.core.status import Status, classify
from llamabar.export import families as of
from llamabar.export.counts import Book, Counts
from llamabar.export.encode import Scrape

LABEL_CHARS = 400
STATES = (READY, STARTING, STOPPING, STOPPED)
OTHER = "other"  # a state of no known version; all models that the server doesn't list
_CONTROL = ("Cc", "Cs")
_TURNING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # they reverse later text


def labels_of(texts: Iterable[str], *, taken: Tuple[str, ...] = ()) -> Dict[str, str]:
    """Return a label for each text: the text itself, shortened, control characters replaced; all labels differ."""
    found: Dict[str, str] = {}
    seen = set(taken)
    for text in texts:
        label = _clean(text)
        while label in seen:
            label += "~"
        seen.add(label)
        found[text] = label
    return found


def _clean(text: str) -> str:
    cut = text if len(text) <= LABEL_CHARS else f"{text[: LABEL_CHARS - 1]}…"
    return cut if cut.isprintable() else "".join("\ufffd" if _steers(char) else char for char in cut)


def _steers(char: str) -> bool:
    return char in _TURNING or (unicodedata.category(char) in _CONTROL and char != "\n")


def put_server(scrape: Scrape, server: str, snapshot: Snapshot, book: Book, *, now_s: float) -> None:
    """Add what is known about one server. If it can't be watched: only that, why, and its counts."""
    labels = labels_of(sorted(snapshot.models), taken=(OTHER,))
    status, is_known = classify(snapshot), snapshot.connected or snapshot.fault is not None
    scrape.put(of.UP, (server,), float(snapshot.connected) if is_known else None)
    for one in Status:
        scrape.put(of.STATUS, (server, one.value), float(one is status))
    if not snapshot.connected and snapshot.fault is not None:
        scrape.put(of.FAULT, (server, snapshot.fault.kind.value), 1.0)
    if snapshot.connected and not snapshot.table_is_new:
        _put_now(scrape, server, snapshot, now_s=now_s)
        _put_models(scrape, server, snapshot, labels, now_s=now_s)
    for model, label in labels.items():
        counts = book.of(model)
        scrape.put(of.FAILED_LOADS, (server, label), float(counts.failed_loads) if counts is not None else 0.0)
        if counts is not None:
            _put_counts(scrape, (server, label), counts, rows_read=book.is_open)
    if book.others.requests and book.is_open:
        _put_counts(scrape, (server, OTHER), book.others, rows_read=True)


def put_host(scrape: Scrape, host: Host) -> None:
    """Add what is known about this computer."""
    scrape.put(of.CPU, (), host.cpu_ratio)
    scrape.put(of.HOST_USED, (), host.memory_used_bytes)
    scrape.put(of.HOST_TOTAL, (), host.memory_total_bytes)


def _put_now(scrape: Scrape, server: str, snapshot: Snapshot, *, now_s: float) -> None:
    host = snapshot.host
    if snapshot.version:
        scrape.put(of.VERSION, (server, _clean(snapshot.version)), 1.0)
    states = Counter(map(_state, snapshot.models.values()))
    for state in (*STATES, *({OTHER} & states.keys())):
        scrape.put(of.MODELS, (server, state), float(states[state]))
    scrape.put(of.IN_FLIGHT, (server,), in_flight(snapshot))
    scrape.put(of.SERVER_MEMORY, (server,), host.server_bytes)
    for family, value in zip((of.GPU, of.GPU_POWER), gpu(host, now_s=now_s)):
        scrape.put(family, (server,), value)


def _put_models(scrape: Scrape, server: str, snapshot: Snapshot, labels: Mapping[str, str], *, now_s: float) -> None:
    told = Capability.INFLIGHT_LIST in snapshot.confirmed  # then it is known for each model
    flying = Counter(labels.get(one.info.model, OTHER) for one in snapshot.requests.values())
    waits = [snapshot.requests[one].info.model for one, phase in phases(snapshot).items() if phase in WAITING]
    waiting = Counter(labels.get(model, OTHER) for model in waits)
    if told:
        scrape.put(of.WAITING, (server,), float(len(waits)))
        up = (labels[model_id] for model_id, model in snapshot.models.items() if model.state != STOPPED)
        for label in dict.fromkeys((*up, *flying)):
            scrape.put(of.MODEL_IN_FLIGHT, (server, label), float(flying[label]))
            scrape.put(of.MODEL_WAITING, (server, label), float(waiting[label]))
    for model_id, model in snapshot.models.items():
        if not model.info.peer:
            at = (server, labels[model_id])
            scrape.put(of.STATE, (*at, _state(model)), 1.0)
            scrape.put(of.FAILING, at, 1.0 if model.failed_at_s is not None or has_quit(model, now_s=now_s) else None)
            scrape.put(of.MEMORY, at, model.memory_bytes)
            rest_s = unloads_in_s(snapshot, model, now_s=now_s)
            scrape.put(of.UNLOADS, at, None if rest_s is None else max(0.0, rest_s))
            _put_speed(scrape, at, snapshot, model, idle=told and not flying[at[1]], now_s=now_s)


def _put_speed(
    scrape: Scrape, at: Tuple[str, str], snapshot: Snapshot, model: Model, *, idle: bool, now_s: float
) -> None:
    reading = generation(snapshot, model, now_s=now_s)
    scrape.put(of.SPEED, at, reading.tps if reading is not None else 0.0 if idle and model.state == READY else None)
    if reading is not None:
        scrape.put(of.SOURCE, (*at, reading.source.value), 1.0)


def _put_counts(scrape: Scrape, at: Tuple[str, str], counts: Counts, *, rows_read: bool) -> None:
    """Add a model's counts, encoded again only if they changed: most models rest between two scrapes."""
    wanted = at, rows_read
    if counts.lines is None or counts.lines[0] != wanted:
        own = Scrape()
        own.put(of.LOAD, at, counts.loads.shown())
        own.put(of.CRASHES, at, float(counts.crashes))
        if rows_read:
            _put_requests(own, at, counts)
        counts.lines = wanted, own.lines()
    scrape.add(counts.lines[1])


def _put_requests(scrape: Scrape, at: Tuple[str, str], counts: Counts) -> None:
    """Add the counts of requests: all 0 before the first one; after it, what the server does not tell is absent."""
    scrape.put(of.REQUESTS, (*at, "ok"), float(counts.requests - counts.failures))
    scrape.put(of.REQUESTS, (*at, "failed"), float(counts.failures))
    scrape.put(of.PROMPT, at, float(counts.prompt_tokens))
    scrape.put(of.GENERATED, at, float(counts.generated_tokens))
    scrape.put(of.CACHED, at, float(counts.cached_tokens) if counts.cache_is_told or not counts.requests else None)
    for family, figure in (
        (of.FIRST_TOKEN, totals.FIRST_TOKEN), (of.DURATION, totals.DURATION), (of.GENERATION, totals.GENERATION),
    ):  # fmt: skip
        spread = counts.spreads[figure].shown()
        scrape.put(family, at, spread if spread.counts[-1] or not counts.requests else None)


def _state(model: Model) -> str:
    return model.state if model.state in STATES else OTHER
