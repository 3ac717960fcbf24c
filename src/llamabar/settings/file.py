"""The settings file: its tables, the position of each key, and the mistakes found in it."""

import importlib
import json
import re
import stat
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

from llamabar.core.address import without_login
from llamabar.macos import files
from llamabar.settings.mistakes import Kind, Mistake, harmless
from llamabar.settings.options import BY_TABLE, ENVIRONMENT, SERVER

LIMIT_BYTES = 100_000
KEY_PARTS = 64  # of a dotted key: tomllib takes minutes for thousands
GUESSES = 20  # mistakes after which no more suggestions are made: each takes a tenth of a millisecond
OTHERS = stat.S_IRGRP | stat.S_IROTH
_NO_KEY, _DOTS = re.compile(r"""[^\w\s."'-]"""), re.compile(r"\.\s*\.")
_VALUES = re.compile(r""""(?:[^"\\]|\\.)*"|'[^']*'""")
_WORD = r"""["']?([\w-]+)["']?"""
_HEAD = re.compile(rf"\s*\[\[?\s*{_WORD}\s*(?:\.[^\]]*)?\]")
_PAIR = re.compile(rf"\s*(?:{_WORD}\s*\.\s*)?{_WORD}\s*=\s*")


def read_text(path: Path) -> Tuple[str, int]:
    """Return a file's text and mode; raise OSError if it isn't a regular file, is too long, or isn't UTF-8."""
    try:
        file, found = files.opened(path)
        with file:
            content = file.read(LIMIT_BYTES + 1)
        if len(content) > LIMIT_BYTES:
            raise OSError("it is larger than 100 kB")
        return content.decode("utf-8-sig"), found.st_mode
    except ValueError:  # the path isn't valid, or the bytes aren't UTF-8
        raise OSError("it isn't UTF-8 text") from None


def reason(error: OSError) -> str:
    """Return why a file couldn't be read, in the system's words or those of `read_text`."""
    return error.strerror or str(error)


class SettingsFile:
    """The file's tables and `mistakes`. `is_there` is False if there is no file."""

    def __init__(self, path: Path) -> None:
        self.path, self.is_there, self.mode = path, False, 0
        self.mistakes: List[Mistake] = []
        self.lines: List[str] = []
        self.tables: Dict[str, Any] = {}
        self._places: Dict[Tuple[str, int, str], Tuple[int, int, int]] = {}
        try:
            text, self.mode = read_text(path)
        except FileNotFoundError:
            return
        except OSError as error:
            self.mistakes.append(Mistake(Kind.UNREADABLE, found=reason(error), file=str(path)))
            return
        self.is_there, self.lines = True, text.splitlines()
        self._places = dict(_places(self.lines))
        self.tables = self._parsed(text)

    def table(self, name: str) -> Dict[str, Any]:
        """Return a table of the file; empty if there is none."""
        value = self.tables.get(name, {})
        return value if isinstance(value, dict) else {}

    def entries(self) -> List[Dict[str, Any]]:
        """Return the [[server]] tables. A single [server] counts as one."""
        value = self.tables.get(SERVER, [])
        return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]

    def wrong(self, kind: Kind, table: str, name: str = "", *, index: int = 0, value: Any = None, **more: str) -> None:
        """Add a mistake with its line. `value` is what was found; it is shown unless it may hold a secret."""
        places = [(table, index, name), (table or name, index, ""), ("", 0, table)]
        line, column, value_column = next((self._places[one] for one in places if one in self._places), (0, 1, 1))
        may_be_secret = name == "url" and re.search("[@?]", str(value))
        is_open = value is not None and places[0] in self._places and not may_be_secret
        self.mistakes.append(Mistake(
            kind, name or table, file=str(self.path), line=line, column=value_column if is_open else column,
            text=harmless(self.lines[line - 1], is_open=is_open) if line else "",
            **{"found": "" if value is None else quoted(value), **more},
        ))  # fmt: skip

    def note_unknown(self) -> bool:
        """Add a mistake for every unknown table and key; return whether one may have been a server's address."""
        may_be_url = False
        for table, value in self.tables.items():
            entries = value if isinstance(value, list) else [value]
            if table not in BY_TABLE or table == ENVIRONMENT:
                meant = self._note_unknown(ENVIRONMENT, table)
                may_be_url |= meant == SERVER or any(isinstance(one, dict) and "url" in one for one in entries)
            elif not all(isinstance(one, dict) for one in entries) or (entries is value and table != SERVER):
                self.wrong(Kind.VALUE, table, expected=f"a table: {bracketed(table)}")
                may_be_url |= table == SERVER
            else:
                for index, key in [(index, key) for index, one in enumerate(entries) for key in one]:
                    if key not in BY_TABLE[table]:
                        meant = self._note_unknown(table, key, index=index)
                        may_be_url |= key == "url" or (table == SERVER and meant in ("", "url"))
        return may_be_url

    def _note_unknown(self, table: str, key: str, *, index: int = 0) -> str:
        """Add a mistake for an unknown key; return the key it likely means, or the table it belongs in, or ""."""
        import difflib

        home = next((name for name in BY_TABLE if name and key in BY_TABLE[name]), "")
        known = [name for name in (BY_TABLE[table] if table else BY_TABLE) if name]
        near = difflib.get_close_matches(key, known, 1) if len(self.mistakes) < GUESSES and len(key) < 40 else []
        kind = Kind.MISPLACED if home and not near else Kind.UNKNOWN
        meant = home if kind is Kind.MISPLACED else "".join(near)
        self.wrong(kind, table, key, index=index, suggestion=meant)
        return meant

    def _parsed(self, text: str) -> Dict[str, Any]:
        tomllib = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
        try:
            _refuse_endless_keys(self.lines)
            return dict(tomllib.loads(text))
        except (ValueError, RecursionError) as error:
            place = re.search(r"line (\d+), column (\d+)", str(error))  # every version of tomllib gives it here
            line, column = (int(place[1]), int(place[2])) if place else (len(self.lines), 1)
            said = harmless(self.lines[line - 1]) if self.lines[line - 1 : line] else ""
            self.mistakes.append(
                Mistake(Kind.SYNTAX, file=str(self.path), line=line, column=min(column, len(said) + 1), text=said)
            )
            return {}


def _refuse_endless_keys(lines: List[str]) -> None:
    """Raise ValueError, worded like tomllib's, for a line with a key of more than KEY_PARTS parts."""
    for number, line in enumerate(lines, 1):
        keys = _VALUES.sub("''", line).partition("#")[0]
        parts = (part for part in _NO_KEY.split(keys) if part.count(".") > KEY_PARTS)
        if any(not _DOTS.search(part) for part in parts):
            raise ValueError(f"line {number}, column 1")


def bracketed(table: str) -> str:
    """Return a table's header as written in the file."""
    return f"[[{table}]]" if table == SERVER else f"[{table}]"


def quoted(value: Any) -> str:
    """Return a value as it would be written in TOML, shortened and without a password."""
    text = without_login(value).partition("?")[0] if isinstance(value, str) else value
    said = json.dumps(text, ensure_ascii=False, default=str)
    return said if len(said) <= 60 else f"{said[:59]}…"


def _places(lines: List[str]) -> "Iterator[tuple[tuple[str, int, str], tuple[int, int, int]]]":
    """Yield (table, index among tables of that name, key) and (line, column, value's column); key "" is the table."""
    table, seen = "", {"": 0}
    for number, line in enumerate(lines, 1):
        head, pair = _HEAD.match(line), _PAIR.match(line)
        if head:
            table = head[1]
            seen[table] = seen.get(table, -1) + 1
            yield (table, seen[table], ""), (number, head.start(1) + 1, head.start(1) + 1)
        elif pair:
            inside = pair[1] or table
            yield (inside, seen.get(inside, 0), pair[2]), (number, pair.start(2) + 1, pair.end() + 1)
