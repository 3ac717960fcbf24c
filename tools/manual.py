"""Writes the manual page llamabar(1) from the commands' own help, so that the two can't differ."""

import re
from typing import Iterator, List, Sequence

import click
import parts

from llamabar.cli import main  # noqa: F401, it adds every command
from llamabar.cli.program import GROUPS, program
from llamabar.settings.options import OPTIONS

COMMON = ("server", "config")
EXIT_CODES = (
    ("0", "Done."), ("1", "A known fault, said in words."), ("2", "Wrong usage."), ("3", "An internal error."),
    ("130", "Interrupted."),
)  # fmt: skip
FILES = (
    ("~/.config/llamabar/config.toml", "Settings; see llamabar config."),
    ("~/Library/Application Support/llamabar", "History and state (~/.local/share/llamabar where there is no macOS)."),
)


def page() -> str:
    """Return the page as man(7) source."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield f'.TH LLAMABAR 1 "" "llamabar {parts.project("version")}" "User Commands"'
    yield from (".SH NAME", f"llamabar \\- {_text(parts.project('description'))}")
    yield from (".SH SYNOPSIS", ".B llamabar", "[COMMAND] [OPTIONS]")
    yield from (".SH DESCRIPTION", _text(program.help or ""))
    yield from (".SH COMMANDS",)
    for title, names in _groups():
        yield f".SS {title}"
        for name in names:
            yield from _command(name, program.commands[name])
    yield from (".SH OPTIONS OF EVERY COMMAND", *_options(program.commands["status"], COMMON))
    yield from (".SH ENVIRONMENT",)
    for option in OPTIONS:
        for variable in option.variables:
            yield from (".TP", f".B {variable}", _text(option.says))
    yield from (".SH FILES", *(line for path, why in FILES for line in (".TP", f".I {_text(path)}", _text(why))))
    yield from (".SH EXIT STATUS", *(line for code, why in EXIT_CODES for line in (".TP", f".B {code}", why)))


def _groups() -> "List[tuple[str, List[str]]]":
    shown = [name for name, command in program.commands.items() if not command.hidden]
    grouped = [name for _, names in GROUPS for name in names]
    rest = sorted(name for name in shown if name not in grouped)
    return [*((title, [name for name in names if name in shown]) for title, names in GROUPS), ("More", rest)]


def _command(name: str, command: click.Command) -> Iterator[str]:
    arguments = [one.make_metavar() for one in command.params if isinstance(one, click.Argument)]
    yield from (".TP", f".B llamabar {name} {_text(' '.join(arguments))}".rstrip(), _text(command.help or ""))
    own = [one.name or "" for one in command.params if one.name not in COMMON]
    yield from (".RS", *_options(command, own), ".RE")


def _options(command: click.Command, names: Sequence[str]) -> Iterator[str]:
    with click.Context(command) as context:
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden and option.name in names:
                usage, said = option.get_help_record(context) or ("", "")
                yield from (".TP", f".B {_text(usage)}", _text(said))


def _text(words: str) -> str:
    """Return text escaped for man."""
    return re.sub(r"\s+", " ", words).strip().replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")


if __name__ == "__main__":
    print(page(), end="")
