"""What a click or a command does, and whether it worked.

Law: the result is llama-swap's state afterwards, not how a response looks. A model whose root answers 404 is loaded all
the same; v113 to v203 answer OK to unloading a model that keeps loading (facts on llama-swap's API, 3.2 and 3.3). So
after each action its event stream is opened once more and read until the state has settled.
"""

import json
import os
import threading
from dataclasses import dataclass
from enum import Enum
from typing import Callable, Iterable, List, Mapping, NamedTuple, Optional
from urllib.parse import quote

from llamabar.app import service_search, services
from llamabar.app.services import Verb
from llamabar.core import decode
from llamabar.core.fields import mapping, parse
from llamabar.core.state import READY, STARTING, STOPPING, Snapshot, loaded
from llamabar.errors import LlamabarError
from llamabar.macos import tools
from llamabar.macos.paths import start_words
from llamabar.settings.load import ServerSettings
from llamabar.sources.client import Client, Stream, Unreachable
from llamabar.sources.one_state import state_when
from llamabar.view import words
from llamabar.view.languages import said as _
from llamabar.view.menu import Action, Do
from llamabar.view.text import harmless

LOAD_S = 900.0  # stays open for the whole load: if the caller disconnects, llama-swap unloads at once (facts, trap 5)
LATE_S = 2.0
UNLOAD_S = 30.0
SETTLED_S = 3.0  # after llama-swap has answered
TOOL_S = 5.0
SERVICE_S = 120.0  # each command has its own limit; ExitTimeOut may be long


class Ending(Enum):
    """How an action ended."""

    DONE = "done"
    NOTHING = "nothing"  # there was nothing to do
    FAILED = "failed"


class Result(NamedTuple):
    """How an action ended, and the reason if it failed."""

    ending: Ending = Ending.DONE
    why: str = ""
    number: int = 1  # of models or requests


DONE = Result()


@dataclass(frozen=True)
class Where:
    """The server of an action: its client, what is known about it, and its settings."""

    client: Client
    snapshot: Snapshot
    server: ServerSettings


def perform(action: Action, where: Where) -> Result:
    """Do what was clicked or requested, and return how it ended."""
    try:
        return _DOES[action.do](action, where)
    except Unreachable as error:
        return _failed(words.FAULTS[error.fault.kind])
    except LlamabarError as error:
        return _failed(error.message.rstrip("."))


def _load(action: Action, where: Where) -> Result:
    """Load a model. There is no route for it: llama-swap's own page requests the root of the model."""
    if _state_of(where.snapshot, action.target) == READY:
        return _nothing("it is already loaded")
    path, wait = f"/upstream/{_quoted(action.target)}/", _Ready(where.client, action.target)
    try:
        refusal = _asked(where.client, "GET", path, answer_s=LOAD_S, only_own=True, until=wait)
    finally:
        wait.end()
    after = state_when(where.client, lambda seen: _state_of(seen, action.target) != STARTING, within_s=SETTLED_S)
    state = _state_of(after, action.target)
    if state == READY:
        return DONE
    return _failed(refusal or _("it is still loading" if state == STARTING else "it was unloaded again"))


class _Ready:
    """Waits for a model to be ready: its server may be busy, or never finish answering its root, and is still loaded.

    Its stream is opened only if the answer isn't there at once.
    """

    def __init__(self, client: Client, model_id: str) -> None:
        self._client, self._model_id = client, model_id
        self._streams: List[Stream] = []
        self._ended = threading.Event()

    def __call__(self) -> bool:
        if self._ended.wait(LATE_S):
            return False
        try:
            seen = state_when(self._client, self._is_over, within_s=LOAD_S, opened=self._streams.append)
        except Unreachable:
            return False
        return _state_of(seen, self._model_id) == READY

    def end(self) -> None:
        """Stop waiting: the answer came first, or is no longer needed."""
        self._ended.set()
        for stream in self._streams:
            stream.close()

    def _is_over(self, seen: Snapshot) -> bool:
        return self._ended.is_set() or _state_of(seen, self._model_id) == READY


def _unloaded(where: Where, model_ids: Iterable[str], path: str) -> Result:
    wanted = {model.id for model in loaded(where.snapshot)} & set(model_ids)
    if not wanted:
        return _nothing("nothing is loaded" if path == "/api/models/unload" else "it isn't loaded")

    def _left(seen: Snapshot) -> "set[str]":
        return wanted & {model.id for model in loaded(seen)}

    refusal = _asked(where.client, "POST", path, answer_s=UNLOAD_S)
    after = state_when(where.client, lambda seen: not _left(seen), within_s=0.0 if refusal else SETTLED_S)
    left = sorted(one for one in _left(after) if _state_of(after, one) != STOPPING)
    if not left:
        return Result(number=len(wanted))
    is_loading = _state_of(after, left[0]) == STARTING
    return _failed(refusal or _("{} still loading" if is_loading else "{} still loaded", ", ".join(left)))


def _cancel(action: Action, where: Where) -> Result:
    request = where.snapshot.requests.get(action.target)
    if request is None or request.info.stamp != action.mark:
        return _nothing("that request has already ended")
    return _canceled(where, [action.target], "that request has already ended")


def _canceled(where: Where, ids: Iterable[str], none: str) -> Result:
    answers = [_asked(where.client, "POST", f"/api/inflight/{_quoted(one)}/cancel", gone=_GONE) for one in ids]
    found = [answer for answer in answers if answer != _GONE]
    refusal = next((answer for answer in found if answer), "")
    if refusal or not found:
        return _failed(refusal) if refusal else _nothing(none)
    wanted = set(ids)
    after = state_when(where.client, lambda seen: not wanted & set(seen.requests), within_s=SETTLED_S, requests=True)
    left = len(wanted & set(after.requests))
    return _failed(_("{} still in flight", words.counted(left, "request"))) if left else Result(number=len(found))


def _profile(action: Action, where: Where) -> Result:
    body = json.dumps({"name": action.target or None}).encode("utf-8")
    refusal = _asked(where.client, "PUT", "/api/profiles/active", body=body)
    listed = decode.decode_profiles(parse(where.client.call("GET", "/api/profiles").body))
    if listed is not None and (listed.active or "") == action.target:
        return DONE
    return _failed(refusal or _("llama-swap didn't change it"))


def _copy(action: Action, _: Where) -> Result:
    """Copy a text. No line end or escape in a name may reach the clipboard: pasted into a terminal, it would run."""
    return _ran("pbcopy", text=harmless(action.target))


def _show(action: Action, where: Where) -> Result:
    """Open a file that the service names, or the settings, which are created if missing."""
    path = services.path_of(action.target, where.server)
    return _ran("open", *services.OPENED.get(action.target, ()), "--", str(path))


def _ran(*words: str, text: str = "") -> Result:
    output = tools.run(*words, text=text, timeout_s=TOOL_S)
    return DONE if output.code == 0 else _failed(output.words)


def _serve(action: Action, where: Where) -> Result:
    """Start, stop or restart the service that the menu item named.

    The program file does it in its own process: a restart must finish even if the plugin ends halfway.
    """
    if service_search.require(where.server).label != action.target:
        return _failed(_("the service has changed"))
    if not os.environ.get("LLAMABAR_FILE"):
        outcome = services.act(Verb(action.do.value), where.server, say=lambda _: None)
        return DONE if outcome.ok else _failed(outcome.said)
    started = [*start_words(os.environ), action.do.value, "--json", "--server", where.server.name]
    output = tools.call(*started, timeout_s=SERVICE_S)
    said = mapping(parse(output.out.encode("utf-8"))).get("said")
    return DONE if output.code == 0 else _failed(said if isinstance(said, str) and said else output.words)


_GONE = "gone"


def _asked(
    client: Client, method: str, path: str, *, body: bytes = b"", answer_s: float = UNLOAD_S,
    gone: Optional[str] = None, only_own: bool = False, until: Optional[Callable[[], bool]] = None,
) -> str:  # fmt: skip
    """Return the message of a refusal, "" if there is none; a 404 returns `gone`.

    `only_own`: a 404 from the model's own server isn't a refusal; in llama-swap's own 404, `error` is a string.
    """
    try:
        got = client.call(method, path, body=body, answer_s=answer_s, until=until)
    except Unreachable as error:
        return words.FAULTS[error.fault.kind]
    if got.status == 404 and gone is not None:
        return gone
    own = got.status != 404 or isinstance(mapping(parse(got.body)).get("error"), str)
    if got.status < 400 or (only_own and not own):
        return ""
    return decode.error_text(got.body) or f"HTTP {got.status}"


def _state_of(snapshot: Snapshot, model_id: str) -> str:
    model = snapshot.models.get(model_id)
    return model.state if model is not None else ""


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="replace")


def _failed(why: str) -> Result:
    return Result(Ending.FAILED, why)


def _nothing(why: str) -> Result:
    return Result(Ending.NOTHING, why)


_DOES: Mapping[Do, Callable[[Action, Where], Result]] = {
    Do.LOAD: _load,
    Do.UNLOAD: lambda action, where: _unloaded(
        where, [action.target], f"/api/models/unload/{_quoted(action.target)}"
    ),
    Do.UNLOAD_ALL: lambda _, where: _unloaded(
        where, [model.id for model in loaded(where.snapshot)], "/api/models/unload"
    ),
    Do.CANCEL: _cancel,
    Do.CANCEL_ALL: lambda _, where: _canceled(where, where.snapshot.requests, "no request is in flight"),
    Do.PROFILE: _profile,
    Do.COPY: _copy,
    Do.OPEN: lambda action, _: _ran("open", "--", action.target),
    Do.SHOW: _show,
    **dict.fromkeys((Do.START, Do.STOP, Do.RESTART), _serve),
    **dict.fromkeys((Do.TERMINAL, Do.REFRESH), lambda *_: DONE),  # SwiftBar itself does it
}
