"""`install` and `uninstall`: show the plan, ask once, report each step as it is done, and then the result."""

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from llamabar.app.service_search import find
from llamabar.cli.output import MARKS, agreed, say, say_json
from llamabar.cli.program import INTERRUPTED
from llamabar.core import address
from llamabar.core.mac import Agent, Running
from llamabar.macos import tools
from llamabar.macos.paths import command_name, places
from llamabar.settings import discover
from llamabar.settings.load import Settings
from llamabar.sources.processes import running
from llamabar_installer import facts as installer_facts
from llamabar_installer.execute import Execution, Report
from llamabar_installer.facts import Facts, Watched
from llamabar_installer.notes import Note, Why, short
from llamabar_installer.plan import plan_install
from llamabar_installer.plan_removal import plan_uninstall
from llamabar_installer.steps import Group, Kind, Options, Plan

LOOK_S = 20.0  # for collecting facts, before anything is done
SWIFTBAR_LINE = "brew install --cask swiftbar && open -a SwiftBar"


def _collect(server: str, config: str) -> Facts:
    environment = {**os.environ, **({"LLAMABAR_CONFIG": config} if config else {})}
    settings = discover.settings(environment, server=server)
    program = os.environ.get("LLAMABAR_FILE", "")
    processes = tuple(running())
    return installer_facts.collect(
        environment,
        places(environment),
        program=Path(os.path.realpath(program)) if program else None,
        processes=processes,
        watched=_watched(settings),
        known_to_launchd=_known_to_launchd(settings, processes),
        export_url=address.of_listen(settings["export.listen"], tls=False) or "",
    )


def _known_to_launchd(settings: Settings, processes: Sequence[Running]) -> List[Agent]:
    """Return the agents of running llama-swaps, including those whose files don't tell what they start."""
    found = (find(replace(settings.servers[0], url=process.url, service="")) for process in processes)
    return [replace(known.agent, listen=known.url.rpartition("/")[2]) for known in found if known is not None]


def _watched(settings: Settings) -> Watched:
    """Return the watched server, and what set its address, if anything did."""
    server = settings.servers[0]
    in_file = server.url_from == "file"
    fixed = server.url_from.startswith(("LLAMA", "option"))
    named_by = (settings.file or "the settings file") if in_file else server.url_from if fixed else ""
    return Watched(server.url, named_by, server.service, fixed)


def run(
    *, remove: bool, dry_run: bool, yes: bool, as_json: bool, server: str, config: str, **wanted: Any
) -> int:
    """Install llamabar on this Mac, or remove it; return the exit code."""
    options = Options(**wanted)
    if not as_json:
        say("Looking at this Mac …", error=True)
    with tools.within(LOOK_S):
        facts = _collect(server, config)
    plan = (plan_uninstall if remove else plan_install)(facts, options)
    act = bool(plan.steps) and not dry_run and (yes or not as_json)
    if not as_json:
        nothing = "Nothing is installed." if remove else "Already installed."
        say(*_plan_lines(plan, f"{nothing} Nothing to do."))
        if act and not yes and not agreed("Continue?", canceled="Canceled. Nothing was changed."):
            return 1
    report = _execute(plan, facts, as_json=as_json) if act else None
    if as_json:
        say_json(document(plan, report))
    elif report is not None:
        say(*_report_lines(report, plan))
    if report is not None and report.interrupted:
        return INTERRUPTED
    return 0 if (report is None or report.ok) and plan.complete else 1


def _execute(plan: Plan, facts: Facts, *, as_json: bool) -> Report:
    for number in (signal.SIGTERM, signal.SIGHUP):  # a closed window counts as Ctrl-C: what was begun is undone
        signal.signal(number, signal.default_int_handler)
    if as_json:
        return Execution(facts.places).run(plan)
    say("")
    waits = lambda what: say(f"    {what} …")  # noqa: E731
    return Execution(facts.places, say=waits, finished=lambda step: say(step.words, level="ok")).run(plan)


def document(plan: Plan, report: Optional[Report]) -> Dict[str, Any]:
    """Return the document of `install --json`."""
    done = report.kept if report is not None else ()
    steps = [
        {"step": step.words, "target": step.target, "why": step.why, "done": step in done} for step in plan.steps
    ]
    notes = [{"code": one.why.code, "said": one.said, "hint": one.hint, "missing": not one.ok} for one in plan.notes]
    failure = report.failure if report is not None else None
    return {
        "plan": steps,
        "ok": plan.complete and (report is None or report.ok),
        "notes": notes,
        "undone": [step.words for step in report.undone] if report is not None else [],
        "remarks": [one.said for one in report.remarks] if report is not None else [],
        **({"failure": failure.said, "hint": failure.hint} if failure is not None else {}),
    }


def _plan_lines(plan: Plan, nothing: str) -> List[str]:
    lines = ["llamabar will:"] if plan.steps else []
    for number, step in enumerate(plan.steps, 1):
        lines.append(f"{number:>3}. {step.words}: {short(step.target)}")
        lines += [f"     {short(step.why)}"] if step.why else []
    notes = [line for one in plan.notes if one.ok for line in _note_lines(one)]
    missing = [line for one in plan.notes if not one.ok for line in _note_lines(one)]
    notes += ["Skipped:", *missing] if missing else []
    if not lines and plan.complete:
        lines = [nothing]
    return lines + ([""] if lines and notes else []) + notes


def _note_lines(found: Note) -> List[str]:
    said, hint = short(found.said), found.hint
    return [
        f"{MARKS['note' if found.ok else 'error']} {said}.",
        *(f"    {line}" for line in found.lines),
        *([f"  {hint}"] if hint else []),
    ]


def _report_lines(report: Report, plan: Plan) -> List[str]:
    lines: List[str] = []
    if report.failed is not None and report.failure is not None:
        rest = _note_lines(report.failure)[1:]
        lines = [f"{MARKS['error']} {report.failed.words}: {short(report.failure.said)}.", *rest]
    lines += [f"{MARKS['note']} undone: {step.words} ({short(step.target)})" for step in report.undone]
    remarks = [line for one in report.remarks for line in _note_lines(one)]
    return [*lines, *remarks, "", *_ending(report, plan)]


def _next(report: Report, plan: Plan) -> List[str]:
    """Return what the user should do next: what the plan couldn't do, and how to see the result."""
    done = {step.kind: step for step in report.done if step.group is not Group.EXPORT}
    found = []
    if Kind.CONFIG in done:
        found.append(f"Next: add a model to {short(done[Kind.CONFIG].target)}")
    if any(one.why is Why.NO_SWIFTBAR for one in plan.notes):
        found.append(f"Next: {SWIFTBAR_LINE}, then {command_name()} install")
    if Kind.LINK in done or Kind.REFRESH in done:
        off = any(one.why is Why.SWIFTBAR_OFF for one in plan.notes)
        found.append("Next: open -a SwiftBar" if off else "Next: click llamabar in the menu bar.")
    if found or Kind.START in done:
        found.append(f"Not what you expected? {command_name()} doctor")
    return found


def _ending(report: Report, plan: Plan) -> List[str]:
    if not report.ok and not report.kept:
        return ["This Mac is as it was before."]
    if not report.ok:
        return ["The steps with a mark stay, except those undone. Run the same command again to continue."]
    following = _next(report, plan)
    if not plan.complete:
        return ["Done, except for what was skipped.", *following]
    started = [step for step in report.done if step.kind in (Kind.START, Kind.RELOAD)]
    url = next((step.url for step in started if step.group is Group.SERVICE), "")
    if url or following:
        return [f"Done. llama-swap is running at {url}." if url else "Done.", *following]
    removed = any(step.kind is Kind.REMOVE_FOLDERS for step in report.done)
    kept = any(one.why is Why.FOLDER_KEPT for one in report.remarks)
    return ["llamabar has been removed." if removed and not kept else "Done."]
