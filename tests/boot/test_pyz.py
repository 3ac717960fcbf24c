"""The built file: it starts everywhere, repairs itself, and draws what the source draws. `build.py test` builds it."""

import json
import os
import shutil
import subprocess
import sys
import zipfile

import pytest

from llamabar import __version__
from tests.fakes.programs import ROOT, Plugin, chat, environment, llama_swap, run, wait_for

PYZ = ROOT / "dist" / "llamabar.pyz"
PYTHON = os.environ.get("LLAMABAR_TEST_PYTHON") or sys.executable
pytestmark = pytest.mark.skipif(not PYZ.is_file(), reason="not built: python3 build.py pyz")


def bare(home, **more):
    """Return an environment in which only the built file can provide the code."""
    found = environment(home, **{"LLAMABAR_PYTHON": PYTHON, **more})
    del found["PYTHONPATH"]
    return found


def start(home, *words, program=PYZ, **more):
    return subprocess.run(
        [str(program), *words],
        env=bare(home, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_first_start_unpacks_and_the_second_runs_from_the_cache(tmp_path):
    first, second = start(tmp_path, "help"), start(tmp_path, "help")
    assert first.stdout == run(tmp_path, "help").stdout, "no text that it says was left out with the docstrings"
    assert first.stdout == second.stdout
    assert first.stderr == second.stderr == ""
    unpacked = list((tmp_path / ".shiv").glob("*/site-packages/llamabar/boot/launch.py"))
    assert len(unpacked) == 1


def test_the_version_names_commit_build_and_python(tmp_path):
    with zipfile.ZipFile(PYZ) as archive:
        build = json.loads(archive.read("environment.json"))["build_id"][:12]
        commit = archive.read("site-packages/llamabar/commit.txt").decode()
    version = subprocess.run([PYTHON, "--version"], capture_output=True, text=True).stdout.split()[1]
    said = start(tmp_path, "--version").stdout
    assert said.startswith(f"llamabar {__version__} (commit {commit}, build {build}, Python {version} at /")


def test_it_streams_frames_to_swiftbar_and_ends_on_sigterm(tmp_path):
    start(tmp_path, "--version")
    bundled = {"program": [str(PYZ)], "LLAMABAR_PYTHON": PYTHON, "PYTHONPATH": ""}
    with llama_swap() as server, Plugin(server.url, tmp_path, **bundled) as plugin:
        plugin.wait_for_row("llama-swap: no model loaded")
        chat(server, "alpha-8b", tokens=100)
        plugin.wait_for_text(" tok/s")
        code, took_s = plugin.end()
        assert (code, plugin.stderr) == (0, b"")
        assert took_s < 0.5


@pytest.mark.parametrize("missing", ["click", "urllib3"])
def test_a_half_deleted_cache_is_unpacked_anew(tmp_path, missing):
    start(tmp_path, "--version")
    site = next((tmp_path / ".shiv").glob("*/site-packages"))
    path = site / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    done = start(tmp_path, "status", LLAMABAR_URL="http://127.0.0.1:9")
    assert "not responding" in done.stdout, done.stderr
    assert path.exists()


def test_it_runs_from_a_folder_with_spaces_through_a_link_and_with_a_hostile_python_path(tmp_path):
    folder = tmp_path / "My Plug ins é"
    folder.mkdir()
    shutil.copy(PYZ, folder / "llamabar.pyz")
    (folder / "click.py").write_text("raise SystemExit('the wrong click')")
    link = tmp_path / "llamabar.link"
    link.symlink_to(folder / "llamabar.pyz")
    for program in (folder / "llamabar.pyz", link):
        done = start(tmp_path, "--help", program=program, PYTHONPATH=str(folder))
        assert done.returncode == 0, done.stderr
        assert "Watch and control llama-swap" in done.stdout


def test_the_file_carries_what_it_needs_and_nothing_else():
    with zipfile.ZipFile(PYZ) as archive:
        names = archive.namelist()
    for needed in (
        "site-packages/llamabar/boot/entry.py", "site-packages/llamabar_installer/launchd_templates/llama-swap.plist",
        "site-packages/psutil/_psutil_osx.abi3.so", "site-packages/psutil/_psutil_linux.abi3.so",
        "site-packages/tomli/__init__.py", "site-packages/png.py", "site-packages/llamabar/commit.txt",
    ):  # fmt: skip
        assert needed in names
    assert not [name for name in names if "__pycache__" in name or "/tests/" in name or ".dist-info/" in name]
    assert PYZ.stat().st_size < 3_000_000, "stored"
    assert os.access(PYZ, os.X_OK)


def test_the_licence_of_every_part_is_inside():
    with zipfile.ZipFile(PYZ) as archive:
        listed = archive.read("site-packages/licenses/PARTS.txt").decode().splitlines()
        for line in listed:
            text = archive.read(f"site-packages/licenses/{line.split()[0]}.txt").decode()
            assert "WITHOUT WARRANTY" in text or "AS IS" in text
        assert "Prometheus Authors" in archive.read("site-packages/licenses/prometheus-client.NOTICE.txt").decode()
    names = ["click", "prometheus-client", "psutil", "pypng", "shiv", "tomli", "urllib3", "wcwidth"]
    assert [line.split()[0] for line in listed] == names
    with zipfile.ZipFile(PYZ) as archive:
        assert archive.read("site-packages/licenses/llamabar.txt") == (ROOT / "LICENSE").read_bytes()
        assert b"LinkedIn" in archive.read("site-packages/licenses/shiv.txt")


def test_members_are_stored_uncompressed_so_any_zlib_gives_the_same_bytes():
    with zipfile.ZipFile(PYZ) as archive:
        infos = archive.infolist()
    assert {info.compress_type for info in infos} == {zipfile.ZIP_STORED}
    assert {info.date_time for info in infos} == {(1980, 1, 1, 0, 0, 0)}
    assert [info.filename for info in infos] == sorted(info.filename for info in infos)


def test_the_mac_module_is_one_file_for_both_processors():
    with zipfile.ZipFile(PYZ) as archive:
        data = archive.read("site-packages/psutil/_psutil_osx.abi3.so")
    assert data[:8] == bytes.fromhex("cafebabe00000002")
    wheels = sorted(ROOT.glob(".wheels/macosx_*/psutil-*.whl"))
    thin = {zipfile.ZipFile(wheel).read("psutil/_psutil_osx.abi3.so") for wheel in wheels}
    kinds = {data[8:12], data[28:32]}
    assert kinds == {bytes.fromhex("01000007"), bytes.fromhex("0100000c")}, "x86_64 and arm64"
    for at in (8, 28):
        offset, size = int.from_bytes(data[at + 8 : at + 12], "big"), int.from_bytes(data[at + 12 : at + 16], "big")
        assert offset % 16384 == 0
        assert data[offset : offset + 4] == bytes.fromhex("cffaedfe")
        assert data[offset : offset + size] in thin, "a slice is as its wheel has it, or its signature breaks"
    assert len(thin) == 2


def test_demo_models_run_from_the_unpacked_file(tmp_path):
    process = subprocess.Popen(
        [str(PYZ), "demo", "--serve", "0", "--seconds", "20"], env=bare(tmp_path), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        url = process.stdout.readline().split(" at ")[1].split()[0].rstrip(".")
        wait_for(lambda: "ready" in start(tmp_path, "status", LLAMABAR_URL=url).stdout, seconds=25, every_s=0.5)
    finally:
        process.terminate()
        process.communicate(timeout=10)
