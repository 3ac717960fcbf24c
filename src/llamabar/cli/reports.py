"""Results as JSON documents and as words. The keys are the contract's."""

from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from llamabar.cli.output import table
from llamabar.core import readings, units
from llamabar.core.capabilities import capabilities
from llamabar.core.phases import Phase, phases
from llamabar.core.state import Model, Request, Snapshot, loaded, requests_of
from llamabar.core.status import Status
from llamabar.view import needs, words
from llamabar.view.scene import Scene, Server
from llamabar.view.sections.models import listed, state_words
from llamabar.view.sections.requests import said
from llamabar.view.text import name, plain, reason

NOT_WELL = (
    Status.NO_SERVICE, Status.STOPPED, Status.STARTING, Status.CRASHING, Status.UNREACHABLE, Status.UNAUTHORIZED,
    Status.INCOMPATIBLE,
)  # fmt: skip
DIAGNOSE = "To find out why: llamabar doctor"
WAITING = (Phase.QUEUED, Phase.LOADING)


def is_well(scene: Scene) -> bool:
    """Tell whether every server answers and lets us look."""
    return not any(server.status in NOT_WELL for server in scene.servers)


def status_lines(scene: Scene) -> List[str]:
    """Return each server, its loaded models and its requests, a line each; an outage with its reason."""
    return [line for server in scene.servers for line in _status_lines(server, scene.now_s)]


def silent_lines(scene: Scene) -> List[str]:
    """Return the lines of each server whose models are not known."""
    silent = [server for server in scene.servers if server.status in NOT_WELL]
    return [line for server in silent for line in _status_lines(server, scene.now_s)]


def _status_lines(server: Server, now_s: float) -> List[str]:
    snapshot, fault = server.snapshot, server.snapshot.fault
    head = f"{plain(server.name)} at {server.address}: {words.status(snapshot, server.status)}"
    if not snapshot.connected and fault is not None:
        why = words.sentence(words.why(fault, server.status, detail=reason(fault.detail)))
        return [head, f"  {why} {words.REMEDIES.get(fault.kind, DIAGNOSE)}"]
    found = phases(snapshot)
    rows = [
        (server.label(model.id), state_words(server, model, now_s=now_s), units.size(model.memory_bytes))
        for model in loaded(snapshot)
    ] + [
        (f"{words.REQUEST.lower()} {name(request.info.id, 12)}", said(server, request, phase=phase, now_s=now_s), "")
        for request, phase in ((request, found[request.info.id]) for request in _oldest_first(snapshot))
    ]
    return [head, *(table(rows, indent=2) if rows else ())]


def _oldest_first(snapshot: Snapshot) -> List[Request]:
    return sorted(snapshot.requests.values(), key=lambda request: (request.started_s, request.info.id))


def model_table(scene: Scene) -> List[str]:
    """Return every model as a line of a table: what is measured now, else what was measured last."""
    rows = [("MODEL", "NAME", "SERVER", "STATE", "TOK/S", "MEMORY", "CONTEXT", "UNLOADS", "TO LOAD")]
    several = len(scene.servers) > 1
    models = [(server, model) for server in scene.servers for model in listed(server, now_s=scene.now_s)]
    named = any(model.info.name for _, model in models)
    for server, model in models:
        rest_s = readings.unloads_in_s(server.snapshot, model, now_s=scene.now_s)
        reading = readings.generation(server.snapshot, model, now_s=scene.now_s) or readings.last(model)
        kept = needs.of(server, model.id)
        context = readings.context_tokens(model) or (kept.needs.context_tokens if kept is not None else None)
        memory = units.size(model.memory_bytes) if kept is None else f"({needs.size(kept.needs.memory_bytes)})"
        rows.append((
            plain(model.id), plain(model.info.name), name(server.name), _state(model),
            words.speed(reading).replace(" tok/s", ""), memory, units.count(context),
            "never" if model.ttl_s == 0 else units.duration(rest_s), needs.said(server, model.id),
        ))  # fmt: skip
    measured = any(row[-1] for row in rows[1:])
    return table([[row[0], *row[1:2][:named], *row[2:3][:several], *row[3:-1], *row[-1:][:measured]] for row in rows])


def _state(model: Model) -> str:
    return reason(words.MODEL_STATES.get(model.state, model.state))


def request_table(scene: Scene) -> List[str]:
    """Return every request in flight as a line of a table; whom it is from where a version tells that."""
    found = [entry for server in scene.servers for entry in _requests(server.snapshot, scene.now_s)]
    told = any(entry["client"] for entry in found)
    rows = [
        (
            name(entry["id"], 12), plain(entry["model"]), words.PHASES[Phase(entry["phase"])],
            units.count(entry["generated_tokens"]), units.duration(entry["age_s"]),
            name(entry["client"] or units.UNKNOWN),
        )
        for entry in found
    ]  # fmt: skip
    head = ("REQUEST", "MODEL", "PHASE", "TOKENS", "AGE", "FROM")
    return table([row[: 5 + told] for row in (head, *rows)]) if rows else ["No requests in flight."]


def status_document(scene: Scene) -> Dict[str, Any]:
    """Return `status --json`."""
    host = scene.servers[0].snapshot.host
    return {
        "servers": [_server(server, scene.now_s) for server in scene.servers],
        "host": {
            "cpu_ratio": host.cpu_ratio,
            "memory_used_bytes": host.memory_used_bytes,
            "memory_total_bytes": host.memory_total_bytes,
        },
    }


def models_document(scene: Scene) -> Dict[str, Any]:
    """Return `models --json`."""
    found = [
        {"server": server.name, **_model(server.snapshot, model, scene.now_s), "needs": _needs(server, model)}
        for server in scene.servers
        for _, model in sorted(server.snapshot.models.items())
    ]
    return {"models": found}


def _needs(server: Server, model: Model) -> Optional[Dict[str, Any]]:
    """Return what loading a model took and would do now; None where that was never measured, or while it is loaded."""
    found = needs.of(server, model.id)
    if found is None:
        return None
    return {
        "memory_bytes": found.needs.memory_bytes,
        "memory_kind": found.needs.memory.value,
        "load_s": None if found.needs.load_s is None else round(found.needs.load_s, 2),
        "context_tokens": found.needs.context_tokens,
        "measured_loads": found.needs.loads,
        "free_bytes": found.free_bytes,
        "unloads": list(found.unloads),
        "fits": found.fits,
    }


def requests_document(scene: Scene) -> Dict[str, Any]:
    """Return `requests --json`."""
    servers = scene.servers
    found = [{"server": one.name, **entry} for one in servers for entry in _requests(one.snapshot, scene.now_s)]
    return {"requests": found}


def _requests(snapshot: Snapshot, now_s: float) -> List[Dict[str, Any]]:
    found = phases(snapshot)
    return [
        {
            "id": request.info.id,
            "model": request.info.model,
            "age_s": round(now_s - request.started_s, 3),
            "phase": found[request.info.id].value,
            "generated_tokens": _generated(snapshot, request, found[request.info.id]),
            "client": request.info.client or None,
        }
        for request in _oldest_first(snapshot)
    ]


def _generated(snapshot: Snapshot, request: Request, phase: Phase) -> Optional[int]:
    model = snapshot.models.get(request.info.model)
    return readings.decoded_tokens(snapshot, model) if model is not None and phase is Phase.GENERATING else None


def _server(server: Server, now_s: float) -> Dict[str, Any]:
    snapshot = server.snapshot
    return {
        "name": server.name,
        "url": server.url,
        "version": snapshot.version or None,
        "status": server.status.value,
        "reachable": snapshot.connected,
        "fault": None if snapshot.fault is None else snapshot.fault.kind.value,
        "capabilities": list(capabilities(snapshot)),
        "profile": snapshot.profile,
        "models": [_model(snapshot, model, now_s) for _, model in sorted(snapshot.models.items())],
        "in_flight": _requests(snapshot, now_s),
        "totals": {
            "requests": snapshot.rows_total,
            "prompt_tokens": _tokens(snapshot, snapshot.prompt_tokens_total),
            "generated_tokens": _tokens(snapshot, snapshot.generated_tokens_total),
        },
    }


def _tokens(snapshot: Snapshot, total: Optional[int]) -> Optional[int]:
    return total if snapshot.rows_total is not None and snapshot.tokens_known else None


def _model(snapshot: Snapshot, model: Model, now_s: float) -> Dict[str, Any]:
    requests = requests_of(snapshot, model.id)
    waiting = [request for request in requests if phases(snapshot)[request.info.id] in WAITING]
    listed = "inflight_list" in snapshot.confirmed
    reading = readings.generation(snapshot, model, now_s=now_s) or readings.last(model)
    rest_s = readings.unloads_in_s(snapshot, model, now_s=now_s)
    return {
        "id": model.id,
        "name": model.info.name or model.id,
        "unlisted": model.info.unlisted,
        "state": model.state,
        "in_flight": len(requests) if listed else None,
        "queued": len(waiting) if listed else None,
        "generation_tps": None if reading is None else round(reading.tps, 2),
        "generation_tps_source": None if reading is None else reading.source.value,
        "prompt_tps": model.meter.last.prompt_tps if model.meter.last else None,
        "memory_bytes": model.memory_bytes,
        "context_tokens": readings.context_tokens(model),
        "ttl_s": model.ttl_s,
        "unloads_in_s": None if rest_s is None else round(max(0.0, rest_s), 1),
    }


Report = Tuple[Callable[[Scene], Dict[str, Any]], Callable[[Scene], List[str]]]
REPORTS: Mapping[str, Report] = {
    "status": (status_document, status_lines),
    "models": (models_document, model_table),
    "requests": (requests_document, request_table),
}
