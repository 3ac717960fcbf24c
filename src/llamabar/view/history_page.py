"""The history as one self-contained page: charts and a table, in light and dark. Pure.

A chart is stretched to the available width, so it contains no text. Words are around it, and in titles for tooltips and
screen readers.
"""

from datetime import date
from typing import Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from llamabar.core import units
from llamabar.core.totals import FIRST_TOKEN, GENERATION, HOURS, WAITED, Line, Sums, total
from llamabar.package_files import text_beside
from llamabar.view.html import document, text
from llamabar.view.text import name
from llamabar.view.words import AT_LEAST, changed

HEADS = (
    "Requests", "Failed", "Prompt tokens", "From cache", "Generated tokens", "Typical tok/s", "p95 tok/s",
    "First token", "Waited",
)  # fmt: skip
SPREADS = (GENERATION, FIRST_TOKEN, WAITED, HOURS)  # that the table and the page show
CAPTION = '<caption>Figures <span class="fewer">A wider window shows all nine.</span></caption>\n'
UNKNOWN_CLIENT = "unknown"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
PARTS = (("two", "waiting and loading"), ("one", "processing prompts"), ("three", "generating"))

SPEED_HEAD = "<h2>Speed by model <small>line: typical (median), band: up to the 95th percentile</small></h2>"
TIME_HEAD = "<h2>When, and where the time went</h2>"
FEWEST_DAYS = 14  # shown by a chart
SHOWN_DAYS = 7  # shown by the table; earlier days are folded by month

Days = Mapping[str, Sequence[Line]]


def labels(lines: Sequence[Line]) -> Callable[[Line], str]:
    """Return a function that names a line's model, with its server if there are several."""
    if len({line.server for line in lines}) < 2:
        return lambda line: name(line.model)
    return lambda line: f"{name(line.server)}/{name(line.model)}"


def figures(sums: Sums, *, complete: bool, short: bool = False) -> Tuple[str, ...]:
    """Return the figures that HEADS names, as text."""
    prompt, generated = map(_short if short else units.count, sums.tokens)
    return (
        f"{'' if complete else f'{AT_LEAST} '}{units.count(sums.requests)}", units.count(sums.failures),
        prompt, units.percent(sums.cached_share), generated,
        units.rate(typical(sums)), units.rate(sums.percentile(GENERATION, 0.95)),
        units.span(sums.percentile(FIRST_TOKEN)), units.span(sums.percentile(WAITED)),
    )  # fmt: skip


def _short(tokens: Optional[int]) -> str:
    return units.UNKNOWN if tokens is None else units.short_count(tokens)


def typical(sums: Sums) -> Optional[float]:
    """Return the typical speed; the mean for days before single requests were recorded."""
    return sums.percentile(GENERATION) or sums.generation_tps


def client_of(line: Line) -> str:
    """Return the name of a line's client, from a line by client."""
    return line.when or UNKNOWN_CLIENT


def page(
    lines: Sequence[Line], *, heading: str, note: str, by_model: Sequence[Line] = (), by_client: Sequence[Line] = ()
) -> str:
    """Return the whole page, from lines by day, oldest first, by model and by client."""
    style = text_beside(__file__, "pages/history.css")
    if not lines:
        return document(heading, note, "", more_style=style)
    label = labels(lines)
    days, models = _grouped(lines, lambda line: line.when), _grouped(lines, label)
    sums = {day: _sum(found) for day, found in days.items()}
    last = _number(max(days)) + 1
    span = min(_number(min(days)), last - FEWEST_DAYS), last
    parts = (
        _tiles(_sum(lines), complete=_complete(lines)), *_bars(sums, span), SPEED_HEAD,
        *_speeds(models, span, {label(line): line.change for line in by_model}), TIME_HEAD, _heat(sums),
        *_splits(models), _table(days, models, _grouped(by_client, lambda line: name(client_of(line))), label=label),
    )  # fmt: skip
    return document(heading, note, f"<section>{''.join(parts)}</section>", more_style=style)


def _grouped(lines: Sequence[Line], key: Callable[[Line], str]) -> Dict[str, List[Line]]:
    found: Dict[str, List[Line]] = {}
    for line in lines:
        found.setdefault(key(line), []).append(line)
    return found


def _sum(lines: Sequence[Line]) -> Sums:
    return total(line.sums for line in lines)


def _complete(lines: Sequence[Line]) -> bool:
    return all(line.complete for line in lines)


def _tiles(sums: Sums, *, complete: bool) -> str:
    said = zip(HEADS, figures(sums, complete=complete, short=True))
    return f"<dl>{''.join(f'<div><dt>{head}</dt><dd>{text(one)}</dd></div>' for head, one in said)}</dl>"


def _figure(title: str, note: str, svg: str, ends: Iterable[str], *, kind: str = "") -> str:
    """Return a chart below its title, with the words at its edges, which must already be markup."""
    caption = f"<figcaption><strong>{text(title)}</strong><span>{text(note)}</span></figcaption>"
    below = "".join(f"<span>{one}</span>" for one in ends)
    return f'<figure class="{kind}">{caption}{svg}<div class="ends">{below}</div></figure>'


def _svg(width: float, height: float, said: str, inner: str) -> str:
    return (f'<svg viewBox="0 0 {width:g} {height:g}" preserveAspectRatio="none" role="img">'
            f"<title>{text(said)}</title>{inner}</svg>")  # fmt: skip


def _rect(x: float, y: float, width: float, height: float, *, kind: str, said: str, more: str = "") -> str:
    place = f'x="{x:.4g}" y="{y:.4g}" width="{width:.4g}" height="{height:.4g}"'
    return f'<rect class="{kind}" {place}{more}><title>{text(said)}</title></rect>'


def _chart(span: Tuple[int, int], title: str, *, note: str, said: str, inner: str) -> str:
    """Return a chart over days, with grid lines at its top and middle."""
    first, last = span
    svg = _svg(last - first, 100, said, f'<path class="grid" d="M0 0H{last - first}M0 50H{last - first}"/>{inner}')
    return _figure(title, note, svg, (_day(first), _day(last - 1)))


def _bars(days: Mapping[str, Sums], span: Tuple[int, int]) -> Iterable[str]:
    for noun, kind, counts in (
        ("Requests", "one", {day: sums.requests for day, sums in days.items()}),
        ("Tokens generated", "three", {day: sums.generated_tokens for day, sums in days.items()}),
    ):
        most = max(1, *counts.values(), 1)
        rects = "".join(
            _rect(_number(day) - span[0] + 0.1, 100 - 100 * count / most, 0.8, 100 * count / most, kind=kind,
                  said=f"{day}: {units.count(count)} {noun.lower()}")
            for day, count in counts.items()
        )  # fmt: skip
        title, note = f"{noun} per day", f"busiest day: {units.count(most)}"
        yield _chart(span, title, note=note, said=f"{title}, {note}", inner=rects)


def _speeds(models: Days, span: Tuple[int, int], changes: Mapping[str, Optional[float]]) -> Iterable[str]:
    """Yield a band per model: from its typical speed to its 95th percentile."""
    for label, lines in models.items():
        points = [
            (_number(line.when) - span[0] + 0.5, speed, line.sums.percentile(GENERATION, 0.95) or speed)
            for line in lines for speed in [typical(line.sums)] if speed is not None
        ]  # fmt: skip
        if not points:
            continue
        if len(points) == 1:  # a single day is drawn one day wide
            points = [(points[0][0] + side, *points[0][1:]) for side in (-0.4, 0.4)]
        most = max(high for _, _, high in points)
        low, high = ([(point[0], 100 - 96 * point[which] / most) for point in points] for which in (1, 2))
        said = f"{label}: typical speed from {units.rate(points[0][1])} to {units.rate(points[-1][1])} tok/s"
        change = changes.get(label)
        note = f"{units.rate(points[-1][1])} tok/s typical, p95 up to {units.rate(most)}"
        note += "" if change is None else f", {changed(change)}"
        band = f'<polygon class="band" points="{_path([*low, *high[::-1]])}"/>'
        line = f'<polyline class="line" points="{_path(low)}"/>'
        yield _chart(span, label, note=note, said=said, inner=band + line)


def _path(points: Sequence[Tuple[float, float]]) -> str:
    return " ".join(f"{x:.4g},{y:.4g}" for x, y in points)


def _heat(days: Mapping[str, Sums]) -> str:
    hours: Dict[Tuple[int, int], int] = {}
    for day, sums in days.items():
        for hour, count in sums.spread(HOURS).items():
            place = (date.fromisoformat(day).weekday(), hour)
            hours[place] = hours.get(place, 0) + count
    (busiest_day, busiest_hour), most = max(hours.items(), key=lambda one: one[1], default=((0, 0), 1))
    rects = "".join(
        _rect(hour + 0.03, day + 0.04, 0.94, 0.92, kind="one", more=f' fill-opacity="{max(0.12, count / most):.2f}"',
              said=f"{WEEKDAYS[day]} {hour}:00: {units.plural(count, 'request')}")
        for (day, hour), count in sorted(hours.items())
    )  # fmt: skip
    said = f"all weeks together; busiest: {WEEKDAYS[busiest_day]} {busiest_hour}:00, {units.plural(most, 'request')}"
    title = "Requests by hour of the week"
    svg = _svg(24, 7, f"{title}, {said}", '<path class="none" d="M0 0H24V7H0z"/>' + rects)
    chart = f"<div>{'<br>'.join(WEEKDAYS)}</div>{svg}"
    return _figure(title, said, chart, ("0:00", "6:00", "12:00", "18:00", "24:00"), kind="week")


def _splits(models: Days) -> Iterable[str]:
    for label, lines in models.items():
        sums = _sum(lines)
        spent, at, rects, said = (sums.waited_s, sums.prompt_s, sums.generation_s), 0.0, "", []
        whole = sum(spent)
        for seconds, (kind, words) in ((one, part) for one, part in zip(spent, PARTS) if one):
            said.append((kind, f"{units.percent(seconds / whole)} {words}"))
            rects += _rect(at, 0, 100 * seconds / whole, 10, kind=kind, said=said[-1][1])
            at += 100 * seconds / whole
        if whole:
            svg = _svg(100, 10, f"{label}: {', '.join(words for _, words in said)}", rects)
            ends = (f'<i class="{kind}"></i>{text(words)}' for kind, words in said)
            yield _figure(label, f"{units.duration(whole)} in total", svg, ends, kind="split")


def _table(days: Days, models: Days, clients: Days, *, label: Callable[[Line], str]) -> str:
    """Return the totals of all days, also by client, then each day's, newest first, with its models; old are folded."""
    newest_first = list(reversed(list(days.items())))
    every = _body("All days", list(models.items()), kind="all")
    if set(clients) - {UNKNOWN_CLIENT}:
        every += _body("By client", list(clients.items()), kind="all")
    shown = _columns(CAPTION, every + "".join(_one_day(*one, label) for one in newest_first[:SHOWN_DAYS]))
    months: Dict[str, List[Tuple[str, Sequence[Line]]]] = {}
    for day, lines in newest_first[SHOWN_DAYS:]:
        months.setdefault(day[: len("2026-11")], []).append((day, lines))
    return shown + "".join(_folded(month, found, label) for month, found in months.items())


def _folded(month: str, days: Sequence[Tuple[str, Sequence[Line]]], label: Callable[[Line], str]) -> str:
    sums = _sum([line for _, lines in days for line in lines])
    said = f"{units.plural(len(days), 'day')}, {units.plural(sums.requests, 'request')}"
    rows = _columns("", "".join(_one_day(*one, label) for one in days))
    return f"<details><summary>{text(month)} <span>{text(said)}</span></summary>\n{rows}</details>\n"


def _columns(caption: str, bodies: str) -> str:
    head = "".join(f'<th scope="col">{word}</th>' for word in ("Day, model, client", *HEADS))
    return f"<table>\n{caption}<thead><tr>{head}</tr></thead>\n{bodies}</table>\n"


def _one_day(day: str, lines: Sequence[Line], label: Callable[[Line], str]) -> str:
    return _body(f"<time>{text(day)}</time>", [(label(line), [line]) for line in lines], kind="one-day")


def _body(title: str, rows: Sequence[Tuple[str, Sequence[Line]]], *, kind: str) -> str:
    every = [line for _, lines in rows for line in lines]
    each = "".join(_row(text(one), lines) for one, lines in rows)
    return f'<tbody class="{kind}">{_row(title, every, kind=" class=day")}{each}</tbody>\n'


def _row(title: str, lines: Sequence[Line], *, kind: str = "") -> str:
    """Return a row of markup. A long number may wrap after a comma."""
    cells = (one.replace(",", ",<wbr>") for one in figures(_sum(lines), complete=_complete(lines)))
    return f'<tr{kind}><th scope="row">{title}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def _number(day: str) -> int:
    return date.fromisoformat(day).toordinal()


def _day(number: int) -> str:
    return date.fromordinal(number).isoformat()
