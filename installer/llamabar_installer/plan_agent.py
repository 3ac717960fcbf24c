"""What the plans of both LaunchAgents share, ours of llama-swap and that of the exporter."""

from dataclasses import replace
from typing import Optional, Tuple

from llamabar.macos import agent_plist
from llamabar.macos.agents import command
from llamabar.macos.files import digest
from llamabar.macos.launchctl import Job
from llamabar_installer.facts import Facts
from llamabar_installer.notes import Note, Why, note
from llamabar_installer.steps import Group, Kind, Options, Plan, Reason, Step


def launchd_obstacle(facts: Facts) -> Optional[Note]:
    """Return why launchd can't be given a service here."""
    if not facts.launchd:
        return note(Why.NO_LAUNCHD)
    if facts.launchd_trouble:
        return note(Why.LAUNCHD_SILENT, detail=facts.launchd_trouble)
    return note(Why.NOT_LOGGED_IN) if facts.gui is False else None


def agent_steps(facts: Facts, options: Options, step: Step, *, there: Optional[bytes]) -> Plan:
    """Plan a plist: written if there is none, replaced if it is ours and unedited, shown if somebody edited it."""
    if there is None:
        return Plan((step,))
    if agent_plist.parse(there) == agent_plist.parse(step.content):
        return Plan()
    item = facts.manifest.item(step.path)
    if options.force or (item is not None and item.digest == digest(there)):
        return Plan((replace(step, reason=Reason.AGENT_DIFFERS),))
    return Plan(notes=(Note(Why.AGENT_EDITED, {"path": step.target}, agent_plist.difference(there, step.content)),))


def start_steps(facts: Facts, agent: Step, *, there: Optional[bytes], changed: bool) -> Tuple[Step, ...]:
    """Start the job of an agent, or have launchd read it again where it has changed."""
    start, reload = (Kind.START, Kind.RELOAD)
    if agent.group is Group.EXPORT:
        start, reload = (Kind.START_EXPORT, Kind.RELOAD_EXPORT)
    label, words = agent.path.stem, command(agent_plist.parse(there) or {})
    job = facts.jobs.get(label) or Job(label)
    if job.loaded and (changed or (job.arguments and words and words != job.arguments)):
        return (Step(reload, label, Reason.AGENT_CHANGED, agent.group, url=agent.url),)
    if job.running and label not in facts.disabled:
        return ()
    return (Step(start, label, Reason.NOT_RUNNING, agent.group, url=agent.url),)
