"""From a scene to a menu: one title for the busiest server, then each server's sections, in an order that stays."""

from typing import List, Tuple

from llamabar.core import readings
from llamabar.core.apply_models import has_quit
from llamabar.core.history import series
from llamabar.core.phases import Phase, phases
from llamabar.core.state import STARTING, in_flight, loaded
from llamabar.core.status import BUSY, RULES, Status
from llamabar.view import sparkline, words
from llamabar.view.menu import Action, Do, Image, Level, Menu, Row, Title
from llamabar.view.palette import QUIT, SYMBOLS
from llamabar.view.scene import Scene, Server
from llamabar.view.sections import actions, activity, models, requests, server
from llamabar.view.text import name, reason

TITLE_POINTS = 30

_BUSIEST: Tuple[Status, ...] = (
    *BUSY,
    Status.READY,
    Status.EMPTY,
    *tuple(status for status, _ in RULES),  # a server that is down never outshines one that works
)


def compose(scene: Scene) -> Menu:
    """Return the menu of a scene."""
    mistakes = [Row(f"{words.SETTINGS}: {reason(said)}", level=Level.WARNING) for said in scene.mistakes]
    settings = [Row(words.OPEN_SETTINGS, action=Action(Do.SHOW, "settings"))] if mistakes else []
    sections: List[Tuple[Row, ...]] = [(*mistakes, *settings)]
    for shown in scene.servers:
        snapshot = shown.snapshot
        gone = not snapshot.connected and snapshot.last_seen_s is not None
        as_of_s = (snapshot.last_seen_s or 0.0) if gone else scene.now_s  # what is old does not grow older below
        sections += [
            server.rows(shown, now_s=scene.now_s),
            # One section: a separator that came and went would move all those below it in an open menu.
            models.rows(shown, now_s=as_of_s) + requests.rows(shown, now_s=as_of_s),
            activity.rows(shown, scene),
            actions.rows(shown, scene),
        ]
    if scene.notice:
        sections.append((Row(f"{words.UPDATE}: {reason(scene.notice)}"),))
    return Menu(title(scene), tuple(section for section in sections if section))


def busiest(scene: Scene) -> Server:
    """Return the server that the title speaks of: the one where most happens."""
    return min(scene.servers, key=lambda shown: _BUSIEST.index(shown.status))


def title(scene: Scene) -> Title:
    """Return the title: a symbol always; text only while something happens."""
    shown = busiest(scene)
    label = words.SERVER if shown.only else name(shown.name)
    text = "" if scene.title == "icon" else _title_text(shown, scene)
    return Title(
        _symbol(shown, scene.now_s),
        text,
        spoken=f"{label} {words.status(shown.snapshot, shown.status)} {text}".strip(),
        image=_title_image(shown, scene) if text and scene.title == "sparkline" else None,
        key=scene.key,
    )


def _symbol(shown: Server, now_s: float) -> str:
    """Return the symbol of a status; a warning while nothing happens and a model's server has quit."""
    quiet = shown.status in (Status.READY, Status.EMPTY)
    crashed = quiet and any(has_quit(model, now_s=now_s) for model in shown.snapshot.models.values())
    return QUIT if crashed else SYMBOLS[shown.status]


def _title_image(shown: Server, scene: Scene) -> Image:
    """Return the newest part of the speed's chart."""
    values = series(shown.history, "generation_tps", points=150, now_s=scene.now_s)[-TITLE_POINTS:]
    scaled = sparkline.scaled(values)
    return Image(sparkline.draw(scaled), scaled)


def _title_text(shown: Server, scene: Scene) -> str:
    snapshot = shown.snapshot
    if shown.status is Status.LOADING:
        since = [
            readings.loading_for_s(model, now_s=scene.now_s) for model in loaded(snapshot) if model.state == STARTING
        ]
        return words.title_loading(max((s for s in since if s is not None), default=None))
    if shown.status is Status.PROMPT:
        positions = [readings.prompt_position(model) for model in loaded(snapshot)]
        return words.title_prompt(sum(position or 0 for position in positions) or None)
    if shown.status is Status.GENERATING:
        waiting = sum(1 for phase in phases(snapshot).values() if phase in (Phase.QUEUED, Phase.LOADING))
        speed = words.title_speed(shown.figures.total)
        if scene.title == "model":
            speed = name(shown.label(next(iter(shown.figures.speeds))), 16) if shown.figures.speeds else speed
        return speed + (f" +{waiting}" if waiting else "")
    if shown.status is Status.QUEUED:
        return words.title_queued(in_flight(snapshot))
    return ""
