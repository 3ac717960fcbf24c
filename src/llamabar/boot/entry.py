"""The program's entry point. `stream` takes a shortcut: it imports neither click nor typing."""

import os
import sys

INTERRUPTED = 130

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def main() -> "NoReturn":
    """Run the command in the arguments, and exit with its exit code."""
    try:
        os._exit(_run(sys.argv[1:]))  # daemon threads may be in a read: a normal exit would wait for their locks
    except KeyboardInterrupt:  # before the command handles it
        os._exit(INTERRUPTED)


def _run(words: "list[str]") -> int:
    if words == ["stream"] or (not words and os.environ.get("SWIFTBAR")):
        from llamabar.plugin.main import stream

        return stream(os.environ)
    from llamabar.cli.main import run

    code = run(words)
    for out in (sys.stdout, sys.stderr):
        try:
            out.flush()
        except OSError as error:
            code = code or _disk_full(error)
        except (ValueError, AttributeError):  # closed, or None
            pass
    return code


def _disk_full(error: OSError) -> int:
    """Report a full disk, if that is the error; a reader that is gone is no error."""
    from llamabar.cli.main import is_full, no_room

    return no_room() if is_full(error) else 0


if __name__ == "__main__":
    main()
