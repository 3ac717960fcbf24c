"""Mistakes in the settings, as values. Only this module puts them into words. No mistake holds a secret."""

import re
from enum import Enum, unique
from typing import List, NamedTuple, Optional, Tuple

from llamabar.core.text import printable


@unique
class Kind(Enum):
    """What is wrong: a message with fields from the mistake."""

    UNREADABLE = "can't be read: {found}"
    SYNTAX = "not valid TOML, so the file isn't used"
    UNKNOWN = 'unknown setting "{key}"'
    MISPLACED = '"{key}" doesn\'t belong here'
    VALUE = '"{key}" must be {expected}'
    VARIABLE = "{key} must be {expected}"
    NO_URL = "[{key}] has no url"
    SAME_NAME = 'a second server is named "{found}"'
    FILE_OPEN = "others can read this file and the secret in it: chmod 600 {found}"
    SECRET_MISSING = "the variable that {key} names isn't set"
    SECRET_FILE = "the file that {key} names can't be read: {found}"
    SECRET_FILE_OPEN = "others can read the file that {key} names: chmod 600 it"
    SECRET_UNUSABLE = "what {key} gives isn't {expected}, so it isn't used"
    KEYCHAIN_SILENT = "the keychain didn't answer when asked for {key}"
    KEYCHAIN_EMPTY = "no keychain item as {key} names: security add-generic-password -s NAME -a llamabar -w"


OF_SECRETS = (
    Kind.SECRET_MISSING, Kind.SECRET_FILE, Kind.SECRET_FILE_OPEN, Kind.SECRET_UNUSABLE, Kind.KEYCHAIN_SILENT,
    Kind.KEYCHAIN_EMPTY,
)  # fmt: skip


class Mistake(NamedTuple):
    """One mistake. `line` and `column` count from 1; `text` is the line, without anything that may be secret."""

    kind: Kind
    key: str = ""
    expected: str = ""
    found: str = ""
    suggestion: str = ""
    file: str = ""
    line: Optional[int] = None
    column: int = 1
    text: str = ""


def words(mistake: Mistake) -> str:
    """Return a mistake in one line: `config.toml:3: unknown setting "apikey". Did you mean "api_key"?`"""
    key = printable(mistake.key[:40])
    said = mistake.kind.value.format(**{**mistake._asdict(), "key": key})
    if mistake.kind in (Kind.VALUE, Kind.VARIABLE) and mistake.found:
        said += f", not {mistake.found}"
    place = mistake.file.rpartition("/")[2] + (f":{mistake.line}" if mistake.line else "")
    hint = {Kind.MISPLACED: f" It goes into [{mistake.suggestion}]."}.get(
        mistake.kind, f' Did you mean "{mistake.suggestion}"?'
    )
    return (f"{place}: " if place else "") + said + (f".{hint}" if mistake.suggestion else "")


def shown(mistake: Mistake) -> List[str]:
    """Return a mistake as lines for a terminal: its message, the line in the file, and a marker under the error."""
    if not mistake.text:
        return [words(mistake)]
    mark = " " * (mistake.column - 1) + "^" * max(1, len(mistake.key) if mistake.kind in _OF_KEYS else 1)
    text = mistake.text if len(mistake.text) <= SHOWN_CHARS else f"{mistake.text[:SHOWN_CHARS]}…"
    return [words(mistake), f"  {text}", *([f"  {mark[:SHOWN_CHARS]}"] if mistake.column <= SHOWN_CHARS else [])]


def in_menu(mistakes: Tuple[Mistake, ...]) -> Tuple[str, ...]:
    """Return one menu row for all mistakes, or none."""
    more = len(mistakes) - 1
    return (words(mistakes[0]) + (f" (and {more} more)" if more else ""),) if mistakes else ()


def harmless(line: str, *, is_open: bool = False) -> str:
    """Return a line of the settings file without its values, which may be secret, unless `is_open`."""
    line = printable(line, " ").rstrip()
    if is_open or line.lstrip().startswith("["):
        return line if is_open or not re.search(r"""["'=]""", line) else ""
    name, equals, _ = line.partition("=")
    return f"{name}= …" if equals and not re.search(r"""["']""", name) else ""


SHOWN_CHARS = 160  # of a line in the file
_OF_KEYS = (Kind.UNKNOWN, Kind.MISPLACED)
