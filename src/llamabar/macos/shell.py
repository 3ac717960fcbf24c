"""The llama-swap in a command: what a wrapper, `sh -c` or a script starts, without starting anything.

A script is read line by line, as far as its words tell: a name that it sets is put in, what only looks for, ends or
makes something called llama-swap (cd, pkill, mkdir) is not its start.
"""

import os
import re
import shlex
from pathlib import Path
from typing import Dict, Iterator, List, Sequence, Tuple

from llamabar.macos import files

PROGRAM = "llama-swap"
SHELLS = ("sh", "bash", "zsh", "dash", "fish")
WRAPPERS = ("env", "caffeinate", "nice", "taskpolicy", "arch", "daemondo", "nohup", "sudo", "time")
SCRIPT_BYTES = 65_536
DEPTH = 4  # a script that starts itself
_KEYWORDS = ("exec", "command", "then", "do", "else", "elif", "if", "while", "until", "!", "{", "export", "local")
_FLAG = re.compile(r"--?(?:listen|config|watch-config|tls-cert-file|tls-key-file)(?:=|\Z)")
_NOT_PROGRAMS = (".yaml", ".yml", ".json", ".toml", ".log", ".plist", ".txt", ".conf", ".pid")
_SCRIPT = re.compile(rb"#!.*\b(?:sh|bash|zsh|dash)\b")
_SETS = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_NAME = re.compile(r"\$(?:\{(\w+)(?::?-([^}]*))?\}|(\w+))")
_ENDS = re.compile(r"[;&|()<>]+")


def is_llama_swap(program: str) -> bool:
    """Tell whether a program's name, or that of the file a link leads to, begins with llama-swap."""
    names = (os.path.basename(program), os.path.basename(os.path.realpath(program)) if os.path.isabs(program) else "")
    return any(name.startswith(PROGRAM) and not name.endswith(_NOT_PROGRAMS) for name in names)


def unwrapped(words: Sequence[str], depth: int = DEPTH) -> Tuple[str, ...]:
    """Return the llama-swap command in a command: itself, or what it starts; () where no llama-swap is found."""
    words = tuple(words)
    if not words or not depth:
        return ()
    inner = _of_script(words, depth)
    if inner or is_llama_swap(words[0]):
        return inner or words
    for at in range(1, len(words)):
        told = at + 1 < len(words) and _FLAG.match(words[at + 1])
        if is_llama_swap(words[at]) and (told or _is_wrapper(words[0])):
            return words[at:]
        if _is_wrapper(words[0]) and os.path.basename(words[at]) in SHELLS:
            return unwrapped(words[at:], depth - 1)
    return ()


def _is_wrapper(word: str) -> bool:
    return os.path.basename(word) in WRAPPERS


def _of_script(words: Tuple[str, ...], depth: int) -> Tuple[str, ...]:
    """Return the llama-swap that a script starts: one that is the program, or a shell's argument, or its `-c` text."""
    arguments = words
    if os.path.basename(words[0]) in SHELLS:
        after = next((at for at, word in enumerate(words) if at and not word.startswith("-")), len(words))
        arguments = words[after:]
        if arguments and re.search(r"^-\w*c", words[after - 1]):
            return _started(arguments[0], arguments[1:], depth)
    if not arguments or not os.path.isabs(arguments[0]):
        return ()
    text = files.read(Path(arguments[0]), limit_bytes=SCRIPT_BYTES) or b""
    if not _SCRIPT.match(text) and not arguments[0].endswith(".sh"):
        return ()
    return _started(text.decode("utf-8", "replace"), arguments, depth)


def _started(text: str, arguments: Sequence[str], depth: int) -> Tuple[str, ...]:
    """Return the first llama-swap command of a shell's text; `arguments` are its $0, $1 and so on."""
    names = {"HOME": os.path.expanduser("~"), **{str(at): word for at, word in enumerate(arguments)}}
    for words in _commands(text):
        while words and (words[0] in _KEYWORDS or _SETS.fullmatch(words[0])):
            sets = _SETS.fullmatch(words.pop(0))
            if sets:
                names[sets[1]] = _put_in(sets[2], names)
        full = [found for word in words for found in (arguments[1:] if word == "$@" else (_put_in(word, names),))]
        found = unwrapped(full, depth - 1)
        if found:
            return found
    return ()


def _put_in(word: str, names: Dict[str, str]) -> str:
    """Return a word with the names in it that are known."""
    return _NAME.sub(lambda found: names.get(found[1] or found[3], found[2] or found[0]), word)


def _commands(text: str) -> Iterator[List[str]]:
    """Yield the words of each simple command, without redirections; a line that can't be read is left out."""
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|()<>")
        lexer.whitespace_split = True
        try:
            tokens = list(lexer)
        except ValueError:
            continue
        words: List[str] = []
        skipping = False
        for token in tokens:
            if not _ENDS.fullmatch(token):
                words += [] if skipping else [token]
            elif "<" in token or ">" in token:
                words = words[:-1] if words and words[-1].isdigit() else words
                skipping = True
            else:
                yield words
                words, skipping = [], False
        yield words
