"""`doctor --report`: one text to paste, with nothing private in it."""

from dataclasses import fields, is_dataclass
from typing import Any, Iterator, Mapping, Tuple

from llamabar.doctor.checks.facts import Facts
from llamabar.doctor.checks.finding import Finding, worst_first
from llamabar.doctor.checks.redact import Private, redacted
from llamabar.doctor.collect.private import private_of
from llamabar.settings import discover
from llamabar.settings.load import Settings

APART = ("troubles", "sources", "now_s")
LINES = ("log_lines",)


def report(facts: Facts, found: Tuple[Finding, ...], private: Private) -> str:
    """Return versions, findings, facts and the end of the log, all redacted."""
    return "\n".join(redacted(line, private) for line in _lines(facts, found))


def private_now(environment: Mapping[str, str], *, option: str, server: str) -> Private:
    """Return what is private on this computer, as far as the settings tell within their time."""
    from llamabar.doctor.collect.gathering import Gathering, Unknown

    gathering = Gathering(2.0)
    gathering.begin("settings", lambda: discover.settings(environment, option=option, server=server),
                    source="the settings", limit_s=2.0)  # fmt: skip
    try:
        return private_of(environment, gathering.get("settings"))
    except Unknown:
        return private_of(environment, Settings(()))


def _lines(facts: Facts, found: Tuple[Finding, ...]) -> Iterator[str]:
    python = ".".join(map(str, facts.program.python_version))
    yield f"llamabar {facts.program.version}, Python {python}, macOS {facts.mac.macos or 'none'}"
    for server in facts.servers:
        yield f"llama-swap {server.version or 'of unknown version'} ({server.fault.replace('_', ' ') or 'answers'})"
    yield f"SwiftBar {facts.swiftbar.version or 'of unknown version'}"
    yield "\nFindings"
    for one in worst_first(found):
        yield f"- {one.level.value} {one.id}: {one.title}. {one.detail}"
        yield from (f"    | {line}" for line in one.lines)
        yield f"    {one.remedy}"
    yield "\nFacts"
    for field in fields(facts):
        if field.name not in APART:
            yield from _fact(field.name, getattr(facts, field.name), facts)
    yield "\nThe end of the log"
    yield from (f"    {line}" for line in facts.service.log_lines)


def _fact(name: str, value: Any, facts: Facts) -> Iterator[str]:
    if facts.trouble(name):
        yield f"- {name}: could not find out, because {facts.trouble(name)}"
        return
    source = f" (from {facts.sources[name]})" if name in facts.sources else ""
    if is_dataclass(value):
        yield f"- {name}{source}"
        yield from (
            f"    {one.name} = {_value(getattr(value, one.name))}" for one in fields(value) if one.name not in LINES
        )
    else:
        yield f"- {name}{source} = {_value(value)}"


def _value(value: Any) -> str:
    if is_dataclass(value):
        return ", ".join(f"{one.name} {_value(getattr(value, one.name))}" for one in fields(value))
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return ", ".join(f"{name} {_value(part)}" for name, part in value._asdict().items())
    if isinstance(value, tuple):
        return "; ".join(map(_value, value)) or "none"
    return "not known" if value is None else str(value)
