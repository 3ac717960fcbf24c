"""Terminal lines as values: styled spans of text, measured in columns.

wcwidth measures them by Unicode's tables: a CJK character takes two columns, and so does an emoji of five code points.
ASCII texts, the most common ones, don't need the tables and don't load them.
"""

from enum import Enum
from functools import lru_cache
from typing import Iterable, List, NamedTuple, Sequence, Tuple


class Style(Enum):
    """The role of a span. The palette (paint.py) gives each a color."""

    PLAIN = "plain"
    BOLD = "bold"
    DIM = "dim"
    GOOD = "good"
    BUSY = "busy"
    WARN = "warn"
    BAD = "bad"
    CHART = "chart"
    FRAME = "frame"
    KEY = "key"


class Size(NamedTuple):
    """How much room there is, in columns and lines."""

    width: int
    height: int


class Span(NamedTuple):
    """A piece of text in one style."""

    text: str
    style: Style = Style.PLAIN


class Line(NamedTuple):
    """One line of the screen. If `selected`, all of it is highlighted."""

    spans: Tuple[Span, ...] = ()
    selected: bool = False

    @property
    def text(self) -> str:
        """Return the line's text without styles."""
        return "".join(span.text for span in self.spans)


EMPTY = Line()


def line(*parts: "str | Span", selected: bool = False) -> Line:
    """Return a line made of spans. A plain string becomes a span in the plain style."""
    return Line(tuple(part if isinstance(part, Span) else Span(part) for part in parts), selected)


def columns(text: str) -> int:
    """Return how many columns a text takes on a terminal. It must have no control characters."""
    return len(text) if text.isascii() else _wide(text)


def fit(text: str, width: int) -> str:
    """Return the text cut to `width` columns, with an ellipsis if anything is missing."""
    if columns(text) <= width:
        return text
    return (text[: width - 1] if text.isascii() else _head(text, width - 1)) + "…" if width > 0 else ""


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Return the text cut or padded to exactly `width` columns. `right` aligns it to the right."""
    shown = fit(text, width)
    blanks = " " * (width - columns(shown))
    return blanks + shown if right else shown + blanks


def length(spans: Iterable[Span]) -> int:
    """Return how many columns some spans take."""
    return sum(columns(span.text) for span in spans)


def cut(spans: Sequence[Span], width: int) -> Tuple[Span, ...]:
    """Return the spans that fit, with the last one cut."""
    kept: List[Span] = []
    left = width
    for span in spans:
        if left <= 0:
            break
        kept.append(Span(fit(span.text, left), span.style))
        left -= columns(kept[-1].text)
    return tuple(kept)


def filled(spans: Sequence[Span], width: int) -> Tuple[Span, ...]:
    """Return the spans cut or padded to exactly `width` columns."""
    kept = cut(spans, width)
    blanks = width - length(kept)
    return (*kept, Span(" " * blanks)) if blanks else kept


def spread(left: Sequence[Span], right: Sequence[Span], width: int) -> Tuple[Span, ...]:
    """Return two groups of spans at both ends of a line. The right group is dropped if there isn't room for both."""
    room = width - length(right)
    if length(left) >= room:
        return filled(left, width)
    return (*left, Span(" " * (room - length(left))), *right)


def beside(*blocks: Sequence[Line]) -> List[Line]:
    """Join blocks of equal height side by side."""
    return [Line(tuple(span for one in lines for span in one.spans)) for lines in zip(*blocks)]


@lru_cache(maxsize=4096)
def _wide(text: str) -> int:
    from wcwidth import wcswidth  # 300 kB of tables, loaded only for a text that needs them

    return max(0, wcswidth(text))


@lru_cache(maxsize=1024)
def _head(text: str, width: int) -> str:
    from wcwidth import iter_graphemes

    kept, used = "", 0
    for cluster in iter_graphemes(text):
        used += _wide(cluster)
        if used > width:
            break
        kept += cluster
    return kept
