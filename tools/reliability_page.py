"""docs/reliability.md: every fault that is made on purpose, what must be said and by when; written from the tests."""

from typing import Iterator, Tuple

from tests.faults import table
from tests.faults.world import Fault

HEAD = """# Reliability: every fault that is made on purpose

{count} faults. Each is a test: the real loop, or the real plugin as a process, watches a llama-swap through a proxy
that does what networks, servers and disks do when they fail (`tests/faults/`). The menu must say what the second
column says within the time of the third, and when the fault is over all must be right again within the time of the
fourth. Nothing is restarted in between: a plugin that exits is not started again by SwiftBar, so a fault is a frame,
never silence.

    python3 build.py test faults          those that take seconds         python3 build.py test --all     all of them
    python3 build.py soak --events N      a month in minutes: memory, threads, descriptors and files must not grow
    python3 build.py fuzz --seconds N     hostile bytes for every reader of outside text, with a corpus that is kept

"Long" are those that `--all` adds. This page is made from the table in `tests/faults/table.py`; a test compares them.
"""


def page() -> str:
    """Return the page."""
    count = sum(len(faults) for faults in table.GROUPS.values())
    return "\n".join([HEAD.format(count=count), *(line for group in table.GROUPS.items() for line in _section(group))])


def _section(group: Tuple[str, Tuple[Fault, ...]]) -> Iterator[str]:
    name, faults = group
    yield f"## {name}\n\n| what happens | what is said | within | right again within | tested |\n|---|---|---|---|---|"
    for fault in faults:
        said = ", ".join(f"`{row}`" for row in fault.said)
        again = "–" if fault.well_s is None or fault.test else f"{fault.well_s:g} s"
        tested = f"`{fault.test.split('::')[0]}`" if fault.test else "long" if fault.slow else "daily"
        yield f"| {fault.name} | {said} | {fault.by_s:g} s | {again} | {tested} |"
    yield ""
