"""Turns facts into the steps of an uninstall: what the manifest lists, and what has our label or leads to our file."""

import os
from pathlib import Path
from typing import List, Optional, Tuple

from llamabar.core.mac import Link
from llamabar.macos.paths import COMMAND, EXPORT_LABEL, HISTORY, OWN_LABEL, USUAL_CACHE
from llamabar.macos.swiftbar import link_state
from llamabar_installer.facts import Facts, own_service
from llamabar_installer.manifest import Thing
from llamabar_installer.notes import Note, Why, note
from llamabar_installer.plan import refused
from llamabar_installer.steps import Group, Kind, Options, Plan, Reason, Step


def plan_uninstall(facts: Facts, options: Options) -> Plan:
    """Return the steps that remove everything; an empty plan if nothing was installed."""
    refusal = refused(facts)
    if refusal is not None:
        return Plan(notes=(refusal,))
    unasked = _unasked(facts) if options.service else None
    steps = (*_service(facts), *_exporter(facts)) if options.service and unasked is None else ()
    steps += _plugin(facts) if options.plugin else ()
    steps += _command(facts) if options.command else ()
    if options.purge:
        steps += _purge(facts)
    whole = options.service and options.plugin and options.command and unasked is None
    if whole and (steps or facts.manifest.items):
        steps += _rest(facts)
    notes = _notes(facts, options) if steps else ()
    return Plan(steps, notes if unasked is None else (unasked, *notes))


def _unasked(facts: Facts) -> Optional[Note]:
    """Return why the service must stay: its state is unknown, and only its LaunchAgent can stop it."""
    if not facts.launchd_trouble or not (facts.plist is not None or facts.manifest.of_kind(Thing.AGENT)):
        return None
    return note(Why.SERVICE_STAYS, detail=facts.launchd_trouble)


def _service(facts: Facts) -> Tuple[Step, ...]:
    steps: List[Step] = []
    service, job = own_service(facts), facts.jobs.get(OWN_LABEL)
    if job is not None and job.loaded:
        steps.append(Step(Kind.STOP, OWN_LABEL, url=service.url if service is not None else ""))
    if facts.plist is not None or facts.manifest.item(facts.places.plist) is not None:
        steps.append(Step(Kind.REMOVE_AGENT, str(facts.places.plist)))
    for item in facts.manifest.of_kind(Thing.OLD_SERVICE):
        url = next((agent.url for agent in facts.agents if agent.label == item.digest), "")
        steps.append(Step(Kind.PUT_BACK, item.path, Reason.SWITCH_ON, source=item.digest, url=url))
    return tuple(steps)


def _exporter(facts: Facts) -> Tuple[Step, ...]:
    job, places = facts.jobs.get(EXPORT_LABEL), facts.places
    steps = []
    if job is not None and job.loaded:
        steps.append(Step(Kind.STOP, EXPORT_LABEL, group=Group.EXPORT, url=facts.export_url))
    if facts.export_plist is not None or facts.manifest.item(places.export_plist) is not None:
        steps.append(Step(Kind.REMOVE_AGENT, str(places.export_plist), group=Group.EXPORT))
    if os.path.exists(places.export_log):
        steps.append(Step(Kind.REMOVE_FILE, str(places.export_log), group=Group.EXPORT))
    return tuple(steps)


def _command(facts: Facts) -> Tuple[Step, ...]:
    links = {item.path: item.digest for item in facts.manifest.of_kind(Thing.COMMAND)}
    found, program = facts.command.folder, facts.places.program
    if found is not None and link_state(found / COMMAND, program) is Link.OURS:
        links.setdefault(str(found / COMMAND), str(program))
    return tuple(Step(Kind.REMOVE_COMMAND, path, group=Group.COMMAND, source=to) for path, to in links.items())


def _plugin(facts: Facts) -> Tuple[Step, ...]:
    links = {item.path for item in facts.manifest.of_kind(Thing.LINK)}
    if facts.swiftbar.link is Link.OURS:
        links.add(facts.swiftbar.plugin)
    steps = [(Kind.REMOVE_LINK, path) for path in sorted(links)]
    steps += [(Kind.PUT_BACK, item.path) for item in facts.manifest.of_kind(Thing.SET_ASIDE)]
    if facts.installed_digest or facts.manifest.of_kind(Thing.FILE):
        steps.append((Kind.REMOVE_FILE, str(facts.places.program)))
    return tuple(Step(kind, path, group=Group.PLUGIN) for kind, path in steps)


def _purge(facts: Facts) -> Tuple[Step, ...]:
    found = [facts.places.settings] if facts.settings is not None else []
    return tuple(Step(Kind.REMOVE_FILE, str(path), Reason.PURGE, Group.PLUGIN) for path in found + _history(facts))


def _rest(facts: Facts) -> Tuple[Step, ...]:
    places = facts.places
    caches = dict.fromkeys((places.cache, places.home / USUAL_CACHE))
    steps = [Step(Kind.REMOVE_CACHE, str(cache), group=Group.PLUGIN) for cache in caches if os.path.isdir(cache)]
    return (*steps, Step(Kind.REMOVE_FOLDERS, str(places.data), group=Group.PLUGIN))


def _history(facts: Facts) -> List[Path]:
    data = facts.places.data
    names = sorted(os.listdir(data)) if os.path.isdir(data) and os.access(data, os.R_OK) else []
    return [data / name for name in names if name.startswith(HISTORY)]


def _notes(facts: Facts, options: Options) -> Tuple[Note, ...]:
    kept = [*facts.configs, *([facts.places.log.parent] if os.path.exists(facts.places.log.parent) else [])]
    if not options.purge:
        kept += [*([facts.places.settings] if facts.settings is not None else []), *_history(facts)]
    paths = ", ".join(map(str, kept))
    return (note(Why.KEPT if options.purge else Why.KEPT_UNLESS_PURGED, paths=paths),) if kept else ()
