"""Commands that change something: each does what the menu's item does, through the same code."""

import sys
from functools import partial
from typing import Callable, List, Mapping, Optional, Sequence, Tuple

from llamabar.app.actions import perform
from llamabar.app.loop import Watch
from llamabar.app.monitor import Monitor
from llamabar.app.one_look import look
from llamabar.cli.program import KNOWN_FAULT
from llamabar.core.capabilities import loadable
from llamabar.core.state import Snapshot
from llamabar.doctor.explain import explain
from llamabar.errors import LlamabarError
from llamabar.settings.load import ServerSettings, Settings
from llamabar.sources import clock
from llamabar.view import words
from llamabar.view.compose import compose
from llamabar.view.menu import Action, Do
from llamabar.view.sections.requests import cancel
from llamabar.view.text import plain

Found = List[Tuple[str, Action]]  # server name and what to do there


def perform_token(token: str, settings: Settings) -> int:
    """Do what a token means in the menu as it is now; raise LlamabarError if it means nothing any more."""
    watch = look(settings, services=True)
    found = _meant(watch, token)
    if not found:
        for server in settings.servers:
            _explain(watch.monitor, server)
        found = _meant(watch, token)
    if not found:
        raise LlamabarError("That item is not in the menu any more.", "Open the menu again.")
    return _perform(watch, found[:1])


def _explain(monitor: Monitor, server: ServerSettings) -> None:
    """Take in why a server does not answer: the menu that was clicked on may have said so, and offered a remedy."""
    fault = monitor.servers[server.name].snapshot.fault
    if fault is not None:
        monitor.explain(server.name, *explain(server, fault))


def _meant(watch: Watch, token: str) -> Found:
    menu = compose(watch.monitor.scene(now_s=clock.now_s()))
    return [(action.server, action) for action in menu.actions() if action.token == token]


def load(model: str, settings: Settings) -> int:
    """Load a model and wait until it is there."""
    return _do(settings, partial(_of_model, Do.LOAD, model), f"No server has a model {model!r}.", _models)


def unload(model: Optional[str], settings: Settings) -> int:
    """Unload one model, or all of them for None."""
    if model is None:
        return _do(settings, lambda server, _: [(server, Action(Do.UNLOAD_ALL, server=server))], everywhere=True)
    return _do(settings, partial(_of_model, Do.UNLOAD, model), f"No server has a model {model!r}.", _models)


def cancel_request(request_id: Optional[str], settings: Settings) -> int:
    """Cancel one request in flight, or all of them for None."""
    found = partial(_of_requests, request_id)
    return _do(settings, found, "No such request is in flight.", _requests, everywhere=request_id is None)


def choose_profile(name: str, settings: Settings) -> int:
    """Choose a routing profile; "" leaves it."""

    def _found(server: str, snapshot: Snapshot) -> Found:
        known = name in snapshot.profiles or (not name and "profiles" in snapshot.confirmed)
        return [(server, Action(Do.PROFILE, name, server=server))] if known else []

    return _do(settings, _found, f"No server has a profile {name!r}." if name else "No server has profiles.", _profiles)


def _models(_: Sequence[Snapshot]) -> str:
    return "`llamabar models` lists what there is."


def _requests(_: Sequence[Snapshot]) -> str:
    return "`llamabar status --json` lists what is in flight."


def _profiles(snapshots: Sequence[Snapshot]) -> str:
    names = sorted({name for snapshot in snapshots for name in snapshot.profiles})
    return f"There are: {', '.join(names)}." if names else "llama-swap has none, or is too old for them."


def _of_model(do: Do, wanted: str, server: str, snapshot: Snapshot) -> Found:
    """Return the model of that id or alias; raise LlamabarError where its llama-swap is too old for what is wanted."""
    models = [model for model in snapshot.models.values() if wanted == model.id or wanted in model.info.aliases]
    if models and "unload_one" in snapshot.refuted:
        if do is Do.UNLOAD:
            raise LlamabarError("This llama-swap is too old to unload one model.", "All of them: llamabar unload --all")
        if not loadable(snapshot, models[0]):
            raise LlamabarError("This llama-swap is too old to load a model that has a slash in its id.")
    return [(server, Action(do, model.id, server=server)) for model in models[:1]]


def _of_requests(wanted: Optional[str], server: str, snapshot: Snapshot) -> Found:
    if "cancel" in snapshot.refuted:
        raise LlamabarError("This llama-swap is too old to cancel a request.")
    requests = [request for request in snapshot.requests.values() if wanted in (None, request.info.id)]
    return [(server, cancel(server, request)) for request in requests]


def _do(
    settings: Settings, find: Callable[[str, Snapshot], Found], missing: str = "",
    hint: Callable[[Sequence[Snapshot]], str] = _models, *, everywhere: bool = False,
) -> int:  # fmt: skip
    watch = look(settings)
    reachable = {name: w.snapshot for name, w in watch.monitor.servers.items() if w.snapshot.connected}
    if not reachable:
        faults = [w.snapshot.fault for w in watch.monitor.servers.values() if w.snapshot.fault]
        raise LlamabarError(
            f"llama-swap cannot be asked: {words.FAULTS[faults[0].kind]}.", "Find out why: llamabar doctor"
        )
    found, refusals = _found_at(reachable, find)
    if refusals and not found:
        raise refusals[0]
    if not found and not everywhere:
        raise LlamabarError(missing, hint(list(reachable.values())))
    named = list(dict.fromkeys(server for server, _ in found))
    if len(named) > 1 and not everywhere:
        raise LlamabarError(f"More than one server has it: {', '.join(named)}.", "Say which: --server NAME")
    code = _perform(watch, found)
    silent = [name for name in watch.monitor.servers if name not in reachable] if everywhere else []
    for name in silent:
        print(f"{name} could not be asked. Find out why: llamabar doctor", file=sys.stderr)
    return KNOWN_FAULT if silent or refusals else code


def _found_at(
    reachable: Mapping[str, Snapshot], find: Callable[[str, Snapshot], Found]
) -> Tuple[Found, List[LlamabarError]]:
    """Return what is found, and why some servers, by their names, cannot do it."""
    found: Found = []
    refusals = []
    for server, snapshot in reachable.items():
        try:
            found += find(server, snapshot)
        except LlamabarError as error:
            refusals.append(error)
    return found, refusals


def _perform(watch: Watch, found: Found) -> int:
    for server, action in found:
        name = server if server in watch.connections else next(iter(watch.connections))
        where = watch.where(name)
        if where.client.api_key:
            where.client.open_stream().close()  # the look is over: llama-swap shows itself anew before it gets the key
        if action.do is Do.LOAD and sys.stderr.isatty():
            print(f"Loading {plain(action.target)} …", file=sys.stderr)
        failure = perform(action, where).rstrip(".")
        if failure:
            raise LlamabarError(f"Could not {action.do.value}: {failure}.")
    return 0
