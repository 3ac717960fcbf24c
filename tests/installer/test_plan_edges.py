"""Plans on an unusual Mac: symlinks, leftovers, odd names, disabled or missing things."""

import importlib
import os
import plistlib
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from llamabar.core.mac import Agent, Job, Running
from llamabar.macos import agent_plist, files
from llamabar.macos.paths import RUST_LABEL
from llamabar_installer.execute import OTHERS_S, UNDO_S, WAITING_S, Execution
from llamabar_installer.facts import Watched
from llamabar_installer.manifest import load
from llamabar_installer.notes import Why
from llamabar_installer.plan import plan_install, server_table
from llamabar_installer.plan_removal import plan_uninstall
from llamabar_installer.steps import Group, Kind, Options, Plan, Step
from tests.fakes.programs import free_port
from tests.installer.test_plan import a_mac, agent, kinds, said

facts = a_mac


def test_only_our_own_files_are_removed_from_a_cache_folder(facts, tmp_path):
    cache = tmp_path / "tools"
    ours = [cache / f"llamabar.pyz_{'a' * 64}", cache / ".llamabar-x1"]
    theirs = [cache / "llamabar", cache / "llamabar-notes.txt", cache / "llamabar_old"]
    for path in ours + theirs:
        path.mkdir(parents=True)
    usual = facts.places.home / ".shiv" / f"llamabar.pyz_{'b' * 64}"
    usual.mkdir(parents=True)
    there = replace(facts, places=replace(facts.places, cache=cache), installed_digest="x")
    plan = plan_uninstall(there, Options())
    assert Execution(there.places).run(Plan(tuple(s for s in plan.steps if s.kind is Kind.REMOVE_CACHE))).ok
    assert not any(path.exists() for path in ours) and all(path.exists() for path in theirs)
    assert not usual.parent.exists()


def test_an_empty_cache_folder_that_the_user_chose_stays(facts, tmp_path):
    cache = tmp_path / "tools"
    (cache / f"llamabar.pyz_{'a' * 64}").mkdir(parents=True)
    step = Step(Kind.REMOVE_CACHE, str(cache))
    assert Execution(replace(facts.places, cache=cache)).run(Plan((step,))).ok
    assert list(cache.iterdir()) == []


def test_a_service_with_an_unknown_state_is_not_removed(facts):
    there = replace(facts, plist=b"", launchd_trouble="launchctl print: 1", installed_digest="x")
    plan = plan_uninstall(there, Options())
    assert Kind.REMOVE_AGENT not in kinds(plan) and Kind.REMOVE_FOLDERS not in kinds(plan)
    assert not plan.complete and "launchctl print: 1" in said(plan)


@pytest.mark.parametrize("settings", [b"server = [{url = 'http://127.0.0.1:1'}]\n", b" server.url = 'x'\n"])
def test_a_server_in_any_toml_notation_is_not_added_again(facts, settings):
    running = replace(facts, processes=(Running(7, "http://127.0.0.1:8081"),), settings=settings)
    assert Kind.SETTINGS not in kinds(plan_install(running, Options()))


def test_a_label_with_any_characters_gives_valid_toml():
    table = server_table("http://127.0.0.1:1", 'com.me "x" l\\s', new=True).decode()
    read = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    assert read.loads(table) == {"server": [{"url": "http://127.0.0.1:1", "service": 'com.me "x" l\\s'}]}


def test_symlinked_settings_stay_a_symlink(facts):
    dotfile = facts.places.home / "dotfiles" / "llamabar.toml"
    dotfile.parent.mkdir()
    dotfile.write_bytes(b"# mine\n")
    facts.places.settings.parent.mkdir(parents=True)
    facts.places.settings.symlink_to(dotfile)
    there = replace(facts, processes=(Running(7, "http://127.0.0.1:8081"),), settings=b"# mine\n")
    report = Execution(there.places).run(plan_install(there, Options(plugin=False)))
    assert report.ok and facts.places.settings.is_symlink()
    assert dotfile.read_bytes().startswith(b"# mine\n") and b"8081" in dotfile.read_bytes()


@pytest.mark.parametrize("how", ["a link to a disk that is away", "a folder"])
def test_an_unreadable_config_is_neither_replaced_nor_ignored(facts, how):
    config = facts.places.config
    config.unlink()
    config.mkdir() if how == "a folder" else config.symlink_to("/Volumes/away/config.yaml")
    plan = plan_install(replace(facts, configs=()), Options())
    assert not {Kind.CONFIG, Kind.AGENT, Kind.START} & set(kinds(plan))
    assert not plan.complete and str(config) in said(plan)


def test_the_old_services_config_is_found_as_its_shell_would(facts):
    (facts.places.home / "mine.yaml").write_text("models: {}\n")

    def moved(name):
        words = ("/usr/local/bin/llama-swap", "--config", name, "--listen", "0.0.0.0:9292")
        old = Agent(RUST_LABEL, str(facts.places.agents / "old.plist"), words, "0.0.0.0:9292", False)
        return plan_install(replace(facts, agents=(old,)), Options(take_over=True))

    plan = moved("~/mine.yaml")
    written = next(step for step in plan.steps if step.kind is Kind.AGENT)
    assert str(facts.places.home / "mine.yaml") in plistlib.loads(written.content)["ProgramArguments"]
    assert "0.0.0.0:9292" in said(plan)
    assert Kind.AGENT not in kinds(moved("$CONFIGS/mine.yaml")) and Kind.AGENT not in kinds(moved("mine.yaml"))


def test_a_new_service_uses_the_address_in_the_settings(facts):
    port = free_port()
    named = replace(facts, watched=Watched(f"http://127.0.0.1:{port}", "config.toml"))
    start = next(step for step in plan_install(named, Options()).steps if step.kind is Kind.START)
    assert start.url == f"http://127.0.0.1:{port}"


def test_a_running_llama_swap_takes_precedence_over_a_stopped_service(facts):
    label = "homebrew.mxcl.llama-swap"
    off = replace(facts, agents=(agent(facts, label),), jobs={**facts.jobs, label: Job(label)},
                  processes=(Running(7, "http://127.0.0.1:8081"),))  # fmt: skip
    plan = plan_install(off, Options())
    assert b"8081" in plan.steps[0].content and b"9292" not in plan.steps[0].content
    assert label in said(plan)


def test_a_kept_plist_is_started_at_its_own_address(facts):
    service = agent_plist.Service("/opt/homebrew/bin/llama-swap", str(facts.configs[0]), free_port())
    edited = agent_plist.content(service, facts.places).replace(b"<integer>45</integer>", b"<integer>9</integer>")
    plan = plan_install(replace(facts, plist=edited), Options(port=free_port()))
    start = next(step for step in plan.steps if step.kind is Kind.START)
    assert start.url == service.url and Kind.AGENT not in kinds(plan)


@pytest.mark.parametrize(("change", "why"), [(shutil.rmtree, "No such file"), (Path.touch, "exists again")])
def test_what_cannot_be_put_back_stays_and_uninstall_goes_on(facts, change, why):
    old = facts.places.home / "Other plugins" / "llama-swap.sh"
    old.parent.mkdir()
    old.write_text("theirs")
    assert Execution(facts.places).run(Plan((Step(Kind.OLD_PLUGIN, str(old), group=Group.PLUGIN),))).ok
    change(old if change is Path.touch else old.parent)
    report = Execution(facts.places).run(
        plan_uninstall(replace(facts, manifest=load(facts.places.manifest)), Options())
    )
    assert report.ok and (facts.places.backups / old.name).read_text() == "theirs"
    assert why in report.remarks[0].said and not load(facts.places.manifest).items


def test_a_first_step_that_fails_leaves_nothing_of_the_attempt(facts):
    log = facts.places.log.parent
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("a file where a folder should be")
    before = sorted(facts.places.home.rglob("*"))
    report = Execution(facts.places).run(plan_install(facts, Options(plugin=False)))
    assert not report.ok and report.kept == ()
    assert sorted(facts.places.home.rglob("*")) == before


def test_only_a_killed_runs_temporary_files_are_removed(tmp_path):
    for name in (".llamabar.pyz.77.tmp", ".llamabar.pyz.mine", ".llamabar.pyz.old.tmp", "llamabar.pyz"):
        (tmp_path / name).touch()
    files.sweep(tmp_path / "llamabar.pyz")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".llamabar.pyz.mine", ".llamabar.pyz.old.tmp", "llamabar.pyz",
    ]  # fmt: skip


def test_every_other_llama_swap_service_is_named(facts):
    both = (agent(facts, "org.one.llama-swap"), agent(facts, "org.two.llama-swap"))
    plan = plan_install(replace(facts, agents=both), Options())
    assert "org.one.llama-swap" in said(plan) and "org.two.llama-swap" in said(plan)


def test_our_symlinked_plist_is_backed_up_as_a_symlink(facts):
    elsewhere = facts.places.home / "dotfiles.plist"
    elsewhere.write_bytes(b"mine")
    facts.places.plist.parent.mkdir(parents=True)
    facts.places.plist.symlink_to(elsewhere)
    step = Step(Kind.REMOVE_AGENT, str(facts.places.plist))
    report = Execution(facts.places).run(Plan((step,)))
    (kept,) = facts.places.backups.iterdir()
    assert report.ok and str(kept) in report.remarks[0].said
    assert kept.is_symlink() and elsewhere.read_bytes() == b"mine" and not facts.places.plist.is_symlink()


@pytest.mark.parametrize("answer", ["exec sleep 60", "sleep 0.4; exit 113"])
def test_one_deadline_covers_everything_whatever_launchctl_does(facts, tmp_path, monkeypatch, answer):
    (tmp_path / "launchctl").write_text(f"#!/bin/sh\n{answer}\n")
    (tmp_path / "launchctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    plan = plan_install(facts, Options(plugin=False, port=free_port()))
    assert Kind.START in kinds(plan)
    began_s = time.monotonic()
    report = Execution(facts.places, scale=0.05).run(plan)
    assert time.monotonic() - began_s < 0.05 * (OTHERS_S + WAITING_S + UNDO_S) + 1.0
    assert report.failed is not None and report.failed.kind is Kind.START and report.failure is not None
    assert report.undone or report.remarks, "what was undone, or that it could not be, is said"


def test_a_step_without_time_left_is_not_started(facts):
    report = Execution(facts.places, scale=0.0).run(plan_install(facts, Options(plugin=False)))
    assert report.done == () and report.failure is not None and report.failure.why is Why.OUT_OF_TIME
    assert not facts.places.plist.exists()


def test_what_cannot_be_undone_is_not_said_to_be_undone(facts):
    folder = facts.places.data / "a folder"
    folder.mkdir(parents=True)
    facts.places.program.write_bytes(b"x")
    steps = tuple(Step(Kind.REMOVE_FILE, str(path), group=Group.PLUGIN) for path in (facts.places.program, folder))
    report = Execution(facts.places).run(Plan(steps))
    assert report.failed is steps[1] and not facts.places.program.exists()
    assert report.undone == () and report.kept == steps[:1]
