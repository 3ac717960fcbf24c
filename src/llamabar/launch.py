"""Starts the program: unpacked, without Python's site machinery, as `python -I -S launch.py`, or from shiv.

Written for any Python 3, so that one that is too old can say so.
"""

import os
import sys

OLDEST = (3, 9)


def start():
    # type: () -> None
    """Run the program; if a part of it is missing, have it unpacked anew, once."""
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.path[0] = folder
    archive = os.environ.get("LLAMABAR_FILE", "")
    try:
        from llamabar.entry import main

        main()
    except ImportError:
        if not archive or os.environ.get("LLAMABAR_REPAIRED"):
            raise
        again = dict(os.environ, SHIV_FORCE_EXTRACT="1", LLAMABAR_REPAIRED="1")
        os.execve(sys.executable, [sys.executable, "-I", archive] + sys.argv[1:], again)


if sys.version_info < OLDEST:
    sys.stdout.write("llamabar|sfimage=exclamationmark.triangle\n---\n")
    sys.stdout.write("llamabar: needs Python 3.9 or newer, and found %d.%d\n~~~\n" % sys.version_info[:2])
    sys.exit(1)
if __name__ == "__main__":
    start()
