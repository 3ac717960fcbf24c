"""Every finding appears on a Mac in that situation, and none on a healthy one."""

import dataclasses
import json
import os
import plistlib
import shutil
import signal
import subprocess
import sys
import time

import pytest

from llamabar.cli import doctor as doctor_command
from llamabar.core.events import FaultKind
from llamabar.core.mac import SwiftBar
from llamabar.demo.dialect import DemoModel
from llamabar.doctor import fixes, report
from llamabar.doctor.checks import facts, registry
from llamabar.doctor.checks.facts import Facts, Job, Model, Packages, Process, Processes, Server, Service
from llamabar.doctor.checks.llama_swap import LLAMA_SWAP, WATCHER
from llamabar.doctor.checks.redact import Private
from llamabar.doctor.collect import service
from llamabar.macos import agents, binaries
from llamabar.settings.load import ServerSettings
from tests.doctor import situations_live
from tests.doctor.mac import LABEL, WORKER, WellMac
from tests.doctor.situations import SITUATIONS, settings
from tests.fakes.programs import ROOT, Stranger, chat, environment, free_port, llama_swap, run, wait_for

PYZ = ROOT / "dist" / "llamabar.pyz"

assert situations_live


@pytest.fixture(scope="module")
def well(tmp_path_factory):
    mac = WellMac(tmp_path_factory.mktemp("mac"))
    yield mac
    mac.close()


def test_a_healthy_mac_gives_no_warning(well):
    answer = well.ask()
    assert answer.troubles == {}
    assert {one.id for one in answer.findings.values() if one.level != "ok"} == set()
    assert answer.took_s < 2


LEVELS = {check.id: check.level.value for check in registry.checks()}
MENDED_BY_HAND = {  # only by typing the remedy into a shell as it is
    "data-folder-read-only", "data-unreadable", "history-damaged",
    "key-file-open", "plugin-place-taken", "plugin-not-executable", "plugin-quarantined",
    "plugin-twice", "service-plist-missing",
    "service-plist-refused", "service-plist-linked", "service-plist-quarantined", "service-log-large",
    "service-program-quarantined", "service-throttled-by-type", "service-log-unwritable",
    "service-signature-refused", "runs-outside-its-service",
    "model-server-left-behind", "service-twice", "agents-folder-refused",
}  # fmt: skip
SAID_ELSEWHERE = {
    "disk-full", "launchd-silent", "server-silent", "keychain-silent", "process-figures-unreadable",
    "model-server-silent", "slots-closed",
}  # fmt: skip


@pytest.mark.parametrize("finding", SITUATIONS)
def test_a_finding_appears_in_its_situation(well, finding):
    make, wanted, options = SITUATIONS[finding]
    with make(well) as environment:
        found = well.examine(*wanted, **options, **environment)
        if finding in MENDED_BY_HAND:
            done = well.type(found[finding].remedy, **environment)
            again = well.examine(*wanted, **options, **environment)[finding]
            assert again.level == "ok", (found[finding].remedy, done.stdout, done.stderr)
    others = {one.id: f"{one.title}. {one.detail}" for one in found.values() if one.level not in ("ok", "skipped")}
    assert found[finding].level == LEVELS[finding], (found[finding], others)
    assert found[finding].remedy
    assert "{" not in found[finding].title + found[finding].detail
    assert not _after(finding) & set(others), "what follows from it must not be complained about as well"


def _after(finding):
    """Return the checks that depend on a finding. A note hides nothing."""
    bad = LEVELS[finding] in ("error", "warning")
    return {check.id for check in registry.checks() if bad and finding in check.after}


def test_every_finding_has_a_situation():
    assert {check.id for check in registry.checks()} == {*SITUATIONS, *SAID_ELSEWHERE}


def test_a_full_disk_is_found(well):
    mount = " && ".join(f"mount -t tmpfs -o size=64k none '{folder}'" for folder in (well.data,))
    words = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", f'{mount} && exec "$0" "$@"']
    question = {"wanted": ["data", "settings", "agents", "service"], "environment": {}, "without": [], "fix": ""}
    words += [sys.executable, str(WORKER)]
    call = {"env": well.environment(), "capture_output": True, "text": True, "timeout": 30}
    done = subprocess.run(words, input=json.dumps(question) + "\n", **call)
    found = json.loads(done.stdout)["findings"]
    assert found["disk-full"]["level"] == "warning"


def test_of_several_servers_the_one_whose_service_is_down_is_checked(well):
    """The first server is on another computer, the second one runs, the third doesn't."""
    label, port = "com.example.second", free_port()
    listen = [word.replace(f":{well.port}", f":{port}") for word in well.keys["ProgramArguments"]]
    other = plistlib.dumps({**well.keys, "Label": label, "ProgramArguments": listen})
    named = "".join(
        f'[[server]]\nname = "{name}"\nurl = "{url}"\n'
        for name, url in (("far", "http://192.0.2.1:8080"), ("one", well.url), ("two", f"http://127.0.0.1:{port}"))
    )
    with settings(well, named), well.changed(well.plist.with_name(f"{label}.plist"), other):
        found = well.examine("settings", "agents", "service", "logged_in", "job", "processes")
    assert found["service-not-loaded"].title == f"{label} isn't loaded"
    with settings(well, named):
        found = well.examine("settings", "agents", "service", "logged_in", "job", "processes")
    assert found["service-not-loaded"].level == found["service-not-running"].level == "ok"


@pytest.mark.parametrize(("command", "there"), [
    (["llama-swap"], False), (["/bin/sh", "-c", "exec llama-swap"], True), (["{}/llama-swap"], True),
])  # fmt: skip
def test_launchd_looks_for_a_bare_program_only_in_the_systems_folders(tmp_path, monkeypatch, command, there):
    (tmp_path / "llama-swap").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    words = [word.format(tmp_path) for word in command]
    agent = agents.agent_of("a", tmp_path / "a.plist", {"ProgramArguments": words})
    watched = service.Watched(ServerSettings("a", "http://127.0.0.1:8080"), None, agent, ())
    assert service.on_disk(watched, Private()).program_there is there


def judged(facts):
    return {one.id: one for one in registry.findings(facts)}


def test_a_file_of_another_user_needs_another_owner_not_another_mode():
    found = judged(Facts(data=facts.Data("/data", foreign=True, unreadable=("/data/history.sqlite",))))
    assert found["data-folder-of-another"].level.value == "error" and found["data-unreadable"].level.value == "skipped"
    found = judged(Facts(data=facts.Data("/data", unreadable=("/data/history.sqlite",))))
    assert found["data-unreadable"].remedy == "chmod u+rw /data/history.sqlite"


@pytest.mark.parametrize(("name", "on"), [("llama-swap", ""), ("mac mini", " --server 'mac mini'")])
def test_a_remedy_names_the_server_that_the_finding_is_about(name, on):
    """Without --server, a command takes the first server: another one would be restarted."""
    failed = Server(name=name, models=(Model("m", "ready", server_answers=False),), failures=(("m", "no memory"),))
    service = Service(server=name, label="a", config="c", process_type="Adaptive")
    empty, far = Server(name=name, url="http://127.0.0.1:1"), Server(name=name, url="http://mini:1")
    found = judged(Facts(servers=(failed,), service=service, job=Job("a", loaded=True), logged_in=True))
    assert found["service-not-running"].remedy == f"llamabar start{on}"
    assert found["service-throttled-by-type"].detail.endswith(f"then run: llamabar restart{on}")
    assert found["model-failed"].remedy == f"llamabar logs --upstream{on}"
    assert found["model-server-silent"].remedy == f"llamabar unload m{on}"
    assert judged(Facts(servers=(empty,)))["models-missing"].remedy == f"llamabar open config{on}"
    assert judged(Facts(servers=(far,)))["models-missing"].remedy == f"llamabar models{on}"


@pytest.mark.parametrize(("pid", "said"), [(7, "It runs only until you log out"), (None, "By `launchctl disable`")])
def test_a_disabled_service_that_still_runs_is_said_to_run(pid, said):
    job = Job("a", loaded=True, pid=pid, disabled=True)
    found = judged(Facts(service=Service(label="a", config="c"), job=job, logged_in=True))
    assert found["service-disabled"].detail.startswith(said)


def test_memory_is_freed_on_this_computer_not_on_another_one():
    far = Server(name="far", models=(Model("m", "ready"),))
    here = Server(name="here", models=(Model("m", "ready", memory_bytes=9_000_000_000),))
    low = facts.Computer(pressure=4)
    said = [judged(Facts(servers=one, computer=low))["memory-short"].remedy for one in ((far, here), (far,))]
    assert said == ["llamabar unload --all --server here", "open -a 'Activity Monitor'"]


def test_every_model_server_left_behind_is_ended():
    found = judged(Facts(processes=Processes(orphans=(7, 8, 9, 10))))
    assert found["model-server-left-behind"].remedy == "kill 7 8 9 10"


def test_who_watches_another_computer_over_ssh_needs_no_login_at_the_screen():
    mini = (Server("mini", "http://mini.local:8080"),)
    for trouble, level in (({}, "error"), ({"service": "the server is on another computer"}, "skipped")):
        found = judged(Facts(servers=mini, logged_in=False, troubles=trouble))["no-login-at-the-screen"]
        assert (found.level, found.remedy) == (level, "llamabar start" if level == "error" else "")


def test_a_settings_file_that_isnt_toml_is_the_cause_of_an_address_that_cant_be_used(well):
    with settings(well, "[[server]]\nurl = 'http://mini"):
        found = well.examine("settings", "servers")
    assert "not valid TOML" in found["address-unusable"].lines[0]
    assert found["settings-mistake"].detail == "Nothing in it applies."


def test_of_a_half_written_launchagent_nothing_is_said_but_that(well):
    with well.changed(well.plist, well.plist.read_bytes()[:200]):
        found = well.ask().findings
    assert {one.id for one in found.values() if one.level in ("error", "warning")} == {"service-plist-broken"}


LAN = facts.Settings(servers=(facts.Configured("mini", "http://mini.local:8080", local=False, private=True),))


@pytest.mark.parametrize(("exempt", "blocked", "away"), [(False, "error", "skipped"), (True, "ok", "error")])
def test_apples_terminal_is_never_kept_from_the_local_network(exempt, blocked, away):
    """What it can't reach is really away (Apple's TN3179); SwiftBar and other terminals need the permission."""
    away_from = (Server("mini", "http://mini.local:8080", FaultKind.NO_ROUTE),)
    found = judged(Facts(settings=LAN, servers=away_from, computer=facts.Computer("15.1", exempt=exempt)))
    assert (found["local-network-denied"].level, found["host-unreachable"].level) == (blocked, away)


@pytest.mark.parametrize(("macos", "fault", "blocked"), [
    ("26.1", FaultKind.NO_ROUTE, "error"), ("14.6", FaultKind.NO_ROUTE, "ok"), ("26.1", FaultKind.REFUSED, "ok"),
])  # fmt: skip
def test_a_plugin_that_macos_keeps_from_the_local_network_is_told_from_one_that_lags(macos, fault, blocked):
    watcher = facts.Watcher(there=True, alive=True, reachable=False, last_fault=fault)
    mac = {"computer": facts.Computer(macos, exempt=True), "troubles": {"swiftbar": "not asked for"}}
    found = judged(Facts(settings=LAN, servers=(Server("mini", "http://mini.local:8080"),), watcher=watcher, **mac))
    assert found["watcher-blocked"].level == blocked
    assert found["watcher-sees-nothing"].level == ("skipped" if blocked == "error" else "note")


@pytest.mark.parametrize(("folder", "remedy"), [
    ("/", "unset LLAMABAR_DATA_DIR"), ("/home/me/data", """sudo chown -R "$(id -un)" '/home/me/data'"""),
])  # fmt: skip
def test_only_a_folder_at_home_ever_gets_another_owner(folder, remedy):
    found = judged(Facts(home="/home/me", data=facts.Data(folder, writable=False, foreign=True)))
    assert found["data-folder-of-another"].remedy == remedy.replace("'/home/me/data'", "~/data")


def test_a_log_is_copied_whole_only_if_the_copy_fits_on_the_disk():
    service = Service(label="a", config="c", log="/logs/a.log", log_bytes=50_000_000_000)
    for free_bytes, command in ((99_000_000_000, "cp"), (4_000_000_000, "tail")):
        found = judged(Facts(service=service, data=facts.Data(free_bytes=free_bytes)))["service-log-large"]
        assert found.remedy.split()[0] == command


@pytest.mark.parametrize("make", [lambda log: log.chmod(0o400), lambda log: (log.unlink(), log.mkdir())])
def test_a_log_that_is_there_and_cant_be_written_is_set_aside(well, make):
    with well.changed(well.log, "x"):
        make(well.log)
        found = well.examine("settings", "agents", "service")["service-log-unwritable"]
        well.type(found.remedy)
        again = well.examine("settings", "agents", "service")["service-log-unwritable"]
        aside = well.log.with_name(f"{well.log.name}.aside")
        aside.rmdir() if aside.is_dir() else aside.unlink()
    assert (found.level, again.level) == ("error", "ok")


def test_a_service_whose_llama_swap_moved_gets_its_new_path(well):
    moved = well.home / ".local" / "bin" / "llama-swap"
    wanted = ("settings", "agents", "service", "packages", "processes", "servers")
    well.mac.llama_swap(moved)
    with well.changed(well.plist, well.plist.read_bytes()), well.changed(well.program, gone=True):
        found = well.examine(*wanted)["service-program-missing"]
        said = f"{well.program} can't be executed, but {moved} is here."
        assert found.detail == said.replace(str(well.home), "~") and found.remedy.endswith(" install --force")
        done = well.type(found.remedy)
        assert plistlib.loads(well.plist.read_bytes())["ProgramArguments"][0] == str(moved), done.stdout
        well.launchctl("bootout", f"gui/{well.mac.uid}/{LABEL}")
        wait_for(lambda: well.mac.job(LABEL) is None)
    moved.unlink()
    well.load()


def test_the_process_at_an_address_is_never_taken_from_another_port():
    fault = FaultKind.NOT_LLAMA_SWAP
    wrong = Server(name="one", url="http://127.0.0.1:8080", fault=fault, fault_detail="It answers 404")
    for port, said in ((9090, "Another program"), (8080, "caddy{} (pid 77)")):
        held = Processes(f"http://127.0.0.1:{port}", holder=Process(77, "caddy{}"))
        found = judged(Facts(servers=(wrong,), processes=held))["server-is-another-program"]
        assert found.title == f"{said} is using http://127.0.0.1:8080"


@pytest.mark.parametrize(("fault", "loops"), [(FaultKind.REFUSED, True), (None, False)])
def test_a_crash_loop_is_found_even_while_the_process_runs(fault, loops):
    alive = Job("a", loaded=True, pid=7, runs=4, last_exit="1")
    service = Service(server="here", label="a", config="c")
    servers = (Server(name="far", fault=FaultKind.REFUSED), Server(name="here", fault=fault))
    found = judged(Facts(service=service, job=alive, servers=servers, logged_in=True))["service-crash-loop"]
    assert (found.level == "error") is loops


NO_SLOTS = f"""
import sys
sys.path.insert(0, {str(ROOT / "src" / "llamabar" / "demo")!r})
import modelserver
props = modelserver.Handler.props
modelserver.Handler.props = lambda self: {{**props(self), "endpoint_slots": False}}
sys.exit(modelserver.main())
"""


@pytest.mark.parametrize(("hangs", "finding"), [(True, "model-server-silent"), (False, "slots-closed")])
def test_a_model_server_proven_to_be_ours_is_queried_directly(tmp_path, hangs, finding):
    with llama_swap(models=(DemoModel("alpha", load_s=0.05, ttl_s=60, tps=500.0),)) as server:
        process = server.world.processes["alpha"]
        process.program = [sys.executable, "-c", NO_SLOTS]
        chat(server, "alpha", tokens=1).join()
        if hangs:
            process.child.send_signal(signal.SIGSTOP)

        def level():
            done = run(tmp_path, "doctor", "--json", LLAMABAR_URL=server.url)
            return next(one["level"] for one in json.loads(done.stdout)["findings"] if one["id"] == finding)

        wait_for(lambda: level() == LEVELS[finding])  # when busy, one query may not prove whose it is
        process.child.send_signal(signal.SIGCONT)


# the command


def test_a_healthy_mac_exits_with_0_and_prints_one_line_per_topic(well):
    done = well.doctor()
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("✓")]
    assert [line.split(":")[0][2:] for line in lines] == [
        "program", "SwiftBar", "service", "network", "llama-swap", "model servers", "this computer", "plugin",
    ]  # fmt: skip
    assert done.stdout.splitlines()[-1] == "Everything looks good."
    assert done.stderr == ""


def test_an_unlisted_model_is_not_counted_as_no_other_command_lists_it():
    server = Server("here", models=(Model("a"), Model("b", unlisted=True)), version="250")
    assert LLAMA_SWAP.summary(Facts(servers=(server,))) == (True, "version 250, 1 model")


def test_json_follows_the_contract(well):
    document = json.loads(well.doctor("--json").stdout)
    assert document["llamabar_json"] == 1
    assert all(set(one) == {"id", "level", "title", "detail", "remedy", "fix"} for one in document["findings"])
    assert [one["id"] for one in document["findings"]] == [check.id for check in registry.checks()]


TOP = """
import os
from llamabar.settings import discover
from llamabar.sources import without_tls
from llamabar.doctor.explain import explain
from llamabar.core.events import Fault, FaultKind
settings = discover.settings(os.environ)
without_tls.without_tls(one.url for one in settings.servers)
found = explain(settings.servers[0], Fault(FaultKind.REFUSED))
print(found.title, "starts" * found.starts, flush=True)
os._exit(0)
"""


def test_the_first_cause_is_at_the_top_and_in_the_menu_and_its_remedy_fixes_it(well):
    with well.out():
        done = well.doctor("--all")
        assert done.returncode == 1
        assert all(f" {check.id}: " in done.stdout for check in registry.checks())
        assert "skipped: follows from service-not-loaded" in done.stdout
        lines = done.stdout.splitlines()
        assert "isn't loaded" in lines[0]
        assert lines[2].strip() == "~/Downloads/llamabar.pyz start"
        assert "✓ network:" not in done.stdout and "✓ service:" not in done.stdout
        assert "Connection refused" not in done.stdout
        top = well.mac.run(sys.executable, "-c", TOP, env=well.environment())
        assert top.stdout == f"{LABEL} isn't loaded starts\n", top.stderr
        with well.changed(well.config, gone=True):
            top = well.mac.run(sys.executable, "-c", TOP, env=well.environment())
        assert top.stdout == "The service's config file is missing \n", "and no start"
        remedy = well.type(lines[2])
        assert remedy.returncode == 0, remedy.stdout + remedy.stderr
        assert well.examine("settings", "servers")["server-refuses"].level == "ok"


def test_explaining_an_outage_never_starts_llama_swap(well):
    """Watching doesn't; `doctor` itself asks the program for its version and lets it check the config."""
    trace = well.home / "started"
    with well.out(), well.changed(well.program, f"#!/bin/sh\necho started >> '{trace}'\n"):
        well.mac.run("ln", "-sf", str(well.program), str(well.mac.bin / "llama-swap"))
        top = well.mac.run(sys.executable, "-c", TOP, env=well.environment())
        assert top.stdout == f"{LABEL} isn't loaded starts\n", top.stderr
        assert not trace.exists()
        assert well.examine()["service-program-fails"].level == "error"
        assert trace.exists()
        (well.mac.bin / "llama-swap").unlink()


FAILING_PSUTIL = """
import psutil, sys
def fail(*_, **__):
    raise RuntimeError("can't read")
for owner, name in {targets}:
    setattr(getattr(psutil, owner, psutil), name, fail)
sys.argv = ["llamabar", "doctor", "--all"]
import llamabar.__main__
"""


@pytest.mark.parametrize(("targets", "what"), [
    ([("Process", "net_connections")], "connections (RuntimeError)"),
    ([("Process", "cmdline")], "command lines (RuntimeError)"),
    ([("", "process_iter"), ("", "pids")], "processes (RuntimeError)"),
    ([("Process", "create_time")], "start times (RuntimeError)"),
    ([("Process", "uids")], "owners (RuntimeError)"),
])  # fmt: skip
def test_a_failure_of_psutil_costs_one_figure_and_is_named_once(well, targets, what):
    done = well.mac.run(sys.executable, "-c", FAILING_PSUTIL.format(targets=targets), env=well.environment())
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("[note: process-figures-unreadable]") == 1 and what in done.stdout
    assert "• Some process figures couldn't be read  [note: process-figures-unreadable]" in done.stdout
    assert f"✓ service: {LABEL}, running" in done.stdout


def test_a_program_from_a_release_archive_is_found_and_no_script_is_run(tmp_path):
    folder = tmp_path / "go" / "bin"
    folder.mkdir(parents=True)
    for name in ("llama-swap-darwin-arm64", "llama-swap_250_darwin_arm64", "llama-swap-start.sh", "llama-swap-run"):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    found = list(binaries.find_programs(tmp_path, {"PATH": ""}))
    assert [path for path in found if path.startswith(str(tmp_path))] == [
        str(folder / "llama-swap-darwin-arm64"), str(folder / "llama-swap_250_darwin_arm64"),
    ]  # fmt: skip


ESCAPES = "\x1b[31m\x07\u202eevil"


def test_no_outside_text_drives_the_terminal_through_doctor():
    models = (Model(ESCAPES, "ready", server_answers=False),)
    server = Server("here", f"http://127.0.0.1:1/{ESCAPES}", models=models, failures=((ESCAPES, ESCAPES),))
    facts = Facts(servers=(server,), service=Service(label=ESCAPES), job=Job(ESCAPES, state=ESCAPES, last_exit=ESCAPES))
    said = "\n".join(doctor_command.lines(facts, registry.findings(facts), everything=True))
    assert "evil" in said
    assert all(char.isprintable() or char == "\n" for char in said)


@pytest.mark.parametrize(("program", "words"), [
    ("/opt/homebrew/Cellar/llama-swap/250/bin/llama-swap", "brew upgrade llama-swap"),
    ("/opt/local/bin/llama-swap", "sudo port selfupdate && sudo port upgrade llama-swap"),
    ("/nix/store/abc-llama-swap-228/bin/llama-swap", "nix profile upgrade llama-swap"),
    ("/Users/x/.nix-profile/bin/llama-swap", "nix profile upgrade llama-swap"),
    ("/run/current-system/sw/bin/llama-swap", "nix flake update && sudo darwin-rebuild switch --flake ."),
    ("/etc/profiles/per-user/x/bin/llama-swap", "nix flake update && sudo darwin-rebuild switch --flake ."),
    ("/Users/x/go/bin/llama-swap", "go install github.com/mostlygeek/llama-swap@latest"),
    ("/Users/x/Downloads/llama-swap-darwin-arm64", "open https://github.com/mostlygeek/llama-swap/releases/latest"),
])  # fmt: skip
def test_how_to_upgrade_llama_swap_depends_on_where_it_is(program, words):
    found = Packages(homebrew=True, llama_swap=program, origin=binaries.origin_of(program))
    here = facts.Settings(servers=(facts.Configured("one"), facts.Configured("far", local=False)))
    assert judged(Facts(servers=(Server("one"),), packages=found, settings=here))["llama-swap-old"].remedy == words
    far = judged(Facts(servers=(Server("far"),), packages=found, settings=here))["llama-swap-old"]
    assert far.remedy == "open https://github.com/mostlygeek/llama-swap/releases/latest"


@pytest.mark.parametrize(("ours", "name", "remedy"), [
    (True, "c.yaml", "install"),
    (False, "c.yaml", "mkdir -p ~/my/swap && echo 'models: {}' > ~/my/swap/c.yaml"),
    (False, "configs.d", "mkdir -p ~/my/swap/configs.d && echo 'models: {}' > ~/my/swap/configs.d/config.yaml"),
])  # fmt: skip
def test_a_missing_config_is_written_where_the_service_expects_it(ours, name, remedy):
    gone = Service(label="s", ours=ours, config=f"/Users/me/my/swap/{name}", config_there=False)
    found = judged(Facts(service=gone, home="/Users/me"))["service-config-missing"]
    assert found.level == "error" and found.remedy.endswith(remedy)


def test_a_homebrew_symlink_is_recognized_by_its_target(tmp_path):
    program = tmp_path / "Cellar" / "llama-swap" / "llama-swap"
    program.parent.mkdir(parents=True)
    program.write_text("")
    (tmp_path / "llama-swap").symlink_to(program)
    assert binaries.origin_of(str(tmp_path / "llama-swap")) == "homebrew"
    assert binaries.origin_of(str(tmp_path / "absent")) == "file"


@pytest.mark.parametrize("brew", [True, False])
def test_without_llama_swap_the_remedy_installs_it(well, brew):
    if brew:
        well.script("brew", "exit 0")
    with SITUATIONS["llama-swap-missing"][0](well) as environment:
        done = well.doctor(**environment)
    (well.mac.bin / "brew").unlink(missing_ok=True)
    lines = done.stdout.splitlines()
    assert lines[0] == "✗ llama-swap isn't installed  [error: llama-swap-missing]"
    release = "open https://github.com/mostlygeek/llama-swap/releases/latest"
    assert lines[2].strip() == ("brew tap mostlygeek/llama-swap && brew install llama-swap" if brew else release)
    assert "llamabar.pyz install" not in done.stdout


def test_a_remedy_that_is_the_automatic_fix_is_printed_once(well):
    with SITUATIONS["plugin-attribute-missing"][0](well):
        done = well.doctor()
    assert done.stdout.count("doctor --fix plugin-attribute-missing") == 1
    assert "automatically" not in done.stdout


def test_explaining_an_outage_never_queries_the_server(tmp_path):
    with llama_swap() as server:
        env = environment(tmp_path, LLAMABAR_URL=server.url)
        top = subprocess.run([sys.executable, "-c", TOP], env=env, capture_output=True, text=True)
        assert server.requests == []
        assert top.stdout == f"Connection refused at {server.url} starts\n", top.stderr


def test_a_data_folder_that_cannot_be_created_and_a_history_that_is_a_folder_are_reported(well):
    closed = well.home / "closed"
    closed.mkdir(mode=0o500)
    found = well.examine("data", LLAMABAR_DATA_DIR=str(closed / "data"))
    assert found["data-folder-read-only"].level == "error"
    closed.chmod(0o700)
    (closed / "data" / "history.sqlite").mkdir(parents=True)
    found = well.examine("data", LLAMABAR_DATA_DIR=str(closed / "data"))
    assert found["history-damaged"].level == "warning"
    assert well.type(found["history-damaged"].remedy).returncode == 0
    assert not (closed / "data" / "history.sqlite").exists()
    shutil.rmtree(closed)


FIXES = ("plugin-attribute-missing", "plugin-not-linked", "service-log-large", "key-file-open", "service-disabled")


@pytest.mark.parametrize("finding", FIXES)
def test_a_fix_fixes_its_finding(well, finding):
    make, wanted, _ = SITUATIONS[finding]
    with make(well) as environment:
        assert well.ask(*wanted, fix=finding, **environment).trouble == ""
        assert well.examine(*wanted, **environment)[finding].level == "ok"
        (well.log.parent / "llama-swap.log.1").unlink(missing_ok=True)


def test_a_fix_reports_what_it_did_and_a_second_run_has_nothing_to_do(well):
    with SITUATIONS["plugin-attribute-missing"][0](well):
        done = well.doctor("--fix", "plugin-attribute-missing", "--yes")
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
        assert done.stdout == f"✓ Done: set SwiftBar's attribute on {well.installed}.\n"
        again = well.doctor("--fix", "plugin-attribute-missing")
        assert again.stdout.startswith("✓ Nothing to fix")


def test_a_fix_asks_first_and_without_an_answer_does_nothing(well):
    with well.changed(well.link, gone=True):
        done = well.doctor("--fix", "plugin-not-linked")
        assert done.returncode == 1
        assert "Canceled. Use --yes to skip the question." in done.stderr
        assert not well.link.is_symlink()


def test_a_finding_without_a_safe_fix_is_refused_with_a_message(well):
    done = well.doctor("--fix", "swiftbar-missing")
    assert done.returncode == 1
    assert "No automatic fix for 'swiftbar-missing'" in done.stderr
    assert {check.id for check in registry.checks() if check.fix} == set(fixes.FIXES)


def test_a_damaged_cache_of_the_real_file_is_unpacked_again(tmp_path):
    if not PYZ.is_file():
        pytest.skip("not built: python3 build.py pyz")
    env = environment(tmp_path, LLAMABAR_PYTHON=sys.executable)
    del env["PYTHONPATH"]
    call = {"env": env, "capture_output": True, "text": True, "stdin": subprocess.DEVNULL}
    subprocess.run([PYZ, "--version"], check=True, **call)
    next(tmp_path.glob(".shiv/*/site-packages/licenses/llamabar.txt")).write_text("")  # nothing imports it
    found = json.loads(subprocess.run([PYZ, "doctor", "--json"], **call).stdout)["findings"]
    assert next(one["level"] for one in found if one["id"] == "cache-incomplete") == "error"
    done = subprocess.run([PYZ, "doctor", "--fix", "cache-incomplete", "--yes"], **call)
    assert done.returncode == 0, done.stdout + done.stderr


# bounds and bad input


def test_whatever_hangs_it_answers_within_five_seconds(well):
    for tool in ("launchctl", "defaults", "xattr"):
        well.mac.fault(tool, hang=True)
    for tool in ("pgrep", "pmset", "sw_vers", "sysctl", "security"):
        well.script(tool, "exec sleep 60")
    well.server.behave(hang=True)
    with (
        Stranger(b"", hold_s=20) as silent,
        settings(well, f"[[server]]\nurl = '{silent.url}'\napi_key_keychain = 'llama-swap'\n"),
    ):
        began_s = time.monotonic()
        found = well.examine()
        took_s = time.monotonic() - began_s
    well.server.behave()
    well.mac.mend()
    well.tools()
    assert took_s < 5
    for finding in ("server-silent", "launchd-silent", "keychain-silent"):
        assert found[finding].level == LEVELS[finding], finding
        assert found[finding].remedy
    assert found["swiftbar-not-running"].level == "skipped", "what did not answer is not known"


def test_a_settings_file_that_is_a_pipe_blocks_nothing(well):
    """A pipe without a writer blocks whoever opens it without O_NONBLOCK."""
    pipe = well.home / "pipe"
    os.mkfifo(pipe)
    answer = well.ask(LLAMABAR_CONFIG=str(pipe))
    pipe.unlink()
    assert answer.took_s < 5
    assert answer.findings["settings-unreadable"].level == "error"
    assert answer.findings["swiftbar-missing"].level == "ok"


@pytest.mark.parametrize("said", ["", "\x00\xff\x00", "Kein Prozess gefunden\n", "x" * 5000, "}\n{\n\t= {\n"])
def test_garbage_and_another_language_cause_no_internal_error(well, said):
    for tool in ("launchctl", "defaults", "xattr"):
        well.mac.fault(tool, garbage=said)
    for tool in ("pgrep", "pmset", "sw_vers", "sysctl"):
        well.script(tool, f"cat '{well.home}/garbage'")
    (well.home / "garbage").write_text(said)
    found = well.examine()
    well.mac.mend()
    well.tools()
    assert set(found) == {check.id for check in registry.checks()}
    assert "\x00" not in str(found)


def test_without_launchd_only_the_topics_that_need_no_mac_are_checked(tmp_path):
    with llama_swap() as server:
        done = run(tmp_path, "doctor", LLAMABAR_URL=server.url)
    assert done.returncode == 0, done.stdout
    assert "– SwiftBar: skipped: this isn't a Mac (no launchctl)" in done.stdout
    assert "– service: skipped: this isn't a Mac" in done.stdout
    assert "✓ network" in done.stdout
    assert run(tmp_path, "doctor", LLAMABAR_URL="http://127.0.0.1:9").returncode == 1


def test_no_home_a_settings_folder_and_a_binary_log_cause_no_internal_error(well):
    with well.changed(well.log, bytes(range(256)) * 300):
        done = well.doctor("--report", HOME="", LLAMABAR_CONFIG=str(well.config.parent))
    assert done.returncode == 1, done.stderr
    assert "settings-unreadable" in done.stdout
    assert done.stderr == ""


def test_an_unknown_server_and_a_missing_settings_file_are_reported(well):
    for words in (("--server", "nobody"), ("--config", "/nowhere.toml")):
        done = well.doctor(*words)
        assert done.returncode == 1
        assert "o server is named" in done.stderr or "no settings file" in done.stderr


# the report, the self-test, the menu


def test_the_report_has_everything_and_nothing_private(well):
    log = ("listening\nAuthorization: Bearer sk-in-the-log\n" 'cmd: llama-server -m /m.gguf --api-key sk-in-cmd\n'
           '{"prompt":"my dearest secret"}\n' f"open {well.home}/models/a.gguf failed\n"
           "dial tcp 192.168.7.9:5801: lookup nas.fritz.box\n")  # fmt: skip
    key = well.home / "key"
    with (
        well.changed(well.log, log),
        well.changed(key, "sk-of-the-file", mode=0o600),
        well.changed(
            well.home / ".config" / "llamabar" / "config.toml",
            f"[[server]]\nname = 'a'\nurl = '{well.url}'\napi_key_file = '{key}'\n"
            "[[server]]\nname = 'b'\nurl = 'http://studio.example.net:8080'\napi_key = 'sk-in-the-settings'\n",
        ),
    ):
        done = well.doctor("--report")
    for secret in ("sk-", "dearest", "192.168", "fritz", "studio", "example.net", str(well.home), "someuser", "m.gguf"):
        assert secret not in done.stdout, secret
    for wanted in ("llamabar 0", "Findings", "Facts", "The end of the log", "listening", "(host)"):
        assert wanted in done.stdout, wanted


def test_the_report_names_the_url_that_reloads_the_plugin_and_each_sentence_has_one_period(well):
    with SITUATIONS["watcher-died"][0](well), SITUATIONS["service-config-refused"][0](well):
        done = well.doctor("--report")
    assert "open -g 'swiftbar://refreshplugin?name=llamabar'" in done.stdout
    findings = done.stdout.partition("Facts")[0]
    assert ".." not in findings and ":." not in findings


def test_the_report_is_json_if_requested(well):
    found = json.loads(well.doctor("--json", "--report").stdout)
    assert found["llamabar_json"] == 1
    assert "Findings" in found["report"]
    assert {one["id"] for one in found["findings"]} == {check.id for check in registry.checks()}


def test_a_swiftbar_that_is_not_installed_has_no_version():
    for bar, said in ((SwiftBar(), "SwiftBar not installed"), (SwiftBar(installed=True), "SwiftBar unknown")):
        assert said in report.report(Facts(swiftbar=bar), (), Private()).splitlines()
    assert judged(Facts())["swiftbar-missing"].level == "error"


def test_the_self_test_says_what_was_expected_and_seen_and_changes_nothing(well):
    before = well.mac.snapshot()
    done = well.doctor("--selftest", LLAMABAR_FILE="")
    assert "Python: expected 3.9 or newer; seen 3." in done.stdout, done.stdout + done.stderr
    assert "print of nothing: expected 113" in done.stdout
    assert "first frame after" in done.stdout
    assert sum("; seen " in line for line in done.stdout.splitlines()) >= 15
    assert well.mac.snapshot() == before
    assert not [label for label in well.mac.jobs() if "not-there" in label]


def test_the_mac_is_healthy_again_at_the_end(well):
    wait_for(lambda: {one.id for one in well.ask().findings.values() if one.level != "ok"} == set())


def test_what_the_plugin_has_not_written_down_yet_is_not_said_to_be_0():
    watcher = facts.Watcher(there=True, pid=7, alive=True, age_s=52.0, frames=0, printed_bytes=0, reconnects=0)
    assert WATCHER.summary(Facts(watcher=watcher)) == (True, "running for 52 s (pid 7)")
    counted = dataclasses.replace(watcher, frames=28, printed_bytes=2_000_000)
    assert "28 frames, 2 MB printed" in WATCHER.summary(Facts(watcher=counted))[1]
