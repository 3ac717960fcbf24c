"""Read a server's current state once: open its event stream, read until the state is as wanted, and close it."""

from dataclasses import replace
from typing import Callable, Optional

from llamabar.core import events as ev
from llamabar.core.capabilities import Capability
from llamabar.core.decode import decode_event
from llamabar.core.snapshot import apply
from llamabar.core.sse import EventSplitter
from llamabar.core.state import Snapshot
from llamabar.sources import clock
from llamabar.sources.client import Client, Stream, Unreachable

FIRST_STATE_S = 5.0


def state_when(
    client: Client, wanted: Callable[[Snapshot], bool], *, within_s: float, requests: bool = False,
    opened: Optional[Callable[[Stream], None]] = None,
) -> Snapshot:  # fmt: skip
    """Return the first state that is `wanted`, else the one after `within_s`; raise Unreachable if none can be read.

    `requests`: also wait for the list of requests in flight, which comes after the models. `opened` gets the stream;
    closing it ends the wait.
    """
    began_s, splitter = clock.now_s(), EventSplitter()
    snapshot = apply(Snapshot(), ev.StreamOpened(), began_s)
    stream = replace(client).open_stream()  # a copy, because it finds out again whether the key is required
    if opened is not None:
        opened(stream)
    try:
        while True:
            told = not snapshot.table_is_new and (not requests or Capability.INFLIGHT_LIST in snapshot.confirmed)
            passed_s = clock.now_s() - began_s
            if (wanted(snapshot) or passed_s >= within_s) if told else passed_s >= FIRST_STATE_S:
                return snapshot
            stream.wait_for(max(0.01, (within_s if told else FIRST_STATE_S) - passed_s))
            try:
                piece = stream.read()
            except Unreachable:
                if told:
                    return snapshot  # nothing more has happened
                raise
            if not piece:
                return snapshot
            for payload in splitter.feed(piece):
                event = decode_event(client.without_secrets(payload))
                snapshot = snapshot if event is None else apply(snapshot, event, clock.now_s())
    finally:
        stream.close()
