"""What a click does: each action is one call to llama-swap or to this computer; the next event shows its effect."""

import shutil
import subprocess
from typing import Callable, Mapping
from urllib.parse import quote

from llamabar.core import decode
from llamabar.core.fields import mapping, parse
from llamabar.core.state import Snapshot
from llamabar.sources.client import Client, Unreachable
from llamabar.view import words
from llamabar.view.menu import Action, Do

LOAD_S = 900.0  # held open for the whole load: a load whose caller leaves is unloaded at once (facts, trap 5)
UNLOAD_S = 30.0
SYSTEM_FOLDERS = ("/bin", "/usr/bin", "/usr/sbin", "/sbin")
TOOL_S = 5.0


def perform(action: Action, client: Client, snapshot: Snapshot) -> str:
    """Do what was clicked; return "" when it was accepted, else the reason why not, in words."""
    try:
        return _DOES[action.do](action, client, snapshot)
    except Unreachable as error:
        return words.FAULTS[error.fault.kind]


def find_tool(name: str) -> "str | None":
    """Return the path of a program of the system: on PATH, else in the system's own folders."""
    return shutil.which(name) or shutil.which(name, path=":".join(SYSTEM_FOLDERS))


def _load(action: Action, client: Client, _: Snapshot) -> str:
    """There is no route for loading: llama-swap's own page asks for the root of the model. Its answer may be a 404."""
    got = client.call("GET", f"/upstream/{quote(action.target, safe='')}/", answer_s=LOAD_S)
    own = mapping(parse(got.body)).get("src") == "llama-swap" or got.headers.get("content-type", "").startswith(
        "text/plain"
    )
    return decode.error_text(got.body) or f"answer {got.status}" if got.status >= 400 and own else ""


def _unload(action: Action, client: Client, _: Snapshot) -> str:
    return _posted(client, "POST", f"/api/models/unload/{quote(action.target, safe='')}")


def _unload_all(_: Action, client: Client, __: Snapshot) -> str:
    return _posted(client, "POST", "/api/models/unload")


def _cancel(action: Action, client: Client, snapshot: Snapshot) -> str:
    request = snapshot.requests.get(action.target)
    if request is None or request.info.stamp != action.mark:
        return "that request has ended"
    return _posted(client, "POST", f"/api/inflight/{quote(action.target, safe='')}/cancel")


def _cancel_all(_: Action, client: Client, snapshot: Snapshot) -> str:
    failures = [_posted(client, "POST", f"/api/inflight/{quote(one, safe='')}/cancel") for one in snapshot.requests]
    return next((failure for failure in failures if failure and "not found" not in failure), "")


def _profile(action: Action, client: Client, _: Snapshot) -> str:
    import json

    body = json.dumps({"name": action.target or None}).encode("utf-8")
    return _posted(client, "PUT", "/api/profiles/active", body=body)


def _copy(action: Action, _: Client, __: Snapshot) -> str:
    tool = find_tool("pbcopy")
    return _run([tool], action.target) if tool else "pbcopy was not found"


def _open(action: Action, _: Client, __: Snapshot) -> str:
    tool = find_tool("open")
    return _run([tool, "--", action.target]) if tool else "open was not found"


def _posted(client: Client, method: str, path: str, *, body: bytes = b"") -> str:
    got = client.call(method, path, body=body, answer_s=UNLOAD_S)
    return "" if got.status < 300 else decode.error_text(got.body) or f"answer {got.status}"


def _run(command: "list[str]", text: str = "") -> str:
    try:
        done = subprocess.run(
            command, input=text.encode("utf-8"), timeout=TOOL_S, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{command[0]}: {type(error).__name__}"
    return "" if done.returncode == 0 else f"{command[0]} ended with {done.returncode}"


_DOES: Mapping[Do, Callable[[Action, Client, Snapshot], str]] = {
    Do.LOAD: _load,
    Do.UNLOAD: _unload,
    Do.UNLOAD_ALL: _unload_all,
    Do.CANCEL: _cancel,
    Do.CANCEL_ALL: _cancel_all,
    Do.PROFILE: _profile,
    Do.COPY: _copy,
    Do.OPEN: _open,
}
