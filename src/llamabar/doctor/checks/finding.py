"""A check is a row: a condition over the facts, and the words for when it holds.

Laws: a check judges facts and does no I/O; a check whose facts are unknown is skipped, never guessed; a check that
depends on one that failed is skipped and names it, so the first cause stands alone. Every finding has a remedy.

Words are templates. Titles, which the menu shows too, can be translated. {swiftbar.version} is a
fact, {llamabar} is the command for this program, and any other name comes from what the condition returned: a mapping
of values, or an object as {it}. {x:size}, {x:duration}, {x:some}, {x:file} (one file, 2 files) format a value. In a
remedy each value is quoted as one shell word. {on} is the option that names the server, where its name was set.
"""

import string
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Callable, Dict, Iterable, Mapping, NamedTuple, Sequence, Tuple

from llamabar.core.address import DEFAULT_NAME
from llamabar.core.text import printable, quoted
from llamabar.core.units import duration, plural, size
from llamabar.doctor.checks.facts import Configured, Facts, Server


class Level(str, Enum):
    """How serious it is."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"
    SKIPPED = "skipped"


BADNESS = {Level.ERROR: 3, Level.WARNING: 2, Level.NOTE: 1, Level.SKIPPED: 0, Level.OK: 0}


@dataclass(frozen=True)
class Finding:
    """What a check found. `remedy` can be pasted or clicked as it is; `fix` is the command that applies the fix.

    A skipped one names the finding it follows from, or says in `detail` what is unknown.
    """

    id: str
    level: Level
    layer: str
    title: str = ""
    detail: str = ""
    remedy: str = ""
    fix: str = ""
    lines: Tuple[str, ...] = ()
    follows: str = ""


@dataclass(frozen=True)
class Found:
    """What a condition returns if it replaces the words of its row, or quotes lines."""

    values: Any = None
    title: str = ""
    detail: str = ""
    remedy: str = ""
    lines: Tuple[str, ...] = ()


class Check(NamedTuple):
    """One row. `when` returns anything true if the finding applies; `needs` names facts, () for those of its layer."""

    id: str
    level: Level
    when: Callable[[Facts], Any]
    title: str
    detail: str = ""
    remedy: str = ""
    after: Tuple[str, ...] = ()
    needs: Tuple[str, ...] = ()
    fix: bool = False


class Layer(NamedTuple):
    """The checks of one topic, causes before effects. `summary` returns whether all is good, and a text."""

    name: str
    needs: Tuple[str, ...]
    summary: Callable[[Facts], Tuple[bool, str]]
    checks: Sequence[Check]


def configured(facts: Facts) -> Tuple[Configured, ...]:
    """Return the servers in the settings."""
    return facts.settings.servers


def first(of: Callable[[Facts], Iterable[Any]], is_meant: Callable[[Any], Any]) -> Callable[[Facts], Any]:
    """Return a condition that yields the first of some items for which `is_meant` is true."""
    return lambda facts: next(filter(is_meant, of(facts)), None)


def worst_first(findings: Iterable[Finding]) -> Tuple[Finding, ...]:
    """Return the findings that apply: errors, then warnings, then notes, each with causes before effects."""
    return tuple(sorted((one for one in findings if BADNESS[one.level]), key=lambda one: -BADNESS[one.level]))


def examined(
    check: Check, layer: Layer, facts: Facts, *, before: Mapping[str, Finding], translated: Callable[[str], str]
) -> Finding:
    """Return the finding of a check, given the findings `before` it and what translates its title."""
    unknown = next((facts.trouble(name) for name in check.needs or layer.needs if facts.trouble(name)), "")
    causes = (before[name] for name in check.after)
    follows = next((one.follows or one.id for one in causes if one.follows or BADNESS[one.level] > 1), "")
    if unknown or follows:
        skipped = Finding(check.id, Level.SKIPPED, layer.name, detail=printable(unknown))
        return skipped if unknown else replace(skipped, follows=follows)
    result = check.when(facts)
    if not result:
        return Finding(check.id, Level.OK, layer.name)
    found = result if isinstance(result, Found) else Found(result)
    values = {**vars(facts), "llamabar": _Command(facts.command), "it": found.values}
    values.update(found.values if isinstance(found.values, dict) else {})
    values["on"] = _on(values, facts)
    prose, shell = _Words(facts.home), _Words(facts.home, is_shell=True)
    fix = f"{facts.command} doctor --fix {check.id}" if check.fix else ""
    return Finding(
        check.id,
        check.level,
        layer.name,
        title=prose.vformat(translated(found.title or check.title), (), values),
        detail=prose.vformat(found.detail or check.detail, (), values).strip(),
        remedy=shell.vformat(found.remedy or check.remedy, (), values) or fix,
        fix=fix,
        lines=tuple(map(printable, found.lines)),
    )


class _Words(string.Formatter):
    """Fills templates. Values are cleaned, the home folder is written as ~, and a remedy's values are shell words."""

    def __init__(self, home: str, *, is_shell: bool = False) -> None:
        self.home = home
        self.is_shell = is_shell

    def format_field(self, value: Any, format_spec: str) -> str:
        """Return a value as text."""
        text = printable(SPECS[format_spec](value) if format_spec in SPECS else _plain(value, format_spec))
        if self.is_shell:
            return text if isinstance(value, _Command) else quoted(text, self.home)
        return text.replace(f"{self.home}/", "~/") if self.home else text


class _Command(str):
    """Text that is already quoted for a shell."""


def _on(values: Mapping[str, Any], facts: Facts) -> _Command:
    """Return the option that names the server a finding is about: without it, commands take the first one."""
    it = values["it"].get("it") if isinstance(values["it"], dict) else values["it"]
    name = it.name if isinstance(it, (Server, Configured)) else values.get("server") or facts.service.server
    return _Command(f" --server {quoted(name)}" if name not in ("", DEFAULT_NAME) else "")


def _plain(value: Any, noun: str) -> str:
    if noun:
        return plural(value if isinstance(value, int) else len(value), noun)
    return str(value)


def _some(names: Sequence[Any]) -> str:
    more = len(names) - 3
    return ", ".join(map(str, names[:3])) + (f" and {more} more" if more > 0 else "")


SPECS: Dict[str, Callable[[Any], str]] = {"size": size, "duration": duration, "some": _some}
