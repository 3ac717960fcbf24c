"""The languages of the menu, a file each: English words are the keys of its table WORDS.

What a language has no word for stays English; numbers and units stay in any. `view/words.py` says which words there
are. To add a language, add a file.
"""

import re
from importlib import import_module
from typing import Dict, Mapping

ENGLISH = "en"
_words: Dict[str, str] = {}


def table(code: str) -> Mapping[str, str]:
    """Return the words of a language by its two letters, none for English and for one that there is no file of."""
    if code == ENGLISH or not re.fullmatch(r"[a-z]{2}", code):
        return {}
    try:
        words: Mapping[str, str] = import_module(f"{__name__}.{code}").WORDS
    except ModuleNotFoundError:
        return {}
    return words


def choose(code: str) -> None:
    """Speak a language from now on, English where there is no file of it."""
    _words.clear()
    _words.update(table(code))


def said(text: str, *values: object) -> str:
    """Return a text in the language that was chosen, its {} filled."""
    found = _words.get(text, text)
    return found.format(*values) if values else found
