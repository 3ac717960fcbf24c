"""Failures between a watcher and llama-swap: the network, and what answers in llama-swap's place."""

import time

from llamabar.core.cadence import BURST
from tests.fakes.programs import wait_for
from tests.faults.world import MISSING, STREAM, Fault, answers, listed
from tests.sources.test_faults import CASES

HTML = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>"
ENDLESS_HEADERS = b"HTTP/1.1 200 OK\r\nX: " + b"x" * 60_000
CONTINUES = b"HTTP/1.1 100 Continue\r\n\r\n" * 4_000
REFUSAL = b'{"error":"unauthorized: invalid or missing API key","src":"llama-swap"}'
KEYED = (
    b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="llama-swap"\r\n'
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(REFUSAL), REFUSAL)
)
SILENT = ("llama-swap: not responding", "Why: Timed out")
STRANGER = ("llama-swap: not a llama-swap server", "Address: check url")
RIGHT = ("c-3b: ready",)  # a model that only the faulty server has
UNLOADED = ("llama-swap: no model loaded",)


def nobody(world):
    world.proxy.refuse()
    yield
    world.proxy.listen()


def cut(world, **how):
    """A model disappears while disconnected: what is shown afterwards is new."""
    world.set_state("a-1b", "stopped", tell=False)
    again = world.reconnected()
    world.proxy.cut(**how)
    again()
    yield
    world.set_state("a-1b", "ready")


def reset(world):
    yield from cut(world, reset=True)


def half_closed(world):
    yield from cut(world, half=True)


def frozen_idle(world):
    """The connection freezes after all initial queries."""
    world.watcher.wait_for_row("Unload")
    time.sleep(2.0)
    yield from frozen(world)


def frozen(world):
    world.proxy.freeze()
    yield
    world.proxy.pass_on()


def frozen_at_work(world):
    world.watcher.wait_for_row("Unload")
    world.generate()
    world.watcher.wait_for_row("a-1b: generating")
    yield from frozen(world)


def never_answers(world):
    world.proxy.answer(b"", hold_s=60)
    world.start()
    yield
    world.proxy.pass_on()
    world.proxy.cut()


def elsewhere(url):
    def _happens(world):
        world.start(url or world.proxy.url.replace("http:", "https:"))
        yield

    return _happens


def in_pieces(piece, pause_s):
    def _happens(world):
        again = world.reconnected()
        world.proxy.trickle(piece, pause_s)
        again()
        world.set_state("a-1b", "stopped")
        yield
        world.proxy.pass_on()
        world.set_state("a-1b", "ready")

    return _happens


def flapping(world):
    """Disconnect ten times in three seconds: the menu must not be redrawn as often, and changes meanwhile are seen."""
    before = len(world.watcher.frames)
    world.set_state("a-1b", "stopped", tell=False)
    for _ in range(10):
        world.proxy.cut()
        time.sleep(0.3)
    assert len(world.watcher.frames) - before <= BURST + 4, "what may be shown at once, and one a second"
    yield
    world.set_state("a-1b", "ready")


def questions_fail(world):
    """Only the stream works: what no probe confirmed isn't offered."""
    body = STREAM + listed("c-3b")
    world.proxy.answer(lambda head: body if b"/api/events" in head else MISSING, hold_s=20)
    yield
    assert not any(item.text == "Unload" for item in world.watcher.items())
    world.proxy.pass_on()
    world.proxy.cut()


def running_lies(raw):
    """`/running` returns something impossible; the rest is right."""

    def _happens(world):
        body = STREAM + listed("c-3b")

        def _answer(head):
            return body if b"/api/events" in head else raw if b"GET /running" in head else MISSING

        world.proxy.answer(_answer, hold_s=2)
        wait_for(lambda: any("GET /running" in line for line in world.proxy.asked))
        yield
        world.proxy.pass_on()
        world.proxy.cut()

    return _happens


def stands_in_front(case):
    return answers(CASES[case][0])


NETWORK = (
    Fault("nobody listens any more", ("llama-swap: not responding", "Why: Connection refused"), 2, nobody),
    Fault("the connection is closed, and a model went meanwhile", UNLOADED, 3, cut),
    Fault("the connection is reset, and a model went meanwhile", UNLOADED, 3, reset),
    Fault("the server closes only its direction", UNLOADED, 3, half_closed),
    Fault("connections are taken and never answered", SILENT, 8, never_answers, early=True, well_s=10, slow=True),
    Fault("the server falls silent while idle", SILENT, 30, frozen_idle, well_s=10, slow=True),
    Fault("the server falls silent during a request", SILENT, 10, frozen_at_work, well_s=10, slow=True),
    Fault("the server falls silent right after it said hello", SILENT, 10, frozen, well_s=10, slow=True),
    Fault("each connection is closed at once", ("llama-swap: not responding", "Why: Connection closed"), 3,
          answers(b"")),
    Fault("the connection flaps, ten times in three seconds", UNLOADED, 3, flapping),
    Fault("one byte comes at a time", UNLOADED, 3, in_pieces(1, 0)),
    Fault("the link is slow: 4 kB a second", UNLOADED, 6, in_pieces(40, 0.01)),
    Fault("the host's name is unknown", ("Why: Host not found",), 8, elsewhere("http://no-such.invalid:1"),
          early=True, well_s=None),
    Fault("https:// to a server that speaks http", ("Why: Couldn't establish a secure connection (it doesn't speak",),
          3, elsewhere(""), early=True, well_s=None),
    Fault("a certificate nobody trusts", ("Why: The certificate isn't trusted", "Certificate: set ca_file"), 3,
          test="tests/sources/test_transport.py::test_what_is_wrong_with_a_certificate_is_said_in_words"),
    Fault("the port changes hands", ("llama-swap: not a llama-swap server",), 5,
          test="tests/app/test_bad_servers.py::"
          "test_a_port_that_changes_hands_does_not_get_the_key_that_its_first_owner_wanted"),
)  # fmt: skip
HTTP = (
    Fault("another program answers", STRANGER, 3, answers(HTML), well_s=20),
    Fault("it speaks SSH", STRANGER, 3, answers(b"SSH-2.0-OpenSSH_9.6\r\n"), well_s=20),
    Fault("it speaks nothing", STRANGER, 3, answers(b"\x00\xff" * 50), well_s=20),
    Fault("llama-swap wants a key", ("llama-swap: API key required", "API key: set"), 3, answers(KEYED), well_s=20),
    Fault("a proxy in front wants a password", ("llama-swap: sign-in required", "Sign-in: set basic_auth"), 3,
          stands_in_front("nginx, Basic auth"), well_s=20),
    Fault("a sign-in page stands in front", ("llama-swap: sign-in required",), 3,
          stands_in_front("a sign-in page"), well_s=20),
    Fault("access is denied in front", ("llama-swap: access denied",), 3, stands_in_front("an allow list"), well_s=20),
    Fault("it redirects to https://", ("Address: write https://",), 3, stands_in_front("https only"), well_s=20),
    Fault("it redirects to another path", ("Address: set url to where it redirects",), 3,
          stands_in_front("moved to a path of its own"), well_s=20),
    Fault("a gateway has no rule for the event stream", ("Gateway: let /api/ through",), 3,
          stands_in_front("a gateway without a rule for the event stream"), well_s=20),
    Fault("it limits the rate", ("Why: Too many requests (HTTP 429)",), 3, stands_in_front("a rate limit"), well_s=20),
    Fault("it fails inside", ("Why: Internal server error (HTTP 500)",), 3, stands_in_front("a server that fails")),
    Fault("a gateway cannot reach it", ("Why: The gateway can't reach llama-swap (HTTP 502)",), 3,
          stands_in_front("a gateway")),
    Fault("a gateway is in maintenance", ("Why: The gateway can't reach llama-swap (HTTP 503)",), 3,
          stands_in_front("a gateway in maintenance")),
    Fault("a wol-proxy says that its machine sleeps", ("Why: Asleep",), 3,
          answers(b"HTTP/1.1 204 No Content\r\n\r\n")),
    Fault("headers trickle without end", SILENT, 8, answers(ENDLESS_HEADERS, piece=50, pause_s=0.01), well_s=10,
          slow=True),
    Fault("100 Continue without end", SILENT, 8, answers(CONTINUES, piece=50, pause_s=0.01), well_s=10, slow=True),
    Fault("only the event stream works", RIGHT, 3, questions_fail),
    Fault("a question's answer is cut off", ("c-3b: ready",), 3,
          running_lies(b'HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n{"running":[')),
    Fault("a question's answer is 8 MB of nothing", ("c-3b: ready",), 3,
          running_lies(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 8_000_000)),
    Fault("a question's answer is nested without end", ("c-3b: ready",), 3,
          running_lies(b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 900_000)),
)  # fmt: skip
