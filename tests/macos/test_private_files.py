"""Who may read and write llamabar's files: its own are private to the user, pages follow the umask."""

import fcntl
import os
import stat

import pytest

from llamabar.macos import files
from tests.fakes.programs import Plugin, chat, llama_swap, run, wait_for
from tests.store.history_files import Watcher, counted, rows


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


@pytest.fixture
def umask():
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def test_a_folder_that_others_could_read_is_made_private(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o777)
    files.private_folder(folder)
    assert mode(folder) == 0o700


def test_the_home_folder_is_left_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir(mode=0o755)
    files.private_folder(tmp_path / "home")
    assert mode(tmp_path / "home") == 0o755


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make another user's folder")
def test_a_folder_of_another_user_is_not_written_to(tmp_path):
    os.chown(tmp_path, 4321, -1)
    with pytest.raises(PermissionError):
        files.private_folder(tmp_path)
    tmp_path.chmod(0o777)
    Watcher(tmp_path).add(rows(1))
    assert os.listdir(tmp_path) == []
    os.chown(tmp_path, 0, -1)


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_a_public_file_follows_the_umask_and_a_replaced_one_keeps_its_mode(tmp_path, umask, mask):
    umask(mask)
    files.write(tmp_path / "new.html", b"1")
    assert mode(tmp_path / "new.html") == 0o644 & ~mask
    (tmp_path / "kept").write_text("secret")
    (tmp_path / "kept").chmod(0o600)
    files.write(tmp_path / "kept", b"2")
    assert mode(tmp_path / "kept") == 0o600


@pytest.mark.parametrize("words", [["preview"], ["history", "--html"]])
def test_a_page_is_as_private_as_the_umask_says(tmp_path, umask, words):
    umask(0o077)
    with llama_swap() as server:
        done = run(tmp_path, *words, str(tmp_path / "page.html"), LLAMABAR_URL=server.url)
    assert done.returncode == 0, done.stderr
    assert mode(tmp_path / "page.html") == 0o600


def test_a_backup_keeps_its_mode_and_a_pipe_cannot_be_backed_up(tmp_path, umask):
    umask(0o077)
    (tmp_path / "a").write_text("1")
    (tmp_path / "a").chmod(0o640)
    assert mode(files.backup(tmp_path / "a", tmp_path / "backups")) == 0o640
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="regular"):
        files.backup(tmp_path / "pipe", tmp_path / "backups")


def test_all_of_the_plugins_files_are_private_even_in_a_folder_that_was_open(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o777)
    with llama_swap() as server, Plugin(server.url, tmp_path, LLAMABAR_DATA_DIR=str(data)) as plugin:
        chat(server, "alpha-8b", tokens=3).join(10)
        plugin.wait_for_row("Today: 1 request")
        wait_for(lambda: (data / "known-servers.json").exists())
        plugin.end()
    assert mode(data) == 0o700
    kept = {path.name: mode(path) for path in data.iterdir()}
    assert set(kept.values()) == {0o600} and {"history.sqlite", "known-servers.json"} <= set(kept)


def test_a_lock_that_somebody_else_holds_on_the_folder_holds_nothing_up(tmp_path):
    (tmp_path / "history.sqlite").write_bytes(b"no database" * 500)
    held = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    watcher = Watcher(tmp_path).add(rows(1))
    assert watcher.writer.rows  # they wait
    os.close(held)
    watcher.add(rows(2))
    assert counted(tmp_path) == {"one": 2}
