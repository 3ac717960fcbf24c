"""Install, use, break, upgrade, uninstall: the built file on a Mac with launchd, SwiftBar and llama-swap."""

import json
import os
import plistlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from llamabar.macos import swiftbar
from llamabar.macos.paths import STATE_FILES
from tests.fakes.programs import ROOT, free_port, wait_for

PYZ = ROOT / "dist" / "llamabar.pyz"
LABEL = "org.llamabar.llama-swap"
LINK = "llamabar.pyz"
ATTRIBUTE = "com.ameba.SwiftBar"
pytestmark = pytest.mark.skipif(not PYZ.is_file(), reason="not built: python3 build.py pyz")


@pytest.fixture(name="ready")
def a_ready_mac(make_mac):
    """A Mac with llama-swap, a config, SwiftBar, and our file in Downloads as a browser saves it: not executable."""

    def make(**options):
        mac = make_mac(seconds_per_second=0.1, **options)
        mac.llama_swap(mac.home / "go" / "bin" / "llama-swap")
        config = mac.home / ".config" / "llama-swap" / "config.yaml"
        config.parent.mkdir(parents=True)
        config.write_text("models: {}\n")
        mac.bar = mac.swiftbar(folder=mac.home / "Plug ins")
        mac.file = mac.home / "Downloads" / LINK
        shutil.copyfile(PYZ, mac.file)
        mac.port = free_port()
        mac.own()
        return mac

    return make


def environment(mac, **more):
    return mac.environment(LLAMABAR_PYTHON=sys.executable, **more)


def bar(mac, *words, **more):
    return mac.run("sh", mac.file, *words, env=environment(mac, **more))


def install(mac, *words, **more):
    return bar(mac, "install", "--yes", "--port", str(mac.port), *words, **more)


def data(mac):
    return mac.home / ".local" / "share" / "llamabar"


def own_plist(mac):
    return mac.agents / f"{LABEL}.plist"


def home_of(mac, *left_out):
    """Return the home to the byte, without what may differ."""
    return {path: what for path, what in mac.snapshot().items() if not str(path).startswith(left_out or ("\0",))}


def test_install_use_and_uninstall_leave_the_home_as_it_was(ready):
    mac = ready()
    before = home_of(mac)
    done = install(mac)
    assert (done.returncode, done.stderr) == (0, "Looking at this Mac …\n"), done.stdout + done.stderr
    assert f"Done. llama-swap is running at http://127.0.0.1:{mac.port}." in done.stdout

    content = plistlib.loads(own_plist(mac).read_bytes())
    assert content["ProgramArguments"][-1] == f"127.0.0.1:{mac.port}"
    assert own_plist(mac).stat().st_mode & 0o777 == 0o644
    assert mac.job(LABEL).pid
    program = data(mac) / LINK
    assert program.read_bytes() == mac.file.read_bytes()
    assert mac.attribute(program, ATTRIBUTE).decode() == swiftbar.ATTRIBUTE_VALUE
    assert os.readlink(mac.home / "Plug ins" / LINK) == str(program)
    assert wait_for(lambda: "llama-swap: no model loaded" in (mac.bar.text(LINK) or ""), 30)

    pid, installed = mac.job(LABEL).pid, home_of(mac, str(mac.home / ".shiv"))
    again = install(mac)
    assert (again.returncode, again.stdout) == (0, "Already installed. Nothing to do.\n")
    assert mac.job(LABEL).pid == pid
    assert home_of(mac, str(mac.home / ".shiv"), *state_files(mac)) == {
        path: what for path, what in installed.items() if not str(path).startswith(state_files(mac))
    }

    gone = bar(mac, "uninstall", "--yes")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert mac.job(LABEL) is None
    wait_for(lambda: mac.bar.text(LINK) is None)
    logs = str(mac.home / "Library" / "Logs" / "llama-swap")
    assert home_of(mac, logs) == before
    for call in mac.calls("launchctl"):
        assert (call.lc_all, call.stdin) == ("C", "null"), call


def state_files(mac):
    return tuple(str(data(mac) / name) for name in STATE_FILES)


def test_what_is_written_is_for_its_user_alone_and_leftovers_of_any_version_go_with_it(ready):
    mac = ready()
    before = home_of(mac)
    assert install(mac).returncode == 0
    assert data(mac).stat().st_mode & 0o777 == 0o700
    assert (data(mac) / "manifest.json").stat().st_mode & 0o777 == 0o600
    wait_for(lambda: mac.bar.text(LINK))
    for name in (".watcher.json.77.tmp", ".history.json.78.tmp", "watcher.json", "update.json", "plugin.json"):
        (data(mac) / name).write_text("{}")
    mac.own()
    gone = bar(mac, "uninstall", "--yes")
    assert gone.returncode == 0 and "llamabar has been removed." in gone.stdout, gone.stdout + gone.stderr
    assert home_of(mac, str(mac.home / "Library" / "Logs" / "llama-swap")) == before


def test_a_data_folder_that_stays_is_named_with_what_is_in_it(ready):
    mac = ready()
    assert install(mac, "--no-service").returncode == 0
    (data(mac) / "mine.txt").write_text("mine")
    mac.own()
    gone = bar(mac, "uninstall", "--yes")
    assert gone.returncode == 0 and "has been removed" not in gone.stdout
    assert "stays: it holds mine.txt" in gone.stdout, gone.stdout


def test_a_dry_run_shows_the_plan_and_changes_nothing(ready):
    mac = ready()
    before = home_of(mac)
    done = bar(mac, "install", "--dry-run")
    assert done.returncode == 0
    assert "llamabar will:" in done.stdout and "write the LaunchAgent" in done.stdout
    found = json.loads(bar(mac, "install", "--dry-run", "--json").stdout)
    assert found["llamabar_json"] == 1 and found["ok"] is True
    assert [set(step) for step in found["plan"]] == [{"step", "target", "why", "done"}] * len(found["plan"])
    assert not any(step["done"] for step in found["plan"])
    assert home_of(mac, str(mac.home / ".shiv")) == before


def test_without_an_answer_nothing_is_done_and_one_yes_is_enough(ready):
    mac = ready()
    before = home_of(mac)
    done = mac.run("sh", mac.file, "install", "--no-service", env=environment(mac))
    assert done.returncode == 1 and "Use --yes to skip the question" in done.stderr
    assert home_of(mac, str(mac.home / ".shiv")) == before
    done = mac.run("sh", mac.file, "install", "--no-service", input="y\n", env=environment(mac))
    assert done.returncode == 0, done.stdout + done.stderr
    assert (mac.home / "Plug ins" / LINK).is_symlink()
    assert not own_plist(mac).exists()


def test_start_stop_and_restart_are_verified(ready):
    mac = ready()
    install(mac, "--no-plugin")
    first = mac.job(LABEL).pid
    done = bar(mac, "restart")
    assert done.returncode == 0 and "is running" in done.stdout, done.stdout + done.stderr
    second = mac.job(LABEL).pid
    assert second not in (None, first) and not mac.is_alive(first)
    done = bar(mac, "stop")
    assert done.returncode == 0 and "is stopped" in done.stdout, done.stdout + done.stderr
    assert mac.job(LABEL) is None and not mac.is_alive(second)
    assert "already stopped" in bar(mac, "stop").stdout
    mac.run("launchctl", "disable", f"gui/{mac.uid}/{LABEL}")
    done = bar(mac, "start")
    assert done.returncode == 0, done.stdout + done.stderr
    assert mac.job(LABEL).pid and mac.disabled(LABEL) is False
    assert "already running" in bar(mac, "start").stdout


def test_a_program_that_was_replaced_is_loaded_anew(ready):
    mac = ready(lwcr=True)
    install(mac, "--no-plugin")
    time.sleep(1.2)
    mac.llama_swap(mac.home / "go" / "bin" / "llama-swap", version="251")
    mac.own()
    done = bar(mac, "restart")
    assert done.returncode == 0, done.stdout + done.stderr
    verbs = [call.arguments[0] for call in mac.calls("launchctl")]
    assert verbs.count("bootstrap") == 2 and "kickstart" not in verbs


def test_a_llama_swap_that_exits_at_once_is_reported_and_everything_is_undone(ready):
    mac = ready()
    mac.llama_swap(mac.home / "go" / "bin" / "llama-swap", crash=True)
    mac.own()
    before = home_of(mac)
    done = install(mac, "--no-plugin")
    assert done.returncode == 1
    assert "exited right after it started" in done.stdout
    assert "This Mac is as it was before." in done.stdout
    assert mac.job(LABEL) is None
    assert home_of(mac, str(mac.home / ".shiv"), str(mac.home / "Library" / "Logs" / "llama-swap")) == before


def test_a_bad_config_is_refused_with_llama_swaps_own_words_and_nothing_is_preloaded(ready):
    mac = ready()
    config = mac.home / ".config" / "llama-swap" / "config.yaml"
    config.write_text("models: {}\nhooks:\n  on_startup:\n    preload: [a]\nbroken: [\n")
    done = install(mac, "--no-plugin")
    assert done.returncode == 1
    assert "refuses" in done.stdout and "config" in done.stdout
    assert not own_plist(mac).exists()
    config.write_text("models: {}\nhooks:\n  on_startup:\n    preload: [a]\n")
    assert "llamabar will:" in bar(mac, "install", "--dry-run").stdout
    assert not mac.preloaded(), "checking a config must not start a model"


def test_a_port_that_is_taken_after_the_plan_undoes_the_service(ready):
    mac = ready()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", mac.port))
        taken.listen()
        done = install(mac, "--no-plugin")
    assert done.returncode == 1 and f"Port {mac.port} is in use" in done.stdout
    assert not own_plist(mac).exists()


@pytest.mark.parametrize("verb", ["print", "bootstrap", "enable", "bootout", "kickstart", "print-disabled"])
def test_a_launchctl_verb_that_hangs_is_given_up_and_said(ready, verb):
    mac = ready()
    mac.fault("launchctl", verb, hang=True)
    began_s = time.monotonic()
    done = install(mac, "--no-plugin")
    assert time.monotonic() - began_s < 60
    assert "Traceback" not in done.stderr
    if done.returncode:
        assert "no answer within" in done.stdout or "didn't load" in done.stdout, done.stdout
    mac.mend()
    done = install(mac, "--no-plugin")
    assert done.returncode == 0, done.stdout + done.stderr
    assert mac.job(LABEL).pid


@pytest.mark.parametrize("code", [5, 37, 125, 133])
def test_a_refused_bootstrap_is_undone_and_its_cause_is_said(ready, code):
    mac = ready()
    mac.fault("launchctl", "bootstrap", code=code, stderr=f"Bootstrap failed: {code}: Something\n")
    done = install(mac, "--no-plugin")
    assert done.returncode == 1
    assert f"Bootstrap failed: {code}" in done.stdout
    assert not own_plist(mac).exists()


def test_macos_that_takes_the_service_out_again_is_said_to_do_so(ready):
    mac = ready(btm=True)
    done = install(mac, "--no-plugin")
    assert done.returncode == 1
    assert "Login Items" in done.stdout


@pytest.mark.parametrize("tool", ["xattr", "launchctl"])
def test_killed_in_the_middle_the_next_run_completes_it(ready, tool):
    mac = ready()
    mac.fault(tool, "-w" if tool == "xattr" else "bootstrap", hang=True)
    words = ["sh", str(mac.file), "install", "--yes", "--port", str(mac.port)]
    process = mac.popen(*words, env=environment(mac))
    wait_for(lambda: [c for c in mac.calls(tool) if c.code is None and c.arguments[0] in ("-w", "bootstrap")], 40)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    mac.mend()
    done = install(mac)
    assert done.returncode == 0, done.stdout + done.stderr
    assert mac.job(LABEL).pid and (mac.home / "Plug ins" / LINK).is_symlink()
    assert not [path for path in (mac.home / "Plug ins").iterdir() if path.name != LINK]
    assert bar(mac, "uninstall", "--yes").returncode == 0


def test_a_foreign_agent_is_adopted_without_a_change(ready):
    mac = ready()
    plist = mac.write_agent(
        "com.me.llama-swap", mac.home / "go/bin/llama-swap", "-config", mac.home / ".config/llama-swap/config.yaml",
        "-listen", f"127.0.0.1:{mac.port}", RunAtLoad=True,
    )  # fmt: skip
    mac.run("launchctl", "bootstrap", f"gui/{mac.uid}", str(plist))
    theirs = plist.read_bytes()
    done = bar(mac, "install", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not own_plist(mac).exists() and plist.read_bytes() == theirs
    settings = (mac.home / ".config/llamabar/config.toml").read_text()
    assert 'service = "com.me.llama-swap"' in settings and f":{mac.port}" in settings
    assert bar(mac, "stop").returncode == 0
    assert mac.job("com.me.llama-swap") is None
    assert bar(mac, "start").returncode == 0
    assert bar(mac, "uninstall", "--yes").returncode == 0
    assert mac.job("com.me.llama-swap").pid and plist.read_bytes() == theirs


def test_the_older_plugin_is_moved_over_on_request_and_put_back_at_the_end(ready):
    mac = ready()
    plist = mac.write_agent(
        "com.user.llama-swap", mac.home / "go/bin/llama-swap", "--config", mac.home / ".config/llama-swap/config.yaml",
        "--listen", f"127.0.0.1:{mac.port}", RunAtLoad=True,
    )  # fmt: skip
    mac.run("launchctl", "bootstrap", f"gui/{mac.uid}", str(plist))
    old = mac.home / "Plug ins" / "llama-swap.sh"
    old.write_text("#!/bin/sh\necho old\n")
    theirs = plist.read_bytes(), old.read_bytes()
    done = bar(mac, "install", "--yes", "--take-over")
    assert done.returncode == 0, done.stdout + done.stderr
    assert mac.job("com.user.llama-swap") is None and mac.disabled("com.user.llama-swap") is True
    assert mac.job(LABEL).pid and not old.exists()
    done = bar(mac, "uninstall", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (plist.read_bytes(), old.read_bytes()) == theirs
    assert mac.job("com.user.llama-swap").pid and mac.disabled("com.user.llama-swap") is False


def test_a_hand_edited_plist_is_kept_and_force_replaces_it_with_a_backup(ready):
    mac = ready()
    install(mac, "--no-plugin")
    edited = own_plist(mac).read_bytes().replace(b"Interactive", b"Background")
    own_plist(mac).write_bytes(edited)
    done = install(mac, "--no-plugin")
    assert done.returncode == 0 and "edited by hand" in done.stdout and "Background" in done.stdout
    assert own_plist(mac).read_bytes() == edited
    done = install(mac, "--no-plugin", "--force")
    assert done.returncode == 0, done.stdout + done.stderr
    assert b"Interactive" in own_plist(mac).read_bytes()
    kept = [path for path in (data(mac) / "backups").iterdir() if path.read_bytes() == edited]
    assert len(kept) == 1 and kept[0].name in done.stdout


def test_a_deleted_plist_of_a_running_service_is_written_again(ready):
    mac = ready()
    install(mac, "--no-plugin")
    plist = own_plist(mac).read_bytes()
    own_plist(mac).unlink()
    done = bar(mac, "install", "--yes", "--no-plugin")
    assert done.returncode == 0, done.stdout + done.stderr
    assert own_plist(mac).read_bytes() == plist and mac.job(LABEL).pid
    assert not (mac.home / ".config" / "llamabar").exists(), "it isn't taken for somebody else's"


def test_a_half_written_plist_of_a_running_service_is_written_again_with_the_same_port(ready):
    mac = ready()
    install(mac, "--no-plugin")
    plist = own_plist(mac).read_bytes()
    own_plist(mac).write_bytes(plist[:300])
    done = bar(mac, "install", "--yes", "--no-plugin", "--force")
    assert own_plist(mac).read_bytes() == plist, done.stdout


def test_an_update_has_its_attribute_before_its_name_and_restarts_the_plugin(ready):
    mac = ready()
    install(mac)
    wait_for(lambda: mac.bar.text(LINK))
    content = mac.file.read_bytes().replace(b"# llamabar, one file", b"# llamabar: one file", 1)
    mac.file.write_bytes(content)
    done = install(mac)
    assert done.returncode == 0, done.stdout + done.stderr
    program = data(mac) / LINK
    assert program.read_bytes() == content
    assert mac.attribute(program, ATTRIBUTE)
    assert [one.what for one in mac.opened()][-1] == "swiftbar://refreshplugin?name=llamabar"
    writes = [call for call in mac.calls("xattr") if call.arguments[0] == "-w"]
    assert all(".tmp" in call.arguments[-1] for call in writes), "set on the new file before it got its name"


def test_a_foreign_file_with_our_name_is_never_replaced(ready):
    mac = ready()
    theirs = mac.home / "Plug ins" / LINK
    theirs.write_text("theirs")
    done = install(mac)
    assert done.returncode == 1 and "left alone" in done.stdout
    assert theirs.read_text() == "theirs"
    assert mac.job(LABEL).pid, "the service does not depend on it"


def test_over_ssh_with_nobody_at_the_screen_it_says_so(ready):
    mac = ready(gui=False)
    done = install(mac, "--no-plugin")
    assert done.returncode == 1
    assert "No one is logged in at this Mac's screen" in done.stdout


def test_quarantine_is_not_carried_into_the_installed_file(ready):
    mac = ready()
    mac.quarantine(mac.file)
    install(mac, "--no-service")
    assert mac.attribute(data(mac) / LINK, "com.apple.quarantine") is None


def test_a_home_of_any_name_works_from_beginning_to_end(ready):
    mac = ready(name='Zoé "D" & $(x)')
    before = home_of(mac)
    done = install(mac)
    assert done.returncode == 0, done.stdout + done.stderr
    assert mac.job(LABEL).pid
    assert bar(mac, "uninstall", "--yes", "--purge").returncode == 0
    assert home_of(mac, str(mac.home / "Library" / "Logs" / "llama-swap")) == before


def test_a_read_only_agents_folder_is_said_and_nothing_is_changed(ready):
    mac = ready()
    mac.agents.mkdir()
    mac.own()
    mac.run("chmod", "500", str(mac.agents))
    before = home_of(mac)
    done = install(mac, "--no-plugin", "--no-command")
    mac.run("chmod", "700", str(mac.agents))
    assert done.returncode == 1 and "can't be written" in done.stdout
    assert home_of(mac, str(mac.home / ".shiv"), str(mac.agents)) == {
        path: what for path, what in before.items() if not str(path).startswith(str(mac.agents))
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be refused for being root")
def test_root_is_refused_with_the_reason(tmp_path):
    done = subprocess.run(
        [str(PYZ), "install", "--yes"], capture_output=True, text=True, stdin=subprocess.DEVNULL,
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"], "LLAMABAR_PYTHON": sys.executable},
    )  # fmt: skip
    assert done.returncode == 1
    assert "This is root" in done.stdout and "without sudo" in done.stdout


def test_install_export_keeps_an_exporter_running_and_uninstall_takes_it_off(ready):
    mac = ready()
    at = free_port()
    settings = mac.home / ".config" / "llamabar" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f'[export]\nlisten = "127.0.0.1:{at}"\n')
    done = bar(mac, "install", "--yes", "--export", "--no-service", "--no-plugin", "--no-command")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "waiting for llamabar export to respond" in done.stdout and "waiting for llama-swap" not in done.stdout
    plist = mac.home / "Library" / "LaunchAgents" / "org.llamabar.export.plist"
    assert plistlib.loads(plist.read_bytes())["ProgramArguments"][1:] == ["export"]
    with urllib.request.urlopen(f"http://127.0.0.1:{at}/metrics") as answer:
        assert b"llamabar_server_status" in answer.read()
    again = bar(mac, "install", "--yes", "--export", "--no-service", "--no-plugin", "--no-command")
    assert "Nothing to do" in again.stdout, again.stdout
    gone = bar(mac, "uninstall", "--yes")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert not plist.exists() and not (mac.home / "Library" / "Logs" / "llamabar").exists()
    with pytest.raises(OSError):
        urllib.request.urlopen(f"http://127.0.0.1:{at}/metrics")
