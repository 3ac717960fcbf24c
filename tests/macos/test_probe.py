"""The probe finds out within one deadline whether a llama-swap answers, whatever is at the address."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from llamabar.macos.probe import ANSWER_S, answers
from tests.fakes.programs import Stranger, free_port, llama_swap

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"
WITHOUT_END = {
    "headers that trickle": b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 500,
    "continue for ever": b"HTTP/1.1 100 Continue\r\n\r\n" * 500,
    "a body that trickles": b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 500,
    "silence": b"",
}


@pytest.mark.parametrize(("said", "is_one"), [
    (OK, True), (OK.replace(b"OK", b"NO"), False), (b"HTTP/1.1 401 Unauthorized\r\n\r\n", True),
    (b"HTTP/1.1 403 No\r\n\r\n", True), (b"HTTP/1.0 200 OK\r\n\r\nOK", True),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + b"x" * 99_999, False),
    (b"SSH-2.0-OpenSSH\r\n", False), (b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", False),
    (b"\xff" * 20_000, False),
])  # fmt: skip
def test_a_health_route_that_says_ok_or_requires_a_key_is_llama_swap(said, is_one):
    with Stranger(said) as stranger:
        assert answers(stranger.url) is is_one


def test_llama_swap_answers_and_an_unused_port_does_not():
    with llama_swap() as server, llama_swap(api_key="sk-123") as closed:
        assert answers(server.url) and answers(closed.url)
    assert not any(map(answers, (f"http://127.0.0.1:{free_port()}", "http://127.0.0.1:x", "http://[", "http://ü–:1")))


def test_an_answer_that_trickles_or_never_comes_is_given_up_at_the_deadline():
    def took_s(said):
        with Stranger(said, piece=7, pause_s=0.05, hold_s=6 if not said else 0) as stranger:
            began_s = time.monotonic()
            assert not answers(stranger.url)
            return time.monotonic() - began_s

    with ThreadPoolExecutor(len(WITHOUT_END)) as pool:
        assert max(pool.map(took_s, WITHOUT_END.values())) < ANSWER_S + 2
