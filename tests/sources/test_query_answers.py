"""Odd answers to our queries mean unknown, never zero."""

import pytest

from llamabar.core.queries import Kind, Query
from llamabar.sources.client import Client
from llamabar.sources.query_answers import answer
from tests.fakes.programs import Stranger


@pytest.mark.parametrize("body", ["", " ", "{", "{}", '{"data": [1', "NaN", '"x"', "3"])
def test_unreadable_rows_are_unknown_and_fetched_again(body):
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    with Stranger((head + body).encode()) as stranger:
        found = answer(Client(stranger.url), Query(Kind.FINISHED, rows=10))
    assert found.failed and not found.events


def test_a_server_without_rows_has_none():
    with Stranger(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnull") as stranger:
        found = answer(Client(stranger.url), Query(Kind.FINISHED))
    assert not found.failed and found.events[-1].rows == ()
