"""Makes docs/reliability.md from the tests: every injected fault, what must be shown and by when."""

import json
from pathlib import Path
from typing import Any, Dict, Iterator, Tuple

from tests.faults import table
from tests.faults.world import Fault
from tests.fuzz.targets import TARGETS

from tools import soak

DOCS = Path(__file__).resolve().parent.parent / "docs"

HEAD = """# Reliability: every fault that the tests cause

{count} faults. Each is a test: the real loop, or the real plugin as a process, watches a llama-swap through a proxy
that fails like networks, servers and disks do (`tests/faults/`). The menu must show the text in the second column
within the time in the third. Once the fault is over, everything must be right again within the time in the fourth.
Nothing is restarted in between: SwiftBar doesn't restart a plugin that exits, so a fault is a frame, never silence.

    python3 build.py test faults          the quick ones                  python3 build.py test --all     all of them
    python3 build.py soak --events N      a month in minutes: memory, threads, descriptors and files must not grow
    python3 build.py fuzz --seconds N     hostile bytes for every reader of outside text, and the corpus

"Long" tests run only with `--all`. This page is made from the table in `tests/faults/table.py`; a test compares them.
"""


def page() -> str:
    """Return the page."""
    count = sum(len(faults) for faults in table.GROUPS.values())
    sections = (line for group in table.GROUPS.items() for line in _section(group))
    return "\n".join([HEAD.format(count=count), *sections, *_soak(_kept("soak")), *_fuzz(_kept("fuzz"))])


def _kept(name: str) -> Dict[str, Any]:
    found: Dict[str, Any] = json.loads((DOCS / f"{name}.json").read_text("utf-8"))
    return found


def _soak(run: Dict[str, Any]) -> Iterator[str]:
    yield "## A month in minutes\n\n`python3 build.py soak --page` kept this run:\n"
    yield from (f"    {line}".rstrip() for line in soak.table(run).splitlines())
    yield ""


def _fuzz(run: Dict[str, Any]) -> Iterator[str]:
    how = "with" if run["atheris"] else "without"
    yield f"## Fuzzing\n\n`python3 build.py fuzz --page` kept this run: {run['seconds']:,.0f} s, {how} atheris.\n"
    yield "| reader | what it promises | inputs |\n|---|---|---|"
    for name, count in run["inputs"].items():
        promise = (TARGETS[name].__doc__ or "").strip().splitlines()[0]
        yield f"| {name} | {promise} | {'a fault was found' if count is None else f'{count:,}'} |"
    yield ""


def _section(group: Tuple[str, Tuple[Fault, ...]]) -> Iterator[str]:
    name, faults = group
    yield f"## {name}\n\n| what happens | what is shown | within | right again within | tested |\n|---|---|---|---|---|"
    for fault in faults:
        said = ", ".join(f"`{row}`" for row in fault.said)
        again = "–" if fault.well_s is None or fault.test else f"{fault.well_s:g} s"
        tested = f"`{fault.test.split('::')[0]}`" if fault.test else "long" if fault.slow else "daily"
        yield f"| {fault.name} | {said} | {fault.by_s:g} s | {again} | {tested} |"
    yield ""
