"""The history as one page that needs nothing else: a table by day and model, each day's tokens also as a bar. Pure."""

from typing import List, Sequence

from llamabar.core import units
from llamabar.core.ledger import Line, total
from llamabar.view.html import document, text

STYLE = """
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:4px 10px;text-align:right;vertical-align:top;border-bottom:1px solid #b4bcc6;overflow-wrap:anywhere}
th:first-child,td:first-child,th:nth-child(2),td:nth-child(2){text-align:left}
tr.day td{font-weight:600;background:#eef2f6}
meter{width:100%;min-width:40px;height:12px}
"""
HEADS = ("Day", "Model", "Requests", "Prompt tokens", "Generated tokens", "Tokens a second")
AT_LEAST = "at least "


def page(lines: Sequence[Line], *, heading: str, note: str) -> str:
    """Return the whole page, the newest day first."""
    days = sorted({line.day for line in lines}, reverse=True)
    most = max((total([one.sums for one in lines if one.day == day]).generated_tokens for day in days), default=0)
    rows = "\n".join(row for day in days for row in _day(day, [line for line in lines if line.day == day], most))
    head = "".join(f'<th scope="col">{name}</th>' for name in HEADS)
    table = f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>"
    return document(heading, note, f"<section>\n{table}\n</section>", more_style=STYLE)


def _day(day: str, lines: Sequence[Line], most: int) -> List[str]:
    whole = total([line.sums for line in lines])
    said = f"{'' if all(line.complete for line in lines) else AT_LEAST}{units.count(whole.requests)}"
    bar = f'<meter max="{max(1, most)}" value="{whole.generated_tokens}">{units.count(whole.generated_tokens)}</meter>'
    cells = (day, bar, said, units.count(whole.prompt_tokens), units.count(whole.generated_tokens),
             units.rate(whole.generation_tps))  # fmt: skip
    found = [_row(cells, kind=' class="day"')]
    for line in lines:
        sums = line.sums
        found.append(_row((
            "", text(line.model), units.count(sums.requests), units.count(sums.prompt_tokens),
            units.count(sums.generated_tokens), units.rate(sums.generation_tps),
        )))  # fmt: skip
    return found


def _row(cells: Sequence[str], *, kind: str = "") -> str:
    return f"<tr{kind}>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
