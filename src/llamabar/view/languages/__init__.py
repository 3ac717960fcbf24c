"""The languages of the menu and the dashboard, a JSON file each: the English words are its keys.

What a language has no word for stays English; numbers and units stay in any. `view/words.py` and `terminal/words.py`
say which words there are. To add a language, add a file.
"""

import json
import re
from typing import Any, Dict, List, Mapping, Tuple

from llamabar.package_files import text_beside

ENGLISH = "en"
_words: Dict[str, str] = {}
_constants: List[Tuple[Dict[str, Any], Dict[str, Any]]] = []  # the names of a module, and their English


def table(code: str) -> Mapping[str, str]:
    """Return the words of a language by its two letters, none for English and for one that there is no file of."""
    if code == ENGLISH or not re.fullmatch(r"[a-z]{2}", code):
        return {}
    try:
        words: Mapping[str, str] = json.loads(text_beside(__file__, f"{code}.json"))
    except OSError:
        return {}
    return words


def speak(code: str) -> None:
    """Speak a language from now on, by its two letters; English where there is no file of it."""
    _words.clear()
    _words.update(table(code))
    for names, english in _constants:
        names.update({name: _translated(value) for name, value in english.items()})


def constants(names: Dict[str, Any]) -> Dict[str, Any]:
    """Have the texts that a module's names in capitals stand for follow the language; return them in English."""
    english = {name: value for name, value in names.items() if name.isupper() and isinstance(value, (str, dict, tuple))}
    _constants.append((names, english))
    names.update({name: _translated(value) for name, value in english.items()})
    return english


def _translated(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: said(text) for key, text in value.items()}
    return tuple(map(said, value)) if isinstance(value, tuple) else said(value)


def said(text: str, *values: object) -> str:
    """Return a text in the language that was chosen, its {} filled."""
    found = _words.get(text, text)
    return found.format(*values) if values else found
