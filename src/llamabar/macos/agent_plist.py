"""Our LaunchAgent: the template filled in with this Mac's program, config, port and folders. Compared as values."""

import difflib
import os
import plistlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

from llamabar.core.fields import whole
from llamabar.macos.agents import command, flag, parse_plist
from llamabar.macos.paths import EXPORT_LABEL, Places

TEMPLATE = "llama-swap.plist"
_BASE_PATH = "/opt/homebrew/bin:/opt/homebrew/sbin:/usr/local/bin:/opt/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


@dataclass(frozen=True)
class Service:
    """What our LaunchAgent starts."""

    program: str
    config: str
    port: int

    @property
    def url(self) -> str:
        """Return the address it listens at."""
        return f"http://127.0.0.1:{self.port}"


def template() -> Dict[str, Any]:
    """Return the template, from the wheel or from the source tree."""
    roots = Path(__file__).resolve().parents  # site-packages in the built file, src in the source tree
    folders = (roots[2] / "llamabar_installer" / "launchd_templates", roots[3] / "launchd_templates")
    path = next(folder / TEMPLATE for folder in folders if os.path.isfile(folder / TEMPLATE))
    return dict(plistlib.loads(path.read_bytes()))


def content(service: Service, places: Places) -> bytes:
    """Return the plist that starts a service."""
    words = [service.program, "--config", service.config, "--listen", f"127.0.0.1:{service.port}"]
    return _filled(template(), words, path=search_path(service.program), log=places.log, places=places)


def export_content(places: Places) -> bytes:
    """Return the plist that keeps `llamabar export` running from the installed program."""
    base = {**template(), "Label": EXPORT_LABEL, "ExitTimeOut": 10, "ProcessType": "Background"}
    del base["SoftResourceLimits"]
    return _filled(base, [str(places.program), "export"], path=_BASE_PATH, log=places.export_log, places=places)


def _filled(base: Dict[str, Any], words: List[str], *, path: str, log: Path, places: Places) -> bytes:
    """Return a plist for this Mac. plistlib does the XML escaping."""
    return plistlib.dumps({
        **base,
        "ProgramArguments": words,
        "EnvironmentVariables": {"PATH": path},
        "WorkingDirectory": str(places.home),
        "StandardOutPath": str(log),
        "StandardErrorPath": str(log),
    })  # fmt: skip


def search_path(program: str) -> str:
    """Return the PATH for llama-swap, and for the model servers that its config names without a folder."""
    folder = os.path.dirname(program)
    return _BASE_PATH if folder in _BASE_PATH.split(":") else f"{folder}:{_BASE_PATH}"


def service_of(plist: Optional[Mapping[str, Any]]) -> Optional[Service]:
    """Return what our plist starts; None if the program, config or port is missing."""
    words = command(plist or {})
    config, listen = flag(words, "config"), flag(words, "listen") or ""
    port = whole(listen.rpartition(":")[2])
    return Service(words[0], config, port) if words and config and port else None


def difference(old: bytes, new: bytes) -> Tuple[str, ...]:
    """Return the differences between two plists as lines of a unified diff."""
    found = parse_plist(old)
    current = old if found is None else plistlib.dumps(found)
    before, after = (data.decode("utf-8", "replace").splitlines() for data in (current, new))
    return tuple(difflib.unified_diff(before, after, "now", "new", lineterm="", n=1))
