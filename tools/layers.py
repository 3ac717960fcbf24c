"""The layer rule: imports point inward only. Prints each import that does not, and why."""

import ast
import sys
from pathlib import Path
from typing import Dict, Iterator, List, Tuple

ROOT = Path(__file__).resolve().parent.parent
SOURCES = (ROOT / "src", ROOT / "installer")

PURE = ("time", "os", "sys", "threading", "subprocess", "socket", "signal", "select", "urllib3", "psutil", "click")
# folder → what it may import of ours, and which modules of others it may not
RINGS: Dict[str, Tuple[Tuple[str, ...], Tuple[str, ...]]] = {
    "llamabar/core/": (("llamabar.core",), (*PURE, "png", "http", "shutil", "random", "io", "pathlib")),
    "llamabar/view/": (("llamabar.core", "llamabar.view"), (*PURE, "http", "random", "pathlib")),
    "llamabar/doctor/": (
        ("llamabar.core", "llamabar.doctor"),
        (*PURE, "png", "http", "shutil", "random", "io", "pathlib"),
    ),
    "llamabar/sources/": (("llamabar.core", "llamabar.sources", "llamabar"), ("click", "png")),
    "llamabar/demo/": (("llamabar.core", "llamabar.demo"), ("click", "png", "urllib3", "psutil")),
    "llamabar/cli/": (("llamabar", "llamabar_installer"), ()),
    "llamabar/": (("llamabar", "llamabar_installer"), ("click",)),
    "llamabar_installer/": (("llamabar_installer",), ("click", "psutil", "urllib3", "png")),
}
SOURCES_MAY_NOT = ("llamabar.view", "llamabar.cli", "llamabar.demo", "llamabar.run", "llamabar.monitor")


def violations(folders: "Tuple[Path, ...]" = SOURCES) -> List[str]:
    """Return a sentence for each import that breaks the rule."""
    found = []
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            name = path.relative_to(folder).as_posix()
            ring = max((ring for ring in RINGS if name.startswith(ring)), key=len, default=None)
            for line, module in imports(path) if ring else ():
                why = reason(ring, module)
                if why:
                    found.append(f"{name}:{line} imports {module}: {why}")
    return found


def reason(ring: str, module: str) -> str:
    """Return why a ring may not import a module, or ""."""
    ours, forbidden = RINGS[ring]
    top = module.split(".")[0]
    if top.startswith("llamabar"):
        allowed = any(module == one or module.startswith(f"{one}.") for one in ours)
        outward = ring == "llamabar/sources/" and any(module.startswith(one) for one in SOURCES_MAY_NOT)
        return "" if allowed and not outward else f"{ring} may import only {', '.join(ours)}; data runs one way"
    return f"{ring} does no I/O and needs no {top}" if top in forbidden else ""


def imports(path: Path) -> Iterator[Tuple[int, str]]:
    """Yield line and module of every import in a file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield node.lineno, inner if node.module in ("llamabar",) else node.module


if __name__ == "__main__":
    broken = violations()
    print("\n".join(broken), end="\n" if broken else "")
    sys.exit(1 if broken else 0)
