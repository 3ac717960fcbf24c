"""Plans the exporter: the program in the data folder, its own LaunchAgent, its start."""

from typing import Tuple

from llamabar.macos import agent_plist
from llamabar.macos.paths import EXPORT_LABEL
from llamabar_installer.facts import Facts
from llamabar_installer.manifest import Thing
from llamabar_installer.notes import Why, note
from llamabar_installer.plan_agent import agent_steps, launchd_obstacle, start_steps
from llamabar_installer.steps import Group, Kind, Options, Plan, Reason, Step


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


def export_removal(facts: Facts) -> Tuple[Step, ...]:
    """Plan to remove the exporter."""
    job, places = facts.jobs.get(EXPORT_LABEL), facts.places
    listed = any(item.path == str(places.export_plist) for item in facts.manifest.of_kind(Thing.AGENT))
    steps = []
    if job is not None and job.loaded:
        steps.append(Step(Kind.STOP_EXPORT, EXPORT_LABEL, group=Group.EXPORT, url=facts.export_url))
    if listed or facts.export_plist is not None:
        steps.append(Step(Kind.REMOVE_AGENT, str(places.export_plist), group=Group.EXPORT))
    if places.export_log.exists():
        steps.append(Step(Kind.REMOVE_FILE, str(places.export_log), group=Group.EXPORT))
    return tuple(steps)
