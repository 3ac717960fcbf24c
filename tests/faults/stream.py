"""Errors in the event stream itself: its framing, its order, its size, its content."""

from tests.faults.world import Fault, event, listed, speaks

RIGHT = ("c-3b: ready",)  # a model that only the faulty stream has
UPSERT = {"operation": "upsert", "request": {"id": "7", "model": "c-3b", "resp_bytes": 900, "elapsed_ms": 10}}
REMOVE = {"operation": "remove", "id": "7"}
HOSTILE = ("a|b bash=/bin/sh", "---", "~~~", ":bolt:", "x\n--y|bash=/bin/sh", "\x1b]52;c;eA==\x07", "\u202eevil")
ODD = {"id": 5, "model": "c-3b", "resp_bytes": "12", "elapsed_ms": "x", "resp_headers": 7}
HUGE = {"id": "8", "model": "c-3b", "resp_bytes": 1 << 70, "elapsed_ms": -1e308, "timestamp": "9999-99-99"}


def many_requests():
    """Twenty thousand requests in flight, as an event."""
    requests = [{"id": str(n), "model": "c-3b", "resp_bytes": n, "elapsed_ms": n} for n in range(20_000)]
    return event("inflight", {"operation": "snapshot", "requests": requests})


def many_models():
    """A hundred thousand models that aren't loaded, and one that is, as an event."""
    stopped = [{"id": f"m{n}", "state": "stopped"} for n in range(100_000)]
    return event("modelStatus", [{"id": "c-3b", "state": "ready"}, *stopped])


def lost(world):
    """A request ends without an event: it is gone with the next stream."""
    world.generate()
    world.watcher.wait_for_row("Request")
    again = world.reconnected()
    world.server.world.hang_up()
    again()
    yield
    assert not world.watcher.row("Request 7")


def flood(world):
    """Four megabytes of log between two states."""
    for _ in range(40):
        world.server.world.log("upstream", "x" * 100_000 + "\n")
    world.set_state("a-1b", "stopped")
    yield
    world.set_state("a-1b", "ready")


def burst(world):
    """Nine hundred changes at once: the newest counts."""
    for number in range(900):
        world.generate(resp_bytes=number)
    world.server.world.publish("inflight", REMOVE)
    world.set_state("a-1b", "stopping")
    yield
    world.set_state("a-1b", "ready")


def hostile(world):
    yield from speaks(listed("c-3b"), listed("c-3b", *HOSTILE))(world)
    assert not any("/bin/sh" in str(item.bash) for item in world.watcher.items())
    assert "\x1b" not in world.watcher.text and "\u202e" not in world.watcher.text


SSE = (
    Fault("the stream is cut in mid-event", ("llama-swap: not responding", "Last update: just now, c-3b"), 3,
          speaks(listed("c-3b"), listed("c-3b", "d-4b")[:-30], hold_s=0)),
    Fault("an event without end", RIGHT, 6,
          speaks(listed("c-3b"), b"data:" + b"x" * 17_000_000, hold_s=1)),
    Fault("a stream of comments and no events", ("llama-swap: not a llama-swap server",), 8,
          speaks(b": ping\n\n" * 400, piece=8, pause_s=0.1), well_s=20, slow=True),
    Fault("a stream that says nothing", ("llama-swap: not a llama-swap server",), 8, speaks(), well_s=20, slow=True),
    Fault("line ends are CR LF", RIGHT, 3, speaks(listed("c-3b").replace(b"\n", b"\r\n"))),
    Fault("the end of a request is never told", ("a-1b: ready",), 3, lost),
    Fault("a request ends before it began", RIGHT, 3,
          speaks(listed("c-3b"), event("inflight", REMOVE), event("inflight", UPSERT), event("inflight", REMOVE))),
    Fault("everything is said twice", ("c-3b: generating", "Requests: 1 active"), 3,
          speaks(*[listed("c-3b"), event("inflight", UPSERT)] * 2)),
    Fault("4 MB of log come in between", ("llama-swap: no model loaded",), 3, flood),
    Fault("900 events at once", ("a-1b: unloading",), 3, burst),
)  # fmt: skip
CONTENT = (
    Fault("an event and a state that nobody knows", ("odd: dreaming", "c-3b: ready"), 3,
          speaks(event("futureThing", {"x": 1}), event("modelStatus", [{"id": "odd", "state": "dreaming"},
                                                                       {"id": "c-3b", "state": "ready"}]))),
    Fault("what is no JSON", RIGHT, 3,
          speaks(b'event:message\ndata:{"type":"modelStatus","data":"[{\\"id\\":"}\n\n', listed("c-3b"))),
    Fault("what is no UTF-8", RIGHT, 3, speaks(listed("c-3b"), b"event:message\ndata:\xff\xfe not utf-8\n\n")),
    Fault("JSON nested without end", RIGHT, 3,
          speaks(listed("c-3b"), b'event:message\ndata:{"type":"inflight","data":"' + b"[" * 90_000 + b'"}\n\n')),
    Fault("fields of other types", ("c-3b: generating",), 3,
          speaks(listed("c-3b"), event("modelStatus", [7, None, {"state": "ready"}, {"id": "c-3b", "state": "ready"}]),
                 event("inflight", {"operation": "upsert", "request": ODD}))),
    Fault("figures that cannot be", ("c-3b:", "Request"), 3,
          speaks(listed("c-3b"), event("inflight", {"operation": "upsert", "request": HUGE}))),
    Fault("names that would be a menu, a command or an escape", RIGHT, 3, hostile),
    Fault("100,000 models", ("c-3b: ready", "Load Model: 100,000"), 8, speaks(many_models), well_s=10),
    Fault("20,000 requests in flight", ("c-3b: generating",), 8, speaks(listed("c-3b"), many_requests), well_s=10),
    Fault("no models at all", ("llama-swap: no model loaded",), 3, speaks(listed())),
)  # fmt: skip
