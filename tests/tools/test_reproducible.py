"""The build gives the same bytes in another folder, with another umask, Python, locale and time."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.fakes.programs import ROOT, environment

FOLDERS = ("src", "installer", "launchd_templates", "tools", "requirements")
SOURCES = (*FOLDERS, "pyproject.toml", "LICENSE", "CHANGELOG.md")
WHEELS = ROOT / ".wheels"
SHIV = [*WHEELS.glob("shiv-*.whl"), *WHEELS.glob("click-*.whl")]
pytestmark = pytest.mark.skipif(not SHIV, reason="no wheels: python3 build.py pyz")


def tree(folder):
    """Return a copy of what the build reads, without git."""
    folder.mkdir(parents=True)
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


def unpacked_shiv(folder):
    for wheel in SHIV:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
    return folder


def build(folder, home, *, python=sys.executable, umask=0o022, **more):
    """Build with a Python and return the bytes' sha256. The bytes stay in `folder`."""
    found = environment(home, **more)
    found["PYTHONPATH"] = str(home / "shiv")
    words = [python, "-B", str(folder / "tools" / "pyz.py"), str(WHEELS), str(folder / "dist" / "llamabar.pyz")]
    done = subprocess.run(words, env=found, cwd="/", capture_output=True, text=True, preexec_fn=lambda: os.umask(umask))
    assert done.returncode == 0, done.stderr
    return hashlib.sha256((folder / "dist" / "llamabar.pyz").read_bytes()).hexdigest()


def other_python():
    """Return another interpreter than ours, the oldest one; ours if there is no other."""
    named = [shutil.which(f"python3.{minor}") for minor in (9, 10, 12, 13, 14)]
    kept = [str(path) for path in sorted(Path.home().glob(".pyenv/versions/3.*/bin/python3"))]
    for path in filter(None, (*kept, *named)):
        done = subprocess.run([path, "-c", "import sys; print(sys.version_info >= (3, 9))"], capture_output=True)
        if done.stdout == b"True\n":
            return path
    return sys.executable


def test_two_builds_are_the_same_bytes(tmp_path):
    unpacked_shiv(tmp_path / "shiv")
    one = build(tree(tmp_path / "one"), tmp_path)
    two = build(
        tree(tmp_path / "another folder é" / "two"), tmp_path, python=other_python(), umask=0o002, LC_ALL="tr_TR.UTF-8",
        TZ="Pacific/Auckland", SOURCE_DATE_EPOCH="1700000000", PYTHONHASHSEED="7",
    )  # fmt: skip
    assert one == two
    assert oct((tmp_path / "one/dist/llamabar.pyz").stat().st_mode & 0o777) == "0o755"


def test_a_tree_without_git_says_so_and_one_with_git_names_its_commit(tmp_path):
    unpacked_shiv(tmp_path / "shiv")
    folder = tree(tmp_path / "tree")
    names = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}

    def git(*words):
        found = environment(tmp_path, **names)
        return subprocess.run(["git", *words], cwd=folder, env=found, check=True, capture_output=True, text=True).stdout

    def said():
        build(folder, tmp_path)
        with zipfile.ZipFile(folder / "dist" / "llamabar.pyz") as archive:
            return archive.read("site-packages/llamabar/commit.txt").decode()

    assert said() == "none, built from a tree without git"
    git("init", "-q")
    git("add", *SOURCES)
    git("commit", "-q", "-m", "all")
    commit = git("rev-parse", "HEAD").strip()
    assert said() == commit
    (folder / "LICENSE").write_text("changed Copyright")
    assert said() == f"{commit}+"


def test_what_lies_about_in_a_tree_is_not_built_in(tmp_path):
    unpacked_shiv(tmp_path / "shiv")
    clean = build(tree(tmp_path / "clean"), tmp_path)
    folder = tree(tmp_path / "used")
    for name in ("src/llamabar/__pycache__/entry.cpython-39.pyc", "src/llamabar/.DS_Store", "src/llamabar/core/x.py~"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"left behind")
    assert build(folder, tmp_path) == clean
