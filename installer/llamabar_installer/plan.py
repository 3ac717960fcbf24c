"""Turns facts into the steps of an installation. Pure, except that the facts' config check runs llama-swap.

Laws: adopt, never duplicate; never change other makers' plists; plan nothing that is already done.
"""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Optional, Sequence, Tuple, Union

from llamabar.core.address import DEFAULT_PORT, is_local, port_of
from llamabar.core.mac import Agent
from llamabar.macos import agent_plist, probe
from llamabar.macos.agent_plist import Service
from llamabar.macos.agents import flag
from llamabar.macos.paths import OWN_LABEL, RUST_LABEL
from llamabar.package_files import text_beside
from llamabar_installer.facts import Facts, has_server, own_service
from llamabar_installer.notes import Note, Why, note
from llamabar_installer.plan_agents import agent_steps, export_steps, launchd_obstacle, start_steps
from llamabar_installer.plan_plugin import command_steps, old_plugins, plugin_steps
from llamabar_installer.steps import Kind, Options, Plan, Reason, Step


def plan_install(facts: Facts, options: Options) -> Plan:
    """Return what to do so that llama-swap runs as a service and SwiftBar shows it."""
    refusal = refused(facts)
    if refusal is not None:
        return Plan(notes=(refusal,))
    service = _service(facts, options) if options.service else Plan()
    plugin = plugin_steps(facts) if options.plugin else Plan()
    old = old_plugins(facts, options) if options.plugin else Plan()
    copied = any(step.kind is Kind.PROGRAM for step in plugin.steps)
    command_plan = command_steps(facts, copied=copied) if options.command else Plan()
    copied = copied or any(step.kind is Kind.PROGRAM for step in command_plan.steps)
    wanted = options.export or (facts.export_plist is not None and copied)  # an upgrade includes the exporter
    export = export_steps(facts, options, copied=copied) if wanted else Plan()
    parts = (service, old, plugin, command_plan, export)
    return Plan(
        tuple(step for part in parts for step in part.steps), tuple(one for part in parts for one in part.notes)
    )


def refused(facts: Facts) -> Optional[Note]:
    """Return why nothing can be installed or removed here; None if it can."""
    if facts.uid == 0:
        return note(Why.ROOT)
    return None if facts.manifest.readable else note(Why.MANIFEST_DAMAGED, path=facts.places.manifest)


def _service(facts: Facts, options: Options) -> Plan:
    obstacle = _obstacle(facts)
    if obstacle is not None:
        return Plan(notes=(obstacle,))
    has_own = facts.plist is not None or own_service(facts) is not None
    foreign = None if has_own else _foreign(facts)
    if foreign is None:
        adopt = facts.processes and not has_own
        return _adopt_process(facts, options) if adopt else _own(facts, options, None)
    if foreign.label in facts.jobs and facts.processes and not _is_running(facts, foreign.label):
        beside = _adopt_process(facts, options)
        return Plan(beside.steps, (*beside.notes, note(Why.SERVICE_OFF, label=foreign.label, path=foreign.plist)))
    if options.take_over and foreign.label == RUST_LABEL:
        return _own(facts, options, foreign)
    return _adopt(facts, foreign, options)


def _obstacle(facts: Facts) -> Optional[Note]:
    watched = facts.watched
    if watched.named_by and watched.url and not is_local(watched.url):
        return note(Why.REMOTE, url=watched.url, named_by=watched.named_by)
    return launchd_obstacle(facts) or facts.plist_trouble


def _foreign(facts: Facts) -> Optional[Agent]:
    """Return another maker's agent that runs llama-swap, preferably a running one."""
    agents = [agent for agent in (*facts.agents, *facts.system_agents) if agent.label != OWN_LABEL]
    return min(agents, key=lambda agent: not _is_running(facts, agent.label), default=None)


def _is_running(facts: Facts, label: str) -> bool:
    return label in facts.jobs and facts.jobs[label].running


def _adopt(facts: Facts, agent: Agent, options: Options) -> Plan:
    of_system = agent in facts.system_agents
    notes = [note(Why.ADOPTED_SYSTEM if of_system else Why.ADOPTED, label=agent.label, path=agent.plist)]
    if agent.label == RUST_LABEL:
        notes.append(note(Why.ADOPTED_OLD))
    if agent.label in facts.jobs and not _is_running(facts, agent.label):
        notes.append(note(Why.ADOPTED_STOPPED))
    named = facts.watched.named_by and facts.watched.url
    url = agent.url or next((process.url for process in facts.processes), "")
    if not url and not named:
        return Plan(notes=(*notes, note(Why.ADDRESS_UNKNOWN, label=agent.label, listen=agent.listen or "not there")))
    notes += _foreign_beside(facts, agent)
    return _watch(facts, options, notes, url=url, label="" if of_system else agent.label)


def _adopt_process(facts: Facts, options: Options) -> Plan:
    process = facts.processes[0]
    found = note(Why.ADOPTED_PROCESS, url=process.url, pid=process.pid)
    return _watch(facts, options, [found], url=process.url)


def _watch(facts: Facts, options: Options, notes: Sequence[Note], *, url: str, label: str = "") -> Plan:
    """Plan to watch an existing llama-swap: add it to the settings, unless they already name a server."""
    steps: Tuple[Step, ...] = ()
    if url and not has_server(facts.settings) and not facts.watched.fixed:
        content = (facts.settings or b"") + server_table(url, label, new=facts.settings is None)
        steps = (Step(Kind.SETTINGS, str(facts.places.settings), Reason.POINT_MENU, content=content, url=url),)
    unused = [note(Why.PORT_UNUSED)] if options.port else []
    return Plan(steps, (*notes, *_elsewhere(facts, url), *unused))


def server_table(url: str, label: str, *, new: bool) -> bytes:
    """Return a `[[server]]` table of the settings file."""
    head = "# llamabar's settings. To see what counts: llamabar config\n\n" if new else "\n"
    service = f"service = {json.dumps(label)}\n" if label else ""  # what JSON escapes, TOML reads alike
    return f"{head}[[server]]\nurl = {json.dumps(url)}\n{service}".encode()


def _elsewhere(facts: Facts, url: str) -> Tuple[Note, ...]:
    watched = facts.watched
    if not (watched.named_by and watched.url and url) or watched.url == url:
        return ()
    return (note(Why.MENU_ELSEWHERE, watched=watched.url, named_by=watched.named_by, url=url),)


def _own(facts: Facts, options: Options, old: Optional[Agent]) -> Plan:
    """Plan our own LaunchAgent: its config, its plist, its start."""
    there = own_service(facts)
    program = _program(facts, there, old)
    if isinstance(program, Note):
        return Plan(notes=(program,))
    config = _config(facts, there, old)
    unusable = _unusable(config, moved=old is not None)
    if unusable is not None:
        return Plan(notes=(unusable,))
    checked = facts.check(program, config) if os.path.isfile(config) else None
    if checked is not None and checked.good is False:
        return Plan(notes=(note(Why.CONFIG_REFUSED, path=config, detail=checked.words),))
    notes = [note(Why.CONFIG_UNCHECKED, detail=checked.words)] if checked and checked.good is None else []
    port = _port(facts, options, there, old)
    if isinstance(port, Note):
        return Plan(notes=(*notes, port))
    service = Service(program, str(config), port)
    wanted = agent_plist.content(service, facts.places)
    step = Step(Kind.AGENT, str(facts.places.plist), Reason.NO_AGENT, content=wanted, source=program, url=service.url)
    agent = agent_steps(facts, options, step, there=facts.plist)
    if agent.notes and there is not None:
        step = replace(step, url=there.url)
    steps = [*agent.steps, *start_steps(facts, step, there=facts.plist, changed=bool(agent.steps))]
    notes += agent.notes
    if not os.path.isfile(config):
        content = text_beside(__file__, "first_config.yaml").encode()
        steps.insert(0, Step(Kind.CONFIG, str(config), Reason.NO_CONFIG, content=content))
    if old is not None:
        steps.insert(0, Step(Kind.OLD_SERVICE, old.label, Reason.TAKEN_OVER, source=old.plist, url=old.url))
        notes.append(note(Why.PARTLY_TAKEN_OVER, words=" ".join(old.arguments)))
    return Plan(tuple(steps), (*notes, *_foreign_beside(facts, old), *_elsewhere(facts, step.url)))


def _unusable(config: Path, *, moved: bool) -> Optional[Note]:
    """Return why the config at a path can be neither used nor created; None if it can."""
    if moved and not config.is_absolute():  # also $HOME/…
        return note(Why.CONFIG_OF_SHELL, path=config)
    if os.path.isfile(config) or not os.path.lexists(config):
        return None
    if os.path.islink(config):
        return note(Why.CONFIG_DANGLING, path=config, target=os.readlink(config))
    return note(Why.CONFIG_NOT_A_FILE, path=config)


def _program(facts: Facts, there: Optional[Service], old: Optional[Agent]) -> Union[str, Note]:
    """Return the llama-swap to start: the existing plist's, the old service's, else the first that starts."""
    wanted = there.program if there is not None else old.arguments[0] if old is not None else ""
    if wanted and os.path.isfile(wanted):
        return wanted
    starting = [binary.path for binary in facts.binaries if binary.version is not None]
    if starting:
        return starting[0]
    for binary in facts.binaries:
        why = Why.PROGRAM_QUARANTINED if binary.quarantined else Why.PROGRAM_FAILS
        return note(why, path=binary.path, detail=binary.trouble)
    return note(Why.NO_PROGRAM)


def _config(facts: Facts, there: Optional[Service], old: Optional[Agent]) -> Path:
    """Return the config: the existing plist's, the old service's, one that was found, else the path for a new one."""
    named = there.config if there is not None else flag(old.arguments[1:], "config") if old is not None else None
    if named:
        return Path(f"{facts.places.home}{named[1:]}" if named.startswith("~/") else named)
    return facts.configs[0] if facts.configs else facts.places.config


def _port(facts: Facts, options: Options, there: Optional[Service], old: Optional[Agent]) -> Union[int, Note]:
    """Return the port: the existing plist's, the requested one, the old service's, the settings', else a free one."""
    if there is not None and options.port in (None, there.port):
        return there.port
    if options.port is not None:
        return options.port if probe.is_free(options.port) else note(Why.PORT_TAKEN, port=options.port)
    if old is not None and old.url:
        return port_of(old.url) or DEFAULT_PORT
    watched = port_of(facts.watched.url) if facts.watched.named_by else None
    if watched and facts.watched.url.startswith("http:") and probe.is_free(watched):
        return watched
    return probe.free_port(DEFAULT_PORT) or note(Why.NO_PORT, port=DEFAULT_PORT)


def _foreign_beside(facts: Facts, old: Optional[Agent]) -> Tuple[Note, ...]:
    others = [agent for agent in facts.agents if agent.label != OWN_LABEL and agent is not old]
    return tuple(note(Why.SERVICE_BESIDE, label=agent.label, path=agent.plist) for agent in others)
