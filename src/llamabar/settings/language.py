"""The language of the menu and the dashboard: the setting, else the terminal's, else the first in macOS."""

import re
from typing import Mapping

from llamabar.macos import tools
from llamabar.settings.load import Settings

_NAMED = re.compile(r"([a-z]{2,3})(?=[_.@-]|\Z)")
LISTED_S = 1.0


def language(settings: Settings, environment: Mapping[str, str]) -> str:
    """Return the language's code of two or three letters; "" if nothing names one."""
    if settings["menu.language"]:
        return str(settings["menu.language"])
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        said = environment.get(variable, "")
        if said:
            found = _NAMED.match(said)
            return found[1] if found else ""  # C and POSIX aren't languages
    listed = tools.run("defaults", "read", "-g", "AppleLanguages", timeout_s=LISTED_S).out
    found = _NAMED.match(re.sub(r'[\s("]', "", listed))
    return found[1] if found else ""
