"""SwiftBar on this Mac: the app, its plugin folder, our symlink and attribute there, and other files in the folder.

Source: shared facts on packaging, section 6, and on SwiftBar.
"""

import base64
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Callable, Optional, Tuple

from llamabar.core.mac import RELOAD_URL, Link, SwiftBar
from llamabar.macos import tools
from llamabar.macos.agents import read_plist
from llamabar.macos.files import read
from llamabar.macos.paths import PLUGIN, PLUGIN_NAME, Places
from llamabar.package_files import text_beside

DOMAIN = "com.ameba.SwiftBar"
ATTRIBUTE = "com.ameba.SwiftBar"
_RUST = re.compile(r"llama-?swap", re.IGNORECASE)
METADATA = text_beside(__file__, "plugin_metadata.xml")
ATTRIBUTE_VALUE = base64.b64encode(METADATA.encode("utf-8")).decode("ascii")  # strict base64, no line end


def find_swiftbar(places: Places) -> SwiftBar:
    """Return the state of SwiftBar on this Mac."""
    apps = (Path("/Applications/SwiftBar.app"), places.home / "Applications" / "SwiftBar.app")
    app = next((path for path in apps if os.path.isdir(path)), None)
    info = (read_plist(app / "Contents" / "Info.plist") if app is not None else None) or {}
    asked = tools.run("defaults", "read", DOMAIN, "PluginDirectory")
    raw = asked.out.strip("\n") if asked.code == 0 else ""
    running, attribute = tools.run("pgrep", "-x", "SwiftBar").code, attribute_of(places.program)
    found = SwiftBar(
        installed=app is not None or bool(raw),
        version=str(info.get("CFBundleShortVersionString", "")),
        running=None if running is None else running == 0,
        marked=None if attribute is None else attribute == ATTRIBUTE_VALUE,
        trouble=asked.trouble,
    )
    if not raw:
        return found
    off = tools.run("defaults", "read", DOMAIN, "DisabledPlugins")
    folder = Path(raw.replace("~", str(places.home), 1) if raw.startswith("~") else raw)
    return replace(
        found,
        folder=str(folder),
        folder_trouble=_folder_trouble(folder),
        plugin=str(folder / PLUGIN),
        link=link_state(folder / PLUGIN, places.program),
        disabled=off.code == 0 and PLUGIN in re.split(r'[\s",();]+', off.out),
        ignored=_is_ignored(folder),
        copies=_named(folder, lambda name: PLUGIN_NAME in name.lower() and name != PLUGIN),
        rust_plugins=_named(folder, lambda name: _RUST.search(name) is not None),
    )


def link_state(link: Path, program: Path) -> Link:
    """Return what has our name in the plugin folder."""
    if not os.path.islink(link):
        return Link.OTHER if os.path.exists(link) else Link.NONE
    return Link.OURS if os.path.realpath(link) == os.path.realpath(program) else Link.OTHER


def attribute_of(path: Path) -> Optional[str]:
    """Return a file's attribute; "" if it has none, None if it can't be read."""
    said = tools.run("xattr", "-p", ATTRIBUTE, str(path))
    if said.code is None:
        return None
    return "".join(said.out.split()) if said.code == 0 else ""


def set_attribute(path: Path) -> str:
    """Set a file's attribute and read it back; return "" or why it isn't set."""
    said = tools.run("xattr", "-w", ATTRIBUTE, ATTRIBUTE_VALUE, str(path))
    return "" if attribute_of(path) == ATTRIBUTE_VALUE else f"the attribute {ATTRIBUTE} was not kept: {said.words}"


def reload() -> str:
    """Ask SwiftBar to restart our plugin; return "" or why that failed."""
    said = tools.run("open", "-g", RELOAD_URL)
    return "" if said.code == 0 else said.words


def _folder_trouble(folder: Path) -> str:
    if not os.path.isdir(folder):
        return f"{folder} is not there"
    return "" if os.access(folder, os.W_OK | os.X_OK) else f"{folder} cannot be written"


def _is_ignored(folder: Path) -> bool:
    import fnmatch  # not needed to watch

    lines = (read(folder / ".swiftbarignore") or b"").decode("utf-8", "replace").splitlines()
    return any(fnmatch.fnmatchcase(PLUGIN, line.strip()) for line in lines if not line.strip().startswith("#"))


def _named(folder: Path, wanted: Callable[[str], bool]) -> Tuple[str, ...]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return ()
    return tuple(str(folder / name) for name in names if not name.startswith(".") and wanted(name))
