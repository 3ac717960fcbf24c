"""The one file under bad circumstances: it starts, mends itself, does without, or says in words why not."""

import ctypes
import fcntl
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from tests.programs import environment, free_port, wait_for
from tests.test_pyz import PYTHON, PYZ, bare, start

pytestmark = pytest.mark.skipif(not PYZ.is_file(), reason="not built: python3 build.py pyz")
WEEK_S = 7 * 86400
IS_ROOT = os.geteuid() == 0
NOBODY = f"http://127.0.0.1:{free_port()}"
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1


def cache_of(home, root=".shiv"):
    found = list((home / root).glob("llamabar.pyz_*/site-packages"))
    assert len(found) == 1, found
    return found[0]


def whole(site):
    """Whether every file of the archive is unpacked as it is in there."""
    with zipfile.ZipFile(PYZ) as archive:
        names = [name for name in archive.namelist() if name.startswith("site-packages/")]
        return all((site.parent / name).read_bytes() == archive.read(name) for name in names)


def says_the_server_is_away(done):
    assert "not answering" in done.stdout, (done.stdout, done.stderr)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def like_a_user():
    """Make root heed file modes, as everybody else must."""
    if IS_ROOT and sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE)


def python_of(version, folder):
    """A Python of this version; where the machine has none, what the header sees of one: the version it prints."""
    real = next((str(path) for path in Path.home().glob(f".pyenv/versions/{version}.*/bin/python")), None)
    if real:
        return real
    path = folder / f"python{version}"
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.7", "3.8"])
def test_a_python_that_is_too_old_is_said_on_the_first_start_and_on_a_later_one(tmp_path, version):
    old = python_of(version, tmp_path)
    for _ in range(2):
        done = start(tmp_path, "status", LLAMABAR_PYTHON=old)
        assert done.returncode == 1
        assert done.stderr.startswith(f"llamabar: needs Python 3.9 or newer, and {old} is {version}.\n")
        start(tmp_path, "--version")


def test_an_old_python_that_is_given_the_file_says_so_itself():
    for version in ("2.7", "3.6", "3.8"):
        found = next((str(path) for path in Path.home().glob(f".pyenv/versions/{version}.*/bin/python")), None)
        if found:
            done = subprocess.run([found, str(PYZ), "status"], capture_output=True, text=True)
            assert "needs Python 3.9 or newer" in done.stderr
            assert "Traceback" not in done.stderr


@pytest.mark.parametrize("content", [b"\x7fELF of another processor", b"#!/bin/sh\nexit 126\n", b""])
def test_a_python_that_does_not_run_here_is_said(tmp_path, content):
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
        assert b"llama-swap: starting" in frame
    finally:
        plugin.terminate()
        plugin.communicate(timeout=10)


def test_a_plugin_that_waits_for_a_python_ends_on_sigterm(tmp_path):
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


@pytest.mark.parametrize("left", [0.999_999, 0.5, 0.01])
def test_a_download_that_was_cut_off_is_said_in_words(tmp_path, left):
    cut = tmp_path / "llamabar.pyz"
    content = PYZ.read_bytes()
    cut.write_bytes(content[: int(len(content) * left)])
    cut.chmod(0o755)
    done = start(tmp_path, "status", program=cut)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"llamabar: the file is not whole; its download was cut off.\nDownload it again: {cut}\n"
    env = bare(tmp_path, SWIFTBAR="1")
    plugin = subprocess.Popen([str(cut)], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert b"the file is not whole" in b"".join(iter(plugin.stdout.readline, b"~~~\n"))
        assert plugin.poll() is None
    finally:
        plugin.terminate()
        plugin.communicate(timeout=10)


def test_a_header_that_was_cut_off_does_nothing(tmp_path):
    cut = tmp_path / "llamabar.pyz"
    cut.write_bytes(PYZ.read_bytes()[:2000])
    cut.chmod(0o755)
    done = start(tmp_path, "status", program=cut)
    assert done.returncode != 0
    assert done.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["llamabar.pyz"]


def test_a_file_that_was_changed_on_its_way_is_said_in_words(tmp_path):
    content = bytearray(PYZ.read_bytes())
    content[content.index(b"def stream(")] ^= 1
    changed = tmp_path / "llamabar.pyz"
    changed.write_bytes(content)
    changed.chmod(0o755)
    done = start(tmp_path, "status", program=changed)
    assert done.returncode == 1
    assert done.stderr.startswith("llamabar: the file is not whole.\nDownload it again: ")


@pytest.mark.parametrize("shortened", [
    "llamabar/start.py", "llamabar/launch.py", "llamabar/entry.py", "llamabar/unpack.py",
    "llamabar/cli/main.py", "llamabar/look.py", "llamabar/core/status.py", "urllib3/connection.py", "click/core.py",
])  # fmt: skip
def test_a_truncated_member_of_the_cache_is_unpacked_anew(tmp_path, shortened):
    start(tmp_path, "--version")
    path = cache_of(tmp_path) / shortened
    for size in (0, path.stat().st_size * 2 // 3):
        os.truncate(path, size)
        done = start(tmp_path, "status", LLAMABAR_URL=NOBODY)
        says_the_server_is_away(done)
        assert shortened.endswith("unpack.py") or whole(cache_of(tmp_path))


def test_a_stream_whose_cache_is_damaged_mends_it_and_goes_on(tmp_path):
    start(tmp_path, "--version")
    os.truncate(cache_of(tmp_path) / "llamabar/monitor.py", 3000)
    env = bare(tmp_path, SWIFTBAR="1", LLAMABAR_URL=NOBODY)
    plugin = subprocess.Popen([str(PYZ)], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        for line in plugin.stdout:
            assert b"a fault of ours" not in line
            if b"not answering" in line:
                break
        assert whole(cache_of(tmp_path))
    finally:
        plugin.terminate()
        plugin.communicate(timeout=10)


def test_a_damaged_cache_whose_file_has_gone_is_said_in_words(tmp_path):
    file = tmp_path / "llamabar.pyz"
    shutil.copy(PYZ, file)
    start(tmp_path, "--version", program=file)
    site = cache_of(tmp_path)
    shutil.rmtree(site / "click")
    file.unlink()
    words = [PYTHON, "-I", "-S", str(site / "llamabar/start.py"), "status"]
    done = subprocess.run(words, env=bare(tmp_path, LLAMABAR_FILE=str(file)), capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == f"llamabar: a part of it is missing (ModuleNotFoundError).\nDownload it again: {file}\n"


def test_a_cache_that_is_whole_is_left_alone_by_a_fault_that_is_ours(tmp_path):
    start(tmp_path, "--version")
    before = cache_of(tmp_path).stat().st_ino
    done = start(tmp_path, "status", "--config", str(tmp_path))
    assert "Traceback" not in done.stderr
    assert cache_of(tmp_path).stat().st_ino == before


@pytest.mark.parametrize("more", [
    {"HOME": None}, {"HOME": ""}, {"PATH": ""}, {"TMPDIR": "/nowhere at all"}, {"HOME": "/dev/null"},
    {"SHIV_ROOT": "/dev/null/no"}, {"SHIV_ROOT": "~/a b/é"},
    {"HOME": "/dev/null", "SHIV_ROOT": "/dev/null", "PATH": "", "TMPDIR": "/dev/null"},
])  # fmt: skip
def test_it_starts_twice_with_an_odd_environment(tmp_path, more):
    env = bare(tmp_path, LLAMABAR_URL=NOBODY, TMPDIR=str(tmp_path))
    env.update(more)
    env = {name: value for name, value in env.items() if value is not None}
    for _ in range(2):
        done = subprocess.run([str(PYZ), "status"], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        says_the_server_is_away(done)


def test_shiv_root_names_the_cache(tmp_path):
    root = tmp_path / "a root with spaces é"
    start(tmp_path, "--version", SHIV_ROOT=str(root))
    done = start(tmp_path, "--version", SHIV_ROOT=str(root))
    assert done.returncode == 0
    assert whole(cache_of(tmp_path, root.name))
    assert not (tmp_path / ".shiv").exists()


def test_a_root_in_the_plugin_folder_is_refused_since_swiftbar_would_run_what_is_in_it(tmp_path):
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    link = tmp_path / "link"
    link.symlink_to(plugins)
    for root in (plugins, plugins / "deep" / "cache", link / "cache"):
        done = start(tmp_path, "--version", SHIV_ROOT=str(root), SWIFTBAR_PLUGINS_PATH=str(plugins))
        assert done.returncode == 0
    assert list(plugins.iterdir()) == []
    assert whole(cache_of(tmp_path))


def test_a_read_only_cache_is_used_and_a_read_only_home_is_done_without(tmp_path):
    start(tmp_path, "--version")
    root, empty = tmp_path / ".shiv", tmp_path / "empty"
    empty.mkdir()
    folders = [path for path in (root, *root.rglob("*")) if path.is_dir()]
    for path in (*folders, empty):
        path.chmod(0o555)
    try:
        for more in ({}, {"HOME": str(empty), "TMPDIR": str(empty), "SHIV_ROOT": str(empty)}):
            env = bare(tmp_path, LLAMABAR_URL=NOBODY, **more)
            done = subprocess.run(
                [str(PYZ), "status"], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                preexec_fn=like_a_user,
            )  # fmt: skip
            says_the_server_is_away(done)
        assert list(empty.iterdir()) == []
    finally:
        for path in (*folders, empty):
            path.chmod(0o755)


def test_a_full_disk_leaves_no_rest_and_the_program_runs_out_of_its_file(tmp_path):
    words = ["/bin/sh", "-c", 'ulimit -f 100; exec "$0" "$@"', str(PYZ), "status"]
    env = bare(tmp_path, LLAMABAR_URL=NOBODY, TMPDIR=str(tmp_path))
    done = subprocess.run(words, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    says_the_server_is_away(done)
    assert done.stderr == "llamabar: no folder to unpack into, so this start is slow. Set SHIV_ROOT to one.\n"
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_first_starts_at_once_all_work_and_make_one_cache(tmp_path):
    env = bare(tmp_path, LLAMABAR_URL=NOBODY)
    first = [
        subprocess.Popen([str(PYZ), "status"], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    assert all("not answering" in process.communicate(timeout=60)[0] for process in first)
    assert whole(cache_of(tmp_path))
    assert [path.name for path in (tmp_path / ".shiv").iterdir()] == [cache_of(tmp_path).parent.name]


def test_a_cache_that_others_can_write_to_or_own_is_not_trusted(tmp_path):
    start(tmp_path, "--version")
    mine = cache_of(tmp_path)
    (mine / "llamabar" / "entry.py").write_text("def main():\n    print('not ours')\n")
    mine.parent.chmod(0o777)
    (mine.parent / "python").unlink()
    assert "llamabar 0" in start(tmp_path, "--version").stdout
    assert stat.S_IMODE(cache_of(tmp_path).parent.stat().st_mode) == 0o700


@pytest.mark.skipif(not IS_ROOT, reason="only root can give a folder to another user")
def test_a_cache_of_another_user_is_not_trusted_though_it_is_whole(tmp_path):
    start(tmp_path, "--version")
    site = cache_of(tmp_path)
    for path in (tmp_path / ".shiv", site.parent, site.parent / "python"):
        os.chown(path, 12345, 12345)
    (site / "llamabar" / "entry.py").write_text("def main():\n    print('not ours')\n")
    done = start(tmp_path, "--version", TMPDIR=str(tmp_path))
    assert "llamabar 0" in done.stdout
    assert whole(cache_of(tmp_path, f"llamabar-{os.getuid()}"))


def test_caches_of_other_builds_go_after_a_week_unless_a_process_uses_them(tmp_path):
    root = tmp_path / ".shiv"
    ages_s = {"0": 8 * 86400, "1": 6 * 86400, "2": 8 * 86400, "3": -WEEK_S}
    paths = {key: root / f"llamabar.pyz_{key * 64}" for key in ages_s}
    others = [root / f"other.pyz_{'4' * 64}", root / ".llamabar-left"]
    for path in (*paths.values(), *others):
        (path / "deep").mkdir(parents=True)
    for path, age_s in (*((paths[key], ages_s[key]) for key in paths), *((path, 9 * 86400) for path in others)):
        os.utime(path, (time.time() - age_s,) * 2)
    used = os.open(paths["2"], os.O_RDONLY)
    fcntl.flock(used, fcntl.LOCK_SH)
    try:
        start(tmp_path, "--version")
        kept = sorted(path.name for path in root.iterdir() if path != cache_of(tmp_path).parent)
    finally:
        os.close(used)
    assert kept == sorted([paths["1"].name, paths["2"].name, paths["3"].name, others[0].name])


def test_a_running_plugin_holds_its_cache(tmp_path):
    start(tmp_path, "--version")
    env = bare(tmp_path, SWIFTBAR="1", LLAMABAR_URL=NOBODY)
    plugin = subprocess.Popen([str(PYZ)], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    folder = os.open(cache_of(tmp_path).parent, os.O_RDONLY)
    try:
        plugin.stdout.readline()
        with pytest.raises(BlockingIOError):
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        plugin.terminate()
        plugin.communicate(timeout=10)
        os.close(folder)


def test_a_clock_that_stands_in_1970_changes_nothing(tmp_path):
    start(tmp_path, "--version")
    for path in (tmp_path / ".shiv").rglob("*"):
        os.utime(path, (0, 0))
    says_the_server_is_away(start(tmp_path, "status", LLAMABAR_URL=NOBODY))
    assert whole(cache_of(tmp_path))


def test_no_variable_of_python_changes_what_is_run(tmp_path):
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


def test_the_python_that_unpacked_is_started_again_until_another_is_asked_for(tmp_path):
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
    wait_for(lambda: cache_of(tmp_path).exists())
