"""Commands that change something. Each runs the same code as its menu item, and reports the result."""

import os
import sys
from dataclasses import replace
from typing import Callable, List, Mapping, NamedTuple, Optional, Tuple

import click

from llamabar.app.actions import Ending, Result, perform
from llamabar.app.loop import Watch
from llamabar.app.one_look import look
from llamabar.cli.output import say, say_error
from llamabar.cli.program import KNOWN_FAULT, OK, diagnose, pass_on, settings_of, to_run
from llamabar.cli.progress import Progress
from llamabar.cli.which_model import models_called
from llamabar.core.capabilities import Capability
from llamabar.core.state import Model, Snapshot, loadable
from llamabar.core.units import plural
from llamabar.doctor.explain import explain
from llamabar.errors import Code, LlamabarError
from llamabar.settings.load import Settings
from llamabar.sources import clock
from llamabar.store import names
from llamabar.terminal import words as dashboard_words
from llamabar.view import words
from llamabar.view.compose import compose
from llamabar.view.menu import Action, Do
from llamabar.view.scene import address_of
from llamabar.view.sections import requests


class Task(NamedTuple):
    """What to do on which server, and the name of its target. `refusal`: why it can't be done there."""

    server: str
    action: Action
    label: str = ""
    refusal: Optional[LlamabarError] = None


def load(model: str, server: str, config: str) -> int:
    """Load a model and wait until it is ready."""
    return _do(Do.LOAD, model, settings_of(server, config))


def unload(model: Optional[str], everything: bool, server: str, config: str) -> int:
    """Unload one model, or all of them."""
    _check_one_or_all(model, everything, "a model or --all")
    return _do(Do.UNLOAD if model else Do.UNLOAD_ALL, model, settings_of(server, config))


def cancel(request: Optional[str], everything: bool, server: str, config: str) -> int:
    """Cancel one request, or all of them."""
    _check_one_or_all(request, everything, "a request or --all")
    return _do(Do.CANCEL if request else Do.CANCEL_ALL, request, settings_of(server, config))


def profile(name: Optional[str], nothing: bool, server: str, config: str) -> int:
    """Choose a routing profile, or none."""
    _check_one_or_all(name, nothing, "a profile or --none")
    return _do(Do.PROFILE, name, settings_of(server, config))


def _check_one_or_all(one: Optional[str], everything: bool, what: str) -> None:
    if bool(one) == everything:
        raise click.UsageError(f"Specify {what}.")


def click_item(token: str, server: str, config: str) -> int:
    """Run the action that a token has in the current menu; raise LlamabarError if it has none any more."""
    pass_on(config)
    settings = settings_of(server, "")  # as the menu was made, also if its settings file is missing
    watch = look(settings, services=True)
    found = _meant(watch, token)
    if not found:
        for one in settings.servers:  # the menu that was clicked may have offered a fix for an outage
            fault = watch.monitor.servers[one.name].snapshot.fault
            if fault is not None:
                watch.monitor.explain(one.name, explain(one, fault))
        found = _meant(watch, token)
    if not found:
        raise LlamabarError("That item is no longer in the menu.", "Open the menu again.")
    return _perform(watch, found[:1])


def _meant(watch: Watch, token: str) -> List[Task]:
    menu = compose(watch.monitor.scene(now_s=clock.now_s()))
    return [Task(action.server, action) for action in menu.actions() if action.token == token]


def _do(do: Do, wanted: Optional[str], settings: Settings) -> int:
    everywhere = do in (Do.UNLOAD_ALL, Do.CANCEL_ALL)
    watch = look(settings, behind=os.environ if sys.stderr.isatty() else None)  # the history knows how long loads take
    reached = {name: one.snapshot for name, one in watch.monitor.servers.items() if one.snapshot.connected}
    silent = {name: one for name, one in watch.monitor.servers.items() if name not in reached}
    if not reached:
        one = next(iter(silent.values()))
        why = words.FAULTS[one.snapshot.fault.kind].rstrip(".") if one.snapshot.fault else ""
        said = f"Can't reach llama-swap at {address_of(one.url)}: {why}."
        raise LlamabarError(said, diagnose(), code=Code.UNREACHABLE)
    names.note(os.environ, reached)
    found = _FIND[do](do, wanted or "", reached)
    if len(found) > 1 and not everywhere:
        servers = ", ".join(task.server for task in found)
        hint = "Choose one with --server NAME"
        raise LlamabarError(f"Several servers have it: {servers}.", hint, code=Code.SEVERAL_SERVERS)
    code = _perform(watch, found)
    for name in silent if everywhere else ():
        say(f"{name}: can't reach it. {diagnose()}", error=True)
        code = KNOWN_FAULT
    return code


def _model_tasks(do: Do, wanted: str, reached: Mapping[str, Snapshot]) -> List[Task]:
    return [
        Task(server, Action(do, model.id, server=server), label=model.id, refusal=_refusal(do, reached[server], model))
        for server, model in models_called(wanted, reached)
    ]


def _refusal(do: Do, snapshot: Snapshot, model: Model) -> Optional[LlamabarError]:
    if model.info.peer:
        return LlamabarError(f"{model.id} runs on another host.", "Its first request loads it.", code=Code.UNSUPPORTED)
    old = Capability.UNLOAD_ONE in snapshot.refuted
    if old and do is Do.UNLOAD:
        return _too_old("unload a single model", to_run("To unload all of them", "unload --all"))
    return _too_old("load a model that has a slash in its id") if old and not loadable(snapshot, model) else None


def _everywhere(do: Do, _: str, reached: Mapping[str, Snapshot]) -> List[Task]:
    def _refused(snapshot: Snapshot) -> Optional[LlamabarError]:
        return _too_old("cancel a request") if do is Do.CANCEL_ALL and Capability.CANCEL in snapshot.refuted else None

    return [Task(server, Action(do, server=server), refusal=_refused(one)) for server, one in reached.items()]


def _request_tasks(_: Do, wanted: str, reached: Mapping[str, Snapshot]) -> List[Task]:
    found = [
        Task(server, requests.cancel(server, request), label=f"request {wanted}")
        for server, snapshot in reached.items()
        for request in snapshot.requests.values()
        if request.info.id == wanted
    ]
    if not found and all(Capability.CANCEL in snapshot.refuted for snapshot in reached.values()):
        raise _too_old("cancel a request")
    if not found:
        hint = to_run("To list the requests in flight", "requests")
        raise LlamabarError(f"No request {wanted!r} is in flight.", hint, code=Code.UNKNOWN_REQUEST)
    return found


def _profile_tasks(_: Do, name: str, reached: Mapping[str, Snapshot]) -> List[Task]:
    has = [server for server, one in reached.items() if name in one.profiles or (not name and one.profiles)]
    if has:
        return [Task(server, Action(Do.PROFILE, name, server=server), label=name) for server in has]
    known = sorted({one for snapshot in reached.values() for one in snapshot.profiles})
    hint = f"Profiles: {', '.join(known)}." if known else "This llama-swap has no profiles, or is too old for them."
    if not known and any(Capability.PROFILES not in one.confirmed | one.refuted for one in reached.values()):
        hint = "llama-swap hasn't answered which profiles it has. Try again."
    raise LlamabarError(f"No profile is called {name!r}." if name else "No profiles.", hint, code=Code.UNKNOWN_PROFILE)


def _too_old(what: str, hint: str = "") -> LlamabarError:
    return LlamabarError(f"This llama-swap is too old to {what}.", hint, code=Code.UNSUPPORTED)


def _perform(watch: Watch, found: List[Task]) -> int:
    """Run each task and report its result; raise LlamabarError if there was only one and it failed."""
    failures: List[Tuple[str, LlamabarError]] = []
    for task in found:
        prefix = f"{task.server}: " if len(found) > 1 else ""
        try:
            _perform_one(watch, task, prefix)
        except LlamabarError as error:
            failures.append((prefix, error))
    if len(found) == 1 and failures:
        raise failures[0][1]
    for prefix, failed in failures:
        say_error(f"{prefix}{failed.message}", failed.hint, code=failed.code, as_json=False)
    return KNOWN_FAULT if failures else OK


def _perform_one(watch: Watch, task: Task, prefix: str) -> None:
    if task.refusal is not None:
        raise task.refusal
    do, label = task.action.do, task.label or task.action.target
    name = task.server if task.server in watch.connections else next(iter(watch.connections))
    where, began_s = watch.where(name), clock.now_s()
    where = replace(where, client=replace(where.client))  # the query threads may still remove the key from their client
    if where.client.api_key:
        where.client.open_stream().close()  # llama-swap must identify itself again before it gets the key
    usual = watch.monitor.servers[name].totals.told.needs.get(task.action.target)
    doing = {Do.LOAD: f"Loading {label}", Do.UNLOAD: f"Unloading {label}"}.get(do, "Waiting for llama-swap")
    with Progress(doing, usual_s=usual.load_s if usual and do is Do.LOAD else None):
        result = perform(task.action, where)
    if result.ending is Ending.FAILED:
        verb = "switch to profile" if do is Do.PROFILE and task.label else do.value
        what = " ".join(part for part in (verb, task.label) if part)
        said = words.refused(what, words.sentence(result.why))
        hint = to_run("To see why", "logs --upstream") if do is Do.LOAD else ""
        raise LlamabarError(said, hint, code=Code.REFUSED)
    if result.ending is Ending.NOTHING and do is Do.CANCEL:
        raise LlamabarError("That request has already ended.", code=Code.UNKNOWN_REQUEST)
    if do in _FIND:
        say(prefix + _told(task, result, clock.now_s() - began_s), level="ok" if result.ending is Ending.DONE else "")


def _told(task: Task, result: Result, took_s: float) -> str:
    """Return what was done, or that there was nothing to do."""
    do, label = task.action.do, task.label or task.action.target
    if result.ending is Ending.NOTHING:
        return _NOTHING[do].format(label)
    if do is Do.UNLOAD_ALL:
        return f"{plural(result.number, 'model')} unloaded"
    if do is Do.CANCEL_ALL:
        return f"{plural(result.number, 'request')} canceled"
    return dashboard_words.done(do, label, took_s)


_FIND: Mapping[Do, Callable[[Do, str, Mapping[str, Snapshot]], List[Task]]] = {  # called with the servers that answered
    Do.LOAD: _model_tasks, Do.UNLOAD: _model_tasks, Do.UNLOAD_ALL: _everywhere,
    Do.CANCEL: _request_tasks, Do.CANCEL_ALL: _everywhere, Do.PROFILE: _profile_tasks,
}  # fmt: skip
_NOTHING: Mapping[Do, str] = {
    Do.LOAD: "{} is already loaded.", Do.UNLOAD: "{} isn't loaded. Nothing to unload.",
    Do.UNLOAD_ALL: "Nothing to unload.", Do.CANCEL_ALL: "Nothing to cancel.",
}  # fmt: skip
