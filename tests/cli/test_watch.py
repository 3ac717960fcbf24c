"""`watch` on a real pseudo-terminal: drawn in place, resized, and restored on exit."""

import base64
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

from tests.fakes.programs import chat, command, environment, llama_swap, wait_for


class Terminal:
    """A terminal running a program, and what its screen shows, with the cursor addressing that `watch` uses."""

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
        """Close our end, as closing a terminal window does."""
        self.reading = False
        self.press("d")  # a closed end stops our reader
        self.reader.join(3)
        os.close(self.slave)
        os.close(self.master)
        self.closed = True

    def is_full(self):
        """Tell whether the terminal accepts no more output."""
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
        """Return the lines of the last frame."""
        drawn = self.raw.rpartition(b"\x1b[H")[2].decode("utf-8", "replace")
        drawn = drawn.split("\x1b[J")[0].split("\x1b[?25h")[0]
        return [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line) for line in drawn.replace("\r", "").split("\n")]

    def wait_for(self, part, seconds=15):
        try:
            wait_for(lambda: any(part in line for line in self.screen), seconds)
        except AssertionError:
            raise AssertionError(f"no {part!r} in:\n" + "\n".join(self.screen)) from None

    def row(self, part):
        """Return the first line of the screen that contains a text, or ""."""
        return next((line for line in self.screen if part in line), "")

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


EMPTY = "○ no model loaded"


def test_it_is_drawn_in_place_and_q_leaves_the_terminal_clean(tmp_path, server):
    with watching(server, tmp_path) as terminal:
        terminal.wait_for(EMPTY)
        assert len(terminal.screen) == 24
        assert terminal.screen[-1].rstrip().endswith("? help  q quit")
        chat(server, "alpha-8b", tokens=100)
        terminal.wait_for("≋ generating")
        terminal.press("q")
        assert terminal.process.wait(3) == 0
        wait_for(lambda: terminal.raw.endswith(b"\x1b[?2004l\x1b[?7h\x1b[?25h\x1b[?1049l"))
        assert terminal.raw.startswith(b"\x1b[?1049h")
        assert termios.tcgetattr(terminal.slave) == terminal.before


def test_help_and_details_open_and_close(tmp_path, server):
    with watching(server, tmp_path) as terminal:
        terminal.wait_for(EMPTY)
        terminal.press("?")
        terminal.wait_for("Press any key to return.")
        terminal.press("x")
        terminal.wait_for("TOK/S")
        terminal.press("\r")
        terminal.wait_for("Esc back")
        assert "alpha-8b" in terminal.row("ID")
        terminal.press("\x1b")
        terminal.wait_for("TOK/S")


@pytest.mark.parametrize(("said", "empty", "leave"), [
    ("de_DE.UTF-8", "○ kein Modell geladen", "q beenden"), ("ja_JP.UTF-8", "○ モデルなし", "q 終了"),
    ("de_DE.ISO8859-1", "o no model loaded", "q quit"),
])  # fmt: skip
def test_it_uses_the_terminals_language_if_the_terminal_can_show_it(tmp_path, server, said, empty, leave):
    with watching(server, tmp_path, LC_ALL=said) as terminal:
        terminal.wait_for(empty)
        assert terminal.screen[-1].rstrip().endswith(leave)


SIZES = (  # each has another height than the previous one, which shows that it was redrawn
    (200, 50), (30, 24), (120, 40), (80, 24), (60, 20), (20, 3), (60, 12), (80, 3), (30, 5), (120, 40),
)  # fmt: skip


@pytest.mark.parametrize("sizes", [SIZES, SIZES[5:] + SIZES[:5]], ids=["from a large window", "from a tiny window"])
def test_a_resize_is_followed_and_no_line_overflows_at_any_size(tmp_path, server, sizes):
    with watching(server, tmp_path, width=sizes[0][0], height=sizes[0][1]) as terminal:
        terminal.wait_for("no mode")
        for width, height in sizes:
            terminal.resize(width, height)
            wait_for(lambda height=height: len(terminal.screen) == height)
            terminal.wait_for("no mode")
            assert all(len(line) <= width for line in terminal.screen)


SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 0), (signal.SIGHUP, 0), (signal.SIGQUIT, 0)]


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_signal_leaves_the_terminal_clean_too(tmp_path, server, number, code):
    with watching(server, tmp_path) as terminal:
        terminal.wait_for(EMPTY)
        terminal.process.send_signal(number)
        assert terminal.process.wait(3) == code
        wait_for(lambda: terminal.raw.endswith(b"\x1b[?25h\x1b[?1049l"))
        assert termios.tcgetattr(terminal.slave) == terminal.before


@pytest.mark.parametrize(("key", "code"), [("\x03", 130), ("\x1c", 0)])
def test_ctrl_c_and_ctrl_backslash_end_watch(tmp_path, server, key, code):
    with watching(server, tmp_path) as terminal:
        terminal.wait_for(EMPTY)
        terminal.press(key)
        assert terminal.process.wait(3) == code
        assert termios.tcgetattr(terminal.slave) == terminal.before


@pytest.mark.parametrize("controlling", [True, False])  # with and without a SIGHUP
def test_a_closed_terminal_ends_it(tmp_path, server, controlling):
    with watching(server, tmp_path, controlling=controlling) as terminal:
        terminal.wait_for(EMPTY)
        terminal.hang_up()
        assert terminal.process.wait(3) == 0


def test_an_internal_error_leaves_the_terminal_clean_too(tmp_path):
    faulty = (
        "import os\nfrom llamabar.cli.terminal import Looks, Screen; from llamabar.sources.inbox import Inbox\n"
        "from llamabar.terminal.cells import line\n"
        "with Screen(Inbox(), Looks(os.environ)) as screen:\n    screen.draw([line('shown')]); 1 / 0"
    )
    with Terminal([sys.executable, "-c", faulty], tmp_path) as terminal:
        assert terminal.process.wait(5) == 1
        wait_for(lambda: b"ZeroDivisionError" in terminal.raw)
        assert b"\x1b[?7h\x1b[?25h\x1b[?1049lTraceback" in terminal.raw
        assert termios.tcgetattr(terminal.slave) == terminal.before


def test_a_terminal_that_nobody_reads_blocks_nothing(tmp_path, server):
    with watching(server, tmp_path, width=200, height=50) as terminal:
        terminal.wait_for(EMPTY)
        terminal.reading = False
        wait_for(lambda: terminal.press("?") or terminal.is_full(), every_s=0.15)  # draws until it accepts no more
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.process.wait(3) == 0


def test_after_being_stopped_by_a_signal_everything_is_set_and_drawn_again(tmp_path, server):
    with watching(server, tmp_path) as terminal:
        terminal.wait_for(EMPTY)
        terminal.process.send_signal(signal.SIGSTOP)
        termios.tcsetattr(terminal.slave, termios.TCSANOW, terminal.before)  # as a shell does
        drawn = terminal.raw.count(b"\x1b[?1049h")
        terminal.process.send_signal(signal.SIGCONT)
        wait_for(lambda: terminal.raw.count(b"\x1b[?1049h") > drawn)
        terminal.press("?")
        terminal.wait_for("Press any key to return.")
        terminal.press("q")
        terminal.wait_for("TOK/S")


def test_models_are_loaded_and_unloaded_and_requests_canceled_by_keys(tmp_path, server):
    with watching(server, tmp_path, width=100) as terminal:
        terminal.wait_for(EMPTY)
        terminal.press("u")
        terminal.wait_for("alpha-8b isn't loaded.")
        terminal.press("l")
        terminal.wait_for("✓ alpha-8b loaded in")
        chatting = chat(server, "alpha-8b", tokens=4000)
        terminal.wait_for("≋ generating")
        terminal.wait_for("#")
        terminal.press("G")
        terminal.wait_for("c cancel")
        terminal.press("c")
        terminal.wait_for("Cancel request #")
        terminal.press("n")
        terminal.wait_for("Nothing changed.")
        terminal.press("cy")
        chatting.join(5)
        assert not chatting.is_alive()
        terminal.wait_for("No requests in flight.")
        terminal.press("gg\x1b[A")
        terminal.wait_for("▸ alpha-8b")
        terminal.press("u")
        terminal.wait_for("✓ alpha-8b unloaded")
        assert ("POST", "/api/models/unload/alpha-8b") in server.requests


def test_unloading_a_model_in_use_asks_first(tmp_path, server):
    with watching(server, tmp_path, width=100) as terminal:
        terminal.wait_for(EMPTY)
        chat(server, "alpha-8b", tokens=4000)
        terminal.wait_for("≋ generating")
        terminal.press("g")
        terminal.press("u")
        terminal.wait_for("Unload alpha-8b? This interrupts 1 request.")
        terminal.press("y")
        terminal.wait_for("✓ alpha-8b unloaded")


def test_keys_choose_and_leave_a_profile(tmp_path, server):
    with watching(server, tmp_path, width=120) as terminal:
        terminal.wait_for("p profile")
        terminal.press("p")
        terminal.wait_for("coding")
        terminal.press("j\r")
        terminal.wait_for("Profile coding is active")
        terminal.wait_for("· profile coding")
        terminal.press("p")
        terminal.wait_for("▸ ✓ coding")
        terminal.press("k\r")
        terminal.wait_for("No profile is active")


def test_a_filter_can_be_typed_and_a_pasted_paragraph_presses_no_keys(tmp_path, server):
    with watching(server, tmp_path) as terminal:
        terminal.wait_for(EMPTY)
        terminal.press("\x1b[200~quit, unload it, y\nqqq\x1b[201~")
        terminal.press("/bet")
        terminal.wait_for("Filter: bet")
        wait_for(lambda: terminal.row("beta-3b") and not terminal.row("alpha-8b"))
        terminal.press("\x1b")
        terminal.wait_for("alpha-8b")
        assert terminal.process.poll() is None


def test_the_log_and_doctor_get_the_screen_and_give_it_back(tmp_path, server):
    with watching(server, tmp_path) as terminal:
        terminal.wait_for(EMPTY)
        terminal.press("L")
        wait_for(lambda: b"q to return to the dashboard" in terminal.raw and b"GET /api/events" in terminal.raw)
        before = terminal.raw.count(b"\x1b[?1049h")
        terminal.press("\x03")  # ends the log, not the dashboard
        wait_for(lambda: terminal.raw.count(b"\x1b[?1049h") > before)
        terminal.press("D")
        wait_for(lambda: b"any key to return to the dashboard" in terminal.raw)
        before = terminal.raw.count(b"\x1b[?1049h")
        terminal.press("x")
        wait_for(lambda: terminal.raw.count(b"\x1b[?1049h") > before)
        terminal.wait_for(EMPTY)
        terminal.press("q")
        assert terminal.process.wait(3) == 0
        assert termios.tcgetattr(terminal.slave) == terminal.before


def test_an_id_is_copied_over_ssh_through_the_terminal(tmp_path, server):
    with watching(server, tmp_path, SSH_CONNECTION="a b c d") as terminal:
        terminal.wait_for(EMPTY)
        terminal.press("y")
        terminal.wait_for("Copied alpha-8b")
        wait_for(lambda: b"\x1b]52;c;" + base64.b64encode(b"alpha-8b") + b"\x07" in terminal.raw)


def test_locally_a_clipboard_program_is_used(tmp_path, server):
    program = tmp_path / "bin" / "pbcopy"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ncat > {tmp_path}/copied\n")
    program.chmod(0o755)
    path = f"{program.parent}:{os.environ['PATH']}"
    with watching(server, tmp_path, PATH=path) as terminal:
        terminal.wait_for(EMPTY)
        terminal.press("y")
        wait_for(lambda: (tmp_path / "copied").exists() and (tmp_path / "copied").read_text() == "alpha-8b")


@pytest.mark.parametrize(("width", "height"), [(60, 20), (100, 30), (200, 50)])
def test_in_tmux_it_draws_selects_and_restores_the_screen(tmp_path, server, width, height):
    if shutil.which("tmux") is None:
        pytest.skip("no tmux was found")
    tmux = ["tmux", "-u", "-S", str(tmp_path / "socket"), "-f", "/dev/null"]
    env = environment(tmp_path, LLAMABAR_URL=server.url)

    def shown():
        return subprocess.run([*tmux, "capture-pane", "-p"], env=env, capture_output=True, text=True).stdout

    started = [*tmux, "new-session", "-d", "-x", str(width), "-y", str(height), "sh"]
    subprocess.run(started, env=env, check=True)
    try:
        subprocess.run([*tmux, "send-keys", f"echo before; {shlex.join([*command(), 'watch'])}", "Enter"], env=env)
        wait_for(lambda: EMPTY in shown() and "▸ alpha-8b" in shown())
        assert len(shown().splitlines()) == height
        assert shown().splitlines()[-1].rstrip().endswith("q quit")  # nothing is wrapped or cut off
        subprocess.run([*tmux, "send-keys", "Down"], env=env)
        wait_for(lambda: "▸ beta-3b" in shown())
        subprocess.run([*tmux, "send-keys", "q"], env=env)
        wait_for(lambda: "before" in shown() and "q quit" not in shown())
    finally:
        subprocess.run([*tmux, "kill-server"], env=env, capture_output=True)


def test_each_redraw_is_one_write_without_clearing_the_screen(tmp_path, server):
    with watching(server, tmp_path) as terminal:
        terminal.wait_for(EMPTY)
        time.sleep(1.5)
        assert terminal.raw.count(b"\x1b[2J") == 1
        assert terminal.raw.count(b"\x1b[?2026h") == terminal.raw.count(b"\x1b[?2026l")


def test_no_color_means_no_colour(tmp_path, server):
    with watching(server, tmp_path, NO_COLOR="1") as terminal:
        terminal.wait_for(EMPTY)
        assert not re.search(rb"\x1b\[[\d;]*m", terminal.raw)


def test_a_truecolor_terminal_is_asked_for_its_background(tmp_path, server):
    with watching(server, tmp_path, COLORTERM="truecolor") as terminal:
        terminal.wait_for(EMPTY)
        assert b"\x1b]11;?\x1b\\" in terminal.raw
        assert b"38;2;" not in terminal.raw
        terminal.press("\x1b]11;rgb:ffff/ffff/ffff\x1b\\")
        wait_for(lambda: b"38;2;46;125;215" in terminal.raw or b"38;2;106;106;112" in terminal.raw)


def test_a_locale_without_utf_8_gets_ascii(tmp_path, server):
    with watching(server, tmp_path, LANG="C") as terminal:
        terminal.wait_for("o no model loaded")
        assert terminal.raw.isascii()


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_dumb_terminal_gets_plain_lines(tmp_path, server, term):
    with watching(server, tmp_path, TERM=term) as terminal:
        wait_for(lambda: b"llama-swap: no model loaded" in terminal.raw)
        chat(server, "alpha-8b", tokens=100)
        wait_for(lambda: b"alpha-8b: loading" in terminal.raw and b"alpha-8b: generating" in terminal.raw)
        assert b"\x1b" not in terminal.raw
        terminal.press("\x03")
        assert terminal.process.wait(3) == 130


def test_an_unknown_terminal_is_drawn_on_as_well(tmp_path, server):
    with watching(server, tmp_path, TERM="xterm-nobody-knows") as terminal:
        terminal.wait_for(EMPTY)
        terminal.press("\x1b[B")
        terminal.wait_for("▸ beta-3b")


def test_a_pipe_gets_plain_lines_and_closing_it_ends_watch(tmp_path, server):
    env = environment(tmp_path, LLAMABAR_URL=server.url)
    watch = subprocess.Popen([*command(), "watch"], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)  # fmt: skip
    wait_for(lambda: b"no model loaded" in watch.stdout.readline())
    watch.stdout.close()
    chat(server, "alpha-8b", tokens=20)
    assert watch.wait(10) == 0
    with watch.stderr as errors:
        assert errors.read() == b""


def test_a_server_that_disappears_and_returns_is_followed(tmp_path):
    with llama_swap() as server, watching(server, tmp_path) as terminal:
        terminal.wait_for(EMPTY)
        port = int(server.url.rpartition(":")[2])
        server.stop()
        terminal.wait_for("not responding")
        terminal.wait_for("Connection refused.")
        with llama_swap(port=port):
            terminal.wait_for(EMPTY)


def test_the_demo_uses_the_same_dashboard(tmp_path):
    with Terminal([*command(), "demo"], tmp_path) as terminal:
        terminal.wait_for("↓ loading")
        assert terminal.row("Qwen3 30B")
        terminal.press("q")
        assert terminal.process.wait(8) == 0
