"""A finding, and the check that makes it.

Laws: a check judges facts and asks nothing; what could not be found out is skipped, never guessed; a check that depends
on one that failed is skipped because of that one, so the first cause stands alone. Every complaint has its remedy.
"""

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Callable, Dict, Iterable, List, Mapping, Optional, Tuple

from llamabar.doctor.checks.facts import Facts

UNQUOTED = re.compile(r"[A-Za-z0-9_@%+=:,./-]+\Z")
PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Level(str, Enum):
    """How bad it is."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"
    SKIPPED = "skipped"


BADNESS = {Level.ERROR: 3, Level.WARNING: 2, Level.NOTE: 1, Level.SKIPPED: 0, Level.OK: 0}


@dataclass(frozen=True)
class Finding:
    """What one check says. `remedy` is to be typed or clicked as it stands; `fix` is the command that does it."""

    id: str
    level: Level
    title: str
    detail: str = ""
    remedy: str = ""
    fix: str = ""
    layer: str = ""
    lines: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """That a check applies: in what words, and what its remedy's placeholders stand for. `instead`: another remedy."""

    title: str
    detail: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    lines: Tuple[str, ...] = ()
    instead: str = ""


_SKIPPED, _OF = "skipped because ", "of the finding "
Judge = Callable[[Facts], Optional[Found]]


@dataclass(frozen=True)
class Check:
    """One check. `good` is what should be so, `remedy` has placeholders; `needs` names facts, `after` checks."""

    id: str
    level: Level
    good: str
    means: str
    remedy: str
    judge: Judge
    needs: Tuple[str, ...]
    after: Tuple[str, ...]
    fix: bool
    layer: str

    @property
    def written_remedy(self) -> str:
        """Return the remedy for a page: placeholders in capitals."""
        return PLACEHOLDER.sub(
            lambda match: "llamabar.pyz" if match[1] == "llamabar" else match[1].upper(), self.remedy
        )


class Layer:
    """The checks of one topic, in the order of cause and effect."""

    def __init__(self, name: str, needs: Tuple[str, ...], summary: Callable[[Facts], str]) -> None:
        self.name = name
        self.needs = needs
        self.summary = summary
        self.checks: List[Check] = []

    def check(
        self,
        level: Level,
        good: str,
        *,
        remedy: str,
        needs: Tuple[str, ...] = (),
        after: Tuple[str, ...] = (),
        fix: bool = False,
    ) -> Callable[[Judge], Judge]:
        """Return a decorator that makes a function a check: its name is the id, its docstring says what it means."""

        def _add(judge: Judge) -> Judge:
            means = " ".join((judge.__doc__ or "").split())
            name = judge.__name__.strip("_").replace("_", "-")
            self.checks.append(
                Check(name, level, good, means, remedy, judge, needs or self.needs, after, fix, self.name)
            )
            return judge

        return _add


def quoted(text: str) -> str:
    """Return text as one word of a shell."""
    return text if UNQUOTED.match(text) else "'" + text.replace("'", "'\"'\"'") + "'"


def examine(facts: Facts, layers: Iterable[Layer]) -> Tuple[Finding, ...]:
    """Return what every check says, in the order of the layers."""
    found: Dict[str, Finding] = {}
    for layer in layers:
        for check in layer.checks:
            found[check.id] = _examined(check, facts, found)
    return tuple(found.values())


def worst_first(findings: Iterable[Finding]) -> Tuple[Finding, ...]:
    """Return the findings that are something: errors, warnings, notes; each kind in the order of cause and effect."""
    return tuple(sorted((one for one in findings if BADNESS[one.level]), key=lambda one: -BADNESS[one.level]))


def _examined(check: Check, facts: Facts, before: Mapping[str, Finding]) -> Finding:
    because = _obstacle(check, facts, before)
    if because:
        return Finding(check.id, Level.SKIPPED, check.good, f"{_SKIPPED}{because}", layer=check.layer)
    found = check.judge(facts)
    if found is None:
        return Finding(check.id, Level.OK, check.good, layer=check.layer)
    remedy = _filled(found.instead or check.remedy, {"llamabar": facts.command, **_shell(found.values)})
    fix = f"{facts.command} doctor --fix {check.id}" if check.fix else ""
    return Finding(check.id, check.level, found.title, found.detail, remedy, fix, check.layer, found.lines)


def _obstacle(check: Check, facts: Facts, before: Mapping[str, Finding]) -> str:
    """Return why a check cannot be made, or ""."""
    for name in check.needs:
        trouble = facts.trouble(name)
        if trouble:
            return trouble
    for name in check.after:
        cause = before[name]
        if cause.level in (Level.ERROR, Level.WARNING):
            return f"{_OF}{name}"
        if cause.detail.startswith(f"{_SKIPPED}{_OF}"):
            return cause.detail[len(_SKIPPED) :]
    return ""


def _shell(values: Mapping[str, str]) -> Dict[str, str]:
    return {name: quoted(value) for name, value in values.items()}


def _filled(remedy: str, values: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda match: values[match[1]], remedy)
