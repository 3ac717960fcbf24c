"""A llama-swap whose clock differs, as seen through a forwarded port: every time in its answers is shifted."""

import re
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

from tests.fakes.recorder import Recorder

STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
DATE = re.compile(rb"(?im)^(date: )([^\r\n]+)")


def through_another_clock(server, ahead_s, *, header=True):
    """Return a forwarded port to a llama-swap whose clock is ahead; `header`: its answers have their Date."""
    ahead = timedelta(seconds=ahead_s)

    def _stamp(found):
        return (datetime.fromisoformat(found[0].decode()) + ahead).isoformat().encode()

    def _date(found):
        if not header:
            return b"X-Date: " + found[2]
        return found[1] + format_datetime(parsedate_to_datetime(found[2].decode()) + ahead, usegmt=True).encode()

    forwarded = Recorder(server.server_address[1])
    forwarded.altered = lambda piece: DATE.sub(_date, STAMP.sub(_stamp, piece))
    return forwarded
