"""Code figures in one table: modules and lines per room, function lengths, long modules, cycles, repeated lines."""

import ast
import statistics
import sys
from collections import defaultdict
from pathlib import Path
from typing import Dict, List, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from tools import layers  # noqa: E402

LONGEST_MODULE_LINES = 300
REPEATED_LINES = 6


class Figures(NamedTuple):
    """The figures of a room. Function lengths are in lines, from `def` to the last line of the body."""

    modules: int
    lines: int
    functions: List[int]
    longest_name: str


def rooms() -> Dict[str, Figures]:
    """Return the figures of every room, in the order of the import rule."""
    paths: Dict[str, List[Path]] = {room: [] for room in layers.ROOMS}
    for name, path in layers.modules().items():
        paths[layers.room_of(name)].append(path)
    return {room: figures(found) for room, found in paths.items()}


def figures(paths: List[Path]) -> Figures:
    """Return the figures of some modules."""
    functions = {}
    for path in paths:
        for node in layers.parsed(path):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                functions[f"{path.stem}.{node.name}:{node.lineno}"] = (node.end_lineno or node.lineno) - node.lineno + 1
    longest = max(functions, key=lambda name: functions[name], default="")
    lines = sum(line_count(path) for path in paths)
    return Figures(len(paths), lines, list(functions.values()), longest.split(":")[0])


def line_count(path: Path) -> int:
    """Return the number of lines of a file."""
    return len(path.read_text("utf-8").splitlines())


def too_long() -> List[str]:
    """Return the modules with more than 300 lines."""
    return [name for name, path in layers.modules().items() if line_count(path) > LONGEST_MODULE_LINES]


def repeated() -> int:
    """Return how many runs of six lines occur in more than one place, ignoring blank lines and imports."""
    places: Dict[str, int] = defaultdict(int)
    for path in layers.modules().values():
        lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
        code = [line for line in lines if line and not line.startswith(("import ", "from ", "#", '"""'))]
        for first in range(len(code) - REPEATED_LINES + 1):
            places["\n".join(code[first : first + REPEATED_LINES])] += 1
    return sum(1 for count in places.values() if count > 1)


def report() -> str:
    """Return the table."""
    lines = [f"{'room':<15}{'modules':>8}{'lines':>8}{'functions: median':>20}{'longest':>9}"]
    found = rooms()
    for room, one in found.items():
        median = statistics.median(one.functions) if one.functions else 0
        longest = f"{max(one.functions, default=0):>9}  {one.longest_name}"
        lines.append(f"{room:<15}{one.modules:>8}{one.lines:>8,}{median:>20.0f}{longest}")
    every = [length for one in found.values() for length in one.functions]
    total_lines = sum(one.lines for one in found.values())
    lines.append(
        f"{'all':<15}{sum(one.modules for one in found.values()):>8}{total_lines:>8,}"
        f"{statistics.median(every):>20.0f}{max(every):>9}"
    )
    long, rings = too_long(), layers.circles()
    lines.append(f"modules above {LONGEST_MODULE_LINES} lines: {len(long)} {', '.join(long)}".rstrip())
    lines.append(f"circles of imports: {len(rings)} {'; '.join(' → '.join(ring) for ring in rings)}".rstrip())
    lines.append(f"runs of {REPEATED_LINES} lines that stand twice: {repeated()}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(report())
    sys.exit(1 if too_long() or layers.circles() else 0)
