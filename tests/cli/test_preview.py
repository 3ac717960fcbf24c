"""`preview`: a page of the current server or of the demo, and a clear message if no page can be written."""

import os
import re
import subprocess

import pytest

from llamabar.cli.demo_moments import MOMENTS
from tests.fakes.programs import command, environment, free_port, llama_swap, run


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The page of the demo, which takes its seconds while the other tests run."""
    home = tmp_path_factory.mktemp("home")
    words = [*command(), "preview", str(home / "demo.html"), "--demo"]
    process = subprocess.Popen(
        words, env=environment(home), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    yield process, home / "demo.html"
    process.kill()
    process.wait()
    process.stdout.close()


def captions(path):
    return re.findall("<h2>(.*?)</h2>", path.read_text("utf-8"))


@pytest.mark.usefixtures("demo")
def test_preview_shows_the_current_server(tmp_path):
    path = tmp_path / "menu.html"
    with llama_swap() as server:
        done = run(tmp_path, "preview", str(path), LLAMABAR_URL=server.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"✓ Wrote {path}: 1 state. Open it in a browser.\n"
    assert captions(path) == ["Now: llama-swap no model loaded"]


def test_preview_shows_a_missing_server_too(tmp_path):
    done = run(tmp_path, "preview", str(tmp_path / "x.html"), LLAMABAR_URL=f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 0
    assert captions(tmp_path / "x.html") == ["Now: llama-swap not responding"]


@pytest.mark.parametrize(("file", "words", "said"), [
    (".", (), "is a folder"),
    ("no/such/x.html", (), "There is no folder"),
    ("/dev/null", (), "isn't a regular file"),
])  # fmt: skip
def test_if_no_page_can_be_written_it_says_why_and_changes_nothing(tmp_path, monkeypatch, file, words, said):
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()
    (here / "x.html").write_text("before")
    monkeypatch.chdir(here)
    done = run(home, "preview", file, *words)
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 2
    assert (here / "x.html").read_text() == "before"
    assert sorted(os.listdir(here)) == ["x.html"]


def test_wrong_usage_is_said(tmp_path):
    assert run(tmp_path, "preview").returncode == 2


def test_a_symlinked_target_is_followed_and_kept(tmp_path):
    (tmp_path / "link.html").symlink_to(tmp_path / "real.html")
    run(tmp_path, "preview", str(tmp_path / "link.html"), LLAMABAR_URL=f"http://127.0.0.1:{free_port()}")
    assert (tmp_path / "link.html").is_symlink()
    assert captions(tmp_path / "real.html")


def test_the_demo_page_shows_every_moment(demo):
    process, path = demo
    assert process.wait(60) == 0
    assert captions(path) == [moment.caption for moment in MOMENTS]
