"""What this room has in files of their own format: catalogues of words, styles, drawings."""

FOLDER = __file__.rpartition("/")[0]


def text_of(name: str) -> str:
    """Return a file's text, read as Python reads a module, out of a zip too; raise OSError where there is none."""
    content: bytes = __loader__.get_data(f"{FOLDER}/{name}")  # type: ignore[name-defined]
    return content.decode("utf-8")
