"""Start the unpacked program without Python's site machinery: `python -I -S start.py`.

Law: on the hot path only os, sys and fcntl are imported. The syntax works in any Python 3, so that one that is too old
can say so. `start` gets its name on the last line: a file truncated anywhere has none, and start.py unpacks again.
"""

import os
import sys

from llamabar.damage import FOLDER, REPAIRED, is_repairable

OLDEST = (3, 9)
_held = -1


def _drop_bytecode(cache):
    # type: (str) -> None
    """Remove the cache's compiled files, including those that Apple's Python stores elsewhere."""
    apples = os.path.expanduser("~/Library/Caches/com.apple.python") + cache
    for folder in (cache, apples):
        for inner, _, names in os.walk(folder):
            for name in names:
                if name.endswith(".pyc"):
                    try:
                        os.unlink(os.path.join(inner, name))
                    except OSError:
                        pass


def _hold(folder):
    # type: (str) -> None
    """Hold a shared lock on the cache for the life of this process, so that no newer build removes it."""
    global _held
    try:
        import fcntl

        _held = os.open(folder, os.O_RDONLY)
        fcntl.flock(_held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (ImportError, OSError):
        pass


def _start():
    # type: () -> None
    """Run the program; if its cache is damaged, start again once, which unpacks it again.

    If an upgrade removed this Python, whose modules can't be imported any more either, the file looks for another one.
    """
    if sys.version_info < OLDEST:
        found = sys.version_info[:2] + (sys.executable,)
        sys.exit("llamabar needs Python 3.9 or newer, and this is %d.%d: %s" % found)
    _hold(FOLDER)
    if os.environ.get(REPAIRED):
        _drop_bytecode(FOLDER)
    try:
        from llamabar.boot.entry import main

        main()
        raise ImportError("entry.py is truncated: its main() returned")
    except Exception as error:
        file = os.environ.get("LLAMABAR_FILE", "")
        if not is_repairable(error):
            sys.exit("llamabar: a part of it is missing (%s).\nDownload it again: %s" % (type(error).__name__, file))
        words = [sys.executable, "-I", file] if os.path.exists(sys.executable) else ["/bin/sh", file]
        os.execve(words[0], words + sys.argv[1:], dict(os.environ, **{REPAIRED: "1"}))


start = _start
