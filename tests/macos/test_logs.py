"""Logs: merged by time, followed through truncation and replacement, and harmless on a terminal."""

import os
import subprocess
import sys

import pytest

from llamabar.cli.output import log_line
from llamabar.macos.logs import Follower, current, marks, merged_tail, rotate, tail


def test_two_logs_with_timestamps_are_merged_and_lines_without_one_follow_their_predecessor(tmp_path):
    out, err = tmp_path / "out.log", tmp_path / "err.log"
    out.write_text("2026/08/22 10:00:01 INFO a\n  more of a\n2026/08/22 10:00:03 INFO c\n")
    err.write_text('time=2026-08-22T10:00:02.500+02:00 level=ERROR msg="b"\n')
    assert [line[-1] for line in merged_tail((out, err), 9)] == ["a", "a", '"', "c"]
    assert len(merged_tail((out, err), 2)) == 2


def test_logs_without_timestamps_are_ordered_by_their_last_write(tmp_path):
    out, err = tmp_path / "out.log", tmp_path / "err.log"
    out.write_text("[INFO] newer\n")
    err.write_text("older\n")
    os.utime(err, (1, 1))
    assert merged_tail((out, err, tmp_path / "none"), 9) == ("older", "[INFO] newer")
    assert current((err, out)) == out and current((tmp_path / "none",)) is None


def test_only_lines_written_since_a_mark_are_quoted(tmp_path):
    log = tmp_path / "a.log"
    log.write_text("an older failure\n")
    before = marks((log,))
    assert merged_tail((log,), 5, since=before) == ()
    with log.open("a") as file:
        file.write("the new one\n")
    assert merged_tail((log,), 5, since=before) == ("the new one",)
    log.write_text("cut\n")
    assert merged_tail((log,), 5, since=before) == ("cut",)


def test_an_empty_log_is_not_the_current_one(tmp_path):
    out, err = tmp_path / "out.log", tmp_path / "err.log"
    out.write_text("said\n")
    err.write_text("")
    os.utime(out, (1, 1))
    assert current((err, out)) == out


def test_a_log_that_is_truncated_replaced_or_recreated_is_followed(tmp_path):
    log, late = tmp_path / "a.log", tmp_path / "late.log"
    log.write_text("before\n")
    follower = Follower((log, late))
    assert list(follower.lines()) == []
    with log.open("a") as file:
        file.write("one\nhalf")
    assert list(follower.lines()) == ["one"]
    with log.open("a") as file:
        file.write(" two\n")
    assert list(follower.lines()) == ["half two"]
    os.truncate(log, 0)
    assert list(follower.lines()) == []
    with log.open("a") as file:
        file.write("after the cut\n")
    assert list(follower.lines()) == ["after the cut"]
    log.rename(tmp_path / "a.log.1")
    log.write_text("a new file\n")
    late.write_text("came later\n")
    assert sorted(list(follower.lines()) + list(follower.lines())) == ["a new file", "came later"]


def test_a_pipe_in_place_of_a_log_blocks_nothing(tmp_path):
    pipe = tmp_path / "pipe.log"
    os.mkfifo(pipe)
    assert tail(pipe, 5) == () and merged_tail((pipe,), 5) == () and current((pipe,)) is None
    assert list(Follower((pipe,)).lines()) == []


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[32mINFO\x1b[0m up", "\x1b[32mINFO\x1b[0m up\x1b[0m"),
        ("a\x1b]52;c;ZXZpbA==\x07b", "ab"),
        ("a\x1b]0;title\x1b\\b", "ab"),
        ("a\x1b]8;;http://x\x1b\\link", "alink"),
        ("a\x1b[2Jb\x1b[10;10Hc\x1b[?1049h", "abc"),
        ("a\x07b\x08c\rd", "abcd"),
        ("a\x9b31mb\x9d0;t\x9cc", "a31mbc"),
        ("a\u202eb\u2066c", "abc"),
        ("tab\tstays é 模", "tab\tstays é 模"),
        ("a\x1bcb\x1b(Bd", "abd"),
        ("\x1b]52;c;never ended", ""),
    ],
)
def test_a_log_can_colour_a_terminal_and_nothing_else(raw, shown):
    assert log_line(raw, colour=True) == shown
    assert "\x1b" not in log_line(raw, colour=False)


def test_a_long_log_is_rotated_without_following_a_planted_symlink(tmp_path):
    log, victim = tmp_path / "a.log", tmp_path / "victim"
    log.write_bytes(b"x" * 100)
    victim.write_text("mine")
    (tmp_path / f".a.log.1.{os.getpid()}.tmp").symlink_to(victim)
    assert rotate(log, above_bytes=50)
    assert victim.read_text() == "mine" and log.read_bytes() == b""
    assert (tmp_path / "a.log.1").read_bytes() == b"x" * 100
    assert not rotate(log, above_bytes=50) and log.stat().st_size == 0


def test_of_a_log_that_is_larger_than_the_free_space_the_end_is_kept(tmp_path):
    code = """
import sys
from pathlib import Path
from llamabar.macos.logs import rotate
log = Path(sys.argv[1]) / "a.log"
log.write_bytes(bytes(7_000_000) + b"the end")
kept = Path(f"{log}.1")
print(rotate(log, above_bytes=50), log.stat().st_size, kept.read_bytes().strip(bytes(1)).decode())
print(1_000_000 < kept.stat().st_size < 2_000_000)
"""
    mounted = f"mount -t tmpfs -o size=10240k none '{tmp_path}' && exec \"$0\" \"$@\""
    words = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mounted, sys.executable, "-c", code]
    done = subprocess.run([*words, str(tmp_path)], capture_output=True, text=True, timeout=30)
    assert done.stdout == "True 0 the end\nTrue\n", done.stderr


def test_a_log_that_cannot_be_rotated_stays_complete(tmp_path):
    log = tmp_path / "a.log"
    log.write_bytes(b"x" * 100)
    (tmp_path / "a.log.1").mkdir()
    assert not rotate(log, above_bytes=50)
    assert log.read_bytes() == b"x" * 100
    assert sorted(os.listdir(tmp_path)) == ["a.log", "a.log.1"]
