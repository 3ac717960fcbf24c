"""Encode points as the bytes of a scrape, in the format that the scraper prefers.

prometheus-client chooses the format and writes each metric's header. The lines are the same in all formats and are
written here, in a tenth of the time. A page is stored as gzip, because every Prometheus asks for gzip and the page of
twenty servers shrinks to a fortieth. A client that doesn't accept gzip gets it decompressed piece by piece.
"""

import zlib
from collections import defaultdict
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

from llamabar.export.accepted import accepted, name_of
from llamabar.export.families import FAMILIES, Buckets, Family, Labels, Lines, Type, Value
from llamabar.export.library import Metric, choose_encoder, number

OPEN, TEXT = "application/openmetrics-text", "text/plain"
END = b"# EOF\n"  # of OpenMetrics
LEVEL, AS_GZIP = 1, 31
PIECE_BYTES = 32_768
_EXACT = 2.0**53

Write = Callable[["_One"], bytes]


class Page(NamedTuple):
    """A scrape's bytes, compressed with gzip; `size_bytes` uncompressed."""

    packed: bytes
    size_bytes: int
    content_type: str

    def pieces(self) -> Iterator[bytes]:
        """Yield the uncompressed bytes."""
        unpacker, left = zlib.decompressobj(AS_GZIP), self.packed
        while not unpacker.eof:
            yield unpacker.decompress(left, PIECE_BYTES)
            left = unpacker.unconsumed_tail


class Scrape:
    """The points of one moment, by family, as lines."""

    def __init__(self) -> None:
        self._pieces: Dict[Family, List[bytes]] = defaultdict(list)

    def put(self, family: Family, labels: Labels, value: Optional[Value]) -> None:
        """Add a point, each once; an unknown value (None) is left out."""
        if value is not None:
            said = _said(family.labels, labels)
            if isinstance(value, Buckets):
                text = _histogram(family.name, said, value)
            else:
                text = f"{family.name}{f'{{{said}}}' if said else ''} {_shown(value)}\n"
            self._pieces[family].append(text.encode("utf-8", "replace"))

    def add(self, lines: Lines) -> None:
        """Add points that were encoded before."""
        for family, piece in lines.items():
            self._pieces[family].append(piece)

    def lines(self) -> Lines:
        """Return the lines of each family."""
        return {family: b"".join(pieces) for family, pieces in self._pieces.items()}

    def page(self, accept: str) -> Page:
        """Return the page; `accept` is the scraper's header, "" for none."""
        write, content_type = _format(accept)
        packer, packed, size_bytes = zlib.compressobj(LEVEL, wbits=AS_GZIP), [], 0
        for text in self._texts(write, END if content_type.startswith(OPEN) else b""):
            size_bytes += len(text)
            packed.append(packer.compress(text))
        return Page(b"".join([*packed, packer.flush()]), size_bytes, content_type)

    def _texts(self, write: Write, end: bytes) -> Iterator[bytes]:
        for family in FAMILIES:
            if family in self._pieces:
                yield b"".join([_head(family, write), *self._pieces[family]])
        yield end


class _One:
    """A registry of one family, without points."""

    def __init__(self, family: Family) -> None:
        self._metric = Metric(family.name, family.says, family.type.value)
        if family.type is Type.COUNTER:
            self._metric.name = family.name[: -len("_total")]

    def collect(self) -> List[Metric]:
        """Return the family."""
        return [self._metric]


def _format(accept: str) -> Tuple[Write, str]:
    """Return the writer of the format that a scraper wants, and its content type; only versions that we write."""
    wanted = next((entry for entry in accepted(accept) if name_of(entry) in (OPEN, TEXT)), "")
    try:
        write, content_type = choose_encoder(wanted)
    except (TypeError, ValueError):  # its version isn't a number
        return choose_encoder("")
    if content_type.startswith(OPEN) and "version=1.0.0;" not in content_type:
        return choose_encoder(OPEN)
    return write, content_type


def _head(family: Family, write: Write) -> bytes:
    return write(_One(family)).replace(END, b"")


def _histogram(name: str, said: str, value: Buckets) -> str:
    bounds = [*map(number, value.bounds), "+Inf"]
    buckets = [f'{name}_bucket{{le="{bound}",{said}}} {count}\n' for bound, count in zip(bounds, value.counts)]
    return "".join(buckets) + f"{name}_count{{{said}}} {value.counts[-1]}\n{name}_sum{{{said}}} {_shown(value.sum)}\n"


def _shown(value: float) -> str:
    return str(int(value)) if abs(value) < _EXACT and value == int(value) else number(value)


def _said(names: Labels, labels: Labels) -> str:
    return ",".join([f'{name}="{_escaped(label)}"' for name, label in zip(names, labels)])


def _escaped(label: str) -> str:
    return label.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
