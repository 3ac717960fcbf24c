"""From facts to the steps of an installation. Pure but for what the facts' own check of a config does.

Laws: adopt, never duplicate; foreign plists are never changed; nothing is planned that is already so.
"""

import os
from pathlib import Path
from typing import Optional, Tuple
from urllib.parse import urlsplit

from llamabar.macos import agent_plist, probe
from llamabar.macos.agents import Agent, flag
from llamabar.macos.files import digest
from llamabar.macos.paths import OWN_LABEL, RUST_LABEL
from llamabar_installer import first_files
from llamabar_installer.facts import Facts, has_server, own_service
from llamabar_installer.plan_plugin import old_plugins, plugin_steps
from llamabar_installer.steps import Kind, Note, Options, Plan, Step

FIRST_PORT = 8080
BREW = "brew tap mostlygeek/llama-swap && brew install llama-swap"


def plan_install(facts: Facts, options: Options) -> Plan:
    """Return what has to be done so that llama-swap runs as a service and SwiftBar shows it."""
    refusal = refused(facts)
    if refusal is not None:
        return Plan(notes=(refusal,))
    service = _service(facts, options) if options.service else Plan()
    plugin = plugin_steps(facts) if options.plugin else Plan()
    old = old_plugins(facts, options) if options.plugin else Plan()
    return Plan(service.steps + old.steps + plugin.steps, service.notes + old.notes + plugin.notes)


def refused(facts: Facts) -> Optional[Note]:
    """Return why nothing at all can be done here."""
    if facts.uid == 0:
        return Note("This is root. A LaunchAgent and a plugin belong to the user who sits at the screen.",
                    "Run it again without sudo, as that user.", missing=True)  # fmt: skip
    if not facts.manifest.readable:
        return Note(f"{facts.places.manifest} is not understood: it lists what was put on this Mac.",
                    "Restore it, or move it away to begin anew.", missing=True)  # fmt: skip
    return None


def _service(facts: Facts, options: Options) -> Plan:
    obstacle = _obstacle(facts)
    if obstacle is not None:
        return Plan(notes=(obstacle,))
    foreign = None if facts.plist is not None else _foreign(facts)
    if (
        foreign is not None
        and foreign.label in facts.jobs
        and facts.processes
        and not _is_running(facts, foreign.label)
    ):
        beside = Note(f"A service of llama-swap is there, but off: {foreign.label} ({foreign.plist}).")
        return _with(_adopt_process(facts, options), beside)
    if foreign is not None and not (options.take_over and foreign.label == RUST_LABEL):
        return _adopt(facts, foreign, options)
    if facts.plist is None and foreign is None and facts.processes:
        return _adopt_process(facts, options)
    return _own(facts, options, foreign)


def _with(plan: Plan, note: Note) -> Plan:
    return Plan(plan.steps, (*plan.notes, note))


def _obstacle(facts: Facts) -> Optional[Note]:
    watched = facts.watched
    if watched.named_by and watched.url and not probe.is_local(watched.url):
        return Note(f"llama-swap runs on another computer ({watched.url}, named by {watched.named_by}): "
                    "no service is made here.")  # fmt: skip
    if not facts.launchd:
        return Note("There is no launchd here (launchctl was not found): no service can be made.",
                    "A service needs a Mac. For the plugin alone: --no-service", missing=True)  # fmt: skip
    if facts.launchd_trouble:
        return Note(f"launchd could not be asked: {facts.launchd_trouble}.", "Try again in a minute.", missing=True)
    if facts.gui is False:
        return Note("Nobody is logged in at this Mac's screen, so launchd has no place for the service (nor over ssh).",
                    "Log in at the screen, or by Screen Sharing, and run it there.", missing=True)  # fmt: skip
    if facts.plist_trouble:
        return Note(f"{facts.plist_trouble}.", "Mend that first; nothing was changed.", missing=True)
    return None


def _foreign(facts: Facts) -> Optional[Agent]:
    """Return the agent of somebody else's making that runs llama-swap: one that runs before one that does not."""
    agents = [agent for agent in (*facts.agents, *facts.system_agents) if agent.label != OWN_LABEL]
    return min(agents, key=lambda agent: not _is_running(facts, agent.label), default=None)


def _is_running(facts: Facts, label: str) -> bool:
    return label in facts.jobs and facts.jobs[label].running


def _adopt(facts: Facts, agent: Agent, options: Options) -> Plan:
    where = "of the whole Mac, which only an administrator can start and stop" if agent in facts.system_agents else ""
    said = f"llama-swap is already a service: {agent.label} {where}".strip()
    notes = [Note(f"{said} ({agent.plist}). It is watched as it is, and its file is left alone.")]
    if agent.label == RUST_LABEL:
        notes.append(Note("It is the service of the older plugin.", "To move over: llamabar.pyz install --take-over"))
    if agent.label in facts.jobs and not _is_running(facts, agent.label):
        notes.append(Note("It does not run at the moment.", "llamabar.pyz start"))
    label = "" if agent in facts.system_agents else agent.label
    beside = (*_foreign_beside(facts, agent), *_elsewhere(facts, agent.url), *_port_unused(options))
    return Plan(_pointing(facts, agent.url, label), (*notes, *beside))


def _adopt_process(facts: Facts, options: Options) -> Plan:
    process = facts.processes[0]
    note = Note(
        f"llama-swap already runs at {process.url} (pid {process.pid}), started from a terminal or by another program. "
        "It is watched as it is; it can't be started, stopped or restarted from the menu.",
        "For a service instead: end it there, then run install again.",
    )
    return Plan(_pointing(facts, process.url, ""), (note, *_elsewhere(facts, process.url), *_port_unused(options)))


def _port_unused(options: Options) -> Tuple[Note, ...]:
    said = "--port is for a service of ours only: the llama-swap that is there keeps its own."
    return (Note(said),) if options.port else ()


def _pointing(facts: Facts, url: str, label: str) -> Tuple[Step, ...]:
    """Return the step that names the adopted server in the settings, unless they name a server already."""
    if has_server(facts.settings) or facts.watched.named_by.startswith(("LLAMA", "option")):
        return ()
    content = (facts.settings or b"") + first_files.server_table(url, label, new=facts.settings is None)
    why = f"so that the menu shows the llama-swap at {url}"
    return (Step(Kind.SETTINGS, str(facts.places.settings), why, content=content),)


def _elsewhere(facts: Facts, url: str) -> Tuple[Note, ...]:
    watched = facts.watched
    if watched.named_by and watched.url and watched.url != url:
        said = f"The menu goes on showing {watched.url}, because {watched.named_by} says so."
        return (Note(said, f"Change it there to see the llama-swap at {url}."),)
    return ()


def _own(facts: Facts, options: Options, old: Optional[Agent]) -> Plan:
    """Plan our own agent: its config, its plist, its start."""
    there = own_service(facts)
    program = _program(facts, there, old)
    if isinstance(program, Note):
        return Plan(notes=(program,))
    config, config_steps = _config(facts, there, old)
    unusable = _unusable(config, moved=old is not None)
    if unusable is not None:
        return Plan(notes=(unusable,))
    checked = facts.check(program, config) if config.is_file() else None
    if checked is not None and checked.good is False:
        said = f"llama-swap does not accept {config}: {checked.words}"
        return Plan(notes=(Note(said, "Mend the config, then run install again.", missing=True),))
    notes = [Note(f"The config could not be checked: {checked.words}.")] if checked and checked.good is None else []
    port = _port(facts, options, there, old)
    if isinstance(port, Note):
        return Plan(notes=(*notes, port))
    service = agent_plist.Service(program, str(config), port)
    agent = _agent(facts, options, service)
    if agent.notes and there is not None:
        service = there
    start = _start(facts, service, changed=bool(agent.steps))
    old_steps = _old_service(old)
    steps = (*old_steps, *config_steps, *agent.steps, *start)
    beside = (*_not_taken_over(old), *_foreign_beside(facts, old), *_elsewhere(facts, service.url))
    return Plan(steps, (*notes, *agent.notes, *beside))


def _unusable(config: Path, *, moved: bool) -> Optional[Note]:
    """Return why what stands at the config's path can neither be used nor be replaced by a first one."""
    if moved and not config.is_absolute():  # $HOME/… too
        return Note(
            f"The config of the service that is to be moved over is named {config}, which only its shell understands.",
            "Name it by its whole path there, then run install again.",
            missing=True,
        )
    if config.is_file() or not os.path.lexists(config):
        return None
    leads = f"a link to {os.readlink(config)}, which is not there" if config.is_symlink() else "not a file"
    said = f"{config} is {leads}, so llama-swap has no config."
    return Note(said, "Put that right (is a disk missing?), then run install again.", missing=True)


def _not_taken_over(old: Optional[Agent]) -> Tuple[Note, ...]:
    if old is None:
        return ()
    said = f"Of the old command only the program, the config and the port are taken over: {' '.join(old.arguments)}"
    return (Note(said, "The new service can be reached from this Mac only; what else you need, put into its plist."),)


def _program(facts: Facts, there: Optional[agent_plist.Service], old: Optional[Agent]) -> "str | Note":
    """Return the llama-swap to start: the one of the plist that is there, else the first that starts."""
    starting = [binary for binary in facts.binaries if binary.version is not None]
    wanted = there.program if there is not None else old.arguments[0] if old is not None else ""
    if wanted and Path(wanted).is_file():
        return wanted
    if starting:
        return starting[0].path
    for binary in facts.binaries:
        hint = f"xattr -d com.apple.quarantine '{binary.path}'" if binary.quarantined else f"'{binary.path}' --version"
        return Note(f"{binary.path} does not start: {binary.trouble}", f"Try: {hint}", missing=True)
    return Note("llama-swap was not found on this Mac.", f"Install it, then run install again: {BREW}", missing=True)


def _config(facts: Facts, there: Optional[agent_plist.Service], old: Optional[Agent]) -> Tuple[Path, Tuple[Step, ...]]:
    """Return the config, and the step that writes a first one where there is none."""
    named = there.config if there is not None else flag(old.arguments[1:], "config") if old is not None else None
    named = f"{facts.places.home}{named[1:]}" if named and named.startswith("~/") else named
    path = Path(named) if named else facts.configs[0] if facts.configs else facts.places.config
    if path.is_file():
        return path, ()
    why = "llama-swap needs one; it holds an example, and no model until you fill it in"
    return path, (Step(Kind.CONFIG, str(path), why, content=first_files.LLAMA_SWAP_CONFIG),)


def _port(facts: Facts, options: Options, there: Optional[agent_plist.Service], old: Optional[Agent]) -> "int | Note":
    """Return the port: of the plist that is there, the one asked for, the settings', 8080, or the next that is free."""
    if there is not None and options.port is None:
        return there.port
    if there is not None and options.port == there.port:
        return there.port
    if options.port is not None:
        if probe.is_free(options.port):
            return options.port
        return Note(f"Port {options.port} is taken.", "Choose another with --port, or leave it out.", missing=True)
    if old is not None and old.listen.rpartition(":")[2].isdigit():
        return int(old.listen.rpartition(":")[2])
    watched = urlsplit(facts.watched.url) if facts.watched.named_by else None
    if watched is not None and watched.scheme == "http" and watched.port and probe.is_free(watched.port):
        return watched.port
    found = probe.free_port(FIRST_PORT)
    return found or Note(f"No port from {FIRST_PORT} on is free.", "Choose one with --port.", missing=True)


def _agent(facts: Facts, options: Options, service: agent_plist.Service) -> Plan:
    """Plan the plist: written if there is none, replaced if it is ours and unedited, shown if somebody edited it."""
    wanted = agent_plist.content(service, facts.places)
    target = str(facts.places.plist)
    if facts.plist is None:
        return Plan((Step(Kind.AGENT, target, f"starts {service.program} at {service.url}", content=wanted),))
    if agent_plist.parse(facts.plist) == agent_plist.parse(wanted):
        return Plan()
    item = facts.manifest.item(facts.places.plist)
    unedited = item is not None and item.digest == digest(facts.plist)
    if unedited or options.force:
        return Plan((Step(Kind.AGENT, target, "replaces the one that is there, which is kept", content=wanted),))
    lines = agent_plist.difference(facts.plist, wanted)
    said = f"{target} was edited by hand and is left as it is."
    return Plan(notes=(Note(said, "To write it anew: llamabar.pyz install --force", lines=lines),))


def _start(facts: Facts, service: agent_plist.Service, *, changed: bool) -> Tuple[Step, ...]:
    job = facts.jobs.get(OWN_LABEL)
    if job is not None and job.loaded and (changed or (job.arguments and _other_command(facts, job.arguments))):
        return (Step(Kind.RELOAD, OWN_LABEL, "its LaunchAgent has changed", url=service.url),)
    if job is not None and job.running and OWN_LABEL not in facts.disabled:
        return ()
    return (Step(Kind.START, OWN_LABEL, "now and at each login", url=service.url),)


def _other_command(facts: Facts, arguments: Tuple[str, ...]) -> bool:
    words = (agent_plist.parse(facts.plist) or {}).get("ProgramArguments")
    return isinstance(words, list) and tuple(words) != arguments


def _old_service(old: Optional[Agent]) -> Tuple[Step, ...]:
    if old is None:
        return ()
    why = "its llama-swap is started by llamabar's own service from now on; uninstall switches it on again"
    return (Step(Kind.OLD_SERVICE, old.label, why, source=str(old.plist), url=old.url),)


def _foreign_beside(facts: Facts, old: Optional[Agent]) -> Tuple[Note, ...]:
    others = [agent for agent in facts.agents if agent.label != OWN_LABEL and agent is not old]
    said = "There is another llama-swap service, {} ({}). It is left alone."
    return tuple(Note(said.format(agent.label, agent.plist)) for agent in others)
