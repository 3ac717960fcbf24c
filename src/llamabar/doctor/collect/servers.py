"""The servers' answers, read once as `status` does, and the model servers behind them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Optional, Tuple

from llamabar.app.one_look import look
from llamabar.core.capabilities import Capability
from llamabar.core.events import Fault, FaultKind
from llamabar.core.fields import mapping, parse
from llamabar.core.state import READY, Model, Snapshot
from llamabar.doctor.checks import facts
from llamabar.doctor.checks.redact import Private, redacted_line
from llamabar.settings.discover import client_of
from llamabar.settings.load import ServerSettings, Settings
from llamabar.sources import clock
from llamabar.sources.client import UNAUTHORIZED, Client, Unreachable
from llamabar.view import words

LOOK_S = 1.6
MODEL_SERVER_S = 0.8
ASKED_MODELS = 4
RECENT_S = 900.0
FAILED_STATUS = 500
BAD_REQUEST = 400  # how Go and nginx answer plain HTTP where they expect TLS


def servers(settings: Settings, private: Private) -> Tuple[facts.Server, ...]:
    """Return what each server answers."""
    watch = look(settings, longest_s=LOOK_S)
    found = [(server, watch.monitor.servers[server.name].snapshot) for server in settings.servers]
    return tuple(_server(server, snapshot, private) for server, snapshot in found)


def silent(server: ServerSettings, fault: Fault) -> facts.Server:
    """Return a server that doesn't answer and why, without querying it."""
    return facts.Server(server.name, server.url, fault.kind, fault_words(fault.kind), fault.detail)


def fault_words(kind: FaultKind) -> str:
    """Return a fault in the menu's words, for use within a sentence."""
    said = words.FAULTS[kind]
    return said if said[1].isupper() else said[0].lower() + said[1:]


def _server(server: ServerSettings, snapshot: Snapshot, private: Private) -> facts.Server:
    if snapshot.fault is not None:
        found = silent(server, snapshot.fault)
        if snapshot.fault.kind is FaultKind.HTTPS_ONLY:
            return replace(found, wants_tls=True)
        is_plain = snapshot.fault.kind is FaultKind.NOT_LLAMA_SWAP and server.url.startswith("http://")
        return replace(found, wants_tls=is_plain and _status(Client(server.url)) == BAD_REQUEST)
    return facts.Server(
        name=server.name,
        url=server.url,
        key_wanted=_key_wanted(server),
        version=snapshot.version,
        lists_requests=Capability.INFLIGHT_LIST in snapshot.confirmed,
        models=_models(snapshot),
        failures=_failures(snapshot, private),
    )


def _key_wanted(server: ServerSettings) -> bool:
    """Tell whether a server that answers requires a key. If we have one, ask once without it."""
    status = _status(replace(client_of(server), api_key="")) if server.api_key else 0  # the login stays with its server
    return status is None or status in UNAUTHORIZED


def _status(client: Client) -> Optional[int]:
    try:
        return client.call("GET", "/api/version").status
    except Unreachable:
        return None


def _models(snapshot: Snapshot) -> Tuple[facts.Model, ...]:
    """Return the models, some with their model server's own answer.

    A model server is queried directly, never through llama-swap, where that would count as use; and only if it is
    proven to be a process of this llama-swap, since the URL in `proxy` may lead anywhere.
    """
    models = [model for _, model in sorted(snapshot.models.items())]
    to_ask = [model for model in models if model.state == READY and model.server_url is not None][:ASKED_MODELS]
    with ThreadPoolExecutor(ASKED_MODELS) as pool:
        asked = {model.id: pool.submit(_asked, model) for model in to_ask}
    return tuple(asked[model.id].result() if model.id in asked else _plain(model) for model in models)


def _plain(model: Model) -> facts.Model:
    unlisted = model.info.unlisted
    return facts.Model(model.id, model.state, model.memory_bytes, model.server_url or "", unlisted=unlisted)


def _asked(model: Model) -> facts.Model:
    """Return a model with the answer of its server's /props, a route that neither wakes nor counts anything."""
    plain = _plain(model)
    try:
        got = Client(plain.server_url).call("GET", "/props", answer_s=MODEL_SERVER_S)
    except Unreachable:
        return replace(plain, server_answers=False)
    slots = mapping(parse(got.body)).get("endpoint_slots") if got.status == 200 else None
    return replace(plain, server_answers=True, slots_open=slots if isinstance(slots, bool) else None)


def _failures(snapshot: Snapshot, private: Private) -> Tuple[Tuple[str, str], ...]:
    """Return the models whose last request failed with a server error, and the reason. Only recent ones count."""
    last = {row.model: row for row in snapshot.rows}
    return tuple(
        (row.model, redacted_line(row.error, private) or f"A request ended with status {row.status}.")
        for row in last.values()
        if (row.status or 0) >= FAILED_STATUS and clock.unix_s() - (row.ended_unix_s or clock.unix_s()) < RECENT_S
    )
