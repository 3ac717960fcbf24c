"""Our LaunchAgent: the template with this Mac's program, config, port and folders. Compared as values."""

import difflib
import os
import plistlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Tuple

from llamabar.macos.agents import command, flag, parse_plist
from llamabar.macos.launchctl import whole
from llamabar.macos.paths import EXPORT_LABEL, Places

TEMPLATE = "llama-swap.plist"
_BASE_PATH = "/opt/homebrew/bin:/opt/homebrew/sbin:/usr/local/bin:/opt/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
parse = parse_plist


@dataclass(frozen=True)
class Service:
    """What our agent starts."""

    program: str
    config: str
    port: int

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.port}"


def template() -> Dict[str, Any]:
    """Return the template, from the wheel or from the source tree."""
    roots = Path(__file__).resolve().parents  # site-packages of the built file, or src of the source tree
    folders = (roots[2] / "llamabar_installer" / "launchd_templates", roots[3] / "launchd_templates")
    path = next(folder / TEMPLATE for folder in folders if (folder / TEMPLATE).is_file())
    return dict(plistlib.loads(path.read_bytes()))


def content(service: Service, places: Places) -> bytes:
    """Return the plist that starts a service; plistlib escapes what XML needs escaped."""
    words = [service.program, "--config", service.config, "--listen", f"127.0.0.1:{service.port}"]
    filled = {
        **template(),
        "ProgramArguments": words,
        "EnvironmentVariables": {"PATH": search_path(service.program)},
        "WorkingDirectory": str(places.home),
        "StandardOutPath": str(places.log),
        "StandardErrorPath": str(places.log),
    }
    return plistlib.dumps(filled, fmt=plistlib.FMT_XML, sort_keys=True)


def export_content(places: Places) -> bytes:
    """Return the plist that keeps `llamabar export` running, from the installed program."""
    filled = {
        **{key: value for key, value in template().items() if key != "SoftResourceLimits"},
        "Label": EXPORT_LABEL,
        "ProgramArguments": [str(places.program), "export"],
        "EnvironmentVariables": {"PATH": _BASE_PATH},
        "ExitTimeOut": 10,
        "ProcessType": "Background",
        "WorkingDirectory": str(places.home),
        "StandardOutPath": str(places.export_log),
        "StandardErrorPath": str(places.export_log),
    }
    return plistlib.dumps(filled, fmt=plistlib.FMT_XML, sort_keys=True)


def search_path(program: str) -> str:
    """Return the PATH for llama-swap and the model servers that its config names without a path."""
    folder = os.path.dirname(program)
    return _BASE_PATH if folder in _BASE_PATH.split(":") else f"{folder}:{_BASE_PATH}"


def service_of(plist: Optional[Mapping[str, Any]]) -> Optional[Service]:
    """Return what our plist starts, None if program, config or port is missing."""
    words = command(plist or {})
    config, listen = flag(words, "config"), flag(words, "listen") or ""
    port = whole(listen.rpartition(":")[2])
    return Service(words[0], config, port) if words and config and port else None


def difference(old: bytes, new: bytes) -> Tuple[str, ...]:
    """Return how two plists differ, as lines of a unified diff."""
    before, after = (data.decode("utf-8", "replace").splitlines() for data in (_xml(old), new))
    return tuple(difflib.unified_diff(before, after, "now", "new", lineterm="", n=1))


def _xml(data: bytes) -> bytes:
    found = parse(data)
    return data if found is None else plistlib.dumps(found, fmt=plistlib.FMT_XML, sort_keys=True)
