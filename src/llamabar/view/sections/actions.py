"""What can be done: the web UI, copies, unloading, the service, and under "More" everything rarer."""

from typing import List, Optional, Tuple

from llamabar.core.state import in_flight, loaded
from llamabar.view import words
from llamabar.view.menu import Action, Do, Level, Row
from llamabar.view.scene import Scene, Server
from llamabar.view.text import name


def rows(server: Server, scene: Scene) -> Tuple[Row, ...]:
    """Return the actions that can be done now; what no probe confirmed is not offered."""
    return (*_profiles(server), *_pages(server), *_work(server), *_service(server), _more(server, scene))


def item(server: Server, text: str, do: Do, *, target: str = "", alternate: Optional[Row] = None) -> Row:
    """Return a row that does something; it says so while a click is on its way."""
    action = Action(do, target, server=server.name)
    shown = f"{text} ({words.ON_ITS_WAY})" if server.waits(action) else text
    return Row(shown, action=action, alternate=alternate)


def service_item(server: Server, text: str, do: Do) -> Row:
    """Return the item that starts, stops or restarts the service, and says whom that interrupts."""
    service = server.snapshot.service
    interrupted = None if do is Do.START else in_flight(server.snapshot)
    return item(server, words.interrupting(text, interrupted), do, target=service.label if service else "")


def service_known(server: Server) -> bool:
    """Tell whether there is a service that can be started and stopped from here."""
    service = server.snapshot.service
    return service is not None and bool(service.label)


def in_terminal(server: Server, text: str, command: str) -> Row:
    """Return the item that runs a command of ours in a terminal."""
    return Row(text, action=Action(Do.TERMINAL, f"{command}{server.option}", server=server.name))


def _profiles(server: Server) -> Tuple[Row, ...]:
    snapshot = server.snapshot
    if not snapshot.connected or not snapshot.profiles:
        return ()
    choices = tuple(
        Row(name(profile), action=Action(Do.PROFILE, profile, server=server.name), checked=profile == snapshot.profile)
        for profile in snapshot.profiles
    )
    leave = (item(server, words.NO_PROFILE, Do.PROFILE),) if snapshot.profile else ()
    active = name(snapshot.profile) if snapshot.profile else words.NONE
    return (Row(f"{words.PROFILE}: {active}", children=(*choices, *leave)),)


def _pages(server: Server) -> Tuple[Row, ...]:
    """Return the ways to the web UI, where there is an address; `/ui/models` is a page of older versions, `#/models` of
    newer ones.
    """
    endpoint = item(server, words.COPY_ENDPOINT, Do.COPY, target=server.url)
    copies = item(server, words.COPY_BASE_URL, Do.COPY, target=f"{server.url}/v1", alternate=endpoint)
    page = (_page(server, words.OPEN_UI, words.MODELS_PAGE),) if server.snapshot.connected else ()
    return (*page, copies) if server.url else ()


def _page(server: Server, text: str, page: str) -> Row:
    return Row(text, action=Action(Do.OPEN, f"{server.url}/ui/{page}", server=server.name))


def _work(server: Server) -> List[Row]:
    snapshot = server.snapshot
    running, found = in_flight(snapshot), []
    if snapshot.connected and loaded(snapshot):
        found.append(item(server, words.interrupting(words.UNLOAD_ALL, running), Do.UNLOAD_ALL))
    if snapshot.connected and running and "cancel" in snapshot.confirmed:
        found.append(item(server, words.CANCEL_ALL, Do.CANCEL_ALL))
    return found


def _service(server: Server) -> Tuple[Row, ...]:
    """Return the ways to restart and stop it; where it does not run its own section has the way to start it."""
    if not service_known(server) or not server.snapshot.connected:
        return ()
    return service_item(server, words.RESTART, Do.RESTART), service_item(server, words.STOP, Do.STOP)


def _more(server: Server, scene: Scene) -> Row:
    found = [_page(server, *page) for page in words.OPEN_PAGES] if server.snapshot.connected else []
    if service_known(server):
        found.append(in_terminal(server, words.LOG_IN_TERMINAL, "logs -f"))
        files = ((words.OPEN_LOG, "log"), (words.OPEN_CONFIG, "config"), (words.OPEN_PLIST, "plist"))
        found += [item(server, text, Do.SHOW, target=what) for text, what in files]
    found += [
        item(server, words.OPEN_SETTINGS, Do.SHOW, target="settings"),
        in_terminal(server, words.DOCTOR, "doctor"),
        Row(words.RELOAD, action=Action(Do.REFRESH, server=server.name)),
    ]
    if scene.version:
        found.append(Row(f"{words.ABOUT} {scene.version}", level=Level.QUIET))
    return Row(words.MORE, children=tuple(found))
