"""Failures of the Mac itself: processes, the disk, clocks, sleep, launchd, and SwiftBar."""

import fcntl
import os
import resource
import signal
import time

from llamabar.app.connection import SLEPT_S
from tests.faults.world import STREAM, WELL, Fault, event

GONE = ("llama-swap: not responding",)
UNLOADED = ("llama-swap: no model loaded",)
ROWS = [
    {"id": number, "timestamp": stamp, "model": "a-1b", "duration_ms": 900, "resp_status_code": 200,
     "req_path": "/v1/chat/completions", "tokens": {"input_tokens": 9, "output_tokens": 90, "tokens_per_second": 40.0}}
    for number, stamp in enumerate(("2100-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "x"), 1)
]  # fmt: skip


def restarted(world):
    """The server ends and comes back at its port with other states: a restarted process."""
    world.proxy.refuse()
    world.says(GONE, 3.0)
    world.set_state("a-1b", "stopped", tell=False)
    world.proxy.listen()
    yield
    world.set_state("a-1b", "ready")


def another_version(world):
    """The server comes back as a version that reports less."""
    world.proxy.answer(STREAM + event("modelStatus", [{"id": "old", "state": "ready"}]), hold_s=20)
    yield
    world.proxy.pass_on()
    world.proxy.cut()


def model_server_dies(world):
    """llama-swap reports that a model stopped by itself while it was answering."""
    world.generate()
    world.watcher.wait_for_row("a-1b: generating")
    world.set_state("a-1b", "stopped")
    world.server.world.publish("inflight", {"operation": "remove", "id": "7"})
    yield
    world.set_state("a-1b", "ready")


def stopped_for_a_second(world):
    """SIGSTOP and SIGCONT, as a debugger or a memory shortage does."""
    world.watcher.process.send_signal(signal.SIGSTOP)
    world.set_state("a-1b", "stopped")
    time.sleep(1.0)
    world.watcher.process.send_signal(signal.SIGCONT)
    yield
    world.set_state("a-1b", "ready")


def hung_up_by_a_signal(world):
    yield
    code, took_s = world.watcher.end(signal.SIGTERM)
    assert code == 0 and took_s < 1.0, (code, took_s)


def with_files(make, **more):
    """Watch with a home folder prepared this way."""

    def _happens(world):
        make(world.home)
        world.start(LLAMABAR_DATA_DIR=str(world.home / "data"), LLAMABAR_CONFIG=str(world.home / "config.toml"), **more)
        yield
        assert world.watcher.process.poll() is None

    return _happens


def read_only(home):
    (home / "data").mkdir()
    (home / "data").chmod(0o500)


def damaged(home):
    (home / "data").mkdir()
    for name in ("history.sqlite", "watcher.json", "servers.json", "manifest.json"):
        (home / "data" / name).write_bytes(b"\x00garbage" * 900)


def pipes(home):
    (home / "data").mkdir()
    for name in ("history.sqlite", "watcher.json", "servers.json"):
        os.mkfifo(home / "data" / name)


def no_room(world):
    """A disk on which no file can grow: RLIMIT_FSIZE with its signal ignored, which acts like ENOSPC."""
    world.start(LLAMABAR_DATA_DIR=str(world.home / "data"))
    world.says(WELL, 10.0)
    if hasattr(resource, "prlimit"):
        resource.prlimit(world.watcher.process.pid, resource.RLIMIT_FSIZE, (0, 0))
    world.server.world.rows.extend(ROWS)
    world.server.world.publish("activity", {"id": 4})
    world.set_state("a-1b", "stopped")
    yield
    assert world.watcher.process.poll() is None
    world.set_state("a-1b", "ready")


def slept(world):
    """Nothing runs for longer than any timeout of the program; the network that comes back is a different one."""
    world.watcher.process.send_signal(signal.SIGSTOP)
    world.proxy.lose()
    world.set_state("a-1b", "stopped", tell=False)
    time.sleep(SLEPT_S + 6.0)
    world.watcher.process.send_signal(signal.SIGCONT)
    yield
    world.set_state("a-1b", "ready")


def slept_without_network(world):
    """As above, and the network comes back four seconds after the computer."""
    world.watcher.process.send_signal(signal.SIGSTOP)
    world.proxy.lose()
    world.proxy.refuse()
    world.set_state("a-1b", "stopped", tell=False)
    time.sleep(SLEPT_S + 6.0)
    world.watcher.process.send_signal(signal.SIGCONT)
    time.sleep(4.0)
    world.proxy.listen()
    yield
    world.set_state("a-1b", "ready")


def odd_stamps(world):
    """Finished requests of the year 2100, of 1970, of the year 1 and without a time."""
    world.server.world.rows.extend(ROWS)
    world.server.world.publish("activity", {"id": 4})
    world.set_state("a-1b", "stopped")
    yield
    world.set_state("a-1b", "ready")


def nobody_reads(world):
    """SwiftBar stops reading: the stream is still drained, and the newest frame waits."""
    world.watcher.reads.clear()
    if hasattr(fcntl, "F_SETPIPE_SZ"):  # so that few frames fill it; from Python 3.10 on
        fcntl.fcntl(world.watcher.process.stdout, fcntl.F_SETPIPE_SZ, 4096)
    for number in range(300):
        world.generate(resp_bytes=number)
        world.set_state("a-1b", "stopping" if number % 2 else "ready")
        time.sleep(0.005)
    world.server.world.publish("inflight", {"operation": "remove", "id": "7"})
    world.set_state("a-1b", "stopped")
    time.sleep(0.5)
    world.watcher.reads.set()
    yield
    world.set_state("a-1b", "ready")


def reader_dies(world):
    yield
    os.dup2(os.open(os.devnull, os.O_RDONLY), world.watcher.process.stdout.fileno())
    world.set_state("a-1b", "stopped")
    assert world.watcher.process.wait(5) == 0


def no_more_clicks(world):
    """stdin ends, and the rest of SwiftBar keeps running."""
    world.watcher.process.stdin.close()
    world.set_state("a-1b", "stopped")
    yield
    world.set_state("a-1b", "ready")


def nonsense_clicked(world):
    """Two megabytes without a line end, unknown tokens, and bytes that aren't text."""
    said = b"\xff\xfe\x00" * 100 + b"\n" + b"load a-1b\n" * 2000 + b"x" * 2_000_000 + b"\n"
    world.watcher.process.stdin.write(said)
    world.watcher.process.stdin.flush()
    world.set_state("a-1b", "stopped")
    yield
    world.set_state("a-1b", "ready")


def refreshed(world):
    """A new plugin starts while the old one is still ending: both show the truth."""
    first = world.watcher
    world.start()
    world.says(WELL, 10.0)
    assert first.end()[0] == 0
    world.set_state("a-1b", "stopped")
    yield
    world.set_state("a-1b", "ready")


PROCESS = (
    Fault("llama-swap is restarted", UNLOADED, 5, restarted),
    Fault("llama-swap comes back as an older version", ("old: ready",), 5, another_version),
    Fault("a model's server dies in the middle of an answer", ("a-1b: crashed",), 3, model_server_dies),
    Fault("the plugin is halted for a second", UNLOADED, 3, stopped_for_a_second, process=True),
    Fault("SIGTERM", WELL, 1, hung_up_by_a_signal, process=True, well_s=None),
    Fault("an internal error on the loop", ("llamabar: Internal error",), 1,
          test="tests/sources/test_transport.py::test_the_loop_shows_a_fault_of_a_thread_once_and_goes_on"),
    Fault("an internal error on the stream's thread", ("llamabar: Internal error",), 1,
          test="tests/sources/test_transport.py::test_a_stream_that_meets_an_exception_says_so_and_tries_again"),
)  # fmt: skip
DISK = (
    Fault("the data folder cannot be written", WELL, 10, with_files(read_only), early=True, process=True),
    Fault("the data folder is a file", WELL, 10, with_files(lambda home: (home / "data").write_text("")), early=True,
          process=True, slow=True),
    Fault("every file that is kept is damaged", WELL, 10, with_files(damaged), early=True, process=True),
    Fault("every file that is kept is a pipe that nobody writes to", WELL, 10, with_files(pipes), early=True,
          process=True),
    Fault("the disk is full", UNLOADED, 5, no_room, early=True, process=True),
    Fault("the settings are no TOML", ("a-1b: ready", "Settings: config.toml:1: not valid TOML"), 10,
          with_files(lambda home: (home / "config.toml").write_text("[[[\n")), early=True, process=True),
    Fault("the settings are a pipe that nobody writes to", ("a-1b: ready", "Settings: config.toml: can't be read"), 10,
          with_files(lambda home: os.mkfifo(home / "config.toml")), early=True, process=True, slow=True),
    Fault("the disk hangs while the plugin's note is written", WELL, 1,
          test="tests/store/test_plugin_state.py::test_a_disk_that_hangs_or_is_read_only_disturbs_nothing"),
    Fault("the unpacked program is damaged", ("llama-swap: starting",), 5,
          test="tests/boot/test_cache.py::test_a_stream_whose_cache_is_damaged_mends_it_and_goes_on"),
)  # fmt: skip
CLOCK = (
    Fault("finished requests are dated 2100, 1970, the year 1, or not at all", UNLOADED, 5, odd_stamps),
    Fault("the clock stands in 1970", ("llama-swap: starting",), 5,
          test="tests/boot/test_cache.py::test_a_clock_that_stands_in_1970_changes_nothing"),
    Fault("the clock steps back", ("every request is counted once",), 1,
          test="tests/store/test_database.py::test_a_clock_that_steps_back_makes_nothing_count_twice_and_stops_nothing"),
)  # fmt: skip
SLEEP = (
    Fault("the computer sleeps, and wakes in another network", UNLOADED, 3, slept, process=True, slow=True),
    Fault("the computer wakes, and its network 4 s later", UNLOADED, 3, slept_without_network, process=True, slow=True),
    Fault("the computer sleeps for eight hours", ("the connection is opened again",), 1,
          test="tests/app/test_sleep.py::test_a_computer_that_slept_connects_anew_at_its_next_turn"),
    Fault("the other computer is gone without a word", ("llama-swap: not responding",), 25,
          test="tests/app/test_sleep.py::test_the_system_looks_whether_the_other_computer_is_there"),
)  # fmt: skip
SWIFTBAR = (
    Fault("SwiftBar stops reading", UNLOADED, 2, nobody_reads, process=True),
    Fault("SwiftBar dies", WELL, 1, reader_dies, process=True, well_s=None),
    Fault("SwiftBar sends no clicks any more", UNLOADED, 2, no_more_clicks, process=True),
    Fault("SwiftBar sends nonsense", UNLOADED, 3, nonsense_clicked, process=True),
    Fault("SwiftBar restarts the plugin before the old one has ended", UNLOADED, 3, refreshed, process=True),
    Fault("SwiftBar is quit while a plugin runs", ("nothing: the plugin ends",), 1,
          test="tests/mac/test_swiftbar.py::"
          "test_a_crash_leaves_the_plugin_with_an_end_of_its_stdin_and_a_quit_ends_it"),
    Fault("the plugin's file is replaced by a newer one while it runs", ("the same as before",), 1,
          test="tests/boot/test_cache.py::test_a_running_plugin_holds_its_cache"),
)  # fmt: skip
LAUNCHD = (
    *(Fault(f"stop: {verb} hangs", (said,), 10,
            test="tests/macos/test_deadlines.py::test_stop_keeps_its_limit_whichever_verb_hangs")
      for verb, said in (("bootout", "running now (pid"), ("print", "Can't reach launchd"))),
    *(Fault(f"start: {verb} hangs", ("isn't loaded now",), 20,
            test="tests/macos/test_deadlines.py::test_start_keeps_its_limit_whichever_verb_hangs")
      for verb in ("bootstrap",)),
    Fault("restart: every print takes 4 s", ("what launchd showed last",), 20,
          test="tests/macos/test_deadlines.py::test_restart_keeps_its_limit"),
    Fault("restart: kickstart hangs", ("didn't restart",), 20,
          test="tests/macos/test_deadlines.py::test_restart_keeps_its_limit"),
    Fault("restart: the old process does not end", ("still exiting and will then start again",), 20,
          test="tests/macos/test_deadlines.py::"
          "test_a_restart_that_runs_out_of_time_never_leaves_the_service_stopped"),
)  # fmt: skip
