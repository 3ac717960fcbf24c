"""Finds the llama-swap in a command: what a wrapper, `sh -c` or a script starts. Nothing is run.

A script is read line by line as far as its text tells. Variables that it sets are substituted. Commands that look for,
stop or create something called llama-swap (cd, pkill, mkdir) don't count as starting it.
"""

import os
import re
import shlex
from pathlib import Path
from typing import Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from llamabar.macos import files

PROGRAM = "llama-swap"
SHELLS = ("sh", "bash", "zsh", "dash", "fish")
WRAPPERS = ("env", "caffeinate", "nice", "taskpolicy", "arch", "daemondo", "nohup", "sudo", "time")
SCRIPT_BYTES, SCRIPTS = 65_536, 16  # how many scripts are read per command
_KEYWORDS = ("exec", "command", "then", "do", "else", "elif", "if", "while", "until", "!", "{", "export", "local")
_FLAG = re.compile(r"--?(?:listen|config|watch-config|tls-cert-file|tls-key-file)(?:=|\Z)")
_NOT_PROGRAMS = (".yaml", ".yml", ".json", ".toml", ".log", ".plist", ".txt", ".conf", ".pid")
_SCRIPT = re.compile(rb"#!.*\b(?:sh|bash|zsh|dash)\b")
_SETS = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_NAME = re.compile(r"\$(?:\{(\w+)(?::?-([^}]*))?\}|(\w+))")
_ENDS = re.compile(r"[;&|()<>]+")


def is_llama_swap(program: str) -> bool:
    """Tell whether the name of a program, or of the file it links to, starts with llama-swap."""
    names = (os.path.basename(program), os.path.basename(os.path.realpath(program)) if os.path.isabs(program) else "")
    return any(name.startswith(PROGRAM) and not name.endswith(_NOT_PROGRAMS) for name in names)


def unwrapped(words: Sequence[str], environment: Optional[Mapping[str, str]] = None) -> Tuple[str, ...]:
    """Return the llama-swap command within a command: itself, or what it starts; () if there is none.

    `environment` is what the command is started with, as far as that is known.
    """
    return _Reader(environment or {}).unwrapped(tuple(words))


class _Reader:
    """Reads each script of a command once: a script may run itself, or others."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = {"HOME": os.path.expanduser("~"), **environment}
        self._read: Set[str] = set()

    def unwrapped(self, words: Tuple[str, ...]) -> Tuple[str, ...]:
        """Return the llama-swap command within a command."""
        if not words:
            return ()
        inner = self._of_script(words)
        if inner or is_llama_swap(words[0]):
            return inner or words
        for at in range(1, len(words)):
            told = at + 1 < len(words) and _FLAG.match(words[at + 1])
            if is_llama_swap(words[at]) and (told or _is_wrapper(words[0])):
                return words[at:]
            if _is_wrapper(words[0]) and os.path.basename(words[at]) in SHELLS:
                return self.unwrapped(words[at:])
        return ()

    def _of_script(self, words: Tuple[str, ...]) -> Tuple[str, ...]:
        """Return what a script starts: the program itself, a shell's script argument, or its `-c` text."""
        is_text, arguments = _operands(words) if os.path.basename(words[0]) in SHELLS else (False, words)
        if not arguments or arguments[0] in self._read or len(self._read) >= SCRIPTS:
            return ()
        if is_text:
            self._read.add(arguments[0])
            return self._started(arguments[0], arguments[1:])
        if not os.path.isabs(arguments[0]):
            return ()
        self._read.add(arguments[0])
        text = files.read(Path(arguments[0]), limit_bytes=SCRIPT_BYTES) or b""
        if not _SCRIPT.match(text) and not arguments[0].endswith(".sh"):
            return ()
        return self._started(text.decode("utf-8", "replace"), arguments)

    def _started(self, text: str, arguments: Tuple[str, ...]) -> Tuple[str, ...]:
        """Return the first llama-swap command in a shell's text. `arguments` are its $0, $1 and so on."""
        names = {**self._environment, **{str(at): word for at, word in enumerate(arguments)}}
        all_known = True
        for words in _commands(text):
            while words and (words[0] in _KEYWORDS or _SETS.fullmatch(words[0])):
                sets = _SETS.fullmatch(words.pop(0))
                if sets:
                    names[sets[1]] = _put_in(sets[2], names, defaults=all_known)
            all_known = all_known and words[:1] not in (["."], ["source"])  # may set any variable
            full = [
                found
                for word in words
                for found in (arguments[1:] if word == "$@" else (_put_in(word, names, defaults=all_known),))
            ]
            found = self.unwrapped(tuple(full))
            if found:
                return found
        return ()


def _operands(words: Tuple[str, ...]) -> Tuple[bool, Tuple[str, ...]]:
    """Return whether a shell is given text (`-c`), and the words after its options. `-o` takes a value."""
    is_text, at = False, 1
    while at < len(words) and words[at][:1] in ("-", "+"):
        is_text = is_text or re.match(r"-\w*c", words[at]) is not None
        at += 2 if re.fullmatch(r"[-+]\w*[oO]", words[at]) else 1
    return is_text, words[at:]


def _is_wrapper(word: str) -> bool:
    return os.path.basename(word) in WRAPPERS


def _put_in(word: str, names: Mapping[str, str], *, defaults: bool) -> str:
    """Return a word with its known variables substituted. If `defaults`, unknown ones become their default."""
    return _NAME.sub(lambda found: names.get(found[1] or found[3], (defaults and found[2]) or found[0]), word)


def _commands(text: str) -> Iterator[List[str]]:
    """Yield the words of each simple command, without redirections. Lines that can't be parsed are skipped."""
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
                skipping = False  # a redirection takes one word, its file
            elif "<" in token or ">" in token:
                words = words[:-1] if words[-1:] in (["1"], ["2"]) else words
                skipping = True
            else:
                yield words
                words, skipping = [], False
        yield words
