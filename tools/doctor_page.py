"""Makes docs/doctor.md from the checks: every finding with its id, what it means and what to do."""

import re
from typing import Iterator

from llamabar.doctor.checks.finding import SPECS, Layer
from llamabar.doctor.checks.registry import LAYERS

PLACEHOLDER = re.compile(r"\{(?:\w+\.)*(\w+)(?::([^}]*))?\}")
HEAD = """# Doctor: every finding

`llamabar doctor` says what is wrong, why, and what to do. It takes at most five seconds and changes nothing.

    llamabar doctor               problems first, the first cause at the top; exit code 1 if anything is an error
    llamabar doctor --all         every check, and why some were skipped
    llamabar doctor --json        the same for programs
    llamabar doctor --fix ID      fixes one finding, if that is safe and can be undone; asks unless --yes
    llamabar doctor --report      one text to paste into an issue, with nothing private in it
    llamabar doctor --selftest    tests what only a Mac can show, in 20 s, and changes nothing

An **error** keeps something from working, a **warning** makes it worse, a **note** is optional. A check that depends on
another finding is skipped. Words in capitals are placeholders that doctor fills in.
"""


def page() -> str:
    """Return the page."""
    return "\n".join([HEAD, *(line for layer in LAYERS for line in _section(layer))])


def _section(layer: Layer) -> Iterator[str]:
    yield f"## {layer.name[0].upper()}{layer.name[1:]}\n"
    for check in layer.checks:
        fix = f", `--fix {check.id}`" if check.fix else ""
        detail = written(check.detail).rstrip(".:")
        yield f"### {check.id}\n"
        yield f"*{check.level.value}{fix}.* {written(check.title)}.{f' {detail}.' if detail else ''}\n"
        yield f"    {written(check.remedy) or f'llamabar doctor --fix {check.id}'}\n"


def written(template: str) -> str:
    """Return a template as the page shows it, with its placeholders in capitals."""
    return PLACEHOLDER.sub(_placeholder, template)


def _placeholder(match: "re.Match[str]") -> str:
    if match[2] and match[2] not in SPECS:
        return f"N {match[2]}s"
    return {"llamabar": "llamabar", "on": ""}.get(match[1], match[1].upper())
