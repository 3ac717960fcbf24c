"""Files of the packages that aren't Python: words, styles, drawings, scripts, build stamps."""

import os


def text_beside(module: str, name: str) -> str:
    """Return the text of a file in a module's folder, given the module's `__file__`; raise OSError if there is none.

    It is read the way Python reads modules, so it also works inside a zip.
    """
    content: bytes = __loader__.get_data(os.path.join(os.path.dirname(module), name))  # type: ignore[name-defined]
    return content.decode("utf-8")
