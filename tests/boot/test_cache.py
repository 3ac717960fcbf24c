"""The cache that the single file is unpacked into: complete, repaired, or done without."""

import ctypes
import fcntl
import os
import shutil
import stat
import subprocess
import sys
import time
import zipfile

import pytest

from tests.boot.test_pyz import PYTHON, PYZ, bare, start

pytestmark = pytest.mark.skipif(not PYZ.is_file(), reason="not built: python3 build.py pyz")
DAY_S = 86400
IS_ROOT = os.geteuid() == 0
NOBODY = "http://127.0.0.1:9"  # no parallel test uses this port
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2


def cache_of(home, root=".shiv"):
    found = list((home / root).glob("llamabar.pyz_*/site-packages"))
    assert len(found) == 1, found
    return found[0]


def whole(site):
    """Return whether every file of the archive is unpacked unchanged."""
    with zipfile.ZipFile(PYZ) as archive:
        names = [name for name in archive.namelist() if name.startswith("site-packages/")]
        return all((site.parent / name).read_bytes() == archive.read(name) for name in names)


def says_the_server_is_away(done):
    assert "not responding" in done.stdout, (done.stdout, done.stderr)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def like_a_user():
    """Make root respect file modes, as other users must."""
    if IS_ROOT and sys.platform == "linux":
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability)


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """A home in which the program was started once."""
    home = tmp_path_factory.mktemp("started")
    assert start(home, "--version").returncode == 0
    return home


@pytest.fixture
def unpacked(started, tmp_path):
    """The cache of a first start in this test's home."""
    shutil.copytree(started, tmp_path, symlinks=True, dirs_exist_ok=True)


@pytest.mark.parametrize(("shortened", "kept"), [
    ("boot/start.py", 0), ("boot/start.py", 2), ("boot/launch.py", 2), ("boot/entry.py", 2),
    ("damage.py", 0), ("damage.py", 9), ("cli/main.py", 0), ("core/status.py", 2),
])  # fmt: skip
@pytest.mark.usefixtures("unpacked")
def test_a_truncated_member_of_the_cache_is_unpacked_anew(tmp_path, shortened, kept):
    path = cache_of(tmp_path) / "llamabar" / shortened
    os.truncate(path, kept * path.stat().st_size // 3)
    says_the_server_is_away(start(tmp_path, "status", LLAMABAR_URL=NOBODY))
    assert whole(cache_of(tmp_path))


@pytest.mark.usefixtures("unpacked")
def test_a_member_that_cannot_be_read_any_more_is_unpacked_anew(tmp_path):
    """A system error that a command meets, not an import error."""
    path = cache_of(tmp_path) / "llamabar" / "cli" / "reports.py"
    path.chmod(0)
    for compiled in path.parent.glob("__pycache__/reports.*"):
        compiled.unlink()
    done = subprocess.run(
        [str(PYZ), "status"], env=bare(tmp_path, LLAMABAR_URL=NOBODY), capture_output=True, text=True, timeout=60,
        preexec_fn=like_a_user,
    )  # fmt: skip
    says_the_server_is_away(done)
    assert whole(cache_of(tmp_path))


@pytest.mark.parametrize("module", ["launch", "entry", "main", "words"])
def test_compiled_files_that_a_full_disk_broke_off_are_made_anew(tmp_path, module):
    start(tmp_path, "status", LLAMABAR_URL=NOBODY)
    compiled = list((cache_of(tmp_path) / "llamabar").rglob(f"__pycache__/{module}.*.pyc"))
    assert compiled
    for path in compiled:
        os.truncate(path, path.stat().st_size // 3)
    says_the_server_is_away(start(tmp_path, "status", LLAMABAR_URL=NOBODY))
    assert not any(path.exists() for path in compiled)
    says_the_server_is_away(start(tmp_path, "status", LLAMABAR_URL=NOBODY))


@pytest.mark.usefixtures("unpacked")
def test_a_stream_whose_cache_is_damaged_mends_it_and_goes_on(tmp_path):
    os.truncate(cache_of(tmp_path) / "llamabar/app/monitor.py", 3000)
    env = bare(tmp_path, SWIFTBAR="1", LLAMABAR_URL=NOBODY)
    plugin = subprocess.Popen([str(PYZ)], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        for line in plugin.stdout:
            assert b"Internal error" not in line
            if b"not responding" in line:
                break
        assert whole(cache_of(tmp_path))
    finally:
        plugin.terminate()
        plugin.communicate(timeout=10)


@pytest.mark.usefixtures("unpacked")
def test_a_python_that_is_gone_is_replaced_by_another(tmp_path):
    """An upgrade removed it while it ran: its own modules can't be imported any more, as if the cache were damaged."""
    site = cache_of(tmp_path)
    os.truncate(site / "llamabar" / "cli" / "main.py", 9)
    (site.parent / "python").write_text(f"{PYTHON}\n{tmp_path}/python3\n")
    words = [str(tmp_path / "python3"), "-I", "-S", str(site / "llamabar/boot/start.py"), "status"]
    env = bare(tmp_path, LLAMABAR_FILE=str(PYZ), LLAMABAR_URL=NOBODY)
    says_the_server_is_away(subprocess.run(words, executable=PYTHON, env=env, capture_output=True, text=True))


def test_a_damaged_cache_without_its_file_is_reported(tmp_path):
    file = tmp_path / "llamabar.pyz"
    shutil.copy(PYZ, file)
    start(tmp_path, "--version", program=file)
    site = cache_of(tmp_path)
    shutil.rmtree(site / "click")
    file.unlink()
    words = [PYTHON, "-I", "-S", str(site / "llamabar/boot/start.py"), "status"]
    done = subprocess.run(words, env=bare(tmp_path, LLAMABAR_FILE=str(file)), capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == f"llamabar: a part of it is missing (ModuleNotFoundError).\nDownload it again: {file}\n"


@pytest.mark.usefixtures("unpacked")
def test_an_unrelated_error_leaves_an_intact_cache_alone(tmp_path):
    before = cache_of(tmp_path).stat().st_ino
    done = start(tmp_path, "status", "--config", str(tmp_path))
    assert "Traceback" not in done.stderr
    assert cache_of(tmp_path).stat().st_ino == before


def test_shiv_root_names_the_cache(tmp_path):
    root = tmp_path / "a root with spaces é"
    start(tmp_path, "--version", SHIV_ROOT=str(root))
    done = start(tmp_path, "--version", SHIV_ROOT=str(root))
    assert done.returncode == 0
    assert whole(cache_of(tmp_path, root.name))
    assert not (tmp_path / ".shiv").exists()


def test_a_root_in_the_plugin_folder_is_refused_since_swiftbar_would_run_its_files(tmp_path):
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    link = tmp_path / "link"
    link.symlink_to(plugins)
    for root in (plugins, plugins / "deep" / "cache", link / "cache"):
        done = start(tmp_path, "--version", SHIV_ROOT=str(root), SWIFTBAR_PLUGINS_PATH=str(plugins))
        assert done.returncode == 0
    assert list(plugins.iterdir()) == []
    assert whole(cache_of(tmp_path))


@pytest.mark.usefixtures("unpacked")
def test_a_read_only_cache_is_used_and_a_read_only_home_is_done_without(tmp_path):
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


def test_a_full_disk_leaves_no_partial_cache_and_the_program_runs_from_its_file(tmp_path):
    words = ["/bin/sh", "-c", 'ulimit -f 100; exec "$0" "$@"', str(PYZ), "status"]
    env = bare(tmp_path, LLAMABAR_URL=NOBODY, TMPDIR=str(tmp_path))
    done = subprocess.run(words, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    says_the_server_is_away(done)
    assert done.stderr == "llamabar: no folder to unpack into, so starting is slow. Set SHIV_ROOT to one.\n"
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_simultaneous_first_starts_all_work_and_create_one_cache(tmp_path):
    env = bare(tmp_path, LLAMABAR_URL=NOBODY)
    first = [
        subprocess.Popen([str(PYZ), "status"], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert all("not responding" in process.communicate(timeout=60)[0] for process in first)
    assert whole(cache_of(tmp_path))
    assert [path.name for path in (tmp_path / ".shiv").iterdir()] == [cache_of(tmp_path).parent.name]


@pytest.mark.usefixtures("unpacked")
def test_a_cache_that_others_can_write_to_or_own_is_not_trusted(tmp_path):
    mine = cache_of(tmp_path)
    (mine / "llamabar" / "boot" / "entry.py").write_text("def main():\n    print('not ours')\n")
    mine.parent.chmod(0o777)
    (mine.parent / "python").unlink()
    assert "llamabar 0" in start(tmp_path, "--version").stdout
    assert stat.S_IMODE(cache_of(tmp_path).parent.stat().st_mode) == 0o700


@pytest.mark.skipif(not IS_ROOT, reason="only root can give a folder to another user")
@pytest.mark.usefixtures("unpacked")
def test_another_users_intact_cache_is_not_trusted(tmp_path):
    site = cache_of(tmp_path)
    for path in (tmp_path / ".shiv", site.parent, site.parent / "python"):
        os.chown(path, 12345, 12345)
    (site / "llamabar" / "boot" / "entry.py").write_text("def main():\n    print('not ours')\n")
    done = start(tmp_path, "--version", TMPDIR=str(tmp_path))
    assert "llamabar 0" in done.stdout
    assert whole(cache_of(tmp_path, f"llamabar-{os.getuid()}"))


def test_caches_of_other_builds_are_deleted_after_a_week_unless_in_use(tmp_path):
    root = tmp_path / ".shiv"
    ages_s = {
        f"llamabar.pyz_{'0' * 64}": 8 * DAY_S, f"llamabar.pyz_{'1' * 64}": 6 * DAY_S, f"mine.pyz_{'2' * 64}": 8 * DAY_S,
        f"llamabar.pyz_{'3' * 64}": -7 * DAY_S, f"llamabar.pyz_{'4' * 64}": 8 * DAY_S,
        f"other.pyz_{'5' * 64}": 99 * DAY_S, ".llamabar-left": 2 * DAY_S, ".llamabar-working": 0.0,
    }  # fmt: skip
    gone = {f"llamabar.pyz_{'0' * 64}", ".llamabar-left"}
    if IS_ROOT:
        ages_s[f"llamabar.pyz_{'6' * 64}"] = 8 * DAY_S
    for name, age_s in ages_s.items():
        (root / name / "deep").mkdir(parents=True)
        os.utime(root / name, (time.time() - age_s,) * 2)
    if IS_ROOT:
        os.chown(root / f"llamabar.pyz_{'6' * 64}", 12345, 12345)
    used = os.open(root / f"llamabar.pyz_{'4' * 64}", os.O_RDONLY)
    fcntl.flock(used, fcntl.LOCK_SH)
    try:
        start(tmp_path, "--version")
    finally:
        os.close(used)
    kept = {path.name for path in root.iterdir()} - {cache_of(tmp_path).parent.name}
    assert kept == set(ages_s) - gone


@pytest.mark.usefixtures("unpacked")
def test_forced_unpacking_replaces_the_cache(tmp_path):
    added = cache_of(tmp_path) / "added"
    added.write_text("")
    start(tmp_path, "--version", SHIV_FORCE_EXTRACT="1")
    assert not added.exists()
    assert whole(cache_of(tmp_path))


@pytest.mark.usefixtures("unpacked")
def test_a_running_plugin_holds_its_cache(tmp_path):
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


@pytest.mark.usefixtures("unpacked")
def test_a_clock_that_stands_in_1970_changes_nothing(tmp_path):
    for path in (tmp_path / ".shiv").rglob("*"):
        os.utime(path, (0, 0))
    says_the_server_is_away(start(tmp_path, "status", LLAMABAR_URL=NOBODY))
    assert whole(cache_of(tmp_path))


@pytest.mark.skipif(not IS_ROOT, reason="only root can give a folder to another user")
def test_a_link_in_a_shared_folder_that_another_user_can_flip_is_not_followed_to_code_of_theirs(tmp_path):
    shared, theirs = tmp_path / "shared", tmp_path / "theirs"
    start(tmp_path, "--version")
    shutil.copytree(tmp_path / ".shiv", theirs)
    for path in (theirs, *theirs.rglob("*")):
        os.chown(path, 12345, 12345)
    next(theirs.glob("*/site-packages/llamabar/boot/entry.py")).write_text("def main():\n    print('not ours')\n")
    shared.mkdir()
    shared.chmod(0o1777)
    (shared / f"llamabar-{os.getuid()}").symlink_to(theirs)
    done = start(tmp_path, "--version", HOME="/dev/null", TMPDIR=str(shared))
    assert "llamabar 0" in done.stdout
    assert "no folder to unpack into" in done.stderr


def test_a_folder_that_anybody_may_rename_things_in_holds_no_cache(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    done = start(tmp_path, "--version", HOME="/dev/null", TMPDIR=str(shared))
    assert "llamabar 0" in done.stdout
    assert "no folder to unpack into" in done.stderr
    assert not list(shared.glob("*/llamabar.pyz_*"))
