"""The tables of the settings file, each value judged by itself: a mistake is named with its line, the rest applies."""

import re
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from llamabar.core.notify_options import EVENTS, Wishes

TITLES = ("speed", "model", "sparkline", "icon")
_KEY = re.compile(r"((CMD|OPTION|CTRL|CONTROL|SHIFT)\+){1,4}[A-Z0-9]\Z")
_HOURS = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-3]):([0-5]\d)\Z")


class Sourced(NamedTuple):
    """A number, and where it came from."""

    value: float
    source: str


_KNOWN: Dict[str, Tuple[str, ...]] = {
    "server": ("name", "url", "api_key", "api_key_env", "api_key_file", "api_key_keychain", "ca_file", "service"),
    "menu": ("title", "key"),
    "notify": ("events", "long_request_s", "quiet"),
    "history": ("minutes", "days"),
    "limits": ("printed_mb",),
    "update": ("check", "url"),
}


def unknown(table: Dict[str, Any], text: Optional[str], mistakes: List[str]) -> bool:
    """Name every table and key that is not understood; tell whether one of them may have been a server's address."""
    of_server = False
    for section, value in table.items():
        if section not in _KNOWN:
            mistakes.append(at(text, section, "is not understood"))
            tables = value if isinstance(value, list) else [value]
            of_server |= section == "url" or any(isinstance(one, dict) and "url" in one for one in tables)
            continue
        for entry in value if isinstance(value, list) else [value]:
            for key in entry if isinstance(entry, dict) else ():
                if key not in _KNOWN[section]:
                    mistakes.append(at(text, key, "is not understood"))
                    of_server |= section == "server"
    return of_server


def not_text(server: Dict[str, Any], text: Optional[str], mistakes: List[str], index: int) -> None:
    """Name every key of a [[server]] table whose value is no text; of its address that is said already."""
    for key in _KNOWN["server"]:
        if key != "url" and not isinstance(server.get(key, ""), str):
            mistakes.append(at(text, key, 'must be text, in "quotes"', index))


def at(text: Optional[str], word: str, said: str, index: int = 0) -> str:
    """Return a mistake with the line of the word that it is about, behind so many [[server]]."""
    pattern = re.compile(rf"^\s*(\[+\s*)?[\"']?{re.escape(word)}[\"']?\s*([=\].]|$)")
    lines = (text or "").splitlines()
    servers = [number for number, line in enumerate(lines) if re.match(r"\s*\[\[\s*server\s*\]\]", line)]
    begin = servers[index] if index < len(servers) and index else 0
    found = [number for number, line in enumerate(lines[begin:], begin + 1) if pattern.match(line)]
    return f"settings line {found[0] if found else '?'} {said} ({word})"


def table_of(table: Dict[str, Any], name: str, mistakes: List[str]) -> Dict[str, Any]:
    """Return a table of the settings, empty if there is none."""
    value = table.get(name, {})
    if isinstance(value, dict):
        return value
    mistakes.append(f"settings: [{name}] must be a table")
    return {}


def title_of(menu: Dict[str, Any], text: Optional[str], mistakes: List[str]) -> Tuple[str, str]:
    """Return the kind of title, and where it came from."""
    if "title" not in menu:
        return "speed", "default"
    if menu["title"] in TITLES:
        return menu["title"], "file"
    mistakes.append(at(text, "title", f"must be one of {', '.join(TITLES)}"))
    return "speed", "default"


def menu_key(menu: Dict[str, Any], text: Optional[str], mistakes: List[str]) -> str:
    """Return the key that opens the menu, "" for none."""
    key = menu.get("key", "")
    if isinstance(key, str) and (not key or _KEY.match(key.upper())):
        return key.upper()
    mistakes.append(at(text, "key", "must be like CMD+OPTION+L"))
    return ""


def wishes(notify: Dict[str, Any], text: Optional[str], mistakes: List[str]) -> Wishes:
    """Return what the user wants to be told; what is not understood is said and left out."""
    events, long_s, quiet = notify.get("events", []), notify.get("long_request_s", 60), notify.get("quiet", "")
    if not isinstance(events, list) or any(event not in EVENTS for event in events):
        mistakes.append(at(text, "events", f"must be a list of {', '.join(EVENTS)}"))
        events = []
    if isinstance(long_s, bool) or not isinstance(long_s, (int, float)) or long_s <= 0:
        mistakes.append(at(text, "long_request_s", "must be a number of seconds"))
        long_s = 60
    hours = _HOURS.match(quiet) if isinstance(quiet, str) else None
    if quiet and hours is None:
        mistakes.append(at(text, "quiet", "must be like 22:00-08:00"))
    numbers = [int(part) for part in hours.groups()] if hours else []
    span = (numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]) if numbers else None
    return Wishes(tuple(events), float(long_s), span)


def number(
    table: Dict[str, Any], key: str, default: Sourced, bounds: Tuple[float, float], text: Optional[str],
    mistakes: List[str],
) -> Sourced:  # fmt: skip
    """Return a number of a table and where it came from; one out of its bounds, or none, is said and left out."""
    value = table.get(key, default.value)
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and bounds[0] <= value <= bounds[1]
    if not good:
        mistakes.append(at(text, key, f"must be a number from {bounds[0]} to {bounds[1]}"))
    return Sourced(float(value), "file") if good and key in table else default
