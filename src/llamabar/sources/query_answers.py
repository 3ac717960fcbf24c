"""Each query as one HTTP call, and its answer as events. Watching uses only these routes."""

import secrets
import threading
from datetime import datetime, timezone
from typing import Callable, Dict, Optional, Tuple
from urllib.parse import quote

from llamabar.core import decode
from llamabar.core import events as ev
from llamabar.core.capabilities import Capability
from llamabar.core.fields import parse
from llamabar.core.queries import Answer, Kind, Query
from llamabar.sources.client import Client, Unreachable

SLOTS_ANSWER_S = 1.0
SAMPLES_S = 15.0
HEARTBEAT_ANSWER_S = 3.0
_ONE_PAGE = threading.Lock()
NO_VERSION_ROUTE = ev.CapabilitiesFound(refuted=frozenset({Capability.VERSION}))


def answer(client: Client, query: Query) -> Answer:
    """Return the server's answer; `failed` if it can't be used."""
    try:
        return _ANSWERS[query.kind](client, query)
    except Unreachable:
        missed: Dict[Kind, Tuple[ev.Event, ...]] = {
            **dict.fromkeys((Kind.HEALTH, Kind.VERSION), (ev.HealthAnswered(False),)),
            Kind.SLOTS: (ev.SlotsAnswered(query.model, None),),
        }
        return Answer(query, missed.get(query.kind, ()), failed=True)


def _version(client: Client, query: Query) -> Answer:
    """Query the version. Up to v172 the route doesn't exist."""
    got = client.call("GET", "/api/version")
    known = decode.decode_version(parse(got.body)) if got.status == 200 else None
    return Answer(query, (known,) if known else (NO_VERSION_ROUTE,) if got.status == 404 else ())


def _running(client: Client, query: Query) -> Answer:
    """Query `/running`. Up to v185 it reports nothing that the event stream doesn't."""
    got = client.call("GET", "/running")
    event = decode.decode_running(parse(got.body)) if got.status == 200 else None
    if event is None:
        return Answer(query, failed=True)
    bare = event.models and all(one.proxy is None and one.ttl_s is None for one in event.models)
    return Answer(query, (event, *(_found(Capability.RUNNING_DETAILS, False) if bare else ())))


def _health(client: Client, query: Query) -> Answer:
    got = client.call("GET", "/wol-health", answer_s=HEARTBEAT_ANSWER_S)
    alive = got.status == 200
    found = _found(Capability.WOL_HEALTH, alive)
    return Answer(query, (*found, ev.HealthAnswered(True, got.clock_s)) if alive else found)


def _finished(client: Client, query: Query) -> Answer:
    """Fetch the rows of finished requests; `rows` is 0 if only the older route is known to exist."""
    got, name = None, Capability.ACTIVITY
    if query.rows:
        got = client.call("GET", f"/api/metrics/activity?limit={query.rows}")
    if got is None or got.status == 404:
        got, name = client.call("GET", "/api/metrics"), Capability.METRICS
    if got.status == 404:
        return Answer(query, (ev.CapabilitiesFound(refuted=frozenset({Capability.ACTIVITY, Capability.METRICS})),))
    event = _rows_of(got.body) if got.status == 200 else None
    if event is None:
        return Answer(query, failed=True)
    event = event._replace(came_unix_s=client.unix_s(), clock_s=got.clock_s, limit=query.rows)
    return Answer(query, (ev.CapabilitiesFound(confirmed=frozenset({name})), event))


def _rows_of(body: bytes) -> Optional[ev.RequestsFinished]:
    """Return the rows of a page, None if it isn't one. Parsed, a page takes five times its size, so only one is parsed
    at a time."""
    with _ONE_PAGE:
        page = parse(body)
        told = page is not None or body.strip() == b"null"  # empty: it contains a rate that JSON can't express
        return decode.decode_activity_page(page) if told else None


def _profiles(client: Client, query: Query) -> Answer:
    got = client.call("GET", "/api/profiles")
    event = decode.decode_profiles(parse(got.body)) if got.status == 200 else None
    return Answer(query, (*_found(Capability.PROFILES, event is not None), *((event,) if event else ())))


def _cancel_probe(client: Client, query: Query) -> Answer:
    """Cancel request 0. IDs start at 1, so it never exists."""
    got = client.call("POST", "/api/inflight/0/cancel")
    there = got.status == 404 and "inflight request not found" in decode.error_text(got.body)
    return Answer(query, _found(Capability.CANCEL, there))


def _unload_probe(client: Client, query: Query) -> Answer:
    """Unload a model that doesn't exist. From v218 on, when the in-flight number can be trusted, the refusal has `src`.
    """
    got = client.call("POST", f"/api/models/unload/{quote('no-model-' + secrets.token_hex(8), safe='')}")
    there = got.status == 404 and "model not found" in decode.error_text(got.body).lower()
    counts = there and b'"src":"llama-swap"' in got.body.replace(b" ", b"")
    return Answer(query, (*_found(Capability.UNLOAD_ONE, there), *_found(Capability.INFLIGHT_COUNT, counts)))


def _performance(client: Client, query: Query) -> Answer:
    """Query the last 15 s of samples; where the route exists, it isn't logged."""
    after = datetime.fromtimestamp(client.unix_s() - SAMPLES_S, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    got = client.call("GET", f"/api/performance?after={after}")
    gpu = decode.decode_performance(parse(got.body)) if got.status == 200 else None
    told = _found(Capability.GPU, True) if gpu is not None else ()
    return Answer(query, (*_found(Capability.PERFORMANCE, got.status == 200), *told, gpu or ev.GpuMeasured(None)))


def _slots(client: Client, query: Query) -> Answer:
    """Query the model server directly, never through llama-swap, and without llama-swap's key."""
    got = client.at(query.url).call("GET", "/slots", answer_s=SLOTS_ANSWER_S)
    slots = decode.decode_slots(parse(got.body)) if got.status == 200 else None
    never = got.status in (400, 401, 403, 404, 405, 501) or (got.status == 200 and slots is None)
    return Answer(query, (ev.SlotsAnswered(query.model, slots, closed=never),), failed=slots is None)


def _found(name: Capability, there: bool) -> "tuple[ev.Event, ...]":
    one = frozenset({name})
    return (ev.CapabilitiesFound(confirmed=one) if there else ev.CapabilitiesFound(refuted=one),)


_ANSWERS: Dict[Kind, Callable[[Client, Query], Answer]] = {
    Kind.VERSION: _version,
    Kind.RUNNING: _running,
    Kind.HEALTH: _health,
    Kind.FINISHED: _finished,
    Kind.PROFILES: _profiles,
    Kind.CANCEL_PROBE: _cancel_probe,
    Kind.UNLOAD_PROBE: _unload_probe,
    Kind.PERFORMANCE: _performance,
    Kind.SLOTS: _slots,
}
