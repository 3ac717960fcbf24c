"""What can be done: the web UI, copies, unloading, the service, and under "More" everything rarer."""

from typing import List, Optional, Tuple

from llamabar.core.state import in_flight, loaded
from llamabar.view import words
from llamabar.view.menu import Action, Do, Level, Row
from llamabar.view.scene import Scene, Server
from llamabar.view.text import name


def rows(server: Server, scene: Scene) -> Tuple[Row, ...]:
    """Return the actions that can be done now; what no probe confirmed is not offered."""
    return (
        *_profiles(server), *_pages(server), _copies(server), *_work(server), *_service(server), more(server, scene),
    )  # fmt: skip


def item(server: Server, text: str, do: Do, target: str = "", *, alternate: Optional[Row] = None) -> Row:
    """Return a row that does something; it says so while a click is on its way."""
    action = Action(do, target, server=server.name)
    return Row(words.asked(text, server.waits(action)), action=action, alternate=alternate)


def service_known(server: Server) -> bool:
    """Tell whether there is a service that can be started and stopped from here."""
    service = server.snapshot.service
    return service is not None and bool(service.label)


def start(server: Server) -> Row:
    """Return the item that starts the service."""
    return item(server, words.START, Do.START, _label(server))


def restart(server: Server) -> Row:
    """Return the item that restarts the service."""
    return item(server, words.RESTART + words.lost(in_flight(server.snapshot)), Do.RESTART, _label(server))


def _label(server: Server) -> str:
    return server.snapshot.service.label if server.snapshot.service is not None else ""


def _profiles(server: Server) -> Tuple[Row, ...]:
    snapshot = server.snapshot
    if not snapshot.connected or not snapshot.profiles:
        return ()
    choices = tuple(
        Row(name(profile), action=Action(Do.PROFILE, profile, server=server.name), checked=profile == snapshot.profile)
        for profile in snapshot.profiles
    )
    leave = (item(server, words.LEAVE_PROFILE, Do.PROFILE),) if snapshot.profile else ()
    active = name(snapshot.profile) if snapshot.profile else words.NO_PROFILE
    return (Row(f"{words.PROFILE}: {active}", children=(*choices, *leave)),)


def _pages(server: Server) -> Tuple[Row, ...]:
    """Return the way to the web UI: `/ui/models` is a page of the older ones, `#/models` of the newer."""
    if not server.snapshot.connected:
        return ()
    return (_page(server, words.OPEN_UI, words.MODELS_PAGE),)


def _page(server: Server, text: str, page: str) -> Row:
    return Row(text, action=Action(Do.OPEN, f"{server.url}/ui/{page}", server=server.name))


def _copies(server: Server) -> Row:
    endpoint = item(server, words.COPY_ENDPOINT, Do.COPY, server.url)
    return item(server, words.COPY_BASE_URL, Do.COPY, f"{server.url}/v1", alternate=endpoint)


def _work(server: Server) -> List[Row]:
    snapshot = server.snapshot
    running, found = in_flight(snapshot), []
    if snapshot.connected and loaded(snapshot):
        found.append(item(server, words.UNLOAD_ALL + words.lost(running), Do.UNLOAD_ALL))
    if snapshot.connected and running and "cancel" in snapshot.confirmed:
        found.append(item(server, words.CANCEL_ALL, Do.CANCEL_ALL))
    return found


def _service(server: Server) -> Tuple[Row, ...]:
    """Return the ways to restart and stop it; where it does not run its own section has the way to start it."""
    if not service_known(server) or not server.snapshot.connected:
        return ()
    lost = words.lost(in_flight(server.snapshot))
    return (
        restart(server),
        item(server, words.STOP + lost, Do.STOP, _label(server)),
    )


def more(server: Server, scene: Scene) -> Row:
    """Return the submenu of everything rarer."""
    connected = server.snapshot.connected
    found = [_page(server, text, page) for text, page in words.OPEN_PAGES] if connected else []
    if service_known(server):
        found += [
            Row(words.LOG_IN_TERMINAL, action=Action(Do.TERMINAL, f"logs -f{server.option}", server=server.name)),
            item(server, words.OPEN_LOG, Do.SHOW, "log"),
            item(server, words.OPEN_CONFIG, Do.SHOW, "config"),
            item(server, words.OPEN_PLIST, Do.SHOW, "plist"),
        ]
    found += [
        item(server, words.OPEN_SETTINGS, Do.SHOW, "settings"),
        Row(words.DOCTOR, action=Action(Do.TERMINAL, f"doctor{server.option}", server=server.name)),
        Row(words.REFRESH, action=Action(Do.REFRESH, server=server.name)),
    ]
    if scene.version:
        found.append(Row(f"{words.ABOUT} {scene.version}", level=Level.QUIET))
    return Row(words.MORE, children=tuple(found))
