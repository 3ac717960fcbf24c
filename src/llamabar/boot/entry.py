"""Where the program begins. `stream` goes straight to work: it imports no command-line library, nor typing."""

import os
import sys

INTERRUPTED = 130

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def main() -> "NoReturn":
    """Run what the arguments say, and end the process with its exit code."""
    try:
        _run(sys.argv[1:])
    except KeyboardInterrupt:  # before whoever runs has begun to listen to it
        os._exit(INTERRUPTED)


def _run(words: "list[str]") -> "NoReturn":
    if words == ["stream"] or (not words and os.environ.get("SWIFTBAR")):
        from llamabar.plugin.main import stream

        os._exit(stream(os.environ))  # daemon threads may stand in a read: an ordinary exit would wait for their locks
    from llamabar.cli.main import run

    code = run(words)
    for out in (sys.stdout, sys.stderr):
        try:
            out.flush()
        except OSError as error:
            code = code or _told(error)
        except (ValueError, AttributeError):  # closed, or none at all
            pass
    os._exit(code)


def _told(error: OSError) -> int:
    """Say that the disk is full, if that is what is wrong; a reader that has gone is nothing to speak of."""
    from llamabar.cli.main import is_full, no_room

    return no_room() if is_full(error) else 0


if __name__ == "__main__":
    main()
