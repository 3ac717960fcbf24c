"""Actions on a server: web UI, copying, unloading, profiles, the service; and llamabar's own submenu."""

from typing import List, Tuple

from llamabar.core.address import MODELS_PAGE
from llamabar.core.state import in_flight, loaded
from llamabar.view import palette, words
from llamabar.view.menu import Action, Do, Row
from llamabar.view.scene import Scene, Server
from llamabar.view.sections.items import asking, fact, in_terminal, item, service_known
from llamabar.view.sections.server import is_gone, start, startable
from llamabar.view.text import name


def rows(server: Server) -> Tuple[Row, ...]:
    """Return a server's currently possible actions. What no probe has confirmed isn't offered."""
    work = () if is_gone(server.snapshot) else (*_pages(server), *_unload_all(server), *_profiles(server))
    return (*work, *_service(server))


def _pages(server: Server) -> Tuple[Row, ...]:
    """Return the ways to the web UI and the API."""
    endpoint = item(server, palette.LINK, words.COPY_ENDPOINT, Do.COPY, target=server.url)
    page = Action(Do.OPEN, f"{server.url}{MODELS_PAGE}", server=server.name)
    return (
        Row(words.OPEN_UI, symbol=palette.WEB, action=page),
        item(server, palette.COPY, words.COPY_BASE_URL, Do.COPY, target=f"{server.url}/v1", alternate=endpoint),
    )


def _unload_all(server: Server) -> Tuple[Row, ...]:
    if not loaded(server.snapshot):
        return ()
    said = words.interrupts(in_flight(server.snapshot))
    return (asking(server, palette.EJECT, words.UNLOAD_ALL, words.UNLOAD_NOW, Do.UNLOAD_ALL, value=said),)


def _profiles(server: Server) -> Tuple[Row, ...]:
    snapshot = server.snapshot
    if not snapshot.profiles:
        return ()
    choices = tuple(
        Row(name(profile), symbol=palette.PROFILE, action=Action(Do.PROFILE, profile, server=server.name),
            checked=profile == snapshot.profile)
        for profile in snapshot.profiles
    )  # fmt: skip
    leave = (item(server, palette.CANCEL, words.NO_PROFILE, Do.PROFILE),) if snapshot.profile else ()
    active = name(snapshot.profile) if snapshot.profile else ""
    return (Row(words.PROFILE, active, palette.PROFILE, children=(*choices, *leave)),)


def _service(server: Server) -> Tuple[Row, ...]:
    """Return the service's submenu.

    If it isn't running, the first section offers to start it; this one does if something has to be fixed first.
    """
    service = server.snapshot.service
    if service is None or not service_known(server):
        return ()
    found: List[Row] = []
    if startable(server) and server.cause is not None and not server.cause.starts:
        found.append(start(server))
    if not is_gone(server.snapshot):
        said, label = words.interrupts(in_flight(server.snapshot)), service.label
        found = [
            asking(server, palette.RESTART, words.RESTART, words.RESTART_NOW, Do.RESTART, target=label, value=said),
            asking(server, palette.STOP, words.STOP, words.STOP_NOW, Do.STOP, target=label, value=said),
        ]
    found.append(in_terminal(server, palette.TERMINAL, words.LOG_IN_TERMINAL, "logs -f"))
    files = ((palette.FILE, words.OPEN_LOG, "log"), (palette.FILE, words.OPEN_CONFIG, "config"),
             (palette.FOLDER, words.OPEN_PLIST, "plist"))  # fmt: skip
    found += [item(server, symbol, text, Do.SHOW, target=what) for symbol, text, what in files]
    return (Row(words.SERVICE, symbol=palette.GEAR, children=tuple(found)),)


def about(scene: Scene) -> Row:
    """Return llamabar's own submenu."""
    server = scene.servers[0]
    found = [
        item(server, palette.GEAR, words.OPEN_SETTINGS, Do.SHOW, target="settings"),
        Row(words.DOCTOR, symbol=palette.DIAGNOSE, action=Action(Do.TERMINAL, "doctor", server=server.name)),
        Row(words.RELOAD, symbol=palette.RESTART, action=Action(Do.REFRESH, server=server.name)),
        Row(words.UNINSTALL, symbol=palette.REMOVE, action=Action(Do.TERMINAL, "uninstall", server=server.name)),
        *([fact(palette.ABOUT, words.VERSION, scene.version)] if scene.version else []),
    ]
    return Row(words.ABOUT, symbol=palette.MORE, children=tuple(found))
