"""pbcopy: stdin becomes the pasteboard."""

import sys

from tests.mac.call import Call


def run(call: Call) -> int:
    """Return 0."""
    data = sys.stdin.buffer.read() if sys.stdin is not None else b""
    with open(call.path("pasteboard"), "wb") as file:
        file.write(data)
    return 0
