"""The servers as they answer: one look, as `status` takes it, and the model servers behind them."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import List, Optional, Tuple

from llamabar.app.one_look import look
from llamabar.core.address import is_loopback
from llamabar.core.events import Fault
from llamabar.core.fields import mapping, parse
from llamabar.core.state import Model, Snapshot, in_flight
from llamabar.doctor.checks import facts
from llamabar.doctor.checks.redact import Private, redacted_line
from llamabar.settings.load import ServerSettings, Settings
from llamabar.sources import clock
from llamabar.sources.client import UNAUTHORIZED, Client, Unreachable

LOOK_S = 1.6
MODEL_SERVER_S = 0.8
ASKED_MODELS = 4
RECENT_S = 900.0
FAILED_STATUS = 500
_BUILD = re.compile(r"b(\d+)-")


def servers(settings: Settings, private: Private) -> Tuple[facts.Server, ...]:
    """Return what each server answers."""
    watch = look(settings, longest_s=LOOK_S)
    found = [(server, watch.monitor.servers[server.name].snapshot) for server in settings.servers]
    return tuple(_server(server, snapshot, private) for server, snapshot in found)


def silent(server: ServerSettings, fault: Fault) -> facts.Server:
    """Return a server that does not answer and why, without asking it."""
    return facts.Server(server.name, server.url, fault.kind.value, fault.detail)


def _server(server: ServerSettings, snapshot: Snapshot, private: Private) -> facts.Server:
    if snapshot.fault is not None:
        return silent(server, snapshot.fault)
    longest = min(snapshot.requests.values(), key=lambda request: request.started_s, default=None)
    return facts.Server(
        server.name,
        server.url,
        "",
        "",
        _key_wanted(server),
        snapshot.version,
        tuple(sorted(snapshot.confirmed)),
        _models(snapshot),
        _failures(snapshot, private),
        clock.now_s() - longest.started_s if longest is not None else None,
        longest.info.id if longest is not None else "",
        in_flight(snapshot),
    )


def _key_wanted(server: ServerSettings) -> bool:
    """Tell whether a server that answers us wants a key: asked once without it, if we have one."""
    if not server.api_key:
        return False
    try:
        client = Client(server.url, login=server.login, ca_file=server.ca_file)
        return client.call("GET", "/api/version").status in UNAUTHORIZED
    except Unreachable:
        return True


def _models(snapshot: Snapshot) -> Tuple[facts.Model, ...]:
    models = [model for _, model in sorted(snapshot.models.items())]
    with ThreadPoolExecutor(ASKED_MODELS) as pool:
        asked = {model.id: pool.submit(_asked, model) for model in _to_ask(models)}
    return tuple(asked[model.id].result() if model.id in asked else _plain(model) for model in models)


def _to_ask(models: List[Model]) -> List[Model]:
    """A model server is asked itself, never through llama-swap: that would count as use."""
    return [model for model in models if model.state == "ready" and is_loopback(model.proxy or "")][:ASKED_MODELS]


def _plain(model: Model) -> facts.Model:
    return facts.Model(model.id, model.state, model.ttl_s, model.memory_bytes, model.proxy or "")


def _asked(model: Model) -> facts.Model:
    """Return a model with what its server's /props say: that route is answered without waking or counting anything."""
    plain = _plain(model)
    try:
        got = Client(plain.server_url).call("GET", "/props", answer_s=MODEL_SERVER_S)
    except Unreachable:
        return facts.Model(plain.id, plain.state, plain.ttl_s, plain.memory_bytes, plain.server_url, False)
    said = mapping(parse(got.body)) if got.status == 200 else {}
    build = _BUILD.match(str(said.get("build_info", "")))
    slots: Optional[bool] = said["endpoint_slots"] if isinstance(said.get("endpoint_slots"), bool) else None
    return facts.Model(
        plain.id, plain.state, plain.ttl_s, plain.memory_bytes, plain.server_url, True,
        int(build.group(1)) if build else None, slots,
    )  # fmt: skip


def _failures(snapshot: Snapshot, private: Private) -> Tuple[Tuple[str, str], ...]:
    """Return the models whose last request failed because of their server, with the reason; recent ones only."""
    last = {row.model: row for row in snapshot.rows}
    return tuple(
        (row.model, redacted_line(row.error, private) or f"a request ended with status {row.status}")
        for row in last.values()
        if (row.status or 0) >= FAILED_STATUS and clock.unix_s() - (row.at_unix_s or clock.unix_s()) < RECENT_S
    )
