"""Animated PNGs from images that share a palette. Each frame after the first holds only the rectangle that changed.

The format: https://www.w3.org/TR/png-3/#apng-frame-based-animation
"""

import base64
import hashlib
import re
import struct
import zlib
from typing import Iterator, List, NamedTuple, Sequence, Tuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SOURCE = b"Source"
UNSEEN = re.compile(r' (?:title|alt|aria-[a-z]+|role)="[^"]*"|<span class="unseen">[^<]*</span>')
DRAWN = re.compile("data:image/png;base64,([A-Za-z0-9+/=]+)")
BIT_DEPTH, INDEXED = 8, 3
AS_IT_IS, OVERWRITE = 0, 0  # dispose_op: leave the frame; blend_op: overwrite

Rows = Sequence[bytes]  # of an image: one palette index per pixel


class Box(NamedTuple):
    """A part of an image."""

    left: int
    top: int
    right: int
    bottom: int


def animated(frames: Sequence[Rows], palette: Sequence[Tuple[int, int, int]], *, frame_ms: int) -> bytes:
    """Return an animation that repeats forever. An image equal to the previous one makes that one stay longer."""
    width, height = len(frames[0][0]), len(frames[0])
    shown = _shown(frames)
    head = struct.pack(">IIBBBBB", width, height, BIT_DEPTH, INDEXED, 0, 0, 0)
    colours = b"".join(bytes(colour) for colour in palette)
    parts = [_chunk(b"IHDR", head), _chunk(b"PLTE", colours), _chunk(b"acTL", struct.pack(">II", len(shown), 0))]
    number = 0
    for rows, box, count in shown:
        size = (box.right - box.left, box.bottom - box.top, box.left, box.top)
        control = struct.pack(">IIIIIHHBB", number, *size, count * frame_ms, 1000, AS_IT_IS, OVERWRITE)
        lines = b"".join(b"\0" + row[box.left : box.right] for row in rows[box.top : box.bottom])
        data, first = zlib.compress(lines, 9), number == 0
        number += 1 if first else 2
        parts.append(_chunk(b"fcTL", control))
        parts.append(_chunk(b"IDAT", data) if first else _chunk(b"fdAT", struct.pack(">I", number - 1) + data))
    return SIGNATURE + b"".join(parts) + _chunk(b"IEND", b"")


def chunks(picture: bytes) -> Iterator[Tuple[bytes, bytes]]:
    """Yield the name and data of each chunk in a PNG; raise ValueError if one is damaged."""
    at = len(SIGNATURE)
    while at < len(picture):
        (size,) = struct.unpack_from(">I", picture, at)
        named = picture[at + 4 : at + 8 + size]
        if picture[at + 8 + size : at + 12 + size] != struct.pack(">I", zlib.crc32(named)):
            raise ValueError(f"damaged chunk at {at}")
        yield named[:4], named[4:]
        at += 12 + size


def with_source(picture: bytes, page: str) -> bytes:
    """Return a PNG that records the page it was drawn from."""
    *kept, end = [(name, data) for name, data in chunks(picture) if name != b"tEXt"]
    said = (b"tEXt", SOURCE + b"\0" + source(page).encode("ascii"))
    return SIGNATURE + b"".join(_chunk(*one) for one in (*kept, said, end))


def source_of(picture: bytes) -> str:
    """Return what a PNG records about the page it was drawn from; "" if nothing."""
    texts = [text.partition(b"\0") for name, text in chunks(picture) if name == b"tEXt"]
    return next((said.decode("latin-1") for key, _, said in texts if key == SOURCE), "")


def source(page: str) -> str:
    """Return a hash of everything in a page that a picture shows, whatever zlib its charts were made with."""
    seen = DRAWN.sub(lambda found: _pixels(base64.b64decode(found[1])).hex(), UNSEEN.sub("", page))
    return hashlib.sha256(seen.encode("utf-8")).hexdigest()[:32]


def _pixels(picture: bytes) -> bytes:
    found = [data for name, data in chunks(picture) if name == b"IDAT"]
    return picture[:33] + zlib.decompress(b"".join(found))  # 33: up to the end of IHDR, with the size


def _shown(frames: Sequence[Rows]) -> List[Tuple[Rows, Box, int]]:
    """Return the images that differ from the previous one, each with the changed part and its number of frames."""
    found = [(frames[0], Box(0, 0, len(frames[0][0]), len(frames[0])), 1)]
    for rows in frames[1:]:
        before, box, count = found[-1]
        if rows == before:
            found[-1] = (before, box, count + 1)
        else:
            found.append((rows, _changed(before, rows), 1))
    return found


def _changed(before: Rows, after: Rows) -> Box:
    """Return the smallest part that contains all pixels that differ."""
    lines = [number for number, pair in enumerate(zip(before, after)) if pair[0] != pair[1]]
    places = [at for line in lines for at, pair in enumerate(zip(before[line], after[line])) if pair[0] != pair[1]]
    return Box(min(places), lines[0], max(places) + 1, lines[-1] + 1)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
