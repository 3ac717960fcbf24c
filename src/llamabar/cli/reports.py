"""Results as JSON documents and as words. The keys are the contract's."""

from typing import Any, Dict, List, Optional

from llamabar.core import readings, units
from llamabar.core.capabilities import capabilities
from llamabar.core.phases import phases
from llamabar.core.speed import Reading
from llamabar.core.state import Model, Snapshot, loaded, requests_of
from llamabar.core.status import Status
from llamabar.view import words
from llamabar.view.scene import Scene, Server
from llamabar.view.sections.models import state_words
from llamabar.view.text import name, plain

JSON_VERSION = 1
NOT_WELL = (
    Status.NO_SERVICE, Status.STOPPED, Status.STARTING, Status.CRASHING, Status.UNREACHABLE, Status.UNAUTHORIZED,
    Status.INCOMPATIBLE,
)  # fmt: skip


def is_well(scene: Scene) -> bool:
    """Tell whether every server answers and lets us look."""
    return not any(server.status in NOT_WELL for server in scene.servers)


def status_document(scene: Scene) -> Dict[str, Any]:
    """Return `status --json`."""
    host = scene.servers[0].snapshot.host
    return {
        "llamabar_json": JSON_VERSION,
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
        {"server": server.name, **_model(server.snapshot, model, scene.now_s)}
        for server in scene.servers
        for _, model in sorted(server.snapshot.models.items())
    ]
    return {"llamabar_json": JSON_VERSION, "models": found}


def status_line(server: Server, now_s: float) -> str:
    """Return one server in one line."""
    snapshot = server.snapshot
    line = f"{server.name} at {server.address}: {words.status(snapshot, server.status)}"
    if not snapshot.connected and snapshot.fault is not None:
        return f"{line} ({words.FAULTS[snapshot.fault.kind]})"
    said = [f"{plain(model.id)} {state_words(server, model, now_s=now_s)}" for model in loaded(snapshot)]
    return line + (f"; {'; '.join(said)}" if said else "")


def silent_lines(scene: Scene) -> List[str]:
    """Return a line for each server whose models are not known."""
    return [status_line(server, scene.now_s) for server in scene.servers if server.status in NOT_WELL]


def model_table(scene: Scene) -> List[str]:
    """Return every model as a line of a table with a head."""
    rows = [("SERVER", "MODEL", "STATE", "MEMORY", "CONTEXT", "UNLOADS IN")]
    for server in scene.servers:
        for _, model in sorted(server.snapshot.models.items()):
            rest_s = readings.unloads_in_s(server.snapshot, model, now_s=scene.now_s)
            rows.append((
                name(server.name), plain(model.id), words.MODEL_STATES.get(model.state, model.state),
                units.size(model.memory_bytes),
                units.count(readings.context_tokens(model)), "never" if model.ttl_s == 0 else units.duration(rest_s),
            ))  # fmt: skip
    first = 1 if len(scene.servers) == 1 else 0
    widths = [max(len(row[column]) for row in rows) for column in range(first, 6)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row[first:], widths)).rstrip() for row in rows]


def _server(server: Server, now_s: float) -> Dict[str, Any]:
    snapshot = server.snapshot
    found = phases(snapshot)
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
        "in_flight": [
            {
                "id": request.info.id,
                "model": request.info.model,
                "age_s": round(now_s - request.started_s, 3),
                "phase": found[request.info.id].value,
            }
            for request in sorted(snapshot.requests.values(), key=lambda request: request.started_s)
        ],
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
    waiting = [request for request in requests if phases(snapshot)[request.info.id].value in ("queued", "loading")]
    listed = "inflight_list" in snapshot.confirmed
    reading: Optional[Reading] = readings.generation(snapshot, model, now_s=now_s) or readings.last(model)
    rest_s = readings.unloads_in_s(snapshot, model, now_s=now_s)
    return {
        "id": model.id,
        "name": model.info.name or model.id,
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
