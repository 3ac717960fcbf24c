"""Which language the menu and the dashboard speak: the setting, else the terminal's, else the first of macOS's."""

import re
from typing import Mapping

from llamabar.macos import tools
from llamabar.settings.load import Settings

_NAMED = re.compile(r"([a-z]{2,3})(?=[_.@-]|\Z)")
LISTED_S = 1.0


def language(settings: Settings, environment: Mapping[str, str]) -> str:
    """Return the language's code in two or three letters, "" where nothing says which."""
    if settings["menu.language"]:
        return str(settings["menu.language"])
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        said = environment.get(variable, "")
        if said:
            found = _NAMED.match(said)
            return found[1] if found else ""  # C and POSIX are no languages
    listed = tools.run("defaults", "read", "-g", "AppleLanguages", timeout_s=LISTED_S).out
    found = _NAMED.match(re.sub(r'[\s("]', "", listed))
    return found[1] if found else ""
