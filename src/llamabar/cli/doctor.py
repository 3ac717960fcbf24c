"""`doctor`: prints what is wrong and what to do, as text, JSON or a report to paste; and applies safe fixes."""

import os
from functools import partial
from typing import Any, Callable, Dict, Iterator, List, Tuple

from llamabar.cli.output import MARKS, agreed, say, say_json
from llamabar.core.text import printable
from llamabar.core.units import plural
from llamabar.doctor import fixes
from llamabar.doctor.checks.facts import Facts
from llamabar.doctor.checks.finding import BADNESS, Finding, Layer, Level, worst_first
from llamabar.doctor.checks.redact import Private, redacted
from llamabar.doctor.checks.registry import LAYERS, findings, top
from llamabar.doctor.collect.everything import collect
from llamabar.errors import LlamabarError

COUNTED = (Level.ERROR, Level.WARNING, Level.NOTE)


def doctor(
    *, as_json: bool, everything: bool, fix: str, yes: bool, report: bool, selftest: bool, server: str, config: str
) -> int:
    """Check everything, or fix one thing; return the exit code: 1 if any finding is an error."""
    if selftest:
        from llamabar.doctor.selftest import run as run_selftest

        return run_selftest(os.environ, say=say, config=config)
    look = partial(collect, os.environ, option=config, server=server)
    facts = look()
    found = findings(facts)
    if fix:
        return _fix(fix, facts, found, yes=yes, look=look)
    if report:
        from llamabar.doctor.collect.private import private_now

        _print_report(facts, found, private_now(os.environ, option=config, server=server), as_json=as_json)
    elif as_json:
        say_json({"findings": list(map(entry, found))})
    else:
        say(*lines(facts, found, everything=everything))
    return 1 if any(one.level is Level.ERROR for one in found) else 0


def _print_report(facts: Facts, found: Tuple[Finding, ...], private: Private, *, as_json: bool) -> None:
    from llamabar.doctor.report import report

    text = report(facts, found, private)
    if as_json:
        entries = map(entry, found)
        known = [{key: value and redacted(value, private) for key, value in one.items()} for one in entries]
        say_json({"findings": known, "report": text.split("\n")})
    else:
        say(*text.split("\n"))


def entry(one: Finding) -> Dict[str, Any]:
    """Return a finding as an object of `doctor --json`."""
    title = one.title or f"{one.id}: {'skipped' if one.level is Level.SKIPPED else 'no'}"
    detail = _why(one) if one.level is Level.SKIPPED else " ".join((one.detail, *one.lines)).strip()
    known = {"id": one.id, "level": one.level.value, "title": title}
    return {**known, "detail": detail or None, "remedy": one.remedy or None, "fix": one.fix or None}


def _why(one: Finding) -> str:
    return f"follows from {one.follows}" if one.follows else one.detail


def lines(facts: Facts, found: Tuple[Finding, ...], *, everything: bool) -> List[str]:
    """Return the findings as text: problems first, then one line per topic."""
    problems = [line for one in worst_first(found) for line in _problem(one)]
    layers = [line for layer in LAYERS for line in _layer(layer, facts, found, everything=everything)]
    first = top(found)
    notes = " Notes are optional." if problems else ""
    verdict = f"Start with: {first.title}." if first is not None else f"Everything looks good.{notes}"
    return [*problems, *layers, "", verdict]


def _problem(one: Finding) -> Iterator[str]:
    yield f"{MARKS[one.level.value]} {one.title}  [{one.level.value}: {one.id}]"
    if one.detail:
        yield f"    {one.detail}"
    yield from (f"    | {line}" for line in one.lines)
    yield f"    {one.remedy}"
    if one.fix and one.fix != one.remedy:
        yield f"    Or fix it automatically: {one.fix}"
    yield ""


def _layer(layer: Layer, facts: Facts, found: Tuple[Finding, ...], *, everything: bool) -> Iterator[str]:
    mine = [one for one in found if one.layer == layer.name]
    trouble = next((facts.trouble(name) for name in layer.needs if facts.trouble(name)), "")
    worst = max((one.level for one in mine), key=lambda level: BADNESS[level])
    is_good, summary = (False, f"skipped: {trouble}") if trouble else layer.summary(facts)
    well = "ok" if is_good else "skipped"
    words = printable(summary.replace(f"{facts.home}/", "~/") if facts.home else summary)
    numbers = [(level, sum(one.level is level for one in mine)) for level in COUNTED]
    counts = ", ".join(plural(number, level.value) for level, number in numbers if number)
    yield f"{MARKS[worst.value if BADNESS[worst] else well]} {layer.name}: {words}{f' ({counts})' if counts else ''}"
    for one in mine if everything else ():
        said = {Level.OK: "no", Level.SKIPPED: f"skipped: {_why(one)}"}.get(one.level, one.title)
        yield f"    {MARKS[one.level.value]} {one.id}: {said}"


def _fix(fix: str, facts: Facts, found: Tuple[Finding, ...], *, yes: bool, look: Callable[[], Facts]) -> int:
    if fix not in fixes.FIXES:
        raise LlamabarError(f"No automatic fix for {fix!r}.", f"Available: {', '.join(sorted(fixes.FIXES))}.")
    one = _finding(fix, found)
    if one.level is Level.SKIPPED:
        raise LlamabarError(f"{one.id} was skipped: {_why(one)}.", f"Fix that first: {facts.command} doctor")
    if one.level is Level.OK:
        say(f"Nothing to fix: {one.id} doesn't apply.", level="ok")
        return 0
    words = printable(fixes.what(fix, facts))
    if not yes and not agreed(f"{words[0].upper()}{words[1:]}?"):
        return 1
    trouble = fixes.fix(fix, facts)
    if trouble or BADNESS[_finding(fix, findings(look())).level]:
        say(f"Couldn't {words}: {printable(trouble) or 'nothing changed'}.", level="error", error=True)
        return 1
    say(f"Done: {words}.", level="ok")
    return 0


def _finding(finding_id: str, found: Tuple[Finding, ...]) -> Finding:
    return next(one for one in found if one.id == finding_id)
