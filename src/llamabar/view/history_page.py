"""The history as one page that needs nothing else: charts and a table, light and dark. Pure.

A chart is drawn as wide as there is room, so no words are in it: they stand around it, and in titles for those who
point at it or hear it read.
"""

from datetime import date
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from llamabar.core import units
from llamabar.core.totals import FIRST_TOKEN, GENERATION, HOURS, WAITED, Line, Sums, total
from llamabar.view.html import document, text
from llamabar.view.text import name
from llamabar.view.words import AT_LEAST

STYLE = """
:root{color-scheme:light dark;--edge:#b4bcc6;--head:#eef2f6;--one:#2f6fdb;--two:#8a5a00;--three:#1d7a4a}
h3{font-size:15px;margin:12px 0 4px;overflow-wrap:anywhere}
svg{display:block;width:100%;height:90px;border-bottom:1px solid var(--edge)}
.one{fill:var(--one)}.two{fill:var(--two)}.three{fill:var(--three)}.band{fill:var(--one);fill-opacity:.3}
.line{fill:none;stroke:var(--one);stroke-width:2;vector-effect:non-scaling-stroke}
.ends{display:flex;justify-content:space-between;gap:8px;font-size:13px;margin:2px 0 12px}
section:not(.split) .ends :first-child,section:not(.split) .ends :last-child{white-space:nowrap}
.split svg{height:16px}
.week{display:grid;grid-template-columns:auto 1fr;gap:0 8px;font-size:12px;line-height:20px}
.week svg{height:140px}.week .ends{grid-column:2;font-size:12px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:4px 0 4px 12px;text-align:right;vertical-align:top;border-bottom:1px solid var(--edge)}
th:first-child,td:first-child{padding-left:8px;text-align:left;overflow-wrap:anywhere;width:40%}
tr.day td{font-weight:600;background:var(--head)}
tr.day time{white-space:nowrap}
@media(max-width:760px){
body{padding:8px;font-size:12px}
tr{display:grid;grid-template-columns:repeat(3,1fr);border-bottom:1px solid var(--edge)}
th,td,th:last-child,td:last-child{padding:2px;border:0;min-width:0;overflow-wrap:anywhere}
th:first-child,td:first-child{grid-column:1/-1;width:auto;padding:2px}
}
@media(min-width:761px){td+td{white-space:nowrap}wbr{display:none}}
@media(prefers-color-scheme:dark){
:root{--edge:#515357;--head:#2a2a2c;--one:#6ea8ff;--two:#e0a63a;--three:#5cc98d}
body{background:#1e1e1e;color:#f2f2f4}
}
"""
HEADS = (
    "Requests", "Failed", "Prompt tokens", "From cache", "Generated tokens", "tok/s, typical", "95 % below",
    "First token after", "Waited",
)  # fmt: skip
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
PARTS = (("one", "waiting and loading"), ("two", "reading prompts"), ("three", "generating"))


def labels(lines: Sequence[Line]) -> Callable[[Line], str]:
    """Return what names a line's model: with its server where there are several."""
    if len({line.server for line in lines}) < 2:
        return lambda line: name(line.model)
    return lambda line: f"{name(line.server)}/{name(line.model)}"


def figures(sums: Sums, *, complete: bool, short: bool = False) -> Tuple[str, ...]:
    """Return in words what HEADS name."""
    count = units.short_count if short else units.count
    return (
        f"{'' if complete else f'{AT_LEAST} '}{units.count(sums.requests)}", units.count(sums.failures),
        count(sums.prompt_tokens), units.percent(sums.cached_share), count(sums.generated_tokens),
        units.rate(typical(sums)), units.rate(sums.percentile(GENERATION, 0.95)),
        units.span(sums.percentile(FIRST_TOKEN)), units.span(sums.percentile(WAITED)),
    )  # fmt: skip


def typical(sums: Sums) -> Optional[float]:
    """Return the typical speed; of days from before single requests were kept their mean."""
    return sums.percentile(GENERATION) or sums.generation_tps


def page(lines: Sequence[Line], *, heading: str, note: str) -> str:
    """Return the whole page of lines by day, the oldest first."""
    label = labels(lines)
    days: Dict[str, List[Line]] = {}
    models: Dict[str, List[Line]] = {}
    for line in lines:
        days.setdefault(line.when, []).append(line)
        models.setdefault(label(line), []).append(line)
    sums = {day: total([line.sums for line in found]) for day, found in days.items()}
    parts = [_bars(sums), _speeds(models), _heat(sums), _splits(models), _table(days, sums, label)] if lines else []
    return document(heading, note, "\n".join(parts), more_style=STYLE)


def _svg(width: float, height: float, said: str, inner: str) -> str:
    return (f'<svg viewBox="0 0 {width:g} {height:g}" preserveAspectRatio="none" role="img">'
            f"<title>{text(said)}</title>{inner}</svg>")  # fmt: skip


def _rect(x: float, y: float, width: float, height: float, *, kind: str, said: str, more: str = "") -> str:
    place = f'x="{x:.4g}" y="{y:.4g}" width="{width:.4g}" height="{height:.4g}"'
    return f'<rect class="{kind}" {place}{more}><title>{text(said)}</title></rect>'


def _ends(*said: str) -> str:
    return f'<div class="ends">{"".join(f"<span>{text(one)}</span>" for one in said)}</div>'


def _bars(days: Mapping[str, Sums]) -> str:
    found = ["<h2>Requests and tokens a day</h2>"]
    first, last = _number(min(days)), _number(max(days))
    for noun, kind, counts in (
        ("requests", "one", {day: sums.requests for day, sums in days.items()}),
        ("tokens generated", "three", {day: sums.generated_tokens for day, sums in days.items()}),
    ):
        most = max(1, *counts.values(), 1)
        rects = "".join(
            _rect(_number(day) - first + 0.1, 100 - 100 * count / most, 0.8, 100 * count / most, kind=kind,
                  said=f"{day}: {units.count(count)} {noun}")
            for day, count in counts.items()
        )  # fmt: skip
        found.append(_svg(last - first + 1, 100, f"{noun} a day, at most {units.count(most)}", rects))
        found.append(_ends(min(days), f"at most {units.count(most)} {noun}", max(days)))
    return f"<section>{''.join(found)}</section>"


def _speeds(models: Mapping[str, Sequence[Line]]) -> str:
    """Return a band a model: from the typical speed to the one that 95 % of its requests were slower than."""
    found = []
    for label, lines in models.items():
        points = [
            (_number(line.when), speed, line.sums.percentile(GENERATION, 0.95) or speed)
            for line in lines for speed in [typical(line.sums)] if speed is not None
        ]  # fmt: skip
        if not points:
            continue
        first, most = points[0][0], max(high for _, _, high in points)
        wide = max(1, points[-1][0] - first)
        low = [(x - first, 100 - 100 * tps / most) for x, tps, _ in points]
        high = [(x - first, 100 - 100 * tps / most) for x, _, tps in points]
        if len(points) == 1:  # a day alone is drawn as wide as the chart
            low, high = [(0, low[0][1]), (1, low[0][1])], [(0, high[0][1]), (1, high[0][1])]
        said = f"{label}: typical speed from {units.rate(points[0][1])} to {units.rate(points[-1][1])} tok/s"
        band = f'<polygon class="band" points="{_path([*low, *high[::-1]])}"/><polyline class="line" points="'
        found.append(f"<h3>{text(label)}</h3>{_svg(wide, 100, said, f'{band}{_path(low)}{chr(34)}/>')}")
        found.append(_ends(lines[0].when, f"{units.rate(points[-1][1])} tok/s typical, top of the chart "
                           f"{units.rate(most)}", lines[-1].when))  # fmt: skip
    return f"<section><h2>Speed by model: typical, and up to what 95 % were</h2>{''.join(found)}</section>"


def _path(points: Sequence[Tuple[float, float]]) -> str:
    return " ".join(f"{x:.4g},{y:.4g}" for x, y in points)


def _heat(days: Mapping[str, Sums]) -> str:
    hours: Dict[Tuple[int, int], int] = {}
    for day, sums in days.items():
        for hour, count in sums.spreads.get(HOURS, {}).items():
            place = (date.fromisoformat(day).weekday(), hour)
            hours[place] = hours.get(place, 0) + count
    most = max(hours.values(), default=1)
    rects = "".join(
        _rect(hour, day, 0.96, 0.94, kind="one", more=f' fill-opacity="{max(0.08, count / most):.2f}"',
              said=f"{WEEKDAYS[day]} {hour}:00: {units.plural(count, 'request')}")
        for (day, hour), count in sorted(hours.items())
    )  # fmt: skip
    names = "<br>".join(WEEKDAYS)
    chart = _svg(24, 7, f"requests by hour of the week, at most {units.count(most)} in one", rects)
    ends = _ends("0:00", "6:00", "12:00", "18:00", "24:00")
    return f'<section><h2>When</h2><div class="week"><div>{names}</div><div>{chart}</div>{ends}</div></section>'


def _splits(models: Mapping[str, Sequence[Line]]) -> str:
    found = []
    for label, lines in models.items():
        sums = total([line.sums for line in lines])
        spent = (sums.waited_s, sums.prompt_s, sums.generation_s)
        whole, at, rects, said = sum(spent), 0.0, "", []
        if not whole:
            continue
        for seconds, (kind, words) in zip(spent, PARTS):
            said.append(f"{units.percent(seconds / whole)} {words}")
            rects += _rect(at, 0, 100 * seconds / whole, 10, kind=kind, said=said[-1])
            at += 100 * seconds / whole
        found.append(f"<h3>{text(label)}</h3>{_svg(100, 10, ', '.join(said), rects)}{_ends(*said)}")
    return f'<section class="split"><h2>Where the time went</h2>{"".join(found)}</section>' if found else ""


def _table(days: Mapping[str, Sequence[Line]], sums: Mapping[str, Sums], label: Callable[[Line], str]) -> str:
    rows = []
    for day, lines in reversed(list(days.items())):
        complete = all(line.complete for line in lines)
        rows.append(_row((f"<time>{text(day)}</time>", *figures(sums[day], complete=complete)), kind=' class="day"'))
        rows += [_row((text(label(line)), *figures(line.sums, complete=line.complete))) for line in lines]
    head = "".join(f'<th scope="col">{word}</th>' for word in ("Day and model", *HEADS))
    body = "\n".join(rows)
    return f"<section><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></section>"


def _row(cells: Sequence[str], *, kind: str = "") -> str:
    """Return a row of markup; a long number may go on in the next line after a comma."""
    first, *numbers = cells
    broken = (number.replace(",", ",<wbr>") for number in numbers)
    return f"<tr{kind}>{''.join(f'<td>{cell}</td>' for cell in (first, *broken))}</tr>"


def _number(day: str) -> int:
    return date.fromisoformat(day).toordinal()
