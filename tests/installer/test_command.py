"""The `llamabar` command: where it is linked, never over another program, and removed again."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from llamabar.macos import paths
from llamabar.macos.paths import places_of
from llamabar_installer.execute import Execution
from llamabar_installer.facts import Facts, find_command
from llamabar_installer.manifest import Thing, load
from llamabar_installer.notes import Why
from llamabar_installer.plan_plugin import command_steps
from llamabar_installer.plan_removal import plan_uninstall
from llamabar_installer.steps import Kind, Options, Plan

ONLY_COMMAND = Options(service=False, plugin=False)


@pytest.fixture
def places(tmp_path):
    home = tmp_path / "home"
    program = home / "data" / "llamabar.pyz"
    program.parent.mkdir(parents=True)
    program.write_text("the program")
    return places_of(home, program.parent, settings=home / "config.toml", cache=home / ".shiv")


def facts_of(places, *folders):
    """Return the facts for a PATH with these folders."""
    path = os.pathsep.join(map(str, folders))
    found = find_command({"PATH": path}, places, places.program)
    return Facts(places, program=places.program, command=found, manifest=load(places.manifest), installed_digest="x")


def folder(places, name, *, brew=False):
    made = places.home / name
    made.mkdir(parents=True, exist_ok=True)
    if brew:
        (made / "brew").write_text("")
    return made


def test_homebrews_folder_is_used_if_it_is_on_the_path_else_the_users_own(places):
    homebrew, other, own = folder(places, "opt/bin", brew=True), folder(places, "bin"), places.home / ".local" / "bin"
    assert facts_of(places, other, homebrew, own).command.folder == homebrew
    assert facts_of(places, other, own, homebrew).command.folder == own
    assert facts_of(places, other, own).command.reachable


def test_without_such_a_folder_on_the_path_install_says_what_to_add(places):
    plan = command_steps(facts_of(places, folder(places, "bin")), copied=False)
    assert [step.target for step in plan.steps] == [str(places.home / ".local" / "bin" / "llamabar")]
    assert [one.why for one in plan.notes] == [Why.COMMAND_OFF_PATH]
    assert "~/.zprofile" in plan.notes[0].hint
    assert plan.complete


def test_a_data_folder_may_be_named_relative_to_the_current_folder(tmp_path, monkeypatch):
    """Symlinks and LaunchAgents lead to the program in it, from everywhere."""
    monkeypatch.chdir(tmp_path)
    assert paths.places({"HOME": "/Users/me", "LLAMABAR_DATA_DIR": "mine"}).program == tmp_path / "mine/llamabar.pyz"


def test_a_folder_on_the_path_that_cannot_be_looked_into_is_skipped(places):
    """Another user's closed folder is one, too: pathlib raises an error about both."""
    assert facts_of(places, "/" + "x" * 300, folder(places, "opt/bin", brew=True)).command.reachable


def test_a_read_only_folder_is_not_used(places):
    homebrew = folder(places, "opt/bin", brew=True)
    homebrew.chmod(0o555)
    if os.access(homebrew, os.W_OK):
        pytest.skip("root may write anywhere")
    assert facts_of(places, homebrew).command.folder != homebrew


@pytest.mark.parametrize("there", ["file", "link", "elsewhere"])
def test_another_programs_llamabar_is_left_alone(places, there):
    own, bin_folder = folder(places, ".local/bin"), folder(places, "bin")
    path = (bin_folder if there == "elsewhere" else own) / "llamabar"
    if there == "link":
        path.symlink_to("/usr/bin/true")
    else:
        path.write_text("somebody's")
    plan = command_steps(facts_of(places, own, bin_folder), copied=False)
    assert plan.steps == ()
    assert [one.why for one in plan.notes] == [Why.COMMAND_TAKEN]
    assert str(path) in plan.notes[0].said


def test_the_command_is_linked_found_moved_and_removed_to_the_byte(places):
    own = places.home / ".local" / "bin"
    before = set(places.home.rglob("*"))
    report = Execution(places).run(command_steps(facts_of(places, own), copied=False))
    assert report.ok, report.failure
    link = own / "llamabar"
    assert os.readlink(link) == str(places.program)
    assert command_steps(facts_of(places, own), copied=False) == Plan()

    moved = replace(facts_of(places, own), program=Path("/elsewhere/llamabar.pyz"), installed_digest="")
    again = command_steps(moved, copied=False)
    assert [step.kind for step in again.steps] == [Kind.COMMAND], "ours may lead elsewhere"

    steps = plan_uninstall(facts_of(places, own), ONLY_COMMAND).steps
    assert [step.kind for step in steps] == [Kind.REMOVE_COMMAND]
    assert Execution(places).run(Plan(steps)).ok
    left = set(places.home.rglob("*")) - before
    assert not any(path.name == "llamabar" for path in left)


def test_the_command_is_removed_although_somebody_deleted_the_data_folder(places):
    own = places.home / ".local" / "bin"
    assert Execution(places).run(command_steps(facts_of(places, own), copied=False)).ok
    shutil.rmtree(places.data)
    report = Execution(places).run(plan_uninstall(facts_of(places, own), ONLY_COMMAND))
    assert report.ok and not os.path.lexists(own / "llamabar")


@pytest.mark.parametrize("replace", [
    lambda path: path.write_text("somebody's"), lambda path: path.symlink_to("/nowhere"),
])  # fmt: skip
def test_a_replaced_command_is_kept(places, replace):
    own = places.home / ".local" / "bin"
    Execution(places).run(command_steps(facts_of(places, own), copied=False))
    (own / "llamabar").unlink()
    replace(own / "llamabar")
    before = os.lstat(own / "llamabar")
    report = Execution(places).run(plan_uninstall(facts_of(places, own), ONLY_COMMAND))
    assert os.lstat(own / "llamabar") == before
    assert [one.why for one in report.remarks] == [Why.NOT_OURS]
    assert load(places.manifest).of_kind(Thing.COMMAND) == ()


def test_a_file_that_appears_after_the_plan_is_not_overwritten(places):
    own = folder(places, ".local/bin")
    plan = command_steps(facts_of(places, own), copied=False)
    (own / "llamabar").write_text("somebody's")
    report = Execution(places).run(plan)
    assert not report.ok and report.failure.why is Why.APPEARED
    assert (own / "llamabar").read_text() == "somebody's"
