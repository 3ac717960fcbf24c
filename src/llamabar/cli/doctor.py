"""`doctor`: what is wrong and what to do, as words, as JSON, as a report to paste; and the fixes that are safe."""

import json
import os
import sys
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

import click

from llamabar.cli.style import mark
from llamabar.core.units import plural
from llamabar.doctor import fixes
from llamabar.doctor.checks.facts import Facts
from llamabar.doctor.checks.finding import BADNESS, Finding, Layer, Level, worst_first
from llamabar.doctor.checks.registry import LAYERS, findings
from llamabar.doctor.collect.everything import collect
from llamabar.errors import LlamabarError

JSON_VERSION = 1
WORDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "note"}


class Asked(NamedTuple):
    """How the command was given."""

    as_json: bool = False
    everything: bool = False
    fix: str = ""
    yes: bool = False
    report: bool = False
    selftest: bool = False
    server: str = ""
    config: str = ""


def doctor(asked: Asked) -> int:
    """Run the command; return the exit code: 1 if any finding is an error."""
    if asked.selftest:
        from llamabar.doctor.selftest import run as run_selftest

        return run_selftest(os.environ, say=lambda line: print(line, flush=True), config=asked.config)
    facts = collect(os.environ, option=asked.config, server=asked.server)
    found = findings(facts)
    if asked.fix:
        return _fix(asked, facts, found)
    if asked.report:
        from llamabar.doctor.report import private_now, report

        print(report(facts, found, private_now(os.environ, option=asked.config, server=asked.server)))
    elif asked.as_json:
        print(json.dumps(document(found), indent=2))
    else:
        print("\n".join(lines(facts, found, everything=asked.everything)))
    return code_of(found)


def code_of(found: Tuple[Finding, ...]) -> int:
    """Return the exit code."""
    return 1 if any(one.level is Level.ERROR for one in found) else 0


def document(found: Tuple[Finding, ...]) -> Dict[str, Any]:
    """Return `doctor --json`."""
    return {"llamabar_json": JSON_VERSION, "findings": [_entry(one) for one in found]}


def _entry(one: Finding) -> Dict[str, Any]:
    detail = " ".join((one.detail, *one.lines)).strip()
    known = {"id": one.id, "level": one.level.value, "title": one.title}
    return {**known, "detail": detail or None, "remedy": one.remedy or None, "fix": one.fix or None}


def lines(facts: Facts, found: Tuple[Finding, ...], *, everything: bool) -> List[str]:
    """Return the findings for people: problems first, then one line a layer."""
    problems = [line for one in worst_first(found) for line in _problem(one)]
    layers = [line for layer in LAYERS for line in _layer(layer, facts, found, everything=everything)]
    return [*problems, *layers, "", _verdict(found)]


def _problem(one: Finding) -> Iterator[str]:
    yield f"{mark(one.level.value)} {one.title}  [{WORDS[one.level]}: {one.id}]"
    if one.detail:
        yield f"    {one.detail}"
    yield from (f"    | {line}" for line in one.lines)
    if one.remedy:
        yield f"    {one.remedy}"
    if one.fix:
        yield f"    Or let it be done: {one.fix}"
    yield ""


def _layer(layer: Layer, facts: Facts, found: Tuple[Finding, ...], *, everything: bool) -> Iterator[str]:
    mine = [one for one in found if one.layer == layer.name]
    trouble = next((facts.trouble(name) for name in layer.needs if facts.trouble(name)), "")
    worst = max((one.level for one in mine), key=lambda level: BADNESS[level])
    if trouble:
        yield f"{mark('skipped')} {layer.name}: not looked at, because {trouble}"
    else:
        yield f"{mark(worst.value if BADNESS[worst] else 'ok')} {layer.name}: {layer.summary(facts)}{_counts(mine)}"
    for one in mine if everything else ():
        why = f": {one.detail}" if one.level is Level.SKIPPED else ""
        yield f"    {mark(one.level.value)} {one.title}{why}  [{one.id}]"


def _counts(mine: List[Finding]) -> str:
    counted = [(WORDS[level], sum(one.level is level for one in mine)) for level in WORDS]
    said = ", ".join(plural(count, word) for word, count in counted if count)
    return f" ({said})" if said else ""


def _verdict(found: Tuple[Finding, ...]) -> str:
    worst = worst_first(found)
    bad = [one for one in worst if one.level is not Level.NOTE]
    if not bad:
        return "All is well." if not worst else "All is well; the notes are only to know."
    return f"The first cause is at the top: {bad[0].title}."


def _fix(asked: Asked, facts: Facts, found: Tuple[Finding, ...]) -> int:
    if asked.fix not in fixes.FIXES:
        known = ", ".join(sorted(fixes.FIXES))
        raise LlamabarError(f"There is no fix for {asked.fix!r}.", f"There is one for: {known}.")
    one = _finding(asked.fix, found)
    if not BADNESS[one.level]:
        return _nothing_to_fix(one)
    words = fixes.what(asked.fix, facts)
    if not asked.yes and not _agreed(words):
        return 1
    trouble = fixes.fix(asked.fix, facts)
    again = findings(collect(os.environ, option=asked.config, server=asked.server))
    if trouble or BADNESS[_finding(asked.fix, again).level]:
        print(f"{mark('error')} Could not {words}: {trouble or 'it is still as it was'}.", file=sys.stderr)
        return 1
    print(f"{mark('ok')} Done: {words}.")
    return 0


def _finding(finding_id: str, found: Tuple[Finding, ...]) -> Finding:
    return next(one for one in found if one.id == finding_id)


def _nothing_to_fix(one: Finding) -> int:
    if one.level is Level.SKIPPED:
        raise LlamabarError(f"{one.id} was not looked at: {one.detail}.", "Mend that first: llamabar.pyz doctor")
    print(f"{mark('ok')} Nothing to fix: {one.title}.")
    return 0


def _agreed(words: str) -> bool:
    try:
        if click.confirm(f"{words[0].upper()}{words[1:]}?", default=True):
            return True
        print("Nothing was changed.")
    except click.Abort:
        print("\nNo answer, so nothing was changed. --yes does not ask.", file=sys.stderr)
    return False
