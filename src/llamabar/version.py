"""What this build is: version, commit, build id, Python."""

import os
import re
import sys
from typing import Optional

from llamabar import __version__
from llamabar.package_files import text_beside

SHOWN_ID = 12


def words() -> str:
    """Return one line with the version, the commit, the build id of the one file, and the Python that runs it."""
    import platform

    build = build_id()
    return (
        f"llamabar {__version__} (commit {commit()}, build {build[:SHOWN_ID] if build else 'none, run from source'}, "
        f"Python {platform.python_version()} at {sys.executable})"
    )


def commit() -> str:
    """Return the commit that was built; when run from source it is unknown."""
    return _stamp("commit.txt") or "unknown, run from source"


def repository() -> str:
    """Return the public home that this release was built for, OWNER/NAME; "" for a build of somebody's own."""
    return _stamp("repository.txt")


def build_id() -> Optional[str]:
    """Return shiv's build id, from the cache's name or the file's environment.json; None when run from source."""
    found = re.search(r"_([0-9a-f]{64})/site-packages/", __file__)
    if found is None and os.environ.get("LLAMABAR_FILE") and "/site-packages/llamabar/" in __file__:
        import zipfile

        with zipfile.ZipFile(os.environ["LLAMABAR_FILE"]) as archive:
            said = archive.read("environment.json").decode("ascii")
        found = re.search(r'"build_id": "([0-9a-f]{64})"', said)
    return found.group(1) if found else None


def _stamp(name: str) -> str:
    """Return what the build wrote down; "" when run from source."""
    try:
        return text_beside(__file__, name)
    except OSError:
        return ""
