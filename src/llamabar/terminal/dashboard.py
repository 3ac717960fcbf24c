"""Draws the whole window as lines. Its size decides which parts are shown; the scene fills them."""

from dataclasses import replace
from typing import List, NamedTuple, Optional, Tuple

from llamabar.terminal import controls, detail, facts, panels, plain, tables, words
from llamabar.terminal.cells import EMPTY, Line, Size, Span, Style, columns, filled, fit, length, line
from llamabar.terminal.facts import Thing
from llamabar.terminal.state import Level, Page, View
from llamabar.view.menu import MODEL
from llamabar.view.scene import Scene, Server
from llamabar.view.text import name

NARROWEST = 40  # a narrower window gets plain lines
PANELS_FROM, LINES_FROM = Size(96, 24), Size(70, 14)
PANEL_ROWS, PANEL_ROWS_MOST, REQUEST_ROWS = 7, 13, 6  # in lines; up to this many requests never move the tables
LEVELS = {Level.PLAIN: (Style.PLAIN, ""), Level.GOOD: (Style.GOOD, "✓ "), Level.BAD: (Style.BAD, "✗ ")}


class Shown(NamedTuple):
    """The lines of the window, and the view updated with what they show."""

    lines: List[Line]
    view: View


def draw(scene: Scene, view: View, size: Size) -> Shown:
    """Return exactly as many lines as the window has, none wider than it."""
    width, height = size
    server = facts.shown_server(scene, view.server)
    if width < NARROWEST or height < 4:
        texts = [fit(text, width) for text in plain.lines(scene)]
        return Shown([*map(line, texts), *[EMPTY] * height][:height], view)
    above = [panels.header(scene, server, width)]
    if len(scene.servers) > 1:
        above.append(panels.servers(scene, server, width))
    below = [_message(view, scene, server, width), _keys(view, scene, width)]
    room = height - len(above) - len(below)
    body, view = _body(scene, server, view, Size(width, room))
    return Shown([*above, *body, *[EMPTY] * room][: len(above) + room] + below, view)


def _body(scene: Scene, server: Server, view: View, size: Size) -> Tuple[List[Line], View]:
    if view.page is Page.HELP:
        return _help(size), view
    if view.page is Page.PROFILES:
        return _profiles(server, view, size.width), view
    found = _details(scene, server, view.selected, size) if view.page is Page.DETAILS else []
    if found:
        return found, view
    charts = _charts(scene, server, size)
    rest, view = _tables(scene, server, view, size._replace(height=size.height - len(charts)))
    return [*charts, *rest], view


def _details(scene: Scene, server: Server, one: Optional[Thing], size: Size) -> List[Line]:
    """Return the page of what is selected; [] if it is gone."""
    if one is None:
        return []
    if one.kind == MODEL:
        model = server.snapshot.models.get(one.id)
        return [] if model is None else detail.model_page(scene, server, model, size)
    request = facts.request_of(server.snapshot, one)
    return [] if request is None else detail.request_page(scene, server, request, size)


def _charts(scene: Scene, server: Server, size: Size) -> List[Line]:
    """Return speed and memory: panels with the lines the tables don't need, else one line each, or nothing."""
    width, height = size
    if width >= PANELS_FROM.width and height >= PANELS_FROM.height:
        spare = height - len(server.snapshot.models) - REQUEST_ROWS - 3
        rows = min(PANEL_ROWS_MOST, max(PANEL_ROWS, spare))
        return panels.panels(scene, server, Size(width, rows))
    if width < LINES_FROM.width or height < LINES_FROM.height:
        return []
    speed = panels.speed_line(server, now_s=scene.now_s, width=width)
    return [speed, panels.memory_line(server, width=width), EMPTY]


def _tables(scene: Scene, server: Server, view: View, size: Size) -> Tuple[List[Line], View]:
    """Return the tables of models and requests. If both scroll, requests get at most a third of the lines."""
    width, height = size
    models = facts.models(server, now_s=scene.now_s, sort=view.sort, wanted=view.filter)
    requests = facts.requests(server, wanted=view.filter)
    told = plain.trouble(server, now_s=scene.now_s)
    if told or not (models or requests):
        return tables.notice(told or _nothing(server, view), width, height), view
    room = height - 2  # each table has a header
    few = max(1, min(len(requests), max(room // 3, room - len(models))))
    many = max(1, room - few)
    chosen = view.selected
    seen = tables.visible([Thing(MODEL, model.id) for model in models], chosen, rows=many, start=view.top)
    found = tables.model_table(scene, server, models, seen, chosen=chosen, width=width)
    found += [EMPTY] if height > len(found) + few + 1 else []
    view = replace(view, top=seen.start, rows=many)
    if not requests:
        return [*found, tables.no_requests(scene, server, width)], view
    seen = tables.visible([facts.thing_of(request) for request in requests], chosen, rows=few)
    return [*found, *tables.request_table(scene, server, requests, seen, chosen=chosen, width=width)], view


def _nothing(server: Server, view: View) -> Tuple[str, ...]:
    if view.filter:
        return (words.NO_MATCH,)
    return words.NO_MODELS if server.snapshot.connected else ()


def _help(size: Size) -> List[Line]:
    width, rows = size
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
        wrong = words.TROUBLE_WITH.format(server.label(newest.id), state.words)
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


