"""The tables of models and requests. Columns have fixed widths, so that only what changes moves.

A column is shown if the window has room for it and for all more important ones. None is ever squeezed.
"""

from typing import Callable, List, Mapping, NamedTuple, Optional, Sequence

from llamabar.core import units
from llamabar.core.history import History
from llamabar.core.phases import phases
from llamabar.core.state import Model, Request, in_flight, requests_of
from llamabar.terminal import facts, words
from llamabar.terminal.cells import EMPTY, Line, Span, Style, columns, filled, fit, line, pad
from llamabar.terminal.charts import FULL, LIGHT, chart, recent
from llamabar.terminal.facts import Thing
from llamabar.view.menu import MODEL
from llamabar.view.scene import Scene, Server
from llamabar.view.text import name, plain

GUTTER = 3
GAP = 2
NAME, NARROWEST_NAME = 18, 10
WIDEST_NAME, LEAST_WIDER = 48, 6
METER = 5
TREND = 18


class Column(NamedTuple):
    """A column: name, width, whether it is right-aligned, and its rank (0 is the most important)."""

    name: str
    width: int
    right: bool = False
    rank: int = 0

    @property
    def head(self) -> str:
        """Return its header in the current language."""
        return words.HEADS[self.name]


MODEL_COLUMNS = (
    Column("state", 14), Column("speed", 9, True, 1), Column("memory", 9, True, 2), Column("context", 16, False, 5),
    Column("unloads", 8, True, 4), Column("in flight", 3, True, 3), Column("today", 5, True, 6),
    Column("trend", TREND, False, 7),
)  # fmt: skip
REQUEST_COLUMNS = (
    Column("phase", 16), Column("tokens", 7, True, 2), Column("age", 6, True, 1), Column("from", 16, False, 3),
)  # fmt: skip


def visible(things: Sequence[Thing], chosen: Optional[Thing], *, rows: int, start: int = 0) -> range:
    """Return which rows to show so that the chosen one is among them, scrolled no further than needed."""
    start = max(0, min(start, len(things) - rows))
    if chosen in things:
        place = things.index(chosen)
        start = min(max(start, place - rows + 1), place)
    return range(start, start + rows)


def model_table(
    scene: Scene, server: Server, models: Sequence[Model], seen: range, *, chosen: Optional[Thing], width: int
) -> List[Line]:
    """Return the header and the visible models."""
    shown = _chosen(MODEL_COLUMNS, width, named=max(map(columns, server.labels.values()), default=0))
    room = _room(shown, width)

    def _row(model: Model) -> Line:
        thing = Thing(MODEL, model.id)
        cells = _model_cells(scene, server, model, shown)
        return _line(facts.named(server, model.id, room), cells, shown, width, selected=thing == chosen)

    return _table(words.HEADS["model"], shown, models, seen, width, _row)


def request_table(
    scene: Scene, server: Server, requests: Sequence[Request], seen: range, *, chosen: Optional[Thing], width: int
) -> List[Line]:
    """Return the header and the visible requests."""
    shown = _chosen(REQUEST_COLUMNS, width)
    found, room = phases(server.snapshot), _room(shown, width)

    def _row(request: Request) -> Line:
        phase = found[request.info.id]
        cells = {
            "phase": (facts.doing_of(request, phase).within(shown[0].width),),
            "tokens": (Span(facts.tokens(server, request, phase)),),
            "age": (Span(units.duration(scene.now_s - request.started_s)),),
            "from": (Span(name(request.info.client, 16) if request.info.client else units.UNKNOWN),),
        }  # fmt: skip
        number = f"#{name(request.info.id, 12)}  "
        label = facts.named(server, request.info.model, room - columns(number))
        return _line(number + label, cells, shown, width, selected=facts.thing_of(request) == chosen)

    return _table(words.HEADS["request"], shown, requests, seen, width, _row)


def no_requests(scene: Scene, server: Server, width: int) -> Line:
    """Return the line shown in place of requests: how many there are, if only that is known, and today's totals."""
    said = words.in_flight(in_flight(server.snapshot))
    sums = server.totals.of(scene.today)
    requests, tokens = sum(one.requests for one in sums.values()), sum(one.generated_tokens for one in sums.values())
    told = f"{said}  {words.today(requests, tokens)}" if requests else said
    shown = told if columns(told) <= width - GUTTER else said
    return Line(filled((Span(" " * GUTTER), Span(shown, Style.DIM)), width))


def _model_cells(
    scene: Scene, server: Server, model: Model, shown: Sequence[Column]
) -> "dict[str, tuple[Span, ...]]":
    now_s = scene.now_s
    state = facts.state(server, model, now_s=now_s)
    used, share = facts.context(model)
    running = len(requests_of(server.snapshot, model.id))
    requests = facts.today(server, scene, model.id).requests
    trend = next((column.width for column in shown if column.name == "trend"), 0)
    return {
        "state": (state.within(shown[0].width),),
        "speed": (Span(*facts.tps(server, model)),),
        "memory": (Span(*facts.memory(server, model)),),
        "context": (Span(pad(used, 10)), *_meter(share)),
        "unloads": (Span(*facts.unloads(server, model, now_s=now_s)),),
        "in flight": (Span(str(running) if running else units.UNKNOWN, Style.PLAIN if running else Style.DIM),),
        "today": (Span(units.short_count(requests) if requests else units.UNKNOWN, Style.DIM),),
        "trend": (Span(_trend(server.models.get(model.id), trend, now_s), Style.CHART),),
    }


def _trend(history: Optional[History], width: int, now_s: float) -> str:
    if history is None or not width:
        return ""
    values = recent(history, "generation_tps", width, now_s=now_s)
    return chart(values, max(filter(None, values), default=1.0), height=1)[0]


def _meter(share: Optional[float]) -> "tuple[Span, ...]":
    if share is None:
        return ()
    full = max(1, min(METER, round(share * METER)))
    style = Style.WARN if share > 0.9 else Style.CHART
    return Span(FULL * full, style), Span(LIGHT * (METER - full), Style.DIM)


def _chosen(given: Sequence[Column], width: int, *, named: int = NAME) -> List[Column]:
    """Return the columns that fit beside a name, in order.

    The first column, which holds words, is wider in a wider window, as far as names of `named` columns leave room.
    """
    more = 0 if width < 72 else 4 if width < 110 else 16 if width < 150 else 22
    widened = [given[0]._replace(width=given[0].width + more), *map(_at_least_its_head, given[1:])]
    room, kept = width - GUTTER - 1 - NAME, set()
    for column in sorted(widened, key=lambda column: column.rank):
        room -= column.width + GAP
        if room < 0:
            break
        kept.add(column.name)
    shown = [column for column in widened if column.name in kept]
    missing = max(0, min(named, WIDEST_NAME) - _room(shown, width))
    return [shown[0]._replace(width=shown[0].width - min(missing, max(0, more - LEAST_WIDER))), *shown[1:]]


def _at_least_its_head(column: Column) -> Column:
    return column._replace(width=max(column.width, columns(column.head)))


def _room(shown: Sequence[Column], width: int) -> int:
    """Return how many columns a name may take."""
    taken = sum(column.width + GAP for column in shown)
    return min(WIDEST_NAME, max(NARROWEST_NAME, width - GUTTER - 1 - taken))


def _table(
    head: str, shown: Sequence[Column], rows: Sequence[object], seen: range, width: int, draw: "Callable[..., Line]"
) -> List[Line]:
    left_out = words.more(seen.start, max(0, len(rows) - seen.stop))
    heads = {column.name: (Span(column.head, Style.DIM),) for column in shown}
    title = _line(f"{head}  {left_out}", heads, shown, width, head=True)
    return [title, *(draw(row) for row in rows[seen.start : seen.stop])]


def _line(
    label: str, cells: "Mapping[str, tuple[Span, ...]]", shown: Sequence[Column], width: int, *, selected: bool = False,
    head: bool = False,
) -> Line:  # fmt: skip
    spans: List[Span] = [
        Span(" ▸ " if selected else " " * GUTTER, Style.KEY),
        Span(pad(label, _room(shown, width)), Style.DIM if head else Style.BOLD if selected else Style.PLAIN),
    ]
    for column in shown:
        cell = cells.get(column.name, ())
        spans.append(Span(" " * GAP))
        if column.right:
            spans += [Span(pad(one.text, column.width, right=True), one.style) for one in cell[:1]]
        else:
            spans += filled(cell, column.width)
    return Line(filled(spans, width), selected)


def notice(texts: Sequence[str], width: int, rows: int) -> List[Line]:
    """Return lines of text below an empty one, padded with empty lines."""
    shown = [line(" " * GUTTER, Span(fit(plain(text), max(1, width - GUTTER - 1)))) for text in texts]
    return [EMPTY, *shown, *[EMPTY] * rows][:rows]
