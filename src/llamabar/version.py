"""What this build is: its version, commit, build ID, and Python."""

import os
import re
import sys
from typing import Optional

from llamabar import __version__
from llamabar.package_files import text_beside

SHOWN_ID = 12


def words() -> str:
    """Return one line with the version, the commit, the build ID of the single file, and the Python that runs it."""
    import platform

    build = build_id()
    return (
        f"llamabar {__version__} (commit {commit()}, build {build[:SHOWN_ID] if build else 'none, run from source'}, "
        f"Python {platform.python_version()} at {sys.executable})"
    )


def commit() -> str:
    """Return the commit that was built; it is unknown when run from source."""
    return _stamp("commit.txt") or "unknown, run from source"


def repository() -> str:
    """Return the public repository that this release was built for, as OWNER/NAME; "" for a private build."""
    return _stamp("repository.txt")


def build_id() -> Optional[str]:
    """Return shiv's build ID, from the cache's name or the file's environment.json; None when run from source."""
    found = re.search(r"_([0-9a-f]{64})/site-packages/", __file__)
    if found is None and os.environ.get("LLAMABAR_FILE") and "/site-packages/llamabar/" in __file__:
        import zipfile

        with zipfile.ZipFile(os.environ["LLAMABAR_FILE"]) as archive:
            said = archive.read("environment.json").decode("ascii")
        found = re.search(r'"build_id": "([0-9a-f]{64})"', said)
    return found.group(1) if found else None


def _stamp(name: str) -> str:
    """Return the content of a file that the build added; "" when run from source."""
    try:
        return text_beside(__file__, name)
    except OSError:
        return ""
