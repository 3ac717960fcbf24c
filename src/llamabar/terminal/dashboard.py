"""Draws the whole window as lines. Its size decides which parts are shown; the scene fills them."""

from dataclasses import replace
from typing import List, NamedTuple, Sequence, Tuple

from llamabar.core.state import Model, Request
from llamabar.terminal import controls, detail, facts, panels, plain, tables, words
from llamabar.terminal.cells import EMPTY, Line, Span, Style, columns, filled, fit, length, line
from llamabar.terminal.facts import MODEL
from llamabar.terminal.state import Level, Page, View
from llamabar.view.scene import Scene, Server
from llamabar.view.text import name

NARROWEST = 40  # a narrower window gets plain lines
PANELS_FROM = (96, 24)  # columns and lines
PANEL_ROWS, PANEL_ROWS_MOST, REQUEST_ROWS = 7, 13, 6  # in lines; up to this many requests never move the tables
LINES_FROM = 14
LEVELS = {Level.PLAIN: (Style.PLAIN, ""), Level.GOOD: (Style.GOOD, "✓ "), Level.BAD: (Style.BAD, "✗ ")}


class Window(NamedTuple):
    """The size of the window, and whether it can show braille."""

    width: int
    height: int
    braille: bool = True


class Shown(NamedTuple):
    """The lines of the window, and the view updated with what they show."""

    lines: List[Line]
    view: View


def draw(scene: Scene, view: View, window: Window) -> Shown:
    """Return exactly as many lines as the window has, none wider than it."""
    width, height = window.width, window.height
    server = facts.shown_server(scene, view.server)
    if width < NARROWEST or height < 4:
        texts = [fit(text, width) for text in plain.lines(scene)]
        return Shown([*map(line, texts), *[EMPTY] * height][:height], view)
    above = [panels.header(scene, server, width)]
    if len(scene.servers) > 1:
        above.append(panels.servers(scene, server, width))
    below = [_message(view, scene, server, width), _keys(view, scene, width)]
    room = height - len(above) - len(below)
    body, view = _body(scene, server, view, window._replace(height=room))
    return Shown([*above, *body, *[EMPTY] * room][: len(above) + room] + below, view)


def _body(scene: Scene, server: Server, view: View, window: Window) -> Tuple[List[Line], View]:
    width, room = window.width, window.height
    if view.page is Page.HELP:
        return _help(width, room), view
    if view.page is Page.PROFILES:
        return _profiles(server, view, width), view
    if view.page is Page.DETAILS and view.selected is not None:
        found = _details(scene, server, view, window)
        if found:
            return found, view
    charts = _charts(scene, server, window, len(server.snapshot.models))
    rest, view = _tables(scene, server, view, window._replace(height=room - len(charts)))
    return [*charts, *rest], view


def _details(scene: Scene, server: Server, view: View, window: Window) -> List[Line]:
    one = view.selected
    size = (window.width, window.height)
    if one is not None and one.kind == MODEL and one.id in server.snapshot.models:
        model = server.snapshot.models[one.id]
        return detail.model_page(scene, server, model, size=size, braille=window.braille)
    request = None if one is None else facts.request_of(server.snapshot, one)
    return [] if request is None else detail.request_page(scene, server, request, size=size)


def _charts(scene: Scene, server: Server, window: Window, models: int) -> List[Line]:
    """Return speed and memory: panels with the lines the tables don't need, else one line each, or nothing."""
    width, height = window.width, window.height
    if width >= PANELS_FROM[0] and height >= PANELS_FROM[1]:
        rows = min(PANEL_ROWS_MOST, max(PANEL_ROWS, height - models - REQUEST_ROWS - 3))
        return panels.panels(scene, server, size=(width, rows), braille=window.braille)
    if height < LINES_FROM or width < 70:
        return []
    speed = panels.speed_line(server, now_s=scene.now_s, width=width, braille=window.braille)
    return [speed, panels.memory_line(server, width=width), EMPTY]


def _tables(scene: Scene, server: Server, view: View, window: Window) -> Tuple[List[Line], View]:
    """Return the tables of models and requests. If both scroll, requests get at most a third of the lines."""
    models = facts.models(server, now_s=scene.now_s, sort=view.sort, wanted=view.filter)
    requests = facts.requests(server, wanted=view.filter)
    trouble = plain.trouble(server, now_s=scene.now_s)
    if trouble:
        return tables.notice(trouble, window.width, window.height), view
    if not models and not requests:
        told = (words.NO_MATCH,) if view.filter else words.NO_MODELS if server.snapshot.connected else ()
        return tables.notice(told, window.width, window.height), view
    room = window.height - 2  # each table has a header
    few = min(len(requests), max(1, room // 3, room - len(models)))
    many = max(1, min(room - max(1, few), room))
    return _both(scene, server, view, (models, requests), (many, few), window)


def _both(
    scene: Scene, server: Server, view: View, rows: "tuple[Sequence[Model], Sequence[Request]]",
    room: "tuple[int, int]", window: Window,
) -> Tuple[List[Line], View]:  # fmt: skip
    (models, requests), (many, few), width = rows, room, window.width
    places = {facts.Thing(MODEL, model.id): at for at, model in enumerate(models)}
    chosen = view.selected
    shown = tables.visible(places.get(chosen) if chosen else None, len(models), many, view.top)
    found = tables.model_table(scene, server, models, shown, chosen=chosen, width=width, braille=window.braille)
    found += [EMPTY] if window.height > len(found) + few + 2 else []
    view = replace(view, top=shown.start, rows=many)
    if not requests:
        return [*found, tables.no_requests(scene, server, width)], view
    places = {facts.thing_of(request): at for at, request in enumerate(requests)}
    seen = tables.visible(places.get(chosen) if chosen else None, len(requests), few, 0)
    return [*found, *tables.request_table(scene, server, requests, seen, chosen=chosen, width=width)], view


def _help(width: int, rows: int) -> List[Line]:
    listed = [line(Span(f"   {keys:<16}", Style.KEY), Span(what)) for keys, what in words.HELP.items()]
    if len(listed) + 4 <= rows:
        shown = [line(Span(f" {words.HELP_TITLE}", Style.BOLD)), EMPTY, *listed, EMPTY]
    else:
        shown = listed[: max(0, rows - 1)]
    return [Line(filled(one.spans, width)) for one in (*shown, line(Span(f"   {words.ANY_KEY}", Style.DIM)))]


def _profiles(server: Server, view: View, width: int) -> List[Line]:
    found = [line(Span(f" {words.PROFILES}", Style.BOLD)), EMPTY]
    for profile in ("", *server.snapshot.profiles):
        here, active = profile == view.chosen, profile == (server.snapshot.profile or "")
        text = f"{' ▸ ' if here else '   '}{'✓ ' if active else '  '}{name(profile) if profile else words.NO_PROFILE}"
        found.append(Line(filled((Span(text, Style.BOLD if here else Style.PLAIN),), width), selected=here))
    return found


def _message(view: View, scene: Scene, server: Server, width: int) -> Line:
    """Return the bottom line: a question, the last key's result, the filter, a failure or a settings mistake."""
    if view.question is not None:
        return Line(filled((Span(f" {view.question.text}", Style.WARN),), width))
    if view.typing or (view.filter and not view.message):
        shown, every = (len(facts.models(server, now_s=scene.now_s, wanted=one)) for one in (view.filter, ""))
        text = words.FILTERED.format(view.filter + ("▏" if view.typing else ""), shown, every)
        return Line(filled((Span(f" {text}", Style.KEY),), width))
    if view.message:
        style, sign = LEVELS[view.level]
        return Line(filled((Span(f" {sign}{view.message}", style),), width))
    failed = [model for model in server.snapshot.models.values() if model.failed_at_s is not None]
    newest = max(failed, key=lambda model: model.failed_at_s or 0.0, default=None)
    told = scene.mistakes[0] if scene.mistakes else scene.notice
    if newest is not None:
        state = facts.state(server, newest, now_s=scene.now_s)
        wrong = words.TROUBLE_WITH.format(server.label(newest.id), state.words + state.more)
        told = wrong if state.style is Style.BAD else told
    return Line(filled((Span(f" {told}" if told else "", Style.WARN),), width))


def _keys(view: View, scene: Scene, width: int) -> Line:
    """Return the keys that work now, as many as fit; help and quit are always shown."""
    if view.question is not None:
        keys = [("y", words.DOES[view.question.action.do]), ("Esc", words.KEEP)]
        last: List[Tuple[str, str]] = []
    elif view.typing:
        keys, last = [("⏎", words.KEEP), ("Esc", words.SHOW_ALL)], []
    elif view.page is Page.HELP:
        keys, last = [], []
    elif view.page is Page.PROFILES:
        keys, last = [("↑↓", words.SELECT), ("⏎", words.CHOOSE), ("Esc", words.KEEP)], []
    else:
        keys, last = controls.offered(view, scene), [("?", words.HELPS), ("q", words.QUIT)]
    spans: List[Span] = [Span(" ")]
    left = width - 1 - sum(columns(key) + columns(word) + 3 for key, word in last)
    for key, word in keys:
        shown = (Span(key, Style.KEY), Span(f" {word}  ", Style.DIM))
        if length(shown) > left:
            break
        left -= length(shown)
        spans += shown
    for key, word in last:
        spans += [Span(key, Style.KEY), Span(f" {word}  ", Style.DIM)]
    return Line(filled(spans, width))


