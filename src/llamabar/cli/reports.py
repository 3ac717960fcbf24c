"""Results as JSON documents and as text. The JSON keys are set by the contract."""

from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from llamabar.cli.output import table
from llamabar.cli.program import diagnose, to_run
from llamabar.core import readings, units
from llamabar.core.capabilities import Capability
from llamabar.core.phases import WAITING, phases
from llamabar.core.state import Model, Snapshot, at_work, capabilities, in_flight, loaded, requests_of
from llamabar.core.status import Status
from llamabar.terminal import facts
from llamabar.terminal import words as dashboard_words
from llamabar.view import details, doing_words, needs, words
from llamabar.view.scene import Scene, Server
from llamabar.view.text import name, plain

NOT_WELL = (
    Status.NO_SERVICE, Status.STOPPED, Status.STARTING, Status.CRASHING, Status.UNREACHABLE, Status.UNAUTHORIZED,
    Status.INCOMPATIBLE,
)  # fmt: skip
MODEL_HEAD = ("MODEL", "NAME", "SERVER", "STATE", "TOK/S", "MEMORY", "CONTEXT", "UNLOADS", "LAST USE", "TO LOAD")
STATUS_HEAD = ("MODEL", "STATE", "TOK/S", "MEMORY", "UNLOADS")
REQUEST_HEAD = ("REQUEST", "MODEL", "SERVER", "PHASE", "TOKENS", "AGE", "FROM")


def is_well(scene: Scene) -> bool:
    """Tell whether every server answers and can be read."""
    return not any(server.status in NOT_WELL for server in scene.servers)


def status_lines(scene: Scene, *, only_silent: bool = False) -> List[str]:
    """Return one line for each server, loaded model and request; for an outage, also its reason.

    With `only_silent`, only for servers whose models aren't known.
    """
    servers = [server for server in scene.servers if not only_silent or server.status in NOT_WELL]
    return [line for server in servers for line in _status_lines(server, scene.now_s)]


def _status_lines(server: Server, now_s: float) -> List[str]:
    snapshot, fault = server.snapshot, server.snapshot.fault
    head = f"{plain(server.name)} at {server.address}: {words.status(snapshot, server.status)}"
    if not snapshot.connected and fault is not None:
        return [head, f"  {facts.why(server, fault)} {words.REMEDIES.get(fault.kind) or _next(server)}"]
    models, requests = list(loaded(snapshot)), facts.requests(server)
    lines = table([STATUS_HEAD, *(_model_row(server, one, now_s) for one in models)], indent=2) if models else []
    lines += table([REQUEST_HEAD, *_request_rows(server, now_s)], indent=2, headed=True) if requests else []
    return [head, *lines]


def _next(server: Server) -> str:
    """Return the command to run next for a server that doesn't respond."""
    if server.status is Status.NO_SERVICE:
        return to_run("To set one up", "install")
    return to_run("To start it", f"start{server.option}") if server.status is Status.STOPPED else diagnose()


def _doing(server: Server, model: Model, now_s: float) -> str:
    """Return what a model is doing, in words that need no symbol before them."""
    found = facts.state(server, model, now_s=now_s)
    return "not loaded" if found.absent and not model.info.peer else found.words


def _model_row(server: Server, model: Model, now_s: float) -> Tuple[str, ...]:
    return (
        server.label(model.id), _doing(server, model, now_s), facts.tps(server, model)[0],
        units.size(model.memory_bytes), facts.unloads(server, model, now_s=now_s)[0],
    )  # fmt: skip


def _request_rows(server: Server, now_s: float, where: str = "") -> List[Tuple[str, ...]]:
    found = phases(server.snapshot)
    rows: List[Tuple[str, ...]] = []
    for request in facts.requests(server):
        phase = found[request.info.id]
        rows.append((
            name(request.info.id, 12), server.label(request.info.model), where,
            doing_words.phase(phase, request.kind), facts.tokens(server, request, phase),
            units.duration(now_s - request.started_s), name(request.info.client) if request.info.client else "",
        ))  # fmt: skip
    return rows


def model_table(scene: Scene) -> List[str]:
    """Return every model as a table row: current figures, else the last measured ones."""
    if not any(server.snapshot.models for server in scene.servers):
        return list(dashboard_words.NO_MODELS) if any(server.snapshot.connected for server in scene.servers) else []
    rows: List[Tuple[str, ...]] = [MODEL_HEAD]
    several = len(scene.servers) > 1
    models = [(server, model) for server in scene.servers for model in facts.models(server, now_s=scene.now_s)]
    named = any(model.info.name for _, model in models)
    for server, model in models:
        kept = needs.of(server, model.id)
        context = readings.context_tokens(model) or (kept.needs.context_tokens if kept is not None else None)
        used = "" if model.last_use_s is None else words.ago(scene.now_s - model.last_use_s)
        rows.append((
            plain(model.id), plain(model.info.name), name(server.name), _doing(server, model, scene.now_s),
            facts.tps(server, model)[0], facts.memory(server, model)[0], units.count(context),
            facts.unloads(server, model, now_s=scene.now_s)[0], used, needs.said(server, model.id),
        ))  # fmt: skip
    return table([(row[0], *row[1:2][:named], *row[2:3][:several], *row[3:]) for row in rows], headed=True)


def request_table(scene: Scene) -> List[str]:
    """Return every active request as a table row, how many there are if not all are listed, and who works on others."""
    several = len(scene.servers) > 1
    rows = [
        row for one in scene.servers for row in _request_rows(one, scene.now_s, name(one.name) if several else "")
    ]  # fmt: skip
    lines = [*(table([REQUEST_HEAD, *rows], headed=True) if rows else []), *_unlisted(scene)]
    counts = [in_flight(server.snapshot) for server in scene.servers if server.status not in NOT_WELL]
    total = None if None in counts else sum(filter(None, counts))
    told = total == len(rows) if lines else not counts
    return lines if told else [*lines, dashboard_words.in_flight(total)]


def _unlisted(scene: Scene) -> List[str]:
    """Return a line for each model that works on a request that isn't listed."""
    loads = ((server, model) for server in scene.servers for model in loaded(server.snapshot))
    unlisted = ((server, one) for server, one in loads if at_work(one) and not requests_of(server.snapshot, one.id))
    return [
        f"{server.label(model.id)} is busy with a request that llama-swap doesn't list."
        if Capability.INFLIGHT_LIST in server.snapshot.confirmed
        else f"{server.label(model.id)} is busy."
        for server, model in unlisted
    ]


def status_document(scene: Scene) -> Dict[str, Any]:
    """Return the document of `status --json`."""
    host = scene.servers[0].snapshot.host
    return {
        "servers": [_server(server, scene.now_s) for server in scene.servers],
        "host": {
            "cpu_ratio": host.cpu_ratio,
            "memory_used_bytes": host.memory_used_bytes,
            "memory_total_bytes": host.memory_total_bytes,
            "memory_pressure": host.pressure,
        },
    }


def models_document(scene: Scene) -> Dict[str, Any]:
    """Return the document of `models --json`."""
    found = [
        {"server": server.name, **_model(server.snapshot, model, scene.now_s), "needs": _needs(server, model)}
        for server in scene.servers
        for _, model in sorted(server.snapshot.models.items())
    ]
    return {"models": found}


def _needs(server: Server, model: Model) -> Optional[Dict[str, Any]]:
    """Return what loading a model took and would do now; None if that was never measured, or while it is loaded."""
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
    """Return the document of `requests --json`."""
    servers = scene.servers
    found = [{"server": one.name, **entry} for one in servers for entry in _requests(one, scene.now_s)]
    return {"requests": found}


def _requests(server: Server, now_s: float) -> List[Dict[str, Any]]:
    found = phases(server.snapshot)
    return [
        {
            "id": request.info.id,
            "model": request.info.model,
            "age_s": round(now_s - request.started_s, 3),
            "phase": found[request.info.id].value,
            "generated_tokens": details.generated(server, request, found[request.info.id]),
            "client": request.info.client or None,
        }
        for request in facts.requests(server)
    ]


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
        "in_flight": _requests(server, now_s),
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
    listed = Capability.INFLIGHT_LIST in snapshot.confirmed
    reading = readings.generation(snapshot, model, now_s=now_s) or readings.last(model)
    prompt_tps = model.meter.last.prompt_tps if model.meter.last else None
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
        "prompt_tps": None if prompt_tps is None else round(prompt_tps, 2),
        "memory_bytes": model.memory_bytes,
        "context_tokens": readings.context_tokens(model),
        "ttl_s": model.ttl_s,
        "unloads_in_s": None if rest_s is None else round(max(0.0, rest_s), 1),
        "last_use_age_s": None if model.last_use_s is None else round(now_s - model.last_use_s, 1),
    }


Report = Tuple[Callable[[Scene], Dict[str, Any]], Callable[[Scene], List[str]]]
REPORTS: Mapping[str, Report] = {
    "status": (status_document, status_lines),
    "models": (models_document, model_table),
    "requests": (requests_document, request_table),
}
