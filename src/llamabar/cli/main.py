"""The command line, and the one place where a failure becomes words."""

import errno
import io
import sys
from pathlib import Path
from typing import List

import click

from llamabar.cli import controlling, installing, looking  # each adds its commands to the program
from llamabar.cli.program import INTERRUPTED, KNOWN_FAULT, OK, OUR_FAULT, WRONG_USAGE, program
from llamabar.damage import is_repairable
from llamabar.errors import LlamabarError

COMMANDS = (looking, controlling, installing)


def is_full(error: BaseException) -> bool:
    """Tell whether the disk had no room."""
    return isinstance(error, OSError) and error.errno == errno.ENOSPC


def no_room() -> int:
    """Say that the disk is full; return the exit code."""
    print("The disk is full: there was no room for what was to be written.", file=sys.stderr)
    print("Make room on it, then try again.", file=sys.stderr)
    return KNOWN_FAULT


def run(arguments: List[str]) -> int:
    """Run a command and return its exit code. The one place where a failure becomes words."""
    for out in (sys.stdout, sys.stderr):
        if isinstance(out, io.TextIOWrapper):
            out.reconfigure(errors="replace")  # a terminal that knows no Chinese is no fault of ours
    try:
        result = program.main(arguments, prog_name="llamabar", standalone_mode=False)
        return result if isinstance(result, int) else OK
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return WRONG_USAGE
    except (click.Abort, KeyboardInterrupt) as error:
        if isinstance(error.__cause__, EOFError) and is_repairable(error.__cause__):
            raise error.__cause__ from None  # click takes it for the end of the input
        print(file=sys.stderr)
        return INTERRUPTED
    except LlamabarError as error:
        print("\n".join(part for part in (error.message, error.hint) if part), file=sys.stderr)
        return KNOWN_FAULT
    except BrokenPipeError:
        return OK
    except Exception as error:
        if is_full(error):
            return no_room()
        if is_repairable(error):
            raise
        return _our_fault(error)


def _our_fault(error: Exception) -> int:
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    place = f"{Path(where.tb_frame.f_code.co_filename).name}:{where.tb_lineno}" if where else "?"
    print(f"A fault of ours: {type(error).__name__} at {place}.", file=sys.stderr)
    print("Please report it with this line and what you did.", file=sys.stderr)
    return OUR_FAULT
