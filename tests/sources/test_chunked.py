"""Chunked coding is decoded however it is split, and a flood of log lines doesn't delay news."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llamabar.sources.chunked import LINE_BYTES, Dechunker
from tests.fakes.programs import Plugin, llama_swap

SAID = b"5\r\nhello\r\n7;name=value\r\n\r\nworld\r\n1\r\n!\r\n0\r\nTrailer: x\r\n\r\n"


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_the_data_and_the_end_do_not_depend_on_how_the_bytes_are_split(step):
    dechunker, found = Dechunker(), b""
    for at in range(0, len(SAID), step):
        found += dechunker.feed(SAID[at : at + step])
    assert (found, dechunker.ended) == (b"hello\r\nworld!", True)
    assert dechunker.feed(b"more") == b""


DATA = st.sampled_from([b"x", b"\r\n", b"\r\n1\r\n", b"{}\n\n", b"5;a=b\r\nhello\r\n"])


@given(st.lists(DATA, max_size=9), st.integers(1, 40))
def test_any_bytes_in_a_chunk_are_data(chunks, step):
    said = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))
    dechunker = Dechunker()
    pieces = [dechunker.feed(said[at : at + step]) for at in range(0, len(said), step)]
    assert (b"".join(pieces), dechunker.ended) == (b"".join(chunks), True)


INVALID = (
    b"x\r\n", b"-5\r\n", b"5\r\nhelloworld\r\n", b"\r\n", b"\n5\r\nhello\r\n", b"1" * (LINE_BYTES + 1),
    b"0" * LINE_BYTES + b"5\r\nhello\r\n",
)  # fmt: skip


@pytest.mark.parametrize("raw", INVALID)
def test_invalid_chunked_coding_is_rejected(raw):
    with pytest.raises(ValueError):
        Dechunker().feed(raw)


def test_a_state_change_in_a_flood_of_log_lines_is_shown(tmp_path):
    with llama_swap() as server, Plugin(server.url, tmp_path) as plugin:
        plugin.wait_for_row("llama-swap: no model loaded")
        for number in range(400):
            server.world.log("upstream", f"slot update {number}: " + "x" * 900 + "\n")
            if number == 200:
                server.world.processes["embed"].state = "ready"
                server.world.publish("modelStatus", server.world.status())
            time.sleep(0.001)
        plugin.wait_for_row("embed: ready", seconds=2)
