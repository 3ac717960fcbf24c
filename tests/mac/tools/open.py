"""open: files, folders, URLs, apps. What was opened is noted; an app that has a socket is told, and started before."""

import os
import re
import time
from typing import Any, Dict, List, Optional

from tests.mac.call import Call, ask

SYSTEM_APPS = ("Finder", "Terminal", "Safari", "TextEdit", "Console", "System Settings", "System Preferences",
               "Activity Monitor")  # fmt: skip
SYSTEM_SCHEMES = ("http", "https", "file", "mailto", "x-apple.systempreferences")
APPS = "apps.json"  # name → path, scheme
START_S = 10.0
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
NO_HANDLER = (
    "No application knows how to open URL {} (Error Domain=NSOSStatusErrorDomain Code=-10814 "
    '"kLSApplicationNotFoundErr: E.g. no application claims the file").'
)


def run(call: Call) -> int:
    """Return 0, or 1 when there is no such app, file or scheme."""
    words, flags, app = list(call.arguments), "", None
    while words and words[0].startswith("-") and words[0] != "--":
        flag = words.pop(0)
        if flag in ("-a", "-b"):
            app = words.pop(0) if words else ""
        flags += flag.lstrip("-")
    words = [word for word in words if word != "--"]
    if not words and app is None:
        return call.err("Usage: open [-e] [-t] [-f] [-W] [-R] [-n] [-g] [-h] [-s <partial SDK name>][-b <bundle "
                        "identifier>] [-a <application>] [-u URL] [filenames] [--args arguments]")  # fmt: skip
    apps = {name: one for name, one in call.load(APPS, {}).items() if os.path.isdir(one["path"])}
    name = _app_name(app) if app is not None else None
    if name is not None and name not in apps and name not in SYSTEM_APPS and not _is_bundle(app):
        return call.err(f"Unable to find application named '{app}'")
    app = "TextEdit" if "t" in flags and app is None else app  # the default text editor
    about = {"app": app, "background": "g" in flags, "reveal": "R" in flags}
    return max(_one(call, what, name, about, apps) for what in words or [""])


def _one(call: Call, what: str, name: Optional[str], about: Dict[str, Any], apps: Dict[str, Any]) -> int:
    scheme = _URL.match(what)
    if scheme is None and what:
        what = os.path.abspath(what)
        if not os.path.exists(what):
            return call.err(f"The file {what} does not exist.")
        name = _app_name(what) if _is_bundle(what) and not about["reveal"] else name
    elif scheme and name is None and scheme.group(1) not in SYSTEM_SCHEMES:
        name = next((one for one in apps if apps[one]["scheme"] == scheme.group(1).lower()), None)
        if name is None:
            return call.err(NO_HANDLER.format(what))
    call.note("opened.txt", {"what": what, **about})
    if name in apps:
        _tell(call, name, apps[name], what)
    return 0


def _app_name(text: str) -> str:
    base = os.path.basename(text.rstrip("/"))
    return base[: -len(".app")] if base.endswith(".app") else base


def _is_bundle(text: Optional[str]) -> bool:
    return bool(text) and text.rstrip("/").endswith(".app") and os.path.isdir(text)


def _tell(call: Call, name: str, app: Dict[str, str], what: str) -> None:
    """Hand a URL to an app, which is started if it does not run."""
    if not _send(call, name, what):
        program = os.path.join(app["path"], "Contents", "MacOS", name)
        environment: Dict[str, str] = call.load("options.json", {})["user_environment"]
        environment = {**environment, "SSH_AUTH_SOCK": os.environ.get("SSH_AUTH_SOCK", "")}
        words: List[str] = [program]
        call.ask_launchd({"control": "spawn", "words": words, "environment": environment})
        ends_s = time.monotonic() + START_S
        while not _send(call, name, what) and time.monotonic() < ends_s:
            time.sleep(0.02)


def _send(call: Call, name: str, what: str) -> bool:
    try:
        ask(call.state, {"open": what}, name=name)
    except OSError:
        return False
    return True
