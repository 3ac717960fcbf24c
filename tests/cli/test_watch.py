"""`watch` on a real pseudo-terminal: drawn in place, resized, left as it was found."""

import contextlib
import fcntl
import os
import pty
import re
import select
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import termios
import threading
import time

import pytest

from llamabar.cli.terminal import key_names
from tests.fakes.programs import chat, command, environment, llama_swap, wait_for


class Terminal:
    """A terminal with a program in it, and what its screen shows: cursor addressing as `watch` uses it."""

    def __init__(self, words, home, *, width=80, height=24, controlling=True, popen=subprocess.Popen, **more):
        self.master, self.slave = pty.openpty()
        self.resize(width, height)
        self.before = termios.tcgetattr(self.slave)
        self.process = popen(
            words, env=environment(home, **more), stdin=self.slave, stdout=self.slave, stderr=self.slave,
            start_new_session=True, preexec_fn=(lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)) if controlling else None,
        )  # fmt: skip
        self.raw = b""
        self.reading = True
        self.closed = False
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def hang_up(self):
        """Close our end, as a terminal's window does."""
        self.reading = False
        self.press("d")  # its drawing ends our reader's wait
        self.reader.join(3)
        os.close(self.slave)
        os.close(self.master)
        self.closed = True

    def is_full(self):
        """Tell whether the terminal takes nothing more."""
        return not select.select([], [self.slave], [], 0)[1]

    def _read(self):
        while True:
            if not self.reading:
                return
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
        if not self.closed:
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
        terminal.wait_for("Press any key to return.")
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


SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 0), (signal.SIGHUP, 0), (signal.SIGQUIT, 0)]


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_signal_leaves_the_terminal_clean_too(tmp_path, server, number, code):
    with watching(server, tmp_path) as terminal:
        terminal.wait_for("llama-swap: no model loaded")
        terminal.process.send_signal(number)
        assert terminal.process.wait(3) == code
        wait_for(lambda: terminal.raw.endswith(b"\x1b[?25h\x1b[?1049l"))
        assert termios.tcgetattr(terminal.slave) == terminal.before


@pytest.mark.parametrize(("key", "code"), [("\x03", 130), ("\x1c", 0)])
def test_ctrl_c_and_ctrl_backslash_end_it(tmp_path, server, key, code):
    with watching(server, tmp_path) as terminal:
        terminal.wait_for("llama-swap: no model loaded")
        terminal.press(key)
        assert terminal.process.wait(3) == code
        assert termios.tcgetattr(terminal.slave) == terminal.before


@pytest.mark.parametrize("controlling", [True, False])  # with and without a SIGHUP
def test_a_closed_terminal_ends_it(tmp_path, server, controlling):
    with watching(server, tmp_path, controlling=controlling) as terminal:
        terminal.wait_for("llama-swap: no model loaded")
        terminal.hang_up()
        assert terminal.process.wait(3) == 0


def test_a_fault_leaves_the_terminal_clean_too(tmp_path):
    faulty = (
        "from llamabar.cli.terminal import Screen; from llamabar.sources.inbox import Inbox\n"
        "with Screen(Inbox()) as screen:\n    screen.draw(['shown']); 1 / 0"
    )
    with Terminal([sys.executable, "-c", faulty], tmp_path) as terminal:
        assert terminal.process.wait(5) == 1
        wait_for(lambda: b"ZeroDivisionError" in terminal.raw)
        assert b"\x1b[?7h\x1b[?25h\x1b[?1049lTraceback" in terminal.raw
        assert termios.tcgetattr(terminal.slave) == terminal.before


def test_a_terminal_that_nobody_reads_holds_nothing_up(tmp_path, server):
    with watching(server, tmp_path) as terminal:
        terminal.wait_for("llama-swap: no model loaded")
        terminal.reading = False
        wait_for(lambda: terminal.press("d?" * 10) or terminal.is_full())  # drawings, until it takes no more
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.process.wait(3) == 0


def test_models_are_loaded_and_unloaded_and_requests_cancelled_by_keys(tmp_path, server):
    with watching(server, tmp_path) as terminal:
        terminal.wait_for("llama-swap: no model loaded")
        terminal.press("u")
        terminal.wait_for("Select a model first")
        terminal.press("\x1b[B")
        terminal.wait_for("alpha-8b · l load")
        terminal.press("l")
        terminal.wait_for("> alpha-8b: ready")
        chatting = chat(server, "alpha-8b", tokens=4000)
        terminal.wait_for("alpha-8b: generating")
        terminal.press("kk\x1bOA\x1bOB")
        terminal.wait_for("> alpha-8b: generating")
        terminal.wait_for("interrupts 1 request")
        terminal.press("k" + "j" * 9)
        terminal.wait_for("> Request")
        terminal.press("c")
        chatting.join(5)
        assert not chatting.is_alive()
        terminal.wait_for("The selected request is gone")
        terminal.press("kkkkkkkk")
        terminal.wait_for("alpha-8b · u unload")
        terminal.press("u")
        terminal.wait_for(">   alpha-8b")
        assert ("POST", "/api/models/unload/alpha-8b") in server.requests


def test_a_profile_is_chosen_and_left_by_keys(tmp_path, server):
    with watching(server, tmp_path) as terminal:
        terminal.wait_for("llama-swap: no model loaded")
        wait_for(lambda: any(path == "/api/profiles" for _, path in server.requests))
        terminal.press("d")
        terminal.wait_for("coding")
        terminal.press("p")
        terminal.wait_for("Press Enter to choose")
        terminal.press("\r")
        terminal.wait_for("✓ coding")
        terminal.press("pj")
        terminal.wait_for("> No Profile")
        terminal.press("\r")
        terminal.wait_for("Profile: none")
        assert not any("✓" in line for line in terminal.screen)


@pytest.mark.parametrize("width", [60, 100, 200])
def test_in_tmux_it_is_drawn_selected_from_and_left_as_it_was(tmp_path, server, width):
    if shutil.which("tmux") is None:
        pytest.skip("no tmux was found")
    tmux = ["tmux", "-S", str(tmp_path / "socket"), "-f", "/dev/null"]
    env = environment(tmp_path, LLAMABAR_URL=server.url)

    def shown():
        return subprocess.run([*tmux, "capture-pane", "-p"], env=env, capture_output=True, text=True).stdout

    started = [*tmux, "new-session", "-d", "-x", str(width), "-y", "20", "sh"]
    subprocess.run(started, env=env, check=True)
    try:
        subprocess.run([*tmux, "send-keys", f"echo before; {shlex.join([*command(), 'watch'])}", "Enter"], env=env)
        wait_for(lambda: "llama-swap: no model loaded" in shown())
        lines = shown().splitlines()
        assert lines[1] == "─" * min(width, 110)  # nothing is wrapped, and nothing cut off
        subprocess.run([*tmux, "send-keys", "Down"], env=env)
        wait_for(lambda: ">   alpha-8b" in shown())
        subprocess.run([*tmux, "send-keys", "q"], env=env)
        wait_for(lambda: "before" in shown() and "q quit" not in shown())
    finally:
        subprocess.run([*tmux, "kill-server"], env=env, capture_output=True)


@pytest.mark.parametrize(("typed", "names"), [
    ("jk", ["j", "k"]), ("\x1b[A\x1b[B", ["up", "down"]), ("\x1bOAq", ["up", "q"]), ("\x1b", ["escape"]),
    ("\r\n", ["enter", "enter"]), ("\x1b[1;5A", ["\x1b[1;5A"]), ("\x1bq", ["\x1bq"]), ("é?", ["é", "?"]),
])  # fmt: skip
def test_keys_are_told_apart_however_many_arrive_at_once(typed, names):
    assert key_names(typed) == names


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
        terminal.wait_for("Qwen3 30B: loading")
        assert "SWIFTBAR=1 LLAMABAR_URL=http://127.0.0.1:" in terminal.screen[-2]
        terminal.press("q")
        assert terminal.process.wait(8) == 0
