"""Server-sent events, bytes in, payloads out.

Two rules. A log payload is dropped without being kept or decoded: it can be megabytes, and it is not for us
(facts: llama-swap writes `type` first). A payload above PAYLOAD_LIMIT_BYTES is an error, not a memory leak.
"""

from typing import List

PAYLOAD_LIMIT_BYTES = 16 * 1024 * 1024

_LOG_PREFIX = b'data:{"type":"logData"'


class PayloadTooLong(ValueError):
    """One event is longer than any that llama-swap sends."""


class EventSplitter:
    """Cuts a byte stream, in pieces of any size, into the payloads of its events."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._skipping = False
        self._data: List[bytes] = []
        self.dropped_log_bytes = 0

    def feed(self, piece: bytes) -> List[bytes]:
        """Return the payloads completed by `piece`; raise PayloadTooLong."""
        payloads: List[bytes] = []
        start = 0
        while start < len(piece):
            end = piece.find(b"\n", start)
            stop = len(piece) if end < 0 else end
            self._take(piece[start:stop])
            if end < 0:
                break
            self._end_line(payloads)
            start = end + 1
        return payloads

    def _take(self, part: bytes) -> None:
        if self._skipping:
            self.dropped_log_bytes += len(part)
            return
        self._line += part
        if self._line.startswith(_LOG_PREFIX):
            self._skipping = True
            self.dropped_log_bytes += len(self._line)
            self._line.clear()
        elif len(self._line) > PAYLOAD_LIMIT_BYTES:
            raise PayloadTooLong(f"an event is longer than {PAYLOAD_LIMIT_BYTES} bytes")

    def _end_line(self, payloads: List[bytes]) -> None:
        if self._skipping:
            self._skipping = False
            return
        line = bytes(self._line[:-1] if self._line.endswith(b"\r") else self._line)
        self._line.clear()
        if not line:
            if self._data:
                payloads.append(b"\n".join(self._data))
                self._data = []
        elif line.startswith(b"data:"):
            self._data.append(line[6:] if line.startswith(b"data: ") else line[5:])
            if sum(map(len, self._data)) > PAYLOAD_LIMIT_BYTES:
                raise PayloadTooLong(f"an event is longer than {PAYLOAD_LIMIT_BYTES} bytes")
