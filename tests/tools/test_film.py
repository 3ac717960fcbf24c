"""The README's animation: what it shows, and that it follows the format."""

import struct
import zlib

import pytest
from tools.apng import animated, chunks
from tools.minute import Life, menus

from tests.fakes.programs import ROOT
from tools import film

PALETTE = [(0, 0, 0), (255, 255, 255), (200, 0, 0)]


def frames_of(picture):
    """Return (rows, milliseconds) of each frame as a reader composes them, and the number of repetitions."""
    rows, found, numbers = None, [], []
    for name, data in chunks(picture):
        if name == b"IHDR":
            width, height = struct.unpack_from(">II", data)
            rows = [bytes(width)] * height
        if name == b"acTL":
            count, plays = struct.unpack(">II", data)
        if name == b"fcTL":
            number, wide, high, left, top, ms, per_s, *how = struct.unpack(">IIIIIHHBB", data)
            numbers.append(number)
            assert left + wide <= width and top + high <= height and (per_s, how) == (1000, [0, 0])
        if name == b"fdAT":
            numbers.append(struct.unpack_from(">I", data)[0])
        if name in (b"IDAT", b"fdAT"):
            lines = zlib.decompress(data[4 if name == b"fdAT" else 0 :])
            assert len(lines) == high * (wide + 1)
            for at in range(high):
                line, row = lines[at * (wide + 1) + 1 : (at + 1) * (wide + 1)], rows[top + at]
                rows[top + at] = row[:left] + line + row[left + wide :]
            found.append((list(rows), ms))
    assert numbers == list(range(len(numbers)))
    assert len(found) == count
    return found, plays


def test_frames_are_read_back_and_an_equal_frame_stays_longer():
    frames = [[b"\0\0\0", b"\0\1\0"], [b"\0\0\0", b"\0\1\0"], [b"\0\0\2", b"\0\1\0"], [b"\0\0\0", b"\1\1\0"]]
    found, plays = frames_of(animated(frames, PALETTE, frame_ms=100))
    assert found == [(frames[0], 200), (frames[2], 100), (frames[3], 100)]
    assert plays == 0


@pytest.mark.parametrize("name", film.NAMES.values())
def test_the_picture_is_an_animation_of_a_few_seconds_that_repeats_for_ever(name):
    picture = (ROOT / "docs" / "pictures" / f"{name}.png").read_bytes()
    assert len(picture) < film.LARGEST_BYTES
    found, plays = frames_of(picture)
    assert plays == 0
    assert 30 <= len(found) <= len(film.SECONDS)
    assert 6_000 <= sum(ms for _, ms in found) <= 10_000


def test_the_minute_is_always_the_same_and_shows_loading_reading_writing_and_a_failure():
    minute = menus()
    shown = [minute[second] for second in film.SECONDS]
    titles = {menu.title.text.split()[-1] for menu in shown if menu.title.text}
    assert {"t/s", "tok", "1s"} <= titles
    values = {row.value for menu in shown for row in menu.rows()}
    assert "failed to load, just now" in values
    assert any("waiting" in value for value in values)
    once, again = ([menu.still for menu in Life().minute()] for _ in range(2))
    assert once == again
