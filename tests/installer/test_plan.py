"""Plans from facts, as values: what is adopted, what is created, what is left alone, what is refused."""

import plistlib
from dataclasses import replace
from pathlib import Path

import pytest

from llamabar.core.mac import Agent, Job, Link, Running, SwiftBar
from llamabar.macos import agent_plist, files
from llamabar.macos.binaries import Binary, ConfigCheck, without_hooks
from llamabar.macos.launchctl import disabled, parse, target
from llamabar.macos.paths import OWN_LABEL, RUST_LABEL, places_of
from llamabar_installer.facts import Facts, Watched
from llamabar_installer.manifest import Item, Manifest, load, save
from llamabar_installer.notes import Why, note
from llamabar_installer.plan import plan_install
from llamabar_installer.plan_removal import plan_uninstall
from llamabar_installer.steps import Kind, Options
from tests.fakes.programs import free_port

GOOD = ConfigCheck(True)


@pytest.fixture(name="facts")
def a_mac(tmp_path):
    """A Mac with llama-swap, a config and SwiftBar, and nothing of ours."""
    home = tmp_path / "home"
    config = home / ".config" / "llama-swap" / "config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("models: {}\n")
    folder = home / "Plugins"
    folder.mkdir()
    program = home / "Downloads" / "llamabar.pyz"
    program.parent.mkdir()
    program.write_bytes(b"the program")
    settings = home / ".config" / "llamabar" / "config.toml"
    places = places_of(home, home / "data", settings=settings, cache=home / ".shiv")
    return Facts(
        places,
        uid=501,
        launchd=True,
        gui=True,
        binaries=(Binary("/opt/homebrew/bin/llama-swap", "250"),),
        configs=(config,),
        check=lambda _, __: GOOD,
        jobs={OWN_LABEL: Job(OWN_LABEL)},
        swiftbar=SwiftBar(True, "2.1.1", True, folder=str(folder), plugin=str(folder / "llamabar.pyz")),
        program=program,
        program_digest=files.digest(b"the program"),
    )


def kinds(plan):
    return [step.kind for step in plan.steps]


def said(plan):
    return " ".join(f"{one.said} {one.hint}" for one in plan.notes)


def agent(facts, label, *, listen="127.0.0.1:9292", program="/usr/local/bin/llama-swap"):
    words = (program, "--config", str(facts.configs[0]), "--listen", listen)
    return Agent(label, str(facts.places.agents / f"{label}.plist"), words, listen, False)


def test_on_a_fresh_mac_everything_is_planned_in_order(facts):
    plan = plan_install(facts, Options())
    assert kinds(plan) == [Kind.AGENT, Kind.START, Kind.PROGRAM, Kind.LINK, Kind.REFRESH]
    assert plan.complete
    content = plistlib.loads(plan.steps[0].content)
    words = content["ProgramArguments"]
    assert words[:3] == ["/opt/homebrew/bin/llama-swap", "--config", str(facts.configs[0])]
    assert words[3] == "--listen" and words[4].startswith("127.0.0.1:")
    assert content["Label"] == OWN_LABEL
    assert content["ProcessType"] == "Interactive"
    assert content["KeepAlive"] == {"SuccessfulExit": False}
    assert content["ExitTimeOut"] == 45 and content["ThrottleInterval"] == 10 and content["RunAtLoad"] is True
    assert {"/opt/homebrew/bin", "/opt/local/bin"} <= set(content["EnvironmentVariables"]["PATH"].split(":"))
    assert content["StandardOutPath"] == content["StandardErrorPath"] == str(facts.places.log)
    assert content["WorkingDirectory"] == str(facts.places.home)


def test_a_variable_that_only_this_terminal_has_is_pointed_out(facts):
    named = replace(facts.places, named=("LLAMABAR_CONFIG",))
    plan = plan_install(replace(facts, places=named), Options())
    assert plan.complete
    assert "doesn't see this terminal's LLAMABAR_CONFIG" in said(plan)
    assert 'launchctl setenv LLAMABAR_CONFIG "$LLAMABAR_CONFIG"' in said(plan)
    assert "LLAMABAR" not in said(plan_install(facts, Options()))


def test_a_port_that_an_adopted_llama_swap_ignores_is_reported(facts):
    other = agent(facts, "com.me.llama-swap")
    jobs = {other.label: Job(other.label, True, "running", pid=9)}
    adopted = replace(facts, agents=(other,), jobs=jobs)
    assert "--port is ignored" in said(plan_install(adopted, Options(port=9000)))
    assert "--port" not in said(plan_install(adopted, Options()))


def test_a_first_config_is_written_only_if_there_is_none(facts):
    plan = plan_install(replace(facts, configs=()), Options())
    assert kinds(plan)[0] is Kind.AGENT, "the usual place has one"
    facts.configs[0].unlink()
    plan = plan_install(replace(facts, configs=()), Options())
    assert kinds(plan)[:2] == [Kind.CONFIG, Kind.AGENT]
    assert b"models: {}" in plan.steps[0].content


def test_a_config_that_llama_swap_refuses_stops_the_service_with_its_words_and_not_the_plugin(facts):
    bad = replace(facts, check=lambda _, __: ConfigCheck(False, "yaml: line 3: did not find expected key"))
    plan = plan_install(bad, Options())
    assert kinds(plan) == [Kind.PROGRAM, Kind.LINK, Kind.REFRESH]
    assert not plan.complete
    assert "yaml: line 3" in said(plan)


def test_a_foreign_agent_is_adopted_and_never_duplicated(facts):
    other = agent(facts, "com.me.llama-swap")
    jobs = {other.label: Job(other.label, True, "running", pid=9)}
    plan = plan_install(replace(facts, agents=(other,), jobs=jobs), Options())
    assert kinds(plan) == [Kind.SETTINGS, Kind.PROGRAM, Kind.LINK, Kind.REFRESH]
    assert b'url = "http://127.0.0.1:9292"' in plan.steps[0].content
    assert b'service = "com.me.llama-swap"' in plan.steps[0].content
    assert plan.complete
    assert "won't change it" in said(plan)


def test_settings_that_name_a_server_are_not_touched(facts):
    other = agent(facts, "com.me.llama-swap")
    named = replace(facts, agents=(other,), settings=b'[[server]]\nurl = "http://127.0.0.1:9292"\n')
    assert Kind.SETTINGS not in kinds(plan_install(named, Options()))
    menu_only = replace(facts, agents=(other,), settings=b'[menu]\ntitle = "icon"\n')
    step = plan_install(menu_only, Options()).steps[0]
    assert step.content.startswith(b'[menu]\ntitle = "icon"\n'), "what is there stays"


def test_the_older_plugins_service_is_adopted_and_replaced_only_on_request(facts):
    old = agent(facts, RUST_LABEL, listen="127.0.0.1:45786")
    plugin = f"{facts.swiftbar.folder}/llama-swap.sh"
    there = replace(facts, agents=(old,), swiftbar=replace(facts.swiftbar, rust_plugins=(plugin,)))
    plan = plan_install(there, Options())
    assert Kind.OLD_SERVICE not in kinds(plan) and Kind.OLD_PLUGIN not in kinds(plan)
    assert "--take-over" in said(plan)
    moved = plan_install(there, Options(take_over=True))
    assert kinds(moved)[:4] == [Kind.OLD_SERVICE, Kind.AGENT, Kind.START, Kind.OLD_PLUGIN]
    assert b"127.0.0.1:45786" in moved.steps[1].content, "its users keep their address"


def test_a_llama_swap_in_a_terminal_is_watched_but_cannot_be_controlled(facts):
    plan = plan_install(replace(facts, processes=(Running(77, "http://127.0.0.1:7000"),)), Options())
    assert kinds(plan)[0] is Kind.SETTINGS
    assert "service" not in plan.steps[0].content.decode()
    assert "can only monitor it" in said(plan)


def test_a_server_on_another_computer_needs_no_service_here(facts):
    remote = Watched("http://mini.local:8080", "LLAMABAR_URL", fixed=True)
    plan = plan_install(replace(facts, watched=remote), Options())
    assert kinds(plan) == [Kind.PROGRAM, Kind.LINK, Kind.REFRESH]
    assert plan.complete
    assert "another computer" in said(plan)


def installed(facts, *, edited=False, running=True):
    service = agent_plist.Service("/opt/homebrew/bin/llama-swap", str(facts.configs[0]), 8080)
    content = agent_plist.content(service, facts.places)
    digest = files.digest(content)
    if edited:
        content = plistlib.dumps({**plistlib.loads(content), "ProcessType": "Background"})
    job = Job(OWN_LABEL, True, "running", pid=9) if running else Job(OWN_LABEL)
    return replace(
        facts,
        plist=content,
        binaries=(Binary(service.program, "250"),),
        manifest=Manifest((Item("agent", str(facts.places.plist), digest),)),
        jobs={OWN_LABEL: job},
        installed_digest=facts.program_digest,
        swiftbar=replace(facts.swiftbar, link=Link.OURS, marked=True),
    )


def test_a_second_install_has_nothing_to_do(facts):
    plan = plan_install(installed(facts), Options())
    assert plan.steps == () and plan.complete, (kinds(plan), said(plan))


def test_a_kill_in_the_middle_is_completed_by_the_next_run(facts):
    assert kinds(plan_install(installed(facts, running=False), Options())) == [Kind.START]
    unmarked = installed(facts)
    unmarked = replace(unmarked, swiftbar=replace(unmarked.swiftbar, marked=False))
    assert kinds(plan_install(unmarked, Options())) == [Kind.ATTRIBUTE, Kind.REFRESH]
    marked = installed(facts).swiftbar
    unlinked = replace(installed(facts), swiftbar=replace(marked, link=Link.NONE))
    assert kinds(plan_install(unlinked, Options())) == [Kind.LINK, Kind.REFRESH]


def test_an_update_copies_the_program_and_restarts_only_the_plugin(facts):
    newer = replace(installed(facts), program_digest=files.digest(b"newer"))
    assert kinds(plan_install(newer, Options())) == [Kind.PROGRAM, Kind.REFRESH]


def test_a_hand_edited_plist_is_shown_as_a_difference_and_replaced_only_by_force(facts):
    edited = installed(facts, edited=True)
    plan = plan_install(edited, Options())
    assert plan.steps == () and plan.complete
    lines = "\n".join(line for one in plan.notes for line in one.lines)
    assert "-\t<string>Background</string>" in lines and "+\t<string>Interactive</string>" in lines
    assert kinds(plan_install(edited, Options(force=True))) == [Kind.AGENT, Kind.RELOAD]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"uid": 0}, "Run it again without sudo"),
        ({"launchd": False}, "launchctl was not found"),
        ({"gui": False}, "No one is logged in at this Mac's screen"),
        ({"binaries": ()}, "brew install llama-swap"),
        ({"binaries": (Binary("/x/llama-swap", None, "killed", True),)}, "xattr -d com.apple.quarantine /x/llama"),
        ({"plist_trouble": note(Why.AGENTS_NOT_A_FOLDER, path="/L")}, "/L isn't a folder"),
        ({"launchd_trouble": "launchctl gave no answer within 5 s"}, "no answer within 5 s"),
        ({"swiftbar": SwiftBar()}, "brew install --cask swiftbar"),
        ({"swiftbar": SwiftBar(installed=True)}, "Choose one"),
        ({"swiftbar": SwiftBar(installed=True, folder="/P", folder_trouble="/P is gone")}, "/P is gone"),
        ({"swiftbar": SwiftBar(installed=True, folder="/P", link=Link.OTHER)}, "is left alone"),
        ({"program": None}, "python3 build.py pyz"),
        ({"manifest": Manifest(readable=False)}, "is damaged"),
    ],
)
def test_every_obstacle_is_reported_with_a_remedy(facts, change, words):
    plan = plan_install(replace(facts, **change), Options())
    assert not plan.complete
    assert words in said(plan)


def test_a_requested_port_that_is_taken_is_refused(facts):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        plan = plan_install(facts, Options(port=taken.getsockname()[1], plugin=False))
    assert not plan.complete and "is in use" in said(plan)
    port = free_port()
    assert f"127.0.0.1:{port}".encode() in plan_install(facts, Options(port=port)).steps[0].content


def test_paths_with_xml_shell_and_line_characters_survive_in_the_plist(facts):
    odd = '/Users/a "b" & <c>/$(x)\'é/llama-swap'
    service = agent_plist.Service(odd, "/tmp/<&>\n.yaml", 8080)
    content = plistlib.loads(agent_plist.content(service, facts.places))
    assert content["ProgramArguments"][0] == odd
    assert content["ProgramArguments"][2] == "/tmp/<&>\n.yaml"
    assert agent_plist.service_of(content) == service


def test_uninstall_plans_exactly_what_was_installed(facts):
    full = installed(facts)
    link = facts.swiftbar.plugin
    items = (*full.manifest.items, Item("file", str(facts.places.program)), Item("link", link))
    full = replace(full, manifest=Manifest(items), jobs={OWN_LABEL: Job(OWN_LABEL, True, pid=9)})
    facts.places.cache.mkdir()
    plan = plan_uninstall(full, Options())
    assert kinds(plan) == [
        Kind.STOP, Kind.REMOVE_AGENT, Kind.REMOVE_LINK, Kind.REMOVE_FILE, Kind.REMOVE_CACHE, Kind.REMOVE_FOLDERS,
    ]  # fmt: skip
    assert plan_uninstall(facts, Options()).steps == ()


def test_hooks_are_cut_out_of_a_config_and_nothing_else():
    hooks = "hooks:\n  on_startup:\n    preload: [a]\n\n# a comment\n  - odd\n"
    text = f"models:\n  a: {{}}\n{hooks}groups: {{}}\n'hooks': [x]\nlast: 1\n"
    assert without_hooks(text) == "models:\n  a: {}\ngroups: {}\nlast: 1\n"
    assert without_hooks("hooked: 1\n") == "hooked: 1\n"


PRINT = """gui/501/x.y = {
\tactive count = 1
\tpath = /Users/me/Library/LaunchAgents/x.y.plist
\tstate = SIGTERMed

\targuments = {
\t\t/bin/a b
\t\t--state = running
\t}

\tenvironment = {
\t\tKEY => state = running
\t\tpid = 1
\t}

\texit timeout = 45
\truns = 3
\tpid = 4242
\tlast terminating signal = Killed: 9

\tresource coalition = {
\t\tstate = active
\t\tactive count = 1
\t}

\tjob state = running
}
"""


def test_only_the_top_level_lines_of_a_print_count():
    job = parse("x.y", PRINT)
    assert (job.state, job.pid, job.runs, job.exit_timeout_s) == ("SIGTERMed", 4242, 3, 45.0)
    assert job.arguments == ("/bin/a b", "--state = running")
    assert job.last_exit == "Killed: 9"
    assert job.ending and not job.running and job.failed
    assert parse("x", "gui/501/x = {\n}\n") == Job("x", loaded=True)


@pytest.mark.parametrize("label", ["", " ", "a/b", "a b", "../x", "x\n", "$(x)", "-x"])
def test_a_target_is_only_made_from_a_valid_label(label):
    with pytest.raises(ValueError):
        target(label)
    assert disabled() is None, "no launchctl here"


def test_a_manifest_is_read_back_and_a_broken_one_does_not_count_as_empty(tmp_path):
    path = tmp_path / "data" / "manifest.json"
    assert load(path) == Manifest()
    manifest = Manifest().plus(Item("file", "/a", "1")).plus(Item("agent", "/b", "2", "/kept"))
    manifest = manifest.plus(Item("agent", "/b", "3"))
    save(path, manifest)
    assert load(path) == manifest
    assert manifest.item(Path("/b")) == Item("agent", "/b", "3", "/kept"), "the first backup counts"
    path.write_text('{"items": 3}')
    assert not load(path).readable
