"""The page of one model, with its own charts, and the page of one request."""

from typing import List, Tuple

from llamabar.core import units
from llamabar.core.history import History
from llamabar.core.phases import phases
from llamabar.core.state import Model, Request
from llamabar.terminal import facts, words
from llamabar.terminal.cells import EMPTY, Line, Size, Span, Style, beside, columns, filled, pad
from llamabar.terminal.charts import chart, recent
from llamabar.terminal.panels import AXIS, frame, halves, marked, speed_panel
from llamabar.view import details, needs
from llamabar.view import words as menu_words
from llamabar.view.scene import Scene, Server
from llamabar.view.text import reason, whole

LABEL, LONGEST_LABEL = 15, 20  # columns; a longer one, such as when a model unloads, moves no value but its own
CHART_ROWS = 8
Facts = List[Tuple[str, str]]


def model_page(scene: Scene, server: Server, model: Model, size: Size) -> List[Line]:
    """Return a model's page: its state, its charts, its facts."""
    width, height = size
    state = facts.state(server, model, now_s=scene.now_s)
    label = f" {server.label(model.id)}  "
    lines = [Line(filled((Span(label, Style.BOLD), state.within(width - columns(label))), width)), EMPTY]
    history = server.models.get(model.id)
    if history is not None and height >= 18:
        left, right = halves(Size(width, min(CHART_ROWS, height // 3)))
        speed = speed_panel(history, server.figures.speeds.get(model.id), left, now_s=scene.now_s)
        lines += [*beside(speed, _memory_panel(history, model, right, now_s=scene.now_s)), EMPTY]
    return [*lines, *_listed(model_facts(scene, server, model), width, height - len(lines))]


def request_page(scene: Scene, server: Server, request: Request, size: Size) -> List[Line]:
    """Return a request's page."""
    width, height = size
    phase = phases(server.snapshot)[request.info.id]
    label = Span(f" {details.request_label(server, request)}  ", Style.BOLD)
    doing = facts.doing_of(request, phase).within(width - columns(label.text))
    told = [
        (words.RUNNING_FOR, units.duration(scene.now_s - request.started_s)),
        (words.TOKENS, facts.tokens(server, request, phase)),
        (words.ANSWER, words.answer(request.answer_bytes)),
        *((one.label, one.value) for one in details.of_request(server, request, every_path=True)),
    ]
    return [Line(filled((label, doing), width)), EMPTY, *_listed(told, width, height - 2)]


def model_facts(scene: Scene, server: Server, model: Model) -> Facts:
    """Return the facts that the menu's submenu shows, then those that stand elsewhere in the menu, if known."""
    today = facts.today(server, scene, model.id)
    more = (
        (menu_words.TODAY, menu_words.joined(details.totals(today), details.typical(today))),
        (menu_words.LOAD, needs.said(server, model.id)),
        (menu_words.REASON, reason(model.failure)),
        (menu_words.ID, whole(model.id)),
    )
    told = [(one.label, one.value) for one in details.of_model(server, scene, model)]
    return [*told, *((label, value) for label, value in more if value)]


def _memory_panel(history: History, model: Model, size: Size, *, now_s: float) -> List[Line]:
    values = recent(history, "memory_bytes", size.width - 3 - AXIS, now_s=now_s)
    top = max((value for value in values if value), default=1.0) * 1.1
    used = "" if model.memory_bytes is None else units.size(model.memory_bytes)
    body = marked(chart(values, top, height=size.height - 2), {})
    return frame(menu_words.MEMORY, used, body, size.width, below=(words.SINCE, ""))


def _listed(told: Facts, width: int, rows: int) -> List[Line]:
    """Return labels and values, in two columns if they fit."""
    room = max([LABEL, *filter(LONGEST_LABEL.__ge__, (columns(label) for label, _ in told))]) + 1
    padded = (pad(label, max(room, columns(label) + 2)) for label, _ in told)
    lines = [Line((Span(f"   {label}", Style.DIM), Span(value))) for label, (_, value) in zip(padded, told)]
    half = (len(lines) + 1) // 2
    if width < 100 or any(columns(one.text) > width // 2 - 2 for one in lines):
        return [Line(filled(one.spans, width)) for one in lines[:rows]]
    right = [*lines[half:], *[EMPTY] * half][:half]
    pairs = [Line((*filled(one.spans, width // 2), *two.spans)) for one, two in zip(lines[:half], right)]
    return pairs[:rows]

