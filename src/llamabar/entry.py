"""Where the program begins. `stream` goes straight to work: it imports no command-line library, nor typing."""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def main() -> "NoReturn":
    """Run what the arguments say, and end the process with its exit code."""
    words = sys.argv[1:]
    if words == ["stream"] or (not words and os.environ.get("SWIFTBAR")):
        from llamabar.stream import stream

        code = stream(os.environ)
        sys.stdout.flush()
        os._exit(code)  # daemon threads may stand in a read: an ordinary exit would wait for their locks
    from llamabar.cli.main import run

    code = run(words)
    for out in (sys.stdout, sys.stderr):
        try:
            out.flush()
        except (OSError, ValueError, AttributeError):  # closed, full, or none at all
            pass
    os._exit(code)


if __name__ == "__main__":
    main()
