"""`doctor --report`: one text to paste into an issue, with nothing private in it."""

from dataclasses import fields, is_dataclass
from typing import Any, Dict, Iterator, Tuple

from llamabar.core.text import printable
from llamabar.doctor.checks.facts import Facts
from llamabar.doctor.checks.finding import Finding, worst_first
from llamabar.doctor.checks.redact import Private, redacted

APART = ("troubles", "sources", "log_lines", "arguments", "command", "content")


def report(facts: Facts, found: Tuple[Finding, ...], private: Private) -> str:
    """Return versions, findings, facts and the end of the log, all redacted."""
    return "\n".join(redacted(printable(line), private) for line in _lines(facts, found))


def sentence(one: Finding) -> str:
    """Return a finding's title and detail, each ending in one period."""
    parts = (part for part in (one.title, one.detail) if part)
    return " ".join(part if part.endswith((".", ":")) else f"{part}." for part in parts)


def _lines(facts: Facts, found: Tuple[Finding, ...]) -> Iterator[str]:
    python = ".".join(map(str, facts.program.python_version))
    yield f"llamabar {facts.program.version}, Python {python}, macOS {facts.computer.macos or 'unknown'}"
    for server in facts.servers:
        yield f"llama-swap {server.version or 'unknown'} ({server.why})"
    bar = facts.swiftbar
    yield f"SwiftBar {(bar.version or 'unknown') if bar.installed or facts.trouble('swiftbar') else 'not installed'}"
    yield ""
    yield "Findings"
    for one in worst_first(found):
        yield f"- {one.level.value} {one.id}: {sentence(one)}"
        yield from (f"    | {line}" for line in one.lines)
        yield f"    {one.remedy}"
    yield ""
    yield "Facts"
    for field in fields(facts):
        if field.name not in APART:
            yield from _fact(field.name, getattr(facts, field.name), facts)
    yield ""
    yield "The end of the log"
    yield from (f"    {line}" for line in facts.service.log_lines)


def _fact(name: str, value: Any, facts: Facts) -> Iterator[str]:
    source = f" (from {facts.sources[name]})" if name in facts.sources else ""
    if facts.trouble(name):
        yield f"- {name}: unknown: {facts.trouble(name)}"
    elif is_dataclass(value):
        yield f"- {name}{source}"
        yield from (f"    {part} = {_value(kept)}" for part, kept in _parts(value).items())
    else:
        yield f"- {name}{source} = {_value(value)}"


def _parts(value: Any) -> Dict[str, Any]:
    return {name: part for name, part in vars(value).items() if name not in APART}


def _value(value: Any) -> str:
    if is_dataclass(value):
        return ", ".join(f"{name} {_value(part)}" for name, part in _parts(value).items())
    if isinstance(value, tuple):
        return "; ".join(map(_value, value)) or "none"
    return "unknown" if value is None else str(getattr(value, "value", value))  # an enum as its value
