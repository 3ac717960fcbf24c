"""After sleep, or if the other computer disappears silently, an open connection isn't trusted."""

import socket

import pytest

from llamabar.app.loop import Watch
from llamabar.core.events import Fault, FaultKind
from llamabar.settings.load import ServerSettings, Settings
from llamabar.sources import clock
from llamabar.sources.client import Client
from llamabar.sources.stream import LONGEST_WAIT_OTHERS_S, LONGEST_WAIT_S, WOKEN_WAIT_S
from tests.fakes.programs import llama_swap, wait_for


@pytest.fixture(name="asleep_s")
def a_clock_that_goes_on_in_sleep(monkeypatch):
    """Count the seconds that the computer slept; monotonic time doesn't include them."""
    slept = [0.0]
    monkeypatch.setattr(clock, "passing_s", lambda: clock.now_s() + slept[0])
    return slept


def test_a_computer_that_slept_connects_anew_at_its_next_turn(asleep_s):
    with llama_swap() as server:
        watch = Watch(Settings((ServerSettings("one", server.url),)), lambda *_: None)
        watch.start()
        try:
            wait_for(lambda: server.requests.count(("GET", "/api/events")) == 1 and server.world.listeners)
            for seconds in (0.0, 3.0):
                asleep_s[0] += seconds
                watch.step(clock.now_s())
            assert server.requests.count(("GET", "/api/events")) == 1
            wait_for(lambda: watch.connections["one"].stream.is_open)
            asleep_s[0] += 8 * 3600.0
            watch.step(clock.now_s())
            wait_for(lambda: server.requests.count(("GET", "/api/events")) == 2)
        finally:
            watch.close()


ENDS_BY_ITSELF = {
    FaultKind.REFUSED, FaultKind.TIMEOUT, FaultKind.UNKNOWN_HOST, FaultKind.SERVER_ERROR, FaultKind.GATEWAY,
    FaultKind.CLOSED, FaultKind.LAGGING, FaultKind.ASLEEP, FaultKind.NO_ADDRESS, FaultKind.NO_ROUTE,
}  # fmt: skip


def test_after_sleep_connecting_is_retried_twice_a_second(asleep_s):
    stream = Watch(Settings((ServerSettings("one", "http://127.0.0.1:9"),)), lambda *_: None).connections["one"].stream
    waits = {kind: stream._longest_wait_s(Fault(kind)) for kind in FaultKind}
    assert {*waits.values()} == {LONGEST_WAIT_S, LONGEST_WAIT_OTHERS_S}
    assert {kind for kind, wait_s in waits.items() if wait_s == LONGEST_WAIT_S} == ENDS_BY_ITSELF
    stream.wake()
    assert stream._longest_wait_s(Fault(FaultKind.REFUSED)) == WOKEN_WAIT_S <= 0.5
    assert asleep_s


def test_the_system_looks_whether_the_other_computer_is_there():
    with llama_swap() as server:
        stream = Client(server.url).open_stream()
        stream.wait_for(None)
        held = stream._deadline.socket
        idle = getattr(socket, "TCP_KEEPIDLE", 0x10)
        said = [held.getsockopt(socket.IPPROTO_TCP, name) for name in (idle, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)]
        assert held.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) and said[0] + said[1] * said[2] <= 25
        stream.close()
