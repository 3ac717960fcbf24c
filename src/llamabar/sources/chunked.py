"""Decode HTTP's chunked coding (RFC 9112, 7.1) for each read as a whole, however many chunks it holds.

http.client returns one chunk per read, and llama-swap writes one chunk per event: a flood of small events cost five
times as much as decoding them together. Extensions and trailers are skipped.
"""

import re
from functools import partial
from typing import Any, Callable, List

LINE_BYTES = 4096  # for a chunk's size and extensions
PLAIN_SIZE = re.compile(rb"[0-9A-Fa-f]{1,8}")


def pieces_of(response: Any) -> Callable[[int], bytes]:
    """Return a function that reads the next bytes of a urllib3 response, up to a limit; it returns b"" at the end.

    A chunked response is read from the socket's file, which http.client has read to the end of the headers.
    """
    whole: Any = getattr(response, "_fp", None)
    if whole is None or not whole.chunked or whole.fp is None:
        return partial(response.read1, decode_content=False)
    return partial(_unchunked, whole.fp, Dechunker())


def _unchunked(file: Any, chunks: "Dechunker", most_bytes: int) -> bytes:
    piece = b""
    while not piece and not chunks.ended:
        came = file.read1(most_bytes)
        if not came:
            break
        piece = chunks.feed(came)
    return piece


class Dechunker:
    """Decodes a chunked stream in pieces of any size; `ended` is True once the last chunk has come."""

    def __init__(self) -> None:
        self.ended = False
        self._left = 0  # bytes of the current chunk that haven't come
        self._rest = b""  # of an incomplete line: a size, or the line end after a chunk's data
        self._is_behind = False  # that line end comes next

    def feed(self, piece: bytes) -> bytes:
        """Return the data in `piece`; raise ValueError if it isn't chunked coding."""
        raw, at, found, is_split = self._rest + piece, 0, [], False
        while not self.ended:
            if self._left:
                taken = raw[at : at + self._left]
                found.append(taken)
                at, self._left, self._is_behind = at + len(taken), self._left - len(taken), True
                if self._left:
                    break
            if self._is_behind and raw.startswith(b"\r\n", at):
                at, self._is_behind = at + 2, False
            if not (is_split or self._is_behind):
                at, is_split = _take_whole_chunks(raw, at, found), True
            end = raw.find(b"\n", at)
            if (end if end >= 0 else len(raw)) - at > LINE_BYTES:
                raise ValueError("a chunk's size has no end")
            if end < 0:
                break
            if self._is_behind:
                raise ValueError("a chunk is longer than its size")
            self._left = _size(raw[at:end])
            at, self.ended = end + 1, not self._left
        self._rest = raw[at:]
        return b"".join(found)


def _take_whole_chunks(raw: bytes, at: int, found: List[bytes]) -> int:
    """Take all complete chunks from `at` on at once; return where the next one begins.

    Lines alternate between a chunk's size and its data, unless data contains a line end or a size has an extension:
    then they don't match, and nothing is taken.
    """
    lines = raw[at:].split(b"\r\n")
    whole = (len(lines) - 1) // 2 * 2
    sizes, chunks = lines[:whole:2], lines[1:whole:2]
    if not all(map(PLAIN_SIZE.fullmatch, sizes)):
        return at
    if [int(size, 16) for size in sizes] != [len(chunk) or None for chunk in chunks]:
        return at
    found += chunks
    return len(raw) - len(b"\r\n".join(lines[whole:]))


def _size(line: bytes) -> int:
    size = int(line.split(b";", 1)[0] if b";" in line else line, 16)
    if size < 0:
        raise ValueError("a chunk of less than nothing")
    return size
