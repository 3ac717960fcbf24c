"""What can be done: the web UI, copies, unloading everything, a fresh start of the watcher."""

from typing import List, Tuple

from llamabar.core import units
from llamabar.core.state import in_flight, loaded
from llamabar.view.menu import Action, Do, Row
from llamabar.view.scene import Server


def rows(server: Server) -> Tuple[Row, ...]:
    """Return the actions that can be done now; what no probe confirmed is not offered."""
    snapshot = server.snapshot
    found: List[Row] = []
    if snapshot.connected:
        found.append(Row("Open web UI", action=Action(Do.OPEN, f"{server.url}/ui/", server=server.name)))
    curl = f"curl -s {server.url}/v1/models"
    found.append(
        Row(
            "Copy endpoint",
            action=Action(Do.COPY, f"{server.url}/v1", server=server.name),
            alternate=Row("Copy as curl", action=Action(Do.COPY, curl, server=server.name)),
        )
    )
    running = in_flight(snapshot)
    lost = f": {units.plural(running, 'request')} will be lost" if running else ""
    if snapshot.connected and loaded(snapshot):
        found.append(Row(f"Unload all{lost}", action=Action(Do.UNLOAD_ALL, server=server.name)))
    if snapshot.connected and running and "cancel" in snapshot.confirmed:
        found.append(Row("Cancel all requests", action=Action(Do.CANCEL_ALL, server=server.name)))
    return tuple(found)
