"""Bad files: pipes, symlinks, odd plists, odd addresses. Nothing hangs and nothing raises."""

import os
import plistlib
import re
import subprocess

import pytest

from llamabar.app import services
from llamabar.core.address import is_local, port_of
from llamabar.core.mac import Agent
from llamabar.errors import LlamabarError
from llamabar.macos import files
from llamabar.macos.agents import find_agents, listen_of, logs_of, read_plist
from llamabar.macos.paths import AGENT_FOLDER, start_words
from llamabar.macos.shell import is_llama_swap
from llamabar.settings.load import ServerSettings
from llamabar_installer import manifest
from tools import layers


def agent_file(home, name, *words, **keys):
    folder = home / AGENT_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.plist"
    path.write_bytes(plistlib.dumps({"Label": name, "ProgramArguments": list(words), **keys}))
    return path


def test_a_planted_link_is_never_followed_by_a_temporary_file(tmp_path):
    target, victim = tmp_path / "a.json", tmp_path / "victim"
    victim.write_text("mine")
    files.beside(target).symlink_to(victim)
    files.write(target, b"new", mode=files.PRIVATE_MODE)
    assert victim.read_text() == "mine" and target.read_bytes() == b"new" and not target.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o600


def test_pipes_folders_and_files_without_end_are_read_as_nothing(tmp_path):
    pipe, large = tmp_path / "pipe", tmp_path / "large"
    os.mkfifo(pipe)
    with large.open("wb") as file:
        file.truncate(files.READ_LIMIT_BYTES + 1)
    assert files.read(pipe) is None and files.read(tmp_path) is None and files.read(large) is None
    assert read_plist(pipe) is None
    (tmp_path / AGENT_FOLDER).mkdir(parents=True)
    os.mkfifo(tmp_path / AGENT_FOLDER / "pipe.plist")
    assert find_agents(tmp_path) == []


def test_no_module_asks_pathlib_whether_a_file_is_there():
    """Up to Python 3.13 it raises an error where a folder is closed or a name too long; os.path doesn't."""
    asks = re.compile(r"\.(exists|is_file|is_dir|is_symlink)\(\)")
    assert [name for name, path in layers.modules().items() if asks.search(path.read_text("utf-8"))] == []


def test_settings_that_cannot_be_created_are_a_known_fault(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LLAMABAR_CONFIG", str(tmp_path / "file" / "config.toml"))
    with pytest.raises(LlamabarError, match="Can't write"):
        services.path_of(services.SETTINGS, ServerSettings("", ""))


@pytest.mark.parametrize("mode", [0o644, 0o755])
def test_the_file_starts_again_however_it_was_started(tmp_path, monkeypatch, mode):
    """`sh llamabar.pyz`: in the current folder, and not executable if it is a browser's download."""
    (tmp_path / "llamabar.pyz").write_text("#!/bin/sh\necho started\n")
    (tmp_path / "llamabar.pyz").chmod(mode)
    monkeypatch.chdir(tmp_path)
    words = start_words({"LLAMABAR_FILE": "llamabar.pyz"})
    assert subprocess.run(words, capture_output=True).stdout == b"started\n"


def test_a_folder_in_place_of_a_file_is_not_left_open(tmp_path):
    before = len(os.listdir("/dev/fd"))
    assert [files.read(tmp_path) for _ in range(50)] == [None] * 50
    assert len(os.listdir("/dev/fd")) < before + 50


@pytest.mark.parametrize(
    "text", ['{"items":[1]}', '{"items":{"a":1}}', "[1]", "1", '{"llamabar_manifest":1,"items":[null]}', "[" * 99999]
)
def test_a_malformed_manifest_counts_as_damaged_and_raises_nothing(tmp_path, text):
    path = tmp_path / "manifest.json"
    path.write_text(text)
    assert not manifest.load(path).readable


@pytest.mark.parametrize(
    "listen", ["127.0.0.1:$PORT", ":http-alt", ":²", ":٣", ":0", ":65536", "127.0.0.1", "", "a b:80", "x@y:80", ":-1"]
)
def test_a_listen_address_without_a_usable_port_is_unknown(listen):
    assert Agent("a", "", (), listen, False).url == ""


def test_a_listen_address_leads_to_this_computer():
    for listen in (":8080", "0.0.0.0:8080", "[::]:8080"):
        assert Agent("a", "", (), listen, False).url == "http://127.0.0.1:8080"
    assert Agent("a", "", (), "*:8443", True).url == "https://127.0.0.1:8443"
    assert Agent("a", "", (), "localhost:1", False).url == "http://localhost:1"
    assert port_of("http://[::1") is None and not is_local("http://[::1")


@pytest.mark.parametrize("name", ["llama-swap", "llama-swap-darwin-arm64", "llama-swap_250", "llama-swap.sh"])
def test_a_program_is_recognized_by_the_start_of_its_name(tmp_path, name):
    agent_file(tmp_path, "x.y", f"/opt/{name}", "--listen", "127.0.0.1:9001")
    (found,) = find_agents(tmp_path)
    assert found.url == "http://127.0.0.1:9001"


@pytest.mark.parametrize("name", ["llama-server", "my-llama-swap-gui", "llama-swap.yaml", "llama-swap.log"])
def test_a_program_with_another_name_is_not_llama_swap(name):
    assert not is_llama_swap(f"/opt/{name}")


def test_a_symlink_with_another_name_and_a_script_are_followed(tmp_path):
    program = tmp_path / "llama-swap-250"
    program.write_bytes(b"\xcf\xfa\xed\xfe")
    (tmp_path / "lsw").symlink_to(program)
    agent_file(tmp_path, "a.link", str(tmp_path / "lsw"), "-listen=:9002")
    script = tmp_path / "start.sh"
    command = "exec /opt/bin/llama-swap \\\n  --listen :9003 >>/tmp/x.log 2>&1"
    script.write_text(f"#!/bin/bash\n# llama-swap --listen :1\ncd /x\n{command}\n")
    agent_file(tmp_path, "b.script", str(script))
    agent_file(tmp_path, "c.shell", "/bin/sh", str(script))
    agent_file(tmp_path, "d.words", "/bin/sh", "-c", "cd /x; exec llama-swap --listen :9004")
    agent_file(tmp_path, "e.env", "/usr/bin/env", "A=b", "llama-swap", "--listen", ":9005")
    agent_file(tmp_path, "f.other", "/usr/bin/tail", "-f", "/x/llama-swap.log")
    ports = {one.label: port_of(one.url) for one in find_agents(tmp_path)}
    assert ports == {"a.link": 9002, "b.script": 9003, "c.shell": 9003, "d.words": 9004, "e.env": 9005}


def test_both_logs_of_a_job_are_returned_without_duplicates(tmp_path):
    agent_file(tmp_path, "a", "/x/llama-swap", StandardOutPath="/l/out", StandardErrorPath="/l/err")
    agent_file(tmp_path, "b", "/x/llama-swap", StandardOutPath="/l/one", StandardErrorPath="/l/one")
    agent_file(tmp_path, "c", "/x/llama-swap", StandardOutPath="/dev/null", StandardErrorPath=7)
    logs = [list(map(str, logs_of(one.content))) for one in find_agents(tmp_path)]
    assert logs == [["/l/out", "/l/err"], ["/l/one"], []]


def test_without_listen_llama_swaps_default_applies():
    assert listen_of(()) == (":8080", False) and listen_of(("--tls-cert-file", "a")) == (":8443", True)
    assert Agent("a", "a.plist", (), "", False).url == ""
