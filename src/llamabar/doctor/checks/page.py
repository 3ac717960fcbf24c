"""docs/doctor.md: every finding with its id, what it means and what to do; written from the checks themselves."""

from typing import Iterator

from llamabar.doctor.checks.finding import Check
from llamabar.doctor.checks.registry import LAYERS

HEAD = """# Doctor: every finding

`llamabar.pyz doctor` says what is wrong, why, and what to type. It looks for five seconds at most and changes nothing.

    llamabar.pyz doctor               problems first, the first cause at the top; exit code 1 if anything is an error
    llamabar.pyz doctor --all         every check, and why some were skipped
    llamabar.pyz doctor --json        the same for programs
    llamabar.pyz doctor --fix ID      mends one finding, where that is safe and can be taken back; asks unless --yes
    llamabar.pyz doctor --report      one text to paste into an issue, with nothing private in it
    llamabar.pyz doctor --selftest    tries what only a Mac can tell, in 20 s, changing nothing

An **error** keeps something from working, a **warning** spoils it, a **note** is only to know. A check that depends on
another finding is skipped because of that one. In the remedies below, words in capitals stand for what doctor fills in.
"""


def page() -> str:
    """Return the page."""
    return "\n".join([HEAD, *(line for layer in LAYERS for line in _section(layer.name, layer.checks))])


def _section(name: str, checks: "list[Check]") -> Iterator[str]:
    yield f"## {name[0].upper()}{name[1:]}\n"
    for check in checks:
        fix = f", `--fix {check.id}`" if check.fix else ""
        yield f"### {check.id}\n"
        yield f"*{check.level.value}{fix}.* {check.means}\n"
        yield f"    {check.written_remedy}\n"
