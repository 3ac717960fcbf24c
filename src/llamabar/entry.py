"""Where the program begins. `stream` goes straight to work: it imports no command-line library, nor typing."""

import os
import sys

TYPE_CHECKING = False
NO = ("0", "false", "no", "off")  # what switches the stream off for those who come from the Rust plugin
if TYPE_CHECKING:
    from typing import NoReturn


def main() -> "NoReturn":
    """Run what the arguments say, and end the process with its exit code."""
    words = sys.argv[1:]
    if not words and os.environ.get("SWIFTBAR"):
        words = ["stream" if os.environ.get("LLAMA_SWAP_STREAMING_MODE", "").strip().lower() not in NO else "frame"]
    if words == ["stream"]:
        from llamabar.stream import stream

        code = stream(os.environ)
        sys.stdout.flush()
        os._exit(code)  # daemon threads may stand in a read: an ordinary exit would wait for their locks
    from llamabar.cli.main import run

    code = run(words)
    for out in (sys.stdout, sys.stderr):
        try:
            out.flush()
        except (OSError, ValueError):
            pass
    os._exit(code)


if __name__ == "__main__":
    main()
