"""What a server was found to be able to do, by name: what `status --json` lists and the menu may offer.

Names: events, load, unload_all (every llama-swap with an event stream has them: v135, facts section 2), unload_one,
cancel, profiles, wol_health, activity or metrics (finished requests by fetching), metrics_events (in the stream),
inflight_list, inflight_bytes, inflight_count (what is told of requests in flight), running_proxy, running_ttl.
"""

from typing import Tuple

from llamabar.core.state import Model, Snapshot

_WITH_EVENTS = ("events", "load", "unload_all")


def capabilities(snapshot: Snapshot) -> Tuple[str, ...]:
    """Return the names of everything confirmed in this connection, in order; none while there is no connection."""
    if not snapshot.connected:
        return ()
    models = snapshot.models.values()
    found = {*_WITH_EVENTS, *snapshot.confirmed}
    found |= {"running_proxy"} if any(model.proxy is not None for model in models) else set()
    found |= {"running_ttl"} if any(model.ttl_s is not None for model in models) else set()
    return tuple(sorted(found))


def loadable(snapshot: Snapshot, model: Model) -> bool:
    """Tell whether a model can be loaded by its path: not with empty segments, nor up to v158 with a slash.

    A peer's never: llama-swap passes the path on, and the peer answers with its own front page (measured on v250).
    The route that unloads one model (v161) shows that ids with slashes are understood (facts, section 11).
    """
    segments = model.id.split("/")
    if model.info.peer:
        return False
    return len(segments) == 1 or (all(segments) and "unload_one" in snapshot.confirmed)
