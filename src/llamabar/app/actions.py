"""What a click does: each action is one call to llama-swap or to this computer; the next event shows its effect."""

import json
import os
from dataclasses import dataclass
from typing import Callable, Mapping
from urllib.parse import quote

from llamabar.app import service_search, services
from llamabar.app.services import Verb
from llamabar.core import decode
from llamabar.core.fields import mapping, parse
from llamabar.core.state import Snapshot
from llamabar.errors import LlamabarError
from llamabar.macos import outcomes, tools
from llamabar.settings.load import ServerSettings
from llamabar.sources.client import Client, Unreachable
from llamabar.view import words
from llamabar.view.menu import Action, Do

LOAD_S = 900.0  # held open for the whole load: a load whose caller leaves is unloaded at once (facts, trap 5)
UNLOAD_S = 30.0
TOOL_S = 5.0
SERVICE_S = 120.0  # each command is bounded by itself; ExitTimeOut may be long


@dataclass(frozen=True)
class Where:
    """The server that an action is for: how to speak with it, what is known of it, and its settings."""

    client: Client
    snapshot: Snapshot
    server: ServerSettings


def perform(action: Action, where: Where) -> str:
    """Do what was clicked; return "" when it was accepted, else the reason why not, in words."""
    try:
        return _DOES[action.do](action, where)
    except Unreachable as error:
        return words.FAULTS[error.fault.kind]
    except LlamabarError as error:
        return error.message.rstrip(".")


def _load(action: Action, where: Where) -> str:
    """There is no route for loading: llama-swap's own page asks for the root of the model. Its answer may be a 404."""
    got = where.client.call("GET", f"/upstream/{quote(action.target, safe='')}/", answer_s=LOAD_S)
    own = mapping(parse(got.body)).get("src") == "llama-swap" or got.headers.get("content-type", "").startswith(
        "text/plain"
    )
    return decode.error_text(got.body) or f"answer {got.status}" if got.status >= 400 and own else ""


def _unload(action: Action, where: Where) -> str:
    return _posted(where.client, "POST", f"/api/models/unload/{quote(action.target, safe='')}")


def _unload_all(_: Action, where: Where) -> str:
    return _posted(where.client, "POST", "/api/models/unload")


def _cancel(action: Action, where: Where) -> str:
    request = where.snapshot.requests.get(action.target)
    if request is None or request.info.stamp != action.mark:
        return "that request has ended"
    return _posted(where.client, "POST", f"/api/inflight/{quote(action.target, safe='')}/cancel")


def _cancel_all(_: Action, where: Where) -> str:
    paths = [f"/api/inflight/{quote(one, safe='')}/cancel" for one in where.snapshot.requests]
    failures = [_posted(where.client, "POST", path) for path in paths]
    return next((failure for failure in failures if failure and "not found" not in failure), "")


def _profile(action: Action, where: Where) -> str:
    body = json.dumps({"name": action.target or None}).encode("utf-8")
    return _posted(where.client, "PUT", "/api/profiles/active", body=body)


def _copy(action: Action, _: Where) -> str:
    return _said(tools.run("pbcopy", text=action.target, timeout_s=TOOL_S))


def _open(action: Action, _: Where) -> str:
    return _said(tools.run("open", "--", action.target, timeout_s=TOOL_S))


def _show(action: Action, where: Where) -> str:
    """Open a file that the service names, or the settings, made first if there are none."""
    path = services.path_of(action.target, where.server)
    reveal = ["-R"] if action.target == services.PLIST else ["-t"] if action.target in services.TEXTS else []
    return _said(tools.run("open", *reveal, "--", str(path), timeout_s=TOOL_S))


def _serve(verb: Verb) -> Callable[[Action, Where], str]:
    """Return what starts, stops or restarts the service that the item named.

    The file does it in a process of its own: a restart must come to its end also when the plugin is ended in its midst.
    """

    def _done(action: Action, where: Where) -> str:
        known = service_search.require(where.server)
        if known.label != action.target:
            return "another service is known by now"
        file = os.environ.get("LLAMABAR_FILE", "")
        if file:
            return _outcome(tools.call(file, verb.value, "--json", "--server", where.server.name, timeout_s=SERVICE_S))
        outcome = services.act(verb, where.server, say=lambda _: None)
        return "" if outcome.ok else outcomes.said(outcome)

    return _done


def _outcome(output: tools.Output) -> str:
    said = mapping(parse(output.out.encode("utf-8"))).get("said")
    return "" if output.code == 0 else said if isinstance(said, str) and said else output.words


def _nothing(_: Action, __: Where) -> str:
    return ""


def _said(output: tools.Output) -> str:
    return "" if output.code == 0 else output.words


def _posted(client: Client, method: str, path: str, *, body: bytes = b"") -> str:
    got = client.call(method, path, body=body, answer_s=UNLOAD_S)
    return "" if got.status < 300 else decode.error_text(got.body) or f"answer {got.status}"


_DOES: Mapping[Do, Callable[[Action, Where], str]] = {
    Do.LOAD: _load,
    Do.UNLOAD: _unload,
    Do.UNLOAD_ALL: _unload_all,
    Do.CANCEL: _cancel,
    Do.CANCEL_ALL: _cancel_all,
    Do.PROFILE: _profile,
    Do.COPY: _copy,
    Do.OPEN: _open,
    Do.SHOW: _show,
    Do.START: _serve(Verb.START),
    Do.STOP: _serve(Verb.STOP),
    Do.RESTART: _serve(Verb.RESTART),
    Do.TERMINAL: _nothing,  # SwiftBar itself runs it
    Do.REFRESH: _nothing,
}
