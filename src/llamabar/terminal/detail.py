"""The page of one model, with its own charts, and the page of one request."""

from typing import List, Tuple

from llamabar.core import readings, units
from llamabar.core.history import History
from llamabar.core.phases import phases
from llamabar.core.state import Model, Request
from llamabar.core.totals import FIRST_TOKEN, GENERATION
from llamabar.terminal import facts, words
from llamabar.terminal.cells import EMPTY, Line, Span, Style, beside, columns, filled, line, pad
from llamabar.terminal.charts import chart, points_for, recent
from llamabar.terminal.panels import AXIS, frame, speed_panel
from llamabar.view import doing_words
from llamabar.view import words as menu_words
from llamabar.view.scene import Scene, Server
from llamabar.view.text import plain

LABEL = 18
CHART_ROWS = 8
Facts = List[Tuple[str, str]]


def model_page(
    scene: Scene, server: Server, model: Model, *, size: "tuple[int, int]", braille: bool
) -> List[Line]:
    """Return a model's page: what it does, its charts, what is known of it."""
    width, height = size
    state = facts.state(server, model, now_s=scene.now_s)
    title = line(
        Span(f" {server.label(model.id)}  ", Style.BOLD), Span(f"{state.sign} {state.words}{state.more}", state.style)
    )
    lines = [Line(filled(title.spans, width)), EMPTY]
    history = server.models.get(model.id)
    if history is not None and height >= 18:
        rows = min(CHART_ROWS, height // 3)
        left = width * 11 // 20
        speed = server.figures.speeds.get(model.id)
        chart_of_speed = speed_panel(history, speed, now_s=scene.now_s, size=(left, rows), braille=braille)
        memory = _memory_panel(history, model, now_s=scene.now_s, size=(width - left, rows), braille=braille)
        lines += [*beside(chart_of_speed, memory), EMPTY]
    return [*lines, *_listed(model_facts(scene, server, model), width, height - len(lines))]


def request_page(scene: Scene, server: Server, request: Request, *, size: "tuple[int, int]") -> List[Line]:
    """Return a request's page."""
    width, height = size
    phase = phases(server.snapshot)[request.info.id]
    said = doing_words.phase(phase, request.kind)
    title = line(
        Span(f" {words.request_label(plain(request.info.id))}  ", Style.BOLD),
        Span(f"{facts.phase_sign(phase)} {said}", facts.phase_style(phase)),
    )
    told: Facts = [
        ("Model", server.label(request.info.model)),
        ("Running for", units.duration(scene.now_s - request.started_s)),
        ("Tokens", facts.tokens(server, request, phase)),
        ("Answer", units.UNKNOWN if request.answer_bytes is None else f"{request.answer_bytes:,} bytes"),
        ("Path", plain(request.info.path) or units.UNKNOWN),
    ]
    return [Line(filled(title.spans, width)), EMPTY, *_listed(told, width, height - 2)]


def model_facts(scene: Scene, server: Server, model: Model) -> Facts:
    """Return what is known of a model, label and value; what nobody knows is left out."""
    sums = facts.today(server, scene, model.id)
    typical, first = sums.percentile(GENERATION), sums.percentile(FIRST_TOKEN)
    last = readings.last(model)
    peak = model.memory_peak_bytes
    said: Facts = [
        ("Last speed", menu_words.speed(last).replace("last ", "") if last else ""),
        ("Typical today", f"{units.rate(typical)} tok/s" if typical else ""),
        ("First token", f"after {units.span(first)}" if first else ""),
        ("Last prompt", f"{units.rate(_prompt_tps(model))} tok/s" if _prompt_tps(model) else ""),
        ("Memory", facts.memory(server, model)[0] + (f", peak {units.size(peak)}" if peak else "")),
        ("Context", facts.context(model)[0] + " tokens" if readings.context_tokens(model) else ""),
        ("Load time", units.span(readings.median(model.load_times_s)) if model.load_times_s else ""),
        ("Unloads", _unloads(server, model, scene.now_s)),
        ("Today", menu_words.totals(sums.requests, sums.generated_tokens)),
        ("From cache", f"{units.percent(sums.cached_share)} of prompts" if sums.cached_share else ""),
        ("Drafts accepted", units.percent(sums.draft_acceptance) if sums.draft_acceptance is not None else ""),
        ("ID", plain(model.id)),
        ("Aliases", ", ".join(map(plain, model.info.aliases))),
        ("Last failure", plain(model.failure)),
    ]  # fmt: skip
    return [(label, value) for label, value in said if value and value != units.UNKNOWN]


def _unloads(server: Server, model: Model, now_s: float) -> str:
    """Return "in 5 min", "after 10 min idle" or "never"."""
    said = doing_words.unload(model.ttl_s, readings.unloads_in_s(server.snapshot, model, now_s=now_s))
    return said.replace("unloads", "").strip()


def _prompt_tps(model: Model) -> "float | None":
    return model.meter.last.prompt_tps if model.meter.last is not None else None


def _memory_panel(
    history: History, model: Model, *, now_s: float, size: "tuple[int, int]", braille: bool
) -> List[Line]:
    width, height = size
    inner, rows = width - 2 - AXIS - 1, height - 2
    values = recent(history, "memory_bytes", points_for(inner, braille=braille), now_s=now_s)
    top = max((value for value in values if value), default=1.0) * 1.1
    drawn = chart(values, top, height=rows, braille=braille)
    used = "" if model.memory_bytes is None else units.size(model.memory_bytes)
    body = [(Span(" " * AXIS), Span(text, Style.CHART), Span(" ")) for text in drawn]
    return frame(words.MEMORY, used, body, width, below=(words.AGO, ""))


def _listed(told: Facts, width: int, rows: int) -> List[Line]:
    """Return labels and values, in two columns where there is room."""
    lines = [
        Line((Span(f"   {pad(label, LABEL - 2)}", Style.DIM), Span(value))) for label, value in told
    ]
    half = (len(lines) + 1) // 2
    if width < 100 or any(columns(one.text) > width // 2 - 2 for one in lines):
        return [Line(filled(one.spans, width)) for one in lines[:rows]]
    right = [*lines[half:], *[EMPTY] * half][:half]
    pairs = [Line((*filled(one.spans, width // 2), *two.spans)) for one, two in zip(lines[:half], right)]
    return pairs[:rows]

