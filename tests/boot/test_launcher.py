"""The header of the single file: it finds a Python, starts the program, or says why it can't."""

import contextlib
import fcntl
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.boot.test_cache import cache_of, says_the_server_is_away, whole
from tests.boot.test_pyz import PYTHON, PYZ, bare, start
from tests.fakes.programs import environment

pytestmark = pytest.mark.skipif(not PYZ.is_file(), reason="not built: python3 build.py pyz")
NOBODY = "http://127.0.0.1:9"  # no parallel test uses this port


def python_of(version, folder):
    """Return a Python of this version; if the machine has none, a program that prints the version, all the header sees
    of it."""
    real = next((str(path) for path in Path.home().glob(f".pyenv/versions/{version}.*/bin/python")), None)
    if real:
        return real
    path = folder / f"python{version}"
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("version", ["2.7", "3.8"])
def test_a_python_that_is_too_old_is_reported_on_the_first_and_later_starts(tmp_path, version):
    old = python_of(version, tmp_path)
    for _ in range(2):
        done = start(tmp_path, "status", LLAMABAR_PYTHON=old)
        assert done.returncode == 1
        assert done.stderr.startswith(f"llamabar: needs Python 3.9 or newer, and {old} is {version}.\n")
        start(tmp_path, "--version")


def test_an_old_python_that_runs_the_file_says_so_itself():
    for version in ("2.7", "3.6", "3.7", "3.8"):
        found = next((str(path) for path in Path.home().glob(f".pyenv/versions/{version}.*/bin/python")), None)
        if found:
            done = subprocess.run([found, str(PYZ), "status"], capture_output=True, text=True)
            assert "needs Python 3.9 or newer" in done.stderr
            assert "Traceback" not in done.stderr


@pytest.mark.parametrize("content", [b"\x7fELF of another processor", b"#!/bin/sh\nexit 126\n", b""])
def test_a_python_that_does_not_run_here_is_reported(tmp_path, content):
    path = tmp_path / "python3"
    path.write_bytes(content)
    path.chmod(0o755)
    done = start(tmp_path, "status", LLAMABAR_PYTHON=str(path))
    assert done.returncode == 1
    assert "needs Python 3.9 or newer" in done.stderr
    assert "LLAMABAR_PYTHON" in done.stderr


def test_in_swiftbar_a_missing_python_is_a_frame_that_stays_until_there_is_one(tmp_path):
    chosen = tmp_path / "python3"
    env = bare(tmp_path, SWIFTBAR="1", LLAMABAR_PYTHON=str(chosen), LLAMABAR_URL=NOBODY)
    plugin = subprocess.Popen([str(PYZ)], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        frame = b"".join(iter(plugin.stdout.readline, b"~~~\n"))
        assert b"llamabar: needs Python 3.9 or newer, and" in frame
        assert plugin.poll() is None
        chosen.symlink_to(PYTHON)
        frame = b"".join(iter(plugin.stdout.readline, b"~~~\n"))
        assert "llama-swap: connecting…".encode() in frame
    finally:
        plugin.terminate()
        plugin.communicate(timeout=10)


def test_a_plugin_waiting_for_a_python_ends_on_sigterm(tmp_path):
    env = bare(tmp_path, SWIFTBAR="1", LLAMABAR_PYTHON="/nowhere/python3")
    plugin = subprocess.Popen([str(PYZ), "stream"], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    plugin.stdout.readline()
    plugin.terminate()
    assert plugin.wait(5) == -signal.SIGTERM
    plugin.stdout.close()


def test_the_stub_that_opens_a_dialog_is_never_started_on_a_mac(tmp_path):
    header = PYZ.read_bytes().split(b"\nexit 0\n}\n")[0].decode() + "\nexit 0\n}\n"
    stub, calls = tmp_path / "stub", tmp_path / "calls"
    stub.write_text(f"#!/bin/sh\necho called >>'{calls}'\necho 3.9\n")
    stub.chmod(0o755)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(stub)
    for real in re.findall(r"(?:/opt|/usr/local|/Library|/Applications)/\S*/python3", header):
        header = header.replace(real, "/nowhere/python3")
    header = header.replace("/usr/bin/python3", str(stub)).replace("/System/Library/CoreServices", str(tmp_path))
    script = tmp_path / "llamabar.pyz"
    script.write_text(header)
    found = environment(tmp_path, PATH=f"{tmp_path / 'bin'}:/usr/bin:/bin")
    done = subprocess.run(["/bin/sh", str(script), "status"], env=found, capture_output=True, text=True)
    assert "needs Python 3.9 or newer" in done.stderr
    assert not calls.exists()


@pytest.mark.parametrize("left", [0.999_999, 0.01])
def test_a_truncated_download_is_reported(tmp_path, left):
    cut = tmp_path / "llamabar.pyz"
    content = PYZ.read_bytes()
    cut.write_bytes(content[: int(len(content) * left)])
    cut.chmod(0o755)
    done = start(tmp_path, "status", program=cut)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"llamabar: the file is incomplete: its download was interrupted.\nDownload it again: {cut}\n"
    env = bare(tmp_path, SWIFTBAR="1")
    plugin = subprocess.Popen([str(cut)], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert b"the file is incomplete" in b"".join(iter(plugin.stdout.readline, b"~~~\n"))
        assert plugin.poll() is None
    finally:
        plugin.terminate()
        plugin.communicate(timeout=10)


def test_a_truncated_header_does_nothing(tmp_path):
    cut = tmp_path / "llamabar.pyz"
    cut.write_bytes(PYZ.read_bytes()[:2000])
    cut.chmod(0o755)
    done = start(tmp_path, "status", program=cut)
    assert done.returncode != 0
    assert done.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["llamabar.pyz"]


def test_a_file_changed_in_transit_is_reported(tmp_path):
    content = bytearray(PYZ.read_bytes())
    content[content.index(b"def stream(")] ^= 1
    changed = tmp_path / "llamabar.pyz"
    changed.write_bytes(content)
    changed.chmod(0o755)
    done = start(tmp_path, "status", program=changed)
    assert done.returncode == 1
    assert done.stderr.startswith("llamabar: the file is incomplete.\nDownload it again: ")


@pytest.mark.parametrize("more", [
    {"PATH": "", "TMPDIR": "/nowhere at all"}, {"HOME": "/dev/null"}, {"SHIV_ROOT": "~/a b/é"}, {"HOME": ""},
    {"HOME": None, "SHIV_ROOT": "/dev/null/no"},
    {"HOME": "/dev/null", "SHIV_ROOT": "/dev/null", "PATH": "", "TMPDIR": "/dev/null"},
])  # fmt: skip
def test_it_starts_twice_with_an_odd_environment(tmp_path, more):
    env = bare(tmp_path, LLAMABAR_URL=NOBODY, TMPDIR=str(tmp_path))
    env.update(more)
    env = {name: value for name, value in env.items() if value is not None}
    real = Path(pwd.getpwuid(os.getuid()).pw_dir) / ".shiv"
    with alone():
        before = set(real.iterdir()) if real.is_dir() else None
        for _ in range(2):
            words = [str(PYZ), "status"]
            done = subprocess.run(words, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
            says_the_server_is_away(done)
        if real.is_dir():  # without HOME it is the home folder in the user database: leave that as it was
            for path in set(real.iterdir()) - (before or set()):
                shutil.rmtree(path)
            if before is None:
                real.rmdir()


@contextlib.contextmanager
def alone():
    """Allow only one of the parallel tests at a time to use the user's own home folder."""
    with (Path(tempfile.gettempdir()) / f"llamabar-tests-{os.getuid()}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def test_no_python_variable_changes_what_runs(tmp_path):
    evil = tmp_path / "evil"
    evil.mkdir()
    for name in ("click", "urllib3", "sitecustomize", "usercustomize", "zipfile", "fcntl", "start"):
        (evil / f"{name}.py").write_text("print('evil')\nraise SystemExit(9)\n")
    hostile = {
        "PYTHONPATH": str(evil), "PYTHONHOME": str(evil), "PYTHONSTARTUP": str(evil / "start.py"),
        "PYTHONINSPECT": "1", "PYTHONUSERBASE": str(evil), "PYTHONWARNINGS": "error", "PYTHONOPTIMIZE": "2",
        "LLAMABAR_FILE": str(evil / "start.py"), "LLAMABAR_URL": NOBODY,
        "SHIV_PREPEND_PYTHONPATH": str(evil), "ENV": str(evil / "start.py"),
    }  # fmt: skip
    for _ in range(2):
        done = subprocess.run(
            [str(PYZ), "status"], env=bare(tmp_path, **hostile), cwd=evil, stdin=subprocess.DEVNULL,
            capture_output=True, text=True,
        )  # fmt: skip
        says_the_server_is_away(done)
        assert done.stderr == ""


def test_it_runs_without_an_execute_bit_and_through_a_link_to_a_link(tmp_path):
    plain = tmp_path / "plain.pyz"
    shutil.copyfile(PYZ, plain)
    (tmp_path / "one").symlink_to(plain)
    (tmp_path / "two").symlink_to(tmp_path / "one")
    for words in (["/bin/sh", "plain.pyz"], ["/bin/sh", "two"], [PYTHON, "two"], [PYTHON, "-I", str(plain)]):
        done = subprocess.run([*words, "--version"], env=bare(tmp_path), cwd=tmp_path, capture_output=True, text=True)
        assert done.stdout.startswith("llamabar 0"), (words, done.stderr)
    assert whole(cache_of(tmp_path)), "however it is called, there is one cache"


def test_the_python_that_unpacked_is_reused_until_another_is_requested(tmp_path):
    other = tmp_path / "python3"
    other.symlink_to(PYTHON)
    start(tmp_path, "--version")
    assert start(tmp_path, "--version", LLAMABAR_PYTHON=str(other)).returncode == 0
    asked, found = (cache_of(tmp_path).parent / "python").read_text().splitlines()
    assert asked == str(other)
    assert os.access(found, os.X_OK)


def test_shivs_own_switches_still_work(tmp_path):
    env = bare(tmp_path, SHIV_INTERPRETER="1")
    words = [str(PYZ), "-c", "import click; print(click.__file__)"]
    done = subprocess.run(words, env=env, capture_output=True, text=True)
    assert done.stdout.startswith(str(tmp_path / ".shiv")), done.stderr
