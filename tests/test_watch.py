"""`watch` on a real pseudo-terminal: drawn in place, resized, left as it was found."""

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import time

import pytest

from tests.programs import chat, command, environment, llama_swap, wait_for


class Terminal:
    """A terminal with a program in it, and what its screen shows: cursor addressing as `watch` uses it."""

    def __init__(self, words, home, *, width=80, height=24, **more):
        self.master, self.slave = pty.openpty()
        self.resize(width, height)
        self.before = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen(
            words, env=environment(home, **more), stdin=self.slave, stdout=self.slave, stderr=self.slave,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        self.raw = b""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            self.raw += data

    def resize(self, width, height):
        self.width, self.height = width, height
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    @property
    def screen(self):
        """The lines of the last drawing."""
        drawn = self.raw.decode("utf-8", "replace").split("\x1b[H")[-1]
        drawn = drawn.split("\x1b[J")[0].split("\x1b[?25h")[0]
        return [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line) for line in drawn.replace("\r", "").split("\n")]

    def wait_for(self, part, seconds=15):
        try:
            wait_for(lambda: any(part in line for line in self.screen), seconds)
        except AssertionError:
            raise AssertionError(f"no {part!r} in:\n" + "\n".join(self.screen)) from None

    def press(self, keys):
        os.write(self.master, keys.encode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        os.close(self.slave)
        os.close(self.master)


@pytest.fixture
def server():
    with llama_swap() as running:
        yield running


def watching(server, tmp_path, **options):
    return Terminal([*command(), "watch"], tmp_path, LLAMABAR_URL=server.url, **options)


def test_it_is_drawn_in_place_and_q_leaves_the_terminal_clean(tmp_path, server):
    with watching(server, tmp_path) as terminal:
        terminal.wait_for("llama-swap: no model loaded")
        assert len(terminal.screen) == 24
        assert "q quit" in terminal.screen[-1]
        chat(server, "alpha-8b", tokens=100)
        terminal.wait_for("alpha-8b: generating")
        terminal.press("q")
        assert terminal.process.wait(3) == 0
        wait_for(lambda: terminal.raw.endswith(b"\x1b[?25h\x1b[?1049l"))
        assert terminal.raw.startswith(b"\x1b[?1049h")
        assert termios.tcgetattr(terminal.slave) == terminal.before


def test_help_and_details_and_back(tmp_path, server):
    with watching(server, tmp_path) as terminal:
        terminal.wait_for("llama-swap: no model loaded")
        terminal.press("?")
        terminal.wait_for("Any other key goes back.")
        terminal.press("x")
        terminal.wait_for("llama-swap: no model loaded")
        terminal.press("d")
        terminal.wait_for("Version: v250")


@pytest.mark.parametrize(("width", "height"), [(60, 20), (80, 24), (200, 50), (20, 6)])
def test_no_line_overflows_at_any_size(tmp_path, server, width, height):
    with watching(server, tmp_path, width=width, height=height) as terminal:
        terminal.wait_for("llama-swap"[: width - 2])
        assert len(terminal.screen) <= height
        assert all(len(line) <= width for line in terminal.screen)


def test_a_resize_is_followed(tmp_path, server):
    with watching(server, tmp_path) as terminal:
        terminal.wait_for("llama-swap: no model loaded")
        terminal.resize(60, 12)
        wait_for(lambda: len(terminal.screen) == 12)
        assert all(len(line) <= 60 for line in terminal.screen)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0), (signal.SIGHUP, 0)])
def test_a_signal_leaves_the_terminal_clean_too(tmp_path, server, number, code):
    with watching(server, tmp_path) as terminal:
        terminal.wait_for("llama-swap: no model loaded")
        terminal.process.send_signal(number)
        assert terminal.process.wait(3) == code
        wait_for(lambda: terminal.raw.endswith(b"\x1b[?25h\x1b[?1049l"))
        assert termios.tcgetattr(terminal.slave) == terminal.before


def test_ctrl_c_ends_it(tmp_path, server):
    with watching(server, tmp_path) as terminal:
        terminal.wait_for("llama-swap: no model loaded")
        terminal.press("\x03")
        assert terminal.process.wait(3) == 130


def test_each_redraw_is_one_write_without_clearing_the_screen(tmp_path, server):
    with watching(server, tmp_path) as terminal:
        terminal.wait_for("llama-swap: no model loaded")
        time.sleep(2.5)
        assert terminal.raw.count(b"\x1b[2J") == 1


def test_no_colour_where_it_is_not_wanted(tmp_path, server):
    with watching(server, tmp_path, NO_COLOR="1") as terminal:
        terminal.wait_for("llama-swap: no model loaded")
        assert not re.search(rb"\x1b\[\d+m", terminal.raw)


def test_the_demo_on_a_terminal_is_this_view(tmp_path):
    with Terminal([*command(), "demo"], tmp_path) as terminal:
        terminal.wait_for("qwen3-30b: loading")
        assert "SWIFTBAR=1 LLAMABAR_URL=http://127.0.0.1:" in terminal.screen[-2]
        terminal.press("q")
        assert terminal.process.wait(8) == 0
