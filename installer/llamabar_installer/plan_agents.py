"""Plans the LaunchAgents: what llama-swap's and the exporter's share, and the exporter's."""

from dataclasses import replace
from typing import Optional, Tuple

from llamabar.core.mac import Job
from llamabar.macos import agent_plist
from llamabar.macos.agents import command, parse_plist
from llamabar.macos.files import digest
from llamabar_installer.facts import Facts
from llamabar_installer.notes import Note, Why, note
from llamabar_installer.steps import Group, Kind, Options, Plan, Reason, Step


def launchd_obstacle(facts: Facts) -> Optional[Note]:
    """Return why launchd can't run a service here; None if it can."""
    if not facts.launchd:
        return note(Why.NO_LAUNCHD)
    if facts.launchd_trouble:
        return note(Why.LAUNCHD_SILENT, detail=facts.launchd_trouble)
    return note(Why.NOT_LOGGED_IN) if facts.gui is False else None


def agent_steps(facts: Facts, options: Options, step: Step, *, there: Optional[bytes]) -> Plan:
    """Plan a plist: write a missing one, replace one of ours that is unedited, show how an edited one differs."""
    if there is None:
        return Plan((step,))
    if parse_plist(there) == parse_plist(step.content):
        return Plan()
    item = facts.manifest.item(step.path)
    if options.force or (item is not None and item.digest == digest(there)):
        return Plan((replace(step, reason=Reason.AGENT_DIFFERS),))
    return Plan(notes=(Note(Why.AGENT_EDITED, {"path": step.target}, agent_plist.difference(there, step.content)),))


def start_steps(facts: Facts, agent: Step, *, there: Optional[bytes], changed: bool) -> Tuple[Step, ...]:
    """Plan to start an agent's job, or to reload it if the plist has changed."""
    label, words = agent.path.stem, command(parse_plist(there) or {})
    job = facts.jobs.get(label) or Job(label)
    if job.loaded and (changed or (job.arguments and words and words != job.arguments)):
        return (Step(Kind.RELOAD, label, Reason.AGENT_CHANGED, agent.group, url=agent.url),)
    if job.running and label not in facts.disabled:
        return ()
    return (Step(Kind.START, label, Reason.NOT_RUNNING, agent.group, url=agent.url),)


def export_steps(facts: Facts, options: Options, *, copied: bool) -> Plan:
    """Plan to run `llamabar export` as a service. `copied`: another step already copies the program."""
    obstacle = note(Why.NOT_ONE_FILE) if facts.program is None else launchd_obstacle(facts)
    if obstacle is not None:
        return Plan(notes=(obstacle,))
    copy: Tuple[Step, ...] = ()
    if facts.installed_digest != facts.program_digest and not copied:
        target, source = str(facts.places.program), str(facts.program)
        copy = (Step(Kind.PROGRAM, target, Reason.RUN_BY_EXPORT, Group.EXPORT, source=source),)
    wanted, target = agent_plist.export_content(facts.places), str(facts.places.export_plist)
    written = Step(Kind.AGENT, target, Reason.EXPORTS, Group.EXPORT, content=wanted, url=facts.export_url)
    agent = agent_steps(facts, options, written, there=facts.export_plist)
    changed = bool(copy or copied or agent.steps)
    start = start_steps(facts, written, there=facts.export_plist, changed=changed)
    return Plan(copy + agent.steps + start, agent.notes)
