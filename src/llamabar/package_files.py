"""Files of the packages that have a format of their own: words, styles, drawings, scripts, what a build noted."""

import os


def text_beside(module: str, name: str) -> str:
    """Return the text of a file beside a module, which is named by its `__file__`; raise OSError where there is none.

    It is read as Python reads a module: out of a zip, too.
    """
    content: bytes = __loader__.get_data(os.path.join(os.path.dirname(module), name))  # type: ignore[name-defined]
    return content.decode("utf-8")
