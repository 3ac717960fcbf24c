"""The command line, and the one place where a failure becomes a message."""

import errno
import io
import os
import sys
from pathlib import Path
from typing import List

import click

from llamabar.cli import commands  # noqa: F401, which adds them to the program
from llamabar.cli.output import say, say_error
from llamabar.cli.program import COMPLETION_VARIABLE, INTERRUPTED, KNOWN_FAULT, OK, OUR_FAULT, WRONG_USAGE, program
from llamabar.damage import is_repairable
from llamabar.errors import Code, LlamabarError


def is_full(error: BaseException) -> bool:
    """Tell whether an error means that the disk is full."""
    return isinstance(error, OSError) and error.errno == errno.ENOSPC


def no_room() -> int:
    """Report that the disk is full; return the exit code."""
    return _failed(LlamabarError("The disk is full.", "Free up some space, then try again.", code=Code.DISK_FULL))


def run(arguments: List[str]) -> int:
    """Run a command and return its exit code. This is the one place where a failure becomes a message."""
    for out in (sys.stdout, sys.stderr):
        if isinstance(out, io.TextIOWrapper):
            out.reconfigure(errors="replace")  # a terminal that can't show a character is no error
    as_json = "--json" in arguments
    if COMPLETION_VARIABLE in os.environ:
        from llamabar.cli.completions import teach_bash

        teach_bash()
    try:
        result = program.main(arguments, prog_name="llamabar", standalone_mode=False)
        return result if isinstance(result, int) else OK
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        if as_json:
            say_error(error.format_message(), code=Code.USAGE, as_json=True)
        else:
            text = io.StringIO()
            error.show(text)
            say(*text.getvalue().rstrip().split("\n"), error=True)
        return WRONG_USAGE
    except (click.Abort, KeyboardInterrupt) as error:
        if isinstance(error.__cause__, EOFError) and is_repairable(error.__cause__):
            raise error.__cause__ from None  # click takes it for the end of the input
        if error.__cause__ is None:  # else click has ended the line
            say("", error=True)
        return INTERRUPTED
    except LlamabarError as error:
        return _failed(error, as_json=as_json)
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # click exits with 1; a reader that is gone is no error
            return OK
        raise
    except Exception as error:
        if is_full(error):
            return no_room()
        if is_repairable(error):
            raise
        return _internal(error, as_json=as_json)


def _failed(error: LlamabarError, *, as_json: bool = False, exit_code: int = KNOWN_FAULT) -> int:
    say_error(error.message, error.hint, code=error.code, as_json=as_json)
    return exit_code


def _internal(error: Exception, *, as_json: bool) -> int:
    import traceback  # slow, and hardly ever needed

    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    place = f"{Path(frame.f_code.co_filename).name}:{line}"
    said, hint = f"Internal error: {type(error).__name__} at {place}.", "Please report this line and what you did."
    return _failed(LlamabarError(said, hint, code=Code.INTERNAL), as_json=as_json, exit_code=OUR_FAULT)
