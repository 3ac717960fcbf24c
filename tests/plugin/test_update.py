"""The update check: only if enabled, once a day, one quiet row, never in the way."""

import json
import shutil
import subprocess
import sys
import time

import pytest

from llamabar.plugin.update import LastCheck, is_due, newer, version_in
from tests.fakes.programs import ROOT, Plugin, Stranger, llama_swap, run, wait_for


def answering(body):
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def settings(home, *lines):
    path = home / "config.toml"
    path.write_text("\n".join(["[update]", *lines]))
    return str(path)


@pytest.mark.parametrize(("said", "is_newer"), [
    ("0.1.0", False), ("v0.1.0", False), ("0.1.1", True), ("v0.2", True), ("0.10.0", True), ("0.0.9", False),
    ("1", True), ("0.2.0-rc1", False), ("", False), ("newest", False), ("9" * 400, False),
])  # fmt: skip
def test_versions_are_compared_by_number_and_a_release_candidate_is_not_newer(said, is_newer):
    assert newer(said, than="0.1.0") is is_newer


@pytest.mark.parametrize(("body", "version"), [
    (b'{"tag_name": "v0.3.0", "body": "x"}', "v0.3.0"), (b'{"version": "0.3.0"}', "0.3.0"), (b"0.3.0\nmore", "0.3.0"),
    (b"<html></html>", ""), (b"", ""), (b"\xff\xfe", ""), (b"[1]", ""), (b'{"tag_name": {"a": 1}}', ""), (b"null", ""),
])  # fmt: skip
def test_the_version_in_an_answer(body, version):
    assert version_in(body) == version


def test_it_checks_once_a_day_even_after_a_wrong_clock():
    assert is_due(None, unix_s=0.0)
    assert not is_due(LastCheck(1000.0, ""), unix_s=1000.0 + 86399)
    assert is_due(LastCheck(1000.0, ""), unix_s=1000.0 + 86400)
    assert is_due(LastCheck(9e9, ""), unix_s=1000.0)


def test_a_newer_version_is_one_quiet_row_and_a_restart_sends_no_request(tmp_path):
    with Stranger(answering(b'{"tag_name": "v99.0"}')) as there, llama_swap() as server:
        config = settings(tmp_path, f'url = "{there.url}/newest"', "check = true")
        for _ in range(2):
            with Plugin(server.url, tmp_path, LLAMABAR_CONFIG=config) as plugin:
                plugin.wait_for_row("Update: llamabar 99.0 is available. You have 0.1.0.")
                assert not plugin.row("Plugin:")
                assert plugin.items()[-1].text.startswith("Update:")
        assert len(there.heard) == 1
        assert there.heard[0].startswith(b"GET /newest HTTP/1.1\r\n")
        assert not any(word in there.heard[0].lower() for word in (b"authorization", b"cookie", b"gzip"))


@pytest.mark.parametrize("lines", [
    ['url = "{}"'], ['url = "{}"', "check = false"], ['url = "{}"', 'check = "yes"'], ["check = true"],
])  # fmt: skip
def test_no_request_is_made_unless_enabled(tmp_path, lines):
    with Stranger(answering(b"99.0")) as there, llama_swap() as server:
        config = settings(tmp_path, *[line.format(there.url) for line in lines])
        with Plugin(server.url, tmp_path, LLAMABAR_CONFIG=config) as plugin:
            plugin.wait_for_row("llama-swap: no model loaded")
            plugin.wait_for_row("Memory:")
        assert there.heard == []
    assert not list(tmp_path.rglob("update.json"))


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n", b"", b"not http\r\n",
    answering(b"0.0.1"), answering(b"x" * 100_000),
])  # fmt: skip
def test_an_invalid_answer_changes_nothing_and_is_not_retried(tmp_path, answer):
    with Stranger(answer) as there, llama_swap() as server:
        config = settings(tmp_path, f'url = "{there.url}"', "check = true")
        with Plugin(server.url, tmp_path, LLAMABAR_CONFIG=config) as plugin:
            plugin.wait_for_row("llama-swap: no model loaded")
            wait_for(lambda: there.heard)
            assert "Update" not in plugin.text
            assert plugin.stderr == b""
        assert len(there.heard) == 1
    assert next(tmp_path.rglob("update.json")), "so it is not asked for again at the next start"


def test_a_hanging_server_blocks_nothing(tmp_path):
    with Stranger(b"", hold_s=30) as there, llama_swap() as server:
        config = settings(tmp_path, f'url = "{there.url}"', "check = true")
        with Plugin(server.url, tmp_path, LLAMABAR_CONFIG=config) as plugin:
            wait_for(lambda: there.heard)
            plugin.wait_for_row("llama-swap: no model loaded")
            code, took_s = plugin.end()
            assert code == 0
            assert took_s < 1.0


def test_without_storage_no_request_is_made(tmp_path):
    (tmp_path / "file").write_text("")
    with Stranger(answering(b"99.0")) as there, llama_swap() as server:
        config = settings(tmp_path, f'url = "{there.url}"', "check = true")
        more = {"LLAMABAR_CONFIG": config, "LLAMABAR_DATA_DIR": str(tmp_path / "file" / "data")}
        with Plugin(server.url, tmp_path, **more) as plugin:
            plugin.wait_for_row("Memory:")
        assert there.heard == []


def test_the_result_is_stored_for_a_day_in_its_own_file(tmp_path):
    with Stranger(answering(b"99.0")) as there, llama_swap() as server:
        config = settings(tmp_path, f'url = "{there.url}"', "check = true")
        with Plugin(server.url, tmp_path, LLAMABAR_CONFIG=config, LLAMABAR_DATA_DIR=str(tmp_path / "d")) as plugin:
            plugin.wait_for_row("Update: ")
    kept = json.loads((tmp_path / "d" / "update.json").read_text())
    assert kept["version"] == "99.0"
    assert abs(kept["asked_unix_s"] - time.time()) < 60


def test_a_check_without_a_url_is_reported_as_a_mistake(tmp_path):
    config = settings(tmp_path, "check = true")
    done = run(tmp_path, "config", "--config", config, LLAMABAR_URL="http://127.0.0.1:1")
    assert ":1: [update] has no url" in done.stderr
    assert "check          true (from file)" in done.stdout


@pytest.mark.parametrize(("home", "url"), [
    ("someone/bar", "https://api.github.com/repos/someone/bar/releases/latest"), ("", ""),
])  # fmt: skip
def test_a_release_knows_its_repository_and_other_builds_report_a_missing_url(tmp_path, home, url):
    shutil.copytree(ROOT / "src" / "llamabar", tmp_path / "llamabar", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "llamabar" / "repository.txt").write_text(home)
    found = (
        "from llamabar.settings.load import load\n"
        "found = load({'LLAMABAR_CONFIG': 'config.toml'}, discover=lambda: ('http://127.0.0.1:9', ''))\n"
        "print([found.update_url, *(one.kind.name.lower() for one in found.mistakes)])"
    )
    settings(tmp_path, "check = true")
    done = subprocess.run([sys.executable, "-c", found], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == f"{[url] if url else ['', 'no_url']}\n", done.stderr
