"""Server-sent events: bytes in, payloads out.

llama-swap writes an event as `event:message`, one `data:` line of JSON without a raw line feed in it, and a blank line
(llama-swap API, 4.1). So an event ends at the first blank line, whatever its size, and its first bytes tell its type:
`type` comes first. Three rules follow. The bytes are searched once, for that blank line. A log, which can be megabytes
and isn't used here, is dropped as soon as its first bytes are known: not kept, copied or decoded. An event above
EVENT_BYTES, or of more than EVENT_LINES lines, is an error, not a memory leak.
"""

import re
from typing import List

from llamabar.core.limits import EVENT_BYTES, EVENT_LINES

_LOG = (b'event:message\ndata:{"type":"logData"', b'data:{"type":"logData"')
_USUAL = b"event:message\ndata:"
_BLANK_LINE = re.compile(rb"\n\r?\n")
_OVERLAP_BYTES = 2  # of a blank line that the next piece may complete


class PayloadTooLong(ValueError):
    """One event is longer than any that llama-swap sends."""


class EventSplitter:
    """Splits a byte stream, in pieces of any size, into the payloads of its events."""

    def __init__(self) -> None:
        self.dropped_log_bytes = 0
        self._rest = bytearray()  # of the event that isn't complete yet
        self._is_log = False

    def feed(self, piece: bytes) -> List[bytes]:
        """Return the payloads completed by `piece`; raise PayloadTooLong."""
        payloads: List[bytes] = []
        searched = max(0, len(self._rest) - _OVERLAP_BYTES)
        self._rest += piece
        start = 0
        for blank in _BLANK_LINE.finditer(self._rest, searched):
            if self._is_log or self._rest.startswith(_LOG, start):
                self.dropped_log_bytes += blank.end() - start
                self._is_log = False
            else:
                payloads += _payload(bytes(self._rest[start : blank.start()]))
            start = blank.end()
        self._keep(start)
        return payloads

    def _keep(self, start: int) -> None:
        """Keep the incomplete event; of a log, only what may be half of a blank line."""
        self._is_log = self._is_log or self._rest.startswith(_LOG, start)
        if self._is_log:
            end = max(start, len(self._rest) - _OVERLAP_BYTES)
            self.dropped_log_bytes += end - start
            start = end
        del self._rest[:start]
        if len(self._rest) > EVENT_BYTES:
            raise PayloadTooLong(f"an event is longer than {EVENT_BYTES} bytes")


def _payload(event: bytes) -> List[bytes]:
    """Return the data of an event, its lines joined, as a list of one; an empty list if it has none."""
    if event.startswith(_USUAL) and event.find(b"\n", len(_USUAL)) < 0:
        return [_value(event, len(_USUAL))]
    found = event.split(b"\n", EVENT_LINES)
    if len(found) > EVENT_LINES:
        raise PayloadTooLong(f"an event has more than {EVENT_LINES} lines")
    data = [_value(line, len(b"data:")) for line in found if line.startswith(b"data:")]
    return [b"\n".join(data)] if data else []


def _value(line: bytes, at: int) -> bytes:
    """Return what follows a line's field name, without the one optional leading space."""
    return line[at + line.startswith(b" ", at) :].rstrip(b"\r")
