"""The page of one model, with its own charts, and the page of one request."""

from typing import List, Tuple

from llamabar.core import readings, units
from llamabar.core.history import History
from llamabar.core.phases import phases
from llamabar.core.state import Model, Request
from llamabar.core.totals import FIRST_TOKEN, GENERATION
from llamabar.terminal import facts, words
from llamabar.terminal.cells import EMPTY, Line, Size, Span, Style, beside, columns, filled, pad
from llamabar.terminal.charts import chart, recent
from llamabar.terminal.panels import AXIS, frame, halves, marked, speed_panel
from llamabar.view import words as menu_words
from llamabar.view.scene import Scene, Server
from llamabar.view.text import plain

LABEL = 15
CHART_ROWS = 8
Facts = List[Tuple[str, str]]


def model_page(scene: Scene, server: Server, model: Model, size: Size) -> List[Line]:
    """Return a model's page: its state, its charts, its facts."""
    width, height = size
    state = facts.state(server, model, now_s=scene.now_s)
    label, doing = f" {server.label(model.id)}  ", f"{state.sign} {state.words}{state.more}"
    lines = [Line(filled((Span(label, Style.BOLD), Span(doing, state.style)), width)), EMPTY]
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
    number = Span(f" {words.REQUEST_NUMBER.format(plain(request.info.id))}  ", Style.BOLD)
    told: Facts = [
        (words.MODEL, server.label(request.info.model)),
        (words.RUNNING_FOR, units.duration(scene.now_s - request.started_s)),
        (words.TOKENS, facts.tokens(server, request, phase)),
        (words.ANSWER, words.answer(request.answer_bytes)),
        (menu_words.PATH, plain(request.info.path) or units.UNKNOWN),
    ]
    title = filled((number, facts.doing_of(request, phase)), width)
    return [Line(title), EMPTY, *_listed(told, width, height - 2)]


def model_facts(scene: Scene, server: Server, model: Model) -> Facts:
    """Return a model's facts as label and value; unknown ones are left out."""
    sums = facts.today(server, scene, model.id)
    typical, first = sums.percentile(GENERATION), sums.percentile(FIRST_TOKEN)
    last, prompt_tps = readings.last(model), model.meter.last.prompt_tps if model.meter.last is not None else None
    memory, peak = facts.memory(server, model)[0], model.memory_peak_bytes
    said: Facts = [
        (menu_words.LAST_SPEED, menu_words.tps(last.tps) if last else ""),
        (words.TYPICAL_TODAY, menu_words.tps(typical) if typical else ""),
        (menu_words.FIRST_TOKEN, menu_words.after(first) if first else ""),
        (words.LAST_PROMPT, menu_words.tps(prompt_tps) if prompt_tps else ""),
        (menu_words.MEMORY, menu_words.peak(memory, units.size(peak)) if peak else memory),
        (menu_words.CONTEXT, words.IN_TOKENS.format(facts.context(model)[0]) if readings.context_tokens(model) else ""),
        (menu_words.LOAD_TIME, units.span(readings.median(model.load_times_s)) if model.load_times_s else ""),
        (words.UNLOADS, words.unloads(model.ttl_s, readings.unloads_in_s(server.snapshot, model, now_s=scene.now_s))),
        (menu_words.TODAY, menu_words.totals(sums.requests, sums.generated_tokens)),
        (menu_words.CACHED, units.percent(sums.cached_share) if sums.cached_share else ""),
        (menu_words.DRAFTS, units.percent(sums.draft_acceptance) if sums.draft_acceptance is not None else ""),
        (menu_words.ID, plain(model.id)),
        (menu_words.ALIASES, ", ".join(map(plain, model.info.aliases))),
        (words.LAST_FAILURE, plain(model.failure)),
    ]  # fmt: skip
    return [(label, value) for label, value in said if value and value != units.UNKNOWN]


def _memory_panel(history: History, model: Model, size: Size, *, now_s: float) -> List[Line]:
    values = recent(history, "memory_bytes", size.width - 3 - AXIS, now_s=now_s)
    top = max((value for value in values if value), default=1.0) * 1.1
    used = "" if model.memory_bytes is None else units.size(model.memory_bytes)
    body = marked(chart(values, top, height=size.height - 2), {})
    return frame(menu_words.MEMORY, used, body, size.width, below=(words.SINCE, ""))


def _listed(told: Facts, width: int, rows: int) -> List[Line]:
    """Return labels and values, in two columns if they fit."""
    room = max(LABEL, *(columns(label) for label, _ in told)) + 1
    lines = [Line((Span(f"   {pad(label, room)}", Style.DIM), Span(value))) for label, value in told]
    half = (len(lines) + 1) // 2
    if width < 100 or any(columns(one.text) > width // 2 - 2 for one in lines):
        return [Line(filled(one.spans, width)) for one in lines[:rows]]
    right = [*lines[half:], *[EMPTY] * half][:half]
    pairs = [Line((*filled(one.spans, width // 2), *two.spans)) for one, two in zip(lines[:half], right)]
    return pairs[:rows]

