"""The languages of the menu and the dashboard, one JSON file each. Its keys are the English words.

A word without a translation stays English; numbers and units are never translated. `view/words.py` and
`terminal/words.py` define the words. To add a language, add a file.
"""

import json
import re
from typing import Any, Dict, List, Mapping, Tuple

from llamabar.package_files import text_beside

ENGLISH = "en"
_words: Dict[str, str] = {}
_spoken = [ENGLISH]
_constants: List[Tuple[Dict[str, Any], Dict[str, Any]]] = []  # a module's names, and their English values


def table(code: str) -> Mapping[str, str]:
    """Return the words of a language by its two-letter code; {} for English and for one without a file."""
    if code == ENGLISH or not re.fullmatch(r"[a-z]{2}", code):
        return {}
    try:
        words: Mapping[str, str] = json.loads(text_beside(__file__, f"{code}.json"))
    except OSError:
        return {}
    return words


def speak(code: str) -> None:
    """Switch to a language by its two-letter code; English if it has no file."""
    _words.clear()
    _words.update(table(code))
    _spoken[:] = [code if _words else ENGLISH]
    for names, english in _constants:
        names.update({name: _translated(value) for name, value in english.items()})


def spoken() -> str:
    """Return the two-letter code of the current language."""
    return _spoken[0]


def constants(names: Dict[str, Any]) -> Dict[str, Any]:
    """Register a module's uppercase constants for translation, and return their English values."""
    english = {name: value for name, value in names.items() if name.isupper() and isinstance(value, (str, dict, tuple))}
    _constants.append((names, english))
    names.update({name: _translated(value) for name, value in english.items()})
    return english


def _translated(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: said(text) for key, text in value.items()}
    return tuple(map(said, value)) if isinstance(value, tuple) else said(value)


def said(text: str, *values: object) -> str:
    """Return a text in the current language, with its {} filled in."""
    found = _words.get(text, text)
    return found.format(*values) if values else found
