"""The upper part of the dashboard: the header, and speed and memory as panels or, in a low window, as single lines."""

from typing import Iterable, List, Mapping, Optional, Sequence

from llamabar.core import units
from llamabar.core.history import History
from llamabar.core.pressure import Pressure
from llamabar.core.readings import gpu, median
from llamabar.core.speed import Reading
from llamabar.core.state import loaded
from llamabar.terminal import facts, words
from llamabar.terminal.cells import Line, Size, Span, Style, beside, columns, cut, filled, length, pad, spread
from llamabar.terminal.charts import FULL, LIGHT, SHADE, ceiling, chart, recent, shares
from llamabar.view import words as menu_words
from llamabar.view.scene import Scene, Server
from llamabar.view.text import name, plain

AXIS = 6  # columns for the scale of a chart
SHORT_CHART = 8
NO_BAR = 10
CPU_ROWS = 4  # a chart needs this many free lines


def header(scene: Scene, server: Server, width: int) -> Line:
    """Return the first line: what the server is doing, which server it is, how long it has been watched."""
    state, snapshot = facts.server_state(server), server.snapshot
    speed = server.figures.total
    said = state.words + ("" if speed is None else f" {menu_words.speed(speed)}")
    left = [Span(f" {words.PROGRAM} ", Style.BOLD), Span(f"  {state.sign} {said}", state.style)]
    version = f" · llama-swap v{plain(snapshot.version)}" if snapshot.version else ""
    profile = f" · {words.PROFILE} {name(snapshot.profile, 20)}" if snapshot.profile else ""
    since_s = snapshot.connection_since_s
    watched = ""
    if snapshot.connected and since_s is not None:
        watched = f" · {words.CONNECTED_FOR.format(units.duration(scene.now_s - since_s))}"
    for right in (
        f"{plain(server.name)} · {server.address}{version}{profile}{watched} ",
        f"{plain(server.name)} · {server.address}{version}{profile} ", f"{plain(server.name)} · {server.address} ",
        f"{server.address} ", "",
    ):  # fmt: skip
        if length(left) + columns(right) + 2 <= width:
            break
    return Line(spread(left, (Span(right, Style.DIM),), width))


def servers(scene: Scene, shown: Server, width: int) -> Line:
    """Return the line of all servers, with the shown one marked."""
    spans: List[Span] = [Span(" ")]
    for one in scene.servers:
        state = facts.server_state(one)
        here = one.name == shown.name
        speed = one.figures.total
        value = "" if speed is None else f" {facts.rate(speed)}"
        spans += [
            Span("▸" if here else " ", Style.KEY),
            Span(name(one.name, 16), Style.BOLD if here else Style.PLAIN),
            Span(f" {state.sign}{value}", state.style),
            Span("   "),
        ]
    return Line(filled(spans, width))


def speed_panel(history: History, reading: Optional[Reading], size: Size, *, now_s: float) -> List[Line]:
    """Return a speed chart in a frame, with its scale and key figures."""
    rows = size.height - 2
    values = recent(history, "generation_tps", size.width - 3 - AXIS, now_s=now_s)
    top = ceiling(values)
    known = [value for value in values if value]
    marks = {0: units.short_count(round(top)) if known else "", rows - 1: "0"}
    body = marked(chart(values, top, height=rows), marks, right=True)
    now = "" if reading is None else facts.rate(reading)
    best_tps = max([*known, reading.tps if reading is not None else 0.0])  # never below the current speed beside it
    usual, best = (units.rate(median(known)), units.rate(best_tps)) if known else ("", "")
    told = words.speeds(now, usual, best)
    return frame(menu_words.SPEED, words.TOKENS_A_SECOND, body, size.width, below=(words.SINCE, told))


def marked(drawn: Sequence[str], marks: Mapping[int, str], *, right: bool = False) -> List[Sequence[Span]]:
    """Return the lines of a chart with an axis on the left, which has a mark in some lines."""
    labels = (pad(marks.get(row, ""), AXIS - 1, right=right) for row in range(len(drawn)))
    return [(Span(f"{label} ", Style.DIM), Span(text, Style.CHART)) for label, text in zip(labels, drawn)]


def speed_line(server: Server, *, now_s: float, width: int) -> Line:
    """Return the speed of the last minutes in one line."""
    reading = server.figures.total
    inner = max(SHORT_CHART, width - 26 - _label_width())
    values = recent(server.history, "generation_tps", inner, now_s=now_s)
    now = "" if reading is None else menu_words.speed(reading)
    best = words.OF_TOP.format(units.short_count(round(ceiling(values)))) if any(values) else ""
    spans = (
        _label(menu_words.SPEED),
        Span(chart(values, ceiling(values), height=1)[0], Style.CHART),
        Span(f" {now:>11} ", Style.BUSY), Span(best, Style.DIM),
    )  # fmt: skip
    return Line(filled(spans, width))


def memory_panel(server: Server, size: Size, *, now_s: float) -> List[Line]:
    """Return a frame with this computer's memory by use, and its CPU and GPU load."""
    width, height = size
    host, inner = server.snapshot.host, width - 4
    total = host.memory_total_bytes
    body: List[Sequence[Span]] = []
    if total and server.figures.used_bytes is not None:
        own, other, free = _parts(server)
        body.append(_bar((own, other, free), total, inner))
        said = [(words.MODELS, own, Style.CHART), (words.OTHER, other, Style.PLAIN), (words.FREE, free, Style.DIM)]
        if not server.figures.memory_bytes and loaded(server.snapshot):  # models' shares are unknown
            said[:2] = [(words.IN_USE, other, Style.PLAIN)]
        body.append(_labels(((f"{what} {units.size(size)}", style) for what, size, style in said), inner))
    by_model = [(server.figures.memory_bytes.get(one.id), one.id) for one in loaded(server.snapshot)]
    room = max(4, inner - 12)
    for held, model_id in sorted(((held, one) for held, one in by_model if held), reverse=True):
        label = pad(facts.named(server, model_id, room), room)
        body.append((Span(label), Span(f"{units.size(held):>10}", Style.DIM)))
    spare = height - 3 - len(body)
    load = _load(server, now_s=now_s, width=inner, chart_below=spare >= CPU_ROWS)
    body.insert(min(2, len(body)), load)
    if spare >= CPU_ROWS:
        values = recent(server.history, "cpu_ratio", inner - AXIS, now_s=now_s)
        body += [(), *marked(chart(values, 1.0, height=spare - 1), {0: menu_words.CPU})]
    body = [*body, *[()] * max(0, spare)][: height - 2]
    right = _used(server, width - columns(menu_words.MEMORY) - 8)
    return frame(menu_words.MEMORY, right, [(Span(" "), *spans) for spans in body], width)


def memory_line(server: Server, *, width: int) -> Line:
    """Return this computer's memory and its CPU and GPU load in one line."""
    host, used = server.snapshot.host, server.figures.used_bytes
    total = host.memory_total_bytes
    load = [f"{what} {units.percent(ratio)}" for what, ratio in _ratios(server)]
    if not total or used is None:
        return Line(filled((_label(menu_words.MEMORY), Span("  ".join(load) or units.UNKNOWN)), width))
    room = width - 1 - _label_width() - NO_BAR
    said = _used(server, room - 1, calm=Style.PLAIN)
    more = f"   {'  '.join(load)}"
    right = [Span(" "), said, *([Span(more)] if columns(said.text) + columns(more) < room else [])]
    bar = _bar(_parts(server), total, room + NO_BAR - length(right))
    return Line(filled((_label(menu_words.MEMORY), *bar, *right), width))


def frame(
    title: str, right: "str | Span", body: Sequence[Sequence[Span]], width: int, *, below: Sequence[str] = ("", "")
) -> List[Line]:
    """Return lines in a frame, with a title at the left and a figure at the right, above and below."""
    return [
        _border("╭", "╮", title, right if isinstance(right, Span) else Span(right, Style.DIM), width),
        *(Line((Span("│", Style.FRAME), *filled(spans, width - 2), Span("│", Style.FRAME))) for spans in body),
        _border("╰", "╯", below[0], Span(below[1], Style.DIM), width),
    ]


def panels(scene: Scene, server: Server, size: Size) -> List[Line]:
    """Return the speed and memory panels side by side."""
    left, right = halves(size)
    return beside(
        speed_panel(server.history, server.figures.total, left, now_s=scene.now_s),
        memory_panel(server, right, now_s=scene.now_s),
    )


def halves(size: Size) -> "tuple[Size, Size]":
    """Return the sizes of two panels side by side."""
    left = size.width * 11 // 20
    return size._replace(width=left), size._replace(width=size.width - left)


def _label(said: str) -> Span:
    """Return the label of a line of figures, as wide as the widest of them."""
    return Span(f" {pad(said, _label_width() - 1)}", Style.DIM)


def _label_width() -> int:
    return 2 + max(columns(menu_words.SPEED), columns(menu_words.MEMORY))


def _used(server: Server, room: int, *, calm: Style = Style.DIM) -> Span:
    """Return the used memory and, if macOS reports it, the memory pressure, which comes first if room is short."""
    host, used = server.snapshot.host, server.figures.used_bytes
    total = host.memory_total_bytes
    said = [menu_words.of(*units.part_and_total(used, total))] if total and used is not None else []
    short = menu_words.PRESSURES.get(host.pressure or Pressure.NORMAL)
    if short is None:
        return Span("".join(said), calm)
    found = [menu_words.joined(one, short) for one in (*said, *([units.size(used)] if said else []))]
    style = Style.BAD if host.pressure is Pressure.CRITICAL else Style.WARN
    return Span(next((one for one in found if columns(one) <= room), short), style)


def _border(left: str, right: str, title: str, figure: Span, width: int) -> Line:
    """Return a frame's upper or lower line. The figure is dropped if there isn't room for it."""
    named = Span(f" {title} ", Style.BOLD if left == "╭" else Style.DIM)
    start = cut((Span(left, Style.FRAME), *([named] if title else [])), width - 1)
    end = [Span(right, Style.FRAME)]
    with_figure = [Span(" "), figure, Span(" "), *end]
    if figure.text and length(start) + length(with_figure) <= width:
        end = with_figure
    rule = "─" * (width - length(start) - length(end))
    return Line((*start, Span(rule, Style.FRAME), *end))


def _parts(server: Server) -> "tuple[float, float, float]":
    """Return the bytes used by models, the bytes used by everything else, and the free bytes."""
    used, total = server.figures.used_bytes or 0.0, server.snapshot.host.memory_total_bytes or 0
    own = min(used, sum(server.figures.memory_bytes.values()))
    return own, used - own, max(0.0, total - used)


def _bar(parts: "tuple[float, float, float]", total: float, width: int) -> "tuple[Span, ...]":
    own, other, _ = shares([part / total for part in parts], width)
    own, other = min(own, width), min(other, max(0, width - own))
    free = max(0, width - own - other)
    return Span(FULL * own, Style.CHART), Span(SHADE * other), Span(LIGHT * free, Style.DIM)


def _labels(said: "Iterable[tuple[str, Style]]", width: int) -> List[Span]:
    """Return texts in a row, as many as fit whole."""
    spans: List[Span] = []
    for text, style in said:
        more = [*spans, Span("   " if spans else ""), Span(text, style)]
        if length(more) > width:
            break
        spans = more
    return spans


def _ratios(server: Server) -> "List[tuple[str, float]]":
    pairs = ((menu_words.CPU, server.figures.cpu_ratio), (menu_words.GPU, server.figures.gpu_ratio))
    return [(what, ratio) for what, ratio in pairs if ratio is not None]


def _load(server: Server, *, now_s: float, width: int, chart_below: bool) -> List[Span]:
    _, power = gpu(server.snapshot.host, now_s=now_s)
    spans: List[Span] = []
    each = max(4, min(24, (width - 32) // 2))
    for what, ratio in _ratios(server):
        spans.append(Span(f"{what} ", Style.DIM))
        if what == menu_words.CPU and chart_below:
            spans.append(Span(f"{units.percent(ratio)}   "))
            continue
        if what == menu_words.CPU:
            values = recent(server.history, "cpu_ratio", each, now_s=now_s)
            spans.append(Span(chart(values, 1.0, height=1)[0], Style.CHART))
        else:
            full = min(each, round(ratio * each))
            spans += [Span(FULL * full, Style.CHART), Span(LIGHT * (each - full), Style.DIM)]
        spans.append(Span(f" {units.percent(ratio)}   "))
    if spans and power is not None:
        spans.append(Span(f"{power:.0f} W", Style.DIM))
    return spans


