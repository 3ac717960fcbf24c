"""The event splitter on awkward bytes."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llamabar.core.limits import EVENT_BYTES
from llamabar.core.sse import EventSplitter, PayloadTooLong

TEXT = (
    'event:message\ndata:{"type":"a","data":"modèle 模型 🙂"}\n\nevent:message\r\ndata: {"type":"b"}\r\n\r\n'.encode()
)
PAYLOADS = ['{"type":"a","data":"modèle 模型 🙂"}'.encode(), b'{"type":"b"}']


def fed(data, size):
    splitter = EventSplitter()
    return [payload for at in range(0, len(data), size) for payload in splitter.feed(data[at : at + size])]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 64, 1000])
def test_payloads_do_not_depend_on_how_the_bytes_are_split(size):
    assert fed(TEXT, size) == PAYLOADS


def test_every_single_split_gives_the_same_payloads():
    for at in range(len(TEXT)):
        splitter = EventSplitter()
        assert splitter.feed(TEXT[:at]) + splitter.feed(TEXT[at:]) == PAYLOADS, at


@pytest.mark.parametrize("size", [997, 65536, 1 << 20])
def test_a_log_of_five_megabytes_is_dropped_and_never_kept(size):
    log = json.dumps(
        {"type": "logData", "data": json.dumps({"data": "x" * 5_000_000, "source": "proxy"})}, separators=(",", ":")
    )
    data = b"event:message\ndata:" + log.encode() + b"\n\n" + TEXT
    splitter, kept, found = EventSplitter(), 0, []
    for at in range(0, len(data), size):
        found += splitter.feed(data[at : at + size])
        kept = max(kept, len(splitter._rest))
    assert found == PAYLOADS
    assert kept <= 100, "no more of a log is held than tells that it is one"
    assert splitter.dropped_log_bytes > 5_000_000


def test_an_endless_line_is_an_error_and_not_a_leak():
    splitter = EventSplitter()
    with pytest.raises(PayloadTooLong):
        for _ in range(EVENT_BYTES // (1 << 20) + 2):
            splitter.feed(b"data:" + b"y" * (1 << 20))


def test_comments_other_fields_and_a_truncated_event_give_nothing():
    assert fed(b": keep\nid: 4\nretry: 3\n\ndata:{}\n", 3) == []


def test_data_over_several_lines_is_one_payload():
    assert fed(b"data:a\ndata:b\n\n", 2) == [b"a\nb"]


@given(st.lists(st.integers(1, 60), max_size=30), st.booleans())
def test_pieces_of_any_length_and_line_ends_of_either_kind_give_the_same_payloads(lengths, windows):
    log = b'event:message\ndata:{"type":"logData","data":"{}"}\n\n'
    data, found, splitter = log + TEXT + log, [], EventSplitter()
    data = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") if windows else data
    for length in lengths:
        found += splitter.feed(data[:length])
        data = data[length:]
    found += splitter.feed(data)
    assert [payload for payload in found if b"logData" not in payload] == PAYLOADS


def test_many_data_lines_without_a_blank_one_take_almost_no_time():
    data, splitter, began_s = b"data:x\n" * 400_000, EventSplitter(), time.perf_counter()
    for at in range(0, len(data), 4096):
        assert splitter.feed(data[at : at + 4096]) == []
    assert time.perf_counter() - began_s < 5.0, "it was hours when each line was added to a sum of all before it"
