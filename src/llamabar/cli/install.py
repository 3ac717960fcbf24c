"""`install` and `uninstall`: the plan shown, one question, each step as it is done, and how it ended."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional

import click

from llamabar.cli.program import INTERRUPTED
from llamabar.cli.style import mark
from llamabar.macos.agents import listen_of
from llamabar.macos.paths import places
from llamabar.settings import discover
from llamabar.settings.load import Settings
from llamabar.sources.processes import running
from llamabar_installer import facts as installer_facts
from llamabar_installer.execute import Execution, Report
from llamabar_installer.facts import Facts, Process, Watched
from llamabar_installer.plan import plan_install
from llamabar_installer.plan_removal import plan_uninstall
from llamabar_installer.steps import Kind, Note, Options, Plan, Step

JSON_VERSION = 1
Planner = Callable[[Facts, Options], Plan]


class Asked(NamedTuple):
    """How the command was given."""

    dry_run: bool = False
    yes: bool = False
    as_json: bool = False
    server: str = ""
    config: str = ""


def install(options: Options, asked: Asked) -> int:
    """Put llamabar on this Mac; return the exit code."""
    return _run(plan_install, options, asked, "Already installed: nothing to do.")


def uninstall(options: Options, asked: Asked) -> int:
    """Take it off again; return the exit code."""
    return _run(plan_uninstall, options, asked, "Nothing is installed: nothing to do.")


def collect(server: str = "", config: str = "") -> Facts:
    """Return the facts of this Mac."""
    environment = {**os.environ, **({"LLAMABAR_CONFIG": config} if config else {})}
    settings = discover.settings(environment, server=server)
    program = os.environ.get("LLAMABAR_FILE", "")
    processes = [Process(one.pid, one.url, one.program) for one in running(listen_of)]
    return installer_facts.collect(
        environment,
        places(environment),
        program=Path(os.path.realpath(program)) if program else None,
        processes=processes,
        watched=watched_of(settings),
    )


def watched_of(settings: Settings) -> Watched:
    """Return the server that is watched, and what named it, if anything did."""
    server = settings.servers[0]
    named = server.url_from == "file" or server.url_from.startswith("LLAMA")
    named_by = {"file": settings.file or "the settings file"}.get(server.url_from, server.url_from)
    return Watched(server.url, named_by if named else "", server.service)


def _run(planner: Planner, options: Options, asked: Asked, nothing: str) -> int:
    if not asked.as_json:
        print("Looking at this Mac …", file=sys.stderr, flush=True)
    facts = collect(asked.server, asked.config)
    plan = planner(facts, options)
    act = bool(plan.steps) and not asked.dry_run and (asked.yes or not asked.as_json)
    if not asked.as_json:
        print("\n".join(_plan_lines(plan, nothing)), flush=True)
        if act and not asked.yes and not _agreed():
            return 1
    report = _execute(plan, facts, asked) if act else None
    if asked.as_json:
        print(json.dumps(document(plan, report), indent=2))
    elif report is not None:
        print("\n".join(_report_lines(report, plan)), flush=True)
    if report is not None and report.interrupted:
        return INTERRUPTED
    return 0 if (report is None or report.ok) and plan.complete else 1


def _execute(plan: Plan, facts: Facts, asked: Asked) -> Report:
    for number in (signal.SIGTERM, signal.SIGHUP):  # a window that is closed is Ctrl-C: what was begun is undone
        signal.signal(number, signal.default_int_handler)
    if asked.as_json:
        return Execution(facts.places).run(plan)
    print(flush=True)
    return Execution(
        facts.places,
        say=lambda what: print(f"    {what} …", flush=True),
        finished=lambda step: print(f"{mark('ok')} {step.kind.value}", flush=True),
    ).run(plan)


def document(plan: Plan, report: Optional[Report]) -> Dict[str, Any]:
    """Return `install --json`."""
    done = report.kept if report is not None else ()
    steps = [{"step": s.kind.value, "target": s.target, "why": s.why, "done": s in done} for s in plan.steps]
    notes = [{"said": note.said, "hint": note.hint, "missing": note.missing} for note in plan.notes]
    failure = {"failure": report.said, "hint": report.hint} if report is not None and not report.ok else {}
    ok = plan.complete and (report is None or report.ok)
    undone = [step.kind.value for step in report.undone] if report is not None else []
    remarks = list(report.remarks) if report is not None else []
    more = {"notes": notes, "undone": undone, "remarks": remarks, **failure}
    return {"llamabar_json": JSON_VERSION, "plan": steps, "ok": ok, **more}


def _agreed() -> bool:
    try:
        if click.confirm("\nGo ahead?", default=True):
            return True
        print("Nothing was changed.")
    except click.Abort:
        print("\nNo answer, so nothing was changed. --yes does not ask.", file=sys.stderr)
    return False


def _plan_lines(plan: Plan, nothing: str) -> List[str]:
    lines = [line for number, step in enumerate(plan.steps, 1) for line in _step_lines(number, step)]
    if lines:
        lines.insert(0, "This will be done:")
    notes = [line for note in plan.notes if not note.missing for line in _note_lines(note)]
    missing = [line for note in plan.notes if note.missing for line in _note_lines(note)]
    notes += ["Not done, and why:", *missing] if missing else []
    if not lines and plan.complete:
        lines = [nothing]
    return lines + ([""] if lines and notes else []) + notes


def _step_lines(number: int, step: Step) -> List[str]:
    return [f"{number:>3}. {step.kind.value}: {_short(step.target)}", f"     {_short(step.why)}"]


def _note_lines(note: Note) -> List[str]:
    said = f"{mark('error' if note.missing else 'note')} {_short(note.said)}"
    return [said, *(f"    {line}" for line in note.lines), *([f"  {note.hint}"] if note.hint else [])]


def _report_lines(report: Report, plan: Plan) -> List[str]:
    undone = [f"{mark('note')} undone: {step.kind.value} ({_short(step.target)})" for step in report.undone]
    lines: List[str] = []
    for step in report.failed:
        lines += [f"{mark('error')} {step.kind.value}: {report.said}."]
        lines += [f"    {line}" for line in report.lines]
        lines += [f"  {report.hint}"] if report.hint else []
    remarks = [f"{mark('note')} {remark}." for remark in report.remarks]
    return [*lines, *undone, *remarks, "", _ending(report, plan)]


def _ending(report: Report, plan: Plan) -> str:
    if not report.ok and not report.kept:
        return "This Mac is as it was before."
    if not report.ok:
        return "Steps with a mark stay, but for those named as undone. Run the same command again to go on."
    if not plan.complete:
        return "Done, but for what is named above as not done."
    started = [step for step in report.done if step.kind in (Kind.START, Kind.RELOAD)]
    if started:
        return f"Done: llama-swap answers at {started[0].url}. If the menu is not there yet: llamabar.pyz doctor"
    removed = any(step.kind is Kind.REMOVE_FOLDERS for step in report.done)
    return "Done: it is off this Mac." if removed else "Done."


def _short(text: str) -> str:
    return text.replace(f"{os.path.expanduser('~')}/", "~/")
