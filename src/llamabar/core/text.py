"""Text made safe for where it goes: a line on a terminal, a word in a shell."""

import shlex


def printable(outside: str, instead: str = "?") -> str:
    """Return the text with every character replaced that could control a terminal or reverse the line."""
    return "".join(char if char.isprintable() else instead for char in outside)


def quoted(text: str, home: str = "") -> str:
    """Return text as one shell word, with ~ for the home folder."""
    inside = bool(home) and text.startswith(f"{home}/")
    return f"~/{shlex.quote(text[len(home) + 1 :])}" if inside else shlex.quote(text)
