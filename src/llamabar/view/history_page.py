"""The history as one page that needs nothing else: a table by day and model, each day's tokens also as a bar. Pure."""

from typing import Callable, Dict, List, Sequence, Tuple

from llamabar.core import units
from llamabar.core.ledger import Line, Sums, total
from llamabar.view.html import document, text
from llamabar.view.text import name
from llamabar.view.words import AT_LEAST

STYLE = """
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:4px 0 4px 12px;text-align:right;vertical-align:top;border-bottom:1px solid #b4bcc6}
th:first-child,td:first-child{padding-left:8px;text-align:left;overflow-wrap:anywhere;width:60%}
th:last-child,td:last-child{padding-right:8px}
tr.day td{font-weight:600;background:#eef2f6}
tr.day time{white-space:nowrap}
meter{display:block;width:100%;height:12px}
@media(max-width:700px){
body{padding:8px;font-size:12px}
tr{display:grid;grid-template-columns:7fr 8fr 9fr 4fr;border-bottom:1px solid #b4bcc6}
th,td,th:last-child,td:last-child{padding:2px;border:0;min-width:0;overflow-wrap:anywhere}
th:first-child,td:first-child{grid-column:1/-1;width:auto;padding:2px}
}
@media(min-width:701px){td+td{white-space:nowrap}wbr{display:none}}
"""
HEADS = ("Day and model", "Requests", "Prompt tokens", "Generated tokens", "tok/s")


def labels(lines: Sequence[Line]) -> Callable[[Line], str]:
    """Return what names a line's model: with its server where there are several."""
    if len({line.server for line in lines}) < 2:
        return lambda line: name(line.model)
    return lambda line: f"{name(line.server)}/{name(line.model)}"


def figures(sums: Sums, *, complete: bool) -> Tuple[str, str, str, str]:
    """Return requests, prompt tokens, generated tokens and their mean speed in words."""
    return (
        f"{'' if complete else f'{AT_LEAST} '}{units.count(sums.requests)}", units.count(sums.prompt_tokens),
        units.count(sums.generated_tokens), units.rate(sums.generation_tps),
    )  # fmt: skip


def page(lines: Sequence[Line], *, heading: str, note: str) -> str:
    """Return the whole page, the newest day first."""
    days: Dict[str, List[Line]] = {}
    for line in reversed(lines):
        days.setdefault(line.day, []).insert(0, line)
    most = max((total([line.sums for line in found]).generated_tokens for found in days.values()), default=0)
    rows = "\n".join(row for day, found in days.items() for row in _day(day, found, most, labels(lines)))
    head = "".join(f'<th scope="col">{name}</th>' for name in HEADS)
    table = f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>"
    return document(heading, note, f"<section>\n{table}\n</section>", more_style=STYLE)


def _day(day: str, lines: Sequence[Line], most: int, label: Callable[[Line], str]) -> List[str]:
    whole = total([line.sums for line in lines])
    bar = f'<meter max="{max(1, most)}" value="{whole.generated_tokens}">{units.count(whole.generated_tokens)}</meter>'
    complete = all(line.complete for line in lines)
    head = _row((f"<time>{text(day)}</time>{bar}", *figures(whole, complete=complete)), kind=' class="day"')
    return [head, *(_row((text(label(line)), *figures(line.sums, complete=line.complete))) for line in lines)]


def _row(cells: Sequence[str], *, kind: str = "") -> str:
    """Return a row of markup; a long number may go on in the next line after a comma."""
    first, *numbers = cells
    broken = (number.replace(",", ",<wbr>") for number in numbers)
    return f"<tr{kind}>{''.join(f'<td>{cell}</td>' for cell in (first, *broken))}</tr>"
