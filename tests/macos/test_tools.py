"""System programs: at whatever moment Ctrl-C arrives, none is left running and nothing hangs."""

import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

from llamabar.macos import tools

TRIES = 60
TRY_MANY = """
import os, random, signal, sys, threading, time
from llamabar.macos import tools
signal.signal(signal.SIGINT, signal.default_int_handler)
chance, interrupted = random.Random(7), 0
for _ in range(int(sys.argv[1])):
    wait_s = chance.uniform(0.0001, 0.004)
    interrupt = threading.Thread(target=lambda: (time.sleep(wait_s), os.kill(os.getpid(), signal.SIGINT)))
    try:
        interrupt.start()
        tools.run("sleep", "60", timeout_s=0.02)
        interrupt.join()
    except KeyboardInterrupt:
        interrupted += 1
    try:
        interrupt.join()
    except KeyboardInterrupt:
        interrupted += 1
print(interrupted, flush=True)
sys.stdin.read()
"""


def test_ctrl_c_while_a_program_starts_leaves_none_running():
    process = subprocess.Popen(
        [sys.executable, "-c", TRY_MANY, str(TRIES)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert int(process.stdout.readline()) == TRIES
    left = [child for child in psutil.Process(process.pid).children() if child.status() != psutil.STATUS_ZOMBIE]
    for child in left:
        child.kill()
    process.communicate(timeout=20)
    assert left == []


def test_a_held_signal_is_passed_to_its_handler_once():
    heard = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    try:
        with tools.signals_held() as held:
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGTERM)
            assert signal.SIGTERM in held and heard == []
        assert heard == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_ctrl_c_ends_a_program_that_hangs_at_once():
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    began_s = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        tools.run("sleep", "60", timeout_s=30)
    assert time.monotonic() - began_s < 5
    assert not [child for child in psutil.Process().children() if child.name() == "sleep"]


@pytest.mark.parametrize("limit_s", [0.05, 0.3])
def test_a_program_that_hangs_is_ended_when_its_time_is_up(limit_s):
    began_s = time.monotonic()
    said = tools.run("sleep", "60", timeout_s=limit_s)
    assert said.code is None and said.trouble == f"sleep gave no answer within {limit_s:g} s"
    assert limit_s <= time.monotonic() - began_s < limit_s + 2


def test_off_the_main_thread_no_signal_is_held():
    said = []
    worker = threading.Thread(target=lambda: said.append(tools.run("sh", "-c", "echo well").out))
    worker.start()
    worker.join(10)
    assert said == ["well\n"]


def test_a_held_signal_is_passed_on_even_if_the_block_fails():
    with pytest.raises(KeyboardInterrupt), tools.signals_held():
        os.kill(os.getpid(), signal.SIGINT)
        raise OSError("a step that failed because of it")


def test_a_program_ended_by_ctrl_c_did_not_time_out():
    with pytest.raises(KeyboardInterrupt), tools.signals_held():
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        said = tools.run("sleep", "60", timeout_s=30)
        assert said.trouble == "sleep was interrupted"
