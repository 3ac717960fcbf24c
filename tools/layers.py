"""The import rule: one row per room, imports go one way only, no cycles. Prints violations.

A room is a folder of src/llamabar, or the modules directly in it (the leaves). CONTRIBUTING has the same table.
"""

import ast
import functools
import sys
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Sequence, Set, Tuple

ROOT = Path(__file__).resolve().parent.parent
SOURCES = (ROOT / "src", ROOT / "installer")

LIBRARIES = ("urllib3", "psutil", "png", "click", "tomli", "prometheus_client", "wcwidth")
INPUT_OUTPUT = (
    "time", "os", "sys", "threading", "subprocess", "socket", "signal", "select", "http", "shutil", "random", "pathlib",
)  # fmt: skip
LEAVES = "leaves"
INSTALLER = "installer"


class Room(NamedTuple):
    """What a room is for, and the rooms and libraries it may import. A pure room does no I/O."""

    job: str
    rooms: Tuple[str, ...]
    libraries: Tuple[str, ...] = ()
    pure: bool = False


# macos and the installer read addresses, jobs and agents as core's values, so no room has its own.
_KNOWN = ("macos", "core")
_BASE = ("view", "sources", *_KNOWN)
_APP = ("app", "settings", "store", *_BASE)
ROOMS: Dict[str, Room] = {
    LEAVES: Room("the error with a hint, the version, files of the packages, is this fault a damaged cache", ()),
    "core": Room("values and pure functions: events, snapshot, status, speed, queries, addresses", (), pure=True),
    "macos": Room("every path that is written (paths.py), files, launchctl, LaunchAgents, SwiftBar", ("core",)),
    "view": Room("the menu as values, sections, every word, charts, renderers", ("core",), ("png",), pure=True),
    "sources": Room("what reads: client, event stream, query answers, processes", _KNOWN, ("urllib3", "psutil")),
    "settings": Room("the table of options, the file and its mistakes, keys, discovery", _BASE[1:], ("tomli",)),
    "store": Room("what is kept on disk between runs", _BASE),
    "app": Room("the loop that owns all state; connections, actions, notifications", _APP[1:]),
    "export": Room("the same figures as metrics: counts, points, the HTTP listener", _APP, ("prometheus_client",)),
    "doctor/checks": Room("findings from collected facts", ("core",), pure=True),
    "doctor": Room("collecting the facts; fixes, report, self-test", ("doctor/checks", *_APP)),
    "plugin": Room("what only runs under SwiftBar", ("doctor", *_APP)),
    "terminal": Room("the dashboard: a scene to lines, keys to deeds", ("view", "core"), ("wcwidth",), pure=True),
    "demo": Room("a llama-swap that needs nothing", ("core",)),
    "cli": Room(
        "commands: text, JSON, exit codes",
        ("plugin", "doctor", "doctor/checks", "demo", "export", "terminal", *_APP, INSTALLER),
        ("click",),
    ),
    "boot": Room("how the one file starts", ("cli", "plugin")),
    INSTALLER: Room("plan → execute → undo, the manifest", _KNOWN),
}


def table() -> str:
    """Return the rule as the Markdown table in CONTRIBUTING."""
    lines = ["| room | what is in it | may import | libraries |", "|---|---|---|---|"]
    for name, room in ROOMS.items():
        place = "installer/" if name == INSTALLER else "src/llamabar/*.py" if name == LEAVES else f"{name}/"
        libraries = ", ".join(room.libraries) or ("none, no I/O, no clock" if room.pure else "none")
        lines.append(f"| {place} | {room.job} | {', '.join(room.rooms) or 'leaves only'} | {libraries} |")
    return "\n".join(lines)


def room_of(module: str) -> str:
    """Return the room of one of our modules, given its dotted name."""
    parts = module.split(".")
    if parts[0] == "llamabar_installer":
        return INSTALLER
    if module == "llamabar.__main__":
        return "boot"
    folder = "/".join(parts[1:])
    inside = [room for room in ROOMS if folder == room or folder.startswith(f"{room}/")]
    return max(inside, key=len, default=LEAVES)


def modules(folders: Sequence[Path] = SOURCES) -> Dict[str, Path]:
    """Return every module by dotted name."""
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def violations(folders: Sequence[Path] = SOURCES) -> List[str]:
    """Return a sentence for each import that breaks the rule."""
    known = modules(folders)
    found = []
    for name, path in known.items():
        for line, imported in imports(path, known):
            why = reason(room_of(name), imported)
            if why:
                found.append(f"{name}:{line} imports {imported}: {why}")
    return found


def reason(room: str, module: str) -> str:
    """Return why a room may not import a module; "" if it may."""
    top = module.split(".")[0]
    rule = ROOMS[room]
    if top in ("llamabar", "llamabar_installer"):
        other = room_of(module)
        allowed = other in (room, LEAVES, *rule.rooms)
        return "" if allowed else f"{room} may import only {', '.join((LEAVES, *rule.rooms))}"
    if top in LIBRARIES and top not in rule.libraries:
        return f"{room} does without {top}"
    return f"{room} does no input or output" if rule.pure and top in INPUT_OUTPUT else ""


@functools.cache
def parsed(path: Path) -> Tuple[ast.AST, ...]:
    """Return every node of a file's syntax tree. The result is cached."""
    return tuple(ast.walk(ast.parse(path.read_text("utf-8"))))


def imports(path: Path, known: Dict[str, Path]) -> Iterator[Tuple[int, str]]:
    """Yield the line and module of every import in a file, including those inside functions."""
    for node in parsed(path):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield node.lineno, inner if inner in known else node.module


def circles(folders: Sequence[Path] = SOURCES) -> List[List[str]]:
    """Return each set of modules that import one another, lazy imports included (Tarjan's components)."""
    known = modules(folders)
    targets = {name: {module for _, module in imports(path, known) if module in known} for name, path in known.items()}
    order: Dict[str, int] = {}
    low: Dict[str, int] = {}
    stack: List[str] = []
    on_stack: Set[str] = set()
    found: List[List[str]] = []

    def visit(name: str) -> None:
        """Close a module's component once everything it imports has been visited."""
        order[name] = low[name] = len(order)
        stack.append(name)
        on_stack.add(name)
        for target in sorted(targets[name]):
            if target not in order:
                visit(target)
                low[name] = min(low[name], low[target])
            elif target in on_stack:
                low[name] = min(low[name], order[target])
        if low[name] == order[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            on_stack.difference_update(group)
            if len(group) > 1 or name in targets[name]:
                found.append(sorted(group))

    for name in targets:
        if name not in order:
            visit(name)
    return found


if __name__ == "__main__":
    broken = violations() + [f"circle: {' → '.join(group)}" for group in circles()]
    print("\n".join(broken), end="\n" if broken else "")
    sys.exit(1 if broken else 0)
