"""Turns a scene into a menu: a title for the busiest server, then each server's sections, in a fixed order."""

from typing import List, Tuple

from llamabar.core import readings
from llamabar.core.apply_models import SHOWN_S, has_quit
from llamabar.core.history import series
from llamabar.core.state import STARTING, Snapshot, in_flight, loaded
from llamabar.core.status import BUSY, RULES, Status
from llamabar.view import charts, doing_words, palette, words
from llamabar.view.menu import SEPARATOR, Action, Do, Image, Menu, Row, Title
from llamabar.view.scene import Scene, Server
from llamabar.view.sections import actions, activity, models, requests, server
from llamabar.view.text import name, reason

TITLE_CHART = charts.Chart(30, 4, 32)

_BUSIEST: Tuple[Status, ...] = (
    *BUSY,
    Status.READY,
    Status.EMPTY,
    *tuple(status for status, _ in RULES),  # a server that is down never takes precedence over a working one
)


def compose(scene: Scene) -> Menu:
    """Return the menu of a scene. Parts that haven't changed since its last menu are reused."""
    scene.remembered.turn()
    shown = next((one for one in scene.servers if one.only or one.name == scene.options.expand), None)
    others = tuple(_folded(one, scene) for one in scene.servers if one is not shown)
    here = activity.memory(scene)
    today = None if shown is None else activity.today(shown, scene)
    middle = tuple(row for row in (here, today) if row is not None)
    sections: List[Tuple[Row, ...]] = [_mistakes(scene)]
    if shown is None:
        sections += [others, middle, (actions.about(scene),)]
    else:
        there = not server.is_gone(shown.snapshot)
        sections += [
            server.rows(shown, scene),
            models.rows(shown, scene) if there else server.instead(shown, scene),
            (*((requests.row(shown, scene),) if there else ()), *middle),
            others,
            (*actions.rows(shown), actions.about(scene)),
        ]
    if scene.notice:
        sections.append((Row(words.UPDATE, reason(scene.notice), palette.ABOUT),))
    return Menu(title(scene), tuple(section for section in sections if section))


def _mistakes(scene: Scene) -> Tuple[Row, ...]:
    said = (f"{words.SETTINGS}: {reason(mistake)}" for mistake in scene.mistakes)
    mistakes = [Row(one, symbol=palette.FAILED, warning=True) for one in said]
    opens = Row(words.OPEN_SETTINGS, symbol=palette.GEAR, action=Action(Do.SHOW, "settings"))
    return (*mistakes, opens) if mistakes else ()


def _folded(one: Server, scene: Scene) -> Row:
    doing, status = server.doing(one, scene.now_s), words.status(one.snapshot, one.status)
    said = words.summary(one.status, status, doing)
    more = server.rows(one, scene)[1:]
    if server.is_gone(one.snapshot):
        children = (*more, *server.instead(one, scene), *actions.rows(one))
    else:
        today = activity.today(one, scene)
        children = (
            *more, *models.rows(one, scene), SEPARATOR, requests.row(one, scene), *((today,) if today else ()),
            SEPARATOR, *actions.rows(one),
        )  # fmt: skip
    return server.head(one, scene, name(one.name), said, *children, SEPARATOR)


def busiest(scene: Scene) -> Server:
    """Return the busiest server, which the title is about."""
    return min(scene.servers, key=lambda shown: _BUSIEST.index(shown.status))


def title(scene: Scene) -> Title:
    """Return the title: always a symbol; fixed-width text only while something happens."""
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
    """Return the symbol of the status; a warning after a failure, while idle and if nothing was loaded since."""
    quiet = shown.status in (Status.READY, Status.EMPTY)
    return palette.FAILED if quiet and _failed_lately(shown.snapshot, now_s) else palette.SYMBOLS[shown.status]


def _failed_lately(snapshot: Snapshot, now_s: float) -> bool:
    found = [one.quit_at_s for one in snapshot.models.values() if has_quit(one, now_s=now_s)]
    found += [one.failed_at_s for one in snapshot.models.values()]
    last_s = max((at_s for at_s in found if at_s is not None), default=None)
    if last_s is None or now_s - last_s >= SHOWN_S:
        return False
    return not any((one.ready_s or 0.0) > last_s for one in snapshot.models.values())


def _title_image(shown: Server, scene: Scene) -> Image:
    """Return the newest part of the speed chart."""

    def _draw() -> Image:
        values = series(shown.history, "generation_tps", points=150, now_s=scene.now_s)[-TITLE_CHART.points :]
        top = max((value for value in values if value is not None), default=0.0) or 1.0
        scale = charts.Scale(charts.scaled(values, top))
        return Image(charts.draw(TITLE_CHART, scale), scale.values)

    moved = (int(scene.now_s // (2 * shown.history.bucket_s)), len(shown.history.buckets))
    return scene.remembered.part(("title", shown.name), moved, _draw)


def _title_text(shown: Server, scene: Scene) -> str:
    snapshot, status = shown.snapshot, shown.status
    if status is Status.LOADING:
        since = [readings.loading_for_s(one, now_s=scene.now_s) for one in loaded(snapshot) if one.state == STARTING]
        return doing_words.title_loading(max((s for s in since if s is not None), default=None))
    if status is Status.PROMPT:
        positions = [readings.prompt_position(model) for model in loaded(snapshot)]
        return doing_words.title_prompt(sum(position or 0 for position in positions) or None)
    if status is Status.GENERATING:
        if scene.title == "model" and shown.figures.speeds:
            label = name(shown.label(next(iter(shown.figures.speeds))), doing_words.TITLE_CHARS)
            return label.ljust(doing_words.TITLE_CHARS)
        return doing_words.title_speed(shown.figures.total)
    if status is Status.QUEUED:
        return doing_words.title_queued(in_flight(snapshot))
    return doing_words.title_unloading() if status is Status.STOPPING and snapshot.connected else ""


def fault_menu(kind: str, place: str) -> Menu:
    """Return the menu for an internal error. It leaves out the exception's text, which may hold secrets."""
    said = Row(words.internal_error(kind, place), symbol=palette.FAILED)
    return Menu(Title(palette.FAILED, "", words.FAULT_TITLE), ((said, Row(words.FAULT_GOES_ON, symbol=palette.ABOUT)),))
