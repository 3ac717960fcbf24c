"""From facts to the steps that take everything off again: exactly what the manifest lists, and what bears our label."""

import os
from pathlib import Path
from typing import List, Optional, Tuple

from llamabar.macos.paths import OWN_LABEL, PLUGIN, USUAL_CACHE
from llamabar_installer.facts import Facts, own_service
from llamabar_installer.plan import refused
from llamabar_installer.steps import Group, Kind, Note, Options, Plan, Step

HISTORY = "history"


def plan_uninstall(facts: Facts, options: Options) -> Plan:
    """Return what takes it off; empty when nothing was put on."""
    refusal = refused(facts)
    if refusal is not None:
        return Plan(notes=(refusal,))
    unasked = _unasked(facts) if options.service else None
    steps = _service(facts) if options.service and unasked is None else ()
    steps += _plugin(facts) if options.plugin else ()
    if options.purge:
        steps += _purge(facts)
    whole = options.service and options.plugin and unasked is None and (steps or facts.manifest.items)
    if whole:
        steps += _rest(facts)
    notes = _notes(facts, options) if steps else ()
    return Plan(steps, notes if unasked is None else (unasked, *notes))


def _unasked(facts: Facts) -> Optional[Note]:
    """Return why the service stays: whether it runs is not known, and its LaunchAgent is all that can stop it."""
    if not facts.launchd_trouble or not (facts.plist is not None or facts.manifest.of_kind("agent")):
        return None
    said = f"launchd could not be asked, so the service stays: {facts.launchd_trouble}."
    return Note(said, "Run uninstall again in a minute.", missing=True)


def _service(facts: Facts) -> Tuple[Step, ...]:
    steps: List[Step] = []
    service = own_service(facts)
    job = facts.jobs.get(OWN_LABEL)
    if job is not None and job.loaded:
        url = service.url if service is not None else ""
        steps.append(Step(Kind.STOP, OWN_LABEL, "its models are unloaded", url=url))
    if facts.plist is not None or facts.manifest.of_kind("agent"):
        steps.append(Step(Kind.REMOVE_AGENT, str(facts.places.plist), "llama-swap is not started at login any more"))
    for item in facts.manifest.of_kind("old service"):
        url = next((agent.url for agent in facts.agents if agent.label == item.digest), "")
        steps.append(Step(Kind.PUT_BACK, item.path, f"{item.digest} is switched on again", url=url))
    return tuple(steps)


def _plugin(facts: Facts) -> Tuple[Step, ...]:
    links = {item.path for item in facts.manifest.of_kind("link")}
    if facts.swiftbar.link == "ours" and facts.swiftbar.folder is not None:
        links.add(str(facts.swiftbar.folder / PLUGIN))
    steps = [Step(Kind.REMOVE_LINK, path, "SwiftBar ends it", Group.PLUGIN) for path in sorted(links)]
    for item in facts.manifest.of_kind("set aside"):
        steps.append(Step(Kind.PUT_BACK, item.path, "as it was before", Group.PLUGIN))
    if facts.installed_digest or facts.manifest.of_kind("file"):
        steps.append(Step(Kind.REMOVE_FILE, str(facts.places.program), "with its attribute", Group.PLUGIN))
    return tuple(steps)


def _purge(facts: Facts) -> Tuple[Step, ...]:
    found = [facts.places.settings] if facts.settings is not None else []
    found += sorted(path for path in _listed(facts.places.data) if path.name.startswith(HISTORY))
    return tuple(Step(Kind.REMOVE_FILE, str(path), "--purge", Group.PLUGIN) for path in found)


def _rest(facts: Facts) -> Tuple[Step, ...]:
    places = facts.places
    why = "what this program unpacked there, and nothing else; it is made anew if you run llamabar again"
    caches = dict.fromkeys((places.cache, places.home / USUAL_CACHE))
    steps = [Step(Kind.REMOVE_CACHE, str(cache), why, Group.PLUGIN) for cache in caches if cache.is_dir()]
    steps.append(Step(Kind.REMOVE_FOLDERS, str(places.data), "those with nothing else in them", Group.PLUGIN))
    return tuple(steps)


def _listed(folder: Path) -> List[Path]:
    try:
        return [folder / name for name in os.listdir(folder)]
    except OSError:
        return []


def _notes(facts: Facts, options: Options) -> Tuple[Note, ...]:
    kept = [str(path) for path in facts.configs]
    kept += [str(facts.places.log.parent)] if facts.places.log.parent.exists() else []
    if not options.purge:
        kept += [str(facts.places.settings)] if facts.settings is not None else []
        kept += [str(path) for path in _listed(facts.places.data) if path.name.startswith(HISTORY)]
    more = "" if options.purge else " (settings and history go with --purge)"
    return (Note(f"What stays: {', '.join(kept)}{more}"),) if kept else ()
