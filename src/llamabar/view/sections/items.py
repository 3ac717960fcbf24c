"""Building blocks of rows: facts, actions, actions that ask first, and charts."""

from typing import Callable, Optional

from llamabar.core import units
from llamabar.core.history import BUCKETS, History, nice_ceiling, series
from llamabar.view import words
from llamabar.view.charts import SMALL, Chart, Scale, draw, scaled
from llamabar.view.menu import Action, Do, Image, Row
from llamabar.view.scene import Room, Scene, Server, recent_range

GB = 1e9
NO_PROMPT = Scale(top=" ")  # keeps the space, so that words next to a chart never move


def fact(symbol: str, label: str, value: str, *, tooltip: str = "", ambient: bool = False) -> Row:
    """Return a row that shows a fact and does nothing."""
    return Row(label, value, symbol, tooltip=tooltip, ambient=ambient)


def item(
    server: Server, symbol: str, text: str, do: Do, *, target: str = "", mark: str = "", value: str = "",
    alternate: Optional[Row] = None,
) -> Row:  # fmt: skip
    """Return a row with an action. While the action is under way, the row says so."""
    action = Action(do, target, server=server.name, mark=mark)
    return Row(text, words.ON_ITS_WAY if server.waits(action) else value, symbol, action=action, alternate=alternate)


def asking(server: Server, symbol: str, text: str, now: str, do: Do, *, target: str = "", value: str = "") -> Row:
    """Return a row that asks first: a submenu with one item, which says how many requests it interrupts."""
    found = item(server, symbol, now, do, target=target, value=value)
    waits = found.action is not None and server.waits(found.action)
    return Row(text, words.ON_ITS_WAY if waits else "", symbol, children=(found,))


def in_terminal(server: Server, symbol: str, text: str, command: str) -> Row:
    """Return a row that runs a llamabar command in Terminal."""
    return Row(text, symbol=symbol, action=Action(Do.TERMINAL, f"{command}{server.option}", server=server.name))


def service_known(server: Server) -> bool:
    """Tell whether there is a service that can be started and stopped from here."""
    service = server.snapshot.service
    return service is not None and bool(service.label)


def chart(
    server: Server, scene: Scene, reading: str, *, model: str = "", spec: Chart = SMALL, second: str = "",
    ceiling: Optional[float] = None,
) -> Optional[Image]:  # fmt: skip
    """Return the chart of a server's or model's reading, up to its newest complete point.

    None if it is small and the scene has no room for it.
    """
    if spec is SMALL and scene.room < (Room.CHARTS if model else Room.ALL):
        return None
    history = server.models.get(model, History()) if model else server.history
    point_s = history.bucket_s * (BUCKETS // spec.points)
    points = int(scene.now_s // point_s)

    def _draw() -> Image:
        shown_s = points * point_s - history.bucket_s / 2
        bars, line = _scale(history, reading, spec, shown_s, ceiling), Scale()
        if second:
            line = _scale(history, second, spec, shown_s, None)
            line = line if any(value is not None for value in line.values) else NO_PROMPT
        return Image(draw(spec, bars, line), bars.values)

    made_of = (points, len(history.buckets), spec, ceiling)
    return scene.remembered.part(("chart", server.name, model, reading), made_of, _draw)


def range_tooltip(
    server: Server, scene: Scene, reading: str, say: Callable[[float], str], *, model: str = ""
) -> str:  # fmt: skip
    """Return the lowest, highest and typical value of a reading's chart in words; "" without values or room."""
    if scene.room < Room.TOOLTIPS:
        return ""
    return words.range_words(recent_range(server, scene, reading, model=model), say)


def _scale(history: History, reading: str, spec: Chart, now_s: float, ceiling: Optional[float]) -> Scale:
    values = series(history, reading, points=spec.points, now_s=now_s)
    unit = GB if reading == "memory_bytes" else 1.0
    highest = max((value for value in values if value is not None), default=0.0)
    top = ceiling or nice_ceiling(highest / unit) * unit
    if not highest:  # a scale without values shows no maximum, but keeps its place
        return Scale(scaled(values, top), " ")
    said = "100" if reading.endswith("_ratio") else units.short_count(round(top / unit)).replace(".0", "")
    return Scale(scaled(values, top), f"{said}G" if reading == "memory_bytes" else said)
