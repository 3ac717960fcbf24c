"""Tell whether a fault comes from a damaged cache: the unpacked program no longer matches the file it came from.

This module imports nothing of the program, so any module may call it. `zipfile` is imported only once something is
wrong.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import zipfile
    from typing import List

REPAIRED = "LLAMABAR_REPAIRED"  # set for the one restart that unpacks the program again
FOLDER = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SITE = "site-packages/"
CACHE_NAME = r"\.?llamabar[^/]*_[0-9a-f]{64}(_lock)?$"  # a pattern: of any build, ours and shiv's
TEMPORARY = ".llamabar-"  # prefix of a folder beside the caches, while one is unpacked or removed


def is_repairable(error: BaseException) -> bool:
    """Return whether unpacking again may fix this fault and hasn't been tried yet."""
    file = os.environ.get("LLAMABAR_FILE", "")
    unpacked = os.path.basename(FOLDER).startswith("llamabar.pyz_")
    if not unpacked or os.environ.get(REPAIRED) or not os.path.isfile(file):
        return False
    if isinstance(error, (ImportError, SyntaxError)) or _is_broken_bytecode(error):
        return True
    try:
        import zipfile

        with zipfile.ZipFile(file) as archive:
            return cache_name(archive) == os.path.basename(FOLDER) and not is_whole(archive, FOLDER)
    except Exception:
        return True


def cache_name(archive: "zipfile.ZipFile") -> str:
    """Return the folder name that shiv gives this build's cache; raise KeyError if the file isn't ours."""
    import re

    found = re.search(rb'"build_id": "([0-9a-f]{64})"', archive.read("environment.json"))
    if found is None:
        raise KeyError("build_id")
    return "llamabar.pyz_" + found[1].decode()


def is_whole(archive: "zipfile.ZipFile", folder: str) -> bool:
    """Return whether every unpacked file has the size and CRC-32 that the archive gives."""
    import zlib

    for info in members(archive):
        try:
            with open(os.path.join(folder, info.filename), "rb") as file:
                content = file.read()
        except OSError:
            return False
        if len(content) != info.file_size or zlib.crc32(content) != info.CRC:
            return False
    return True


def members(archive: "zipfile.ZipFile") -> "List[zipfile.ZipInfo]":
    """Return the files that belong in the cache."""
    return [info for info in archive.infolist() if info.filename.startswith(SITE)]


def _is_broken_bytecode(error: BaseException) -> bool:
    """Return whether Python couldn't read its own bytecode: on a full disk it leaves truncated files."""
    return "marshal data" in str(error) or str(error).startswith("EOF read where")
