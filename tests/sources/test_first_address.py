"""A host of several addresses: whichever takes a connection first is used, at once. Real sockets on 127.0.0.0/8."""

import contextlib
import socket
import time

import pytest

from llamabar.core.events import FaultKind
from llamabar.sources import first_address
from llamabar.sources.client import Client, Unreachable
from tests.fakes.programs import free_port, llama_swap

HOST = "several.test"


@contextlib.contextmanager
def silent(port, at):
    """Listen and take no connection: its queue is full, so the system answers nobody."""
    with socket.socket() as listener, contextlib.ExitStack() as waiting:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((at, port))
        listener.listen(0)
        for _ in range(3):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex((at, port))
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if not probe.connect_ex((at, port)):
                pytest.skip("this system takes connections for a full queue")
        yield


@pytest.fixture
def named(monkeypatch):
    """Let the host stand for some addresses, as the system's resolver would."""

    def name(*addresses):
        ask = socket.getaddrinfo
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", at) for at in addresses]
        monkeypatch.setattr(
            socket, "getaddrinfo", lambda host, *words, **more: found if host == HOST else ask(host, *words, **more)
        )

    return name


def connects_within(seconds, port):
    began_s = time.monotonic()
    stream = Client(f"http://{HOST}:{port}").open_stream()
    stream.close()
    return time.monotonic() - began_s < seconds


def test_a_silent_address_and_one_that_refuses_cost_a_moment_whichever_comes_first(named):
    with llama_swap() as server:
        port, refuses = server.server_address[1], ("127.0.0.1", free_port())
        dead = free_port()
        with silent(dead, "127.0.0.1"):
            named(("127.0.0.1", dead), refuses, ("127.0.0.1", port))
            assert connects_within(1.5, port)
            named(("127.0.0.1", port), ("127.0.0.1", dead))
            assert connects_within(1.5, port)


def test_an_address_without_a_route_is_passed_over_and_is_not_a_connection(named):
    no_route = ("255.255.255.255", 1)  # as an IPv6 address is without IPv6: the system says so at once
    with llama_swap() as server:
        named(no_route, ("127.0.0.1", server.server_address[1]))
        assert connects_within(1.5, server.server_address[1])
    named(no_route)
    with pytest.raises(Unreachable) as refused:
        Client(f"http://{HOST}:1").open_stream()
    assert refused.value.fault.kind is FaultKind.NO_ROUTE


def test_a_host_that_refuses_at_one_address_is_there_although_another_leads_nowhere(named):
    """So it is with a stopped llama-swap on a computer that also has an IPv6 address, where there is only IPv4."""
    refuses, no_route = ("127.0.0.1", free_port()), ("255.255.255.255", 1)
    for addresses in ((refuses, no_route), (no_route, refuses)):
        named(*addresses)
        with pytest.raises(Unreachable) as refused:
            Client(f"http://{HOST}:1").open_stream()
        assert refused.value.fault.kind is FaultKind.REFUSED


def test_where_none_answers_the_fault_is_the_last_ones(named):
    named(("127.0.0.1", free_port()), ("127.0.0.1", free_port()))
    with pytest.raises(Unreachable) as refused:
        Client(f"http://{HOST}:1").open_stream()
    assert refused.value.fault.kind is FaultKind.REFUSED
    port = free_port()
    with silent(port, "127.0.0.1"):
        named(("127.0.0.1", port), ("127.0.0.1", free_port()))
        began_s = time.monotonic()
        with pytest.raises(OSError, match="timed out"):
            first_address.connect(HOST, 1, within_s=0.6)
        assert time.monotonic() - began_s < 3
