"""A release: everything from one file's metadata, the same for the same bytes; and the workflows that make it."""

import hashlib
import importlib
import json
import re
import shutil
import subprocess
import sys

import build
import pytest

from llamabar import __version__
from llamabar.cli.main import program
from tests.fakes.programs import ROOT, environment

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
NAMES = ("llamabar.pyz.sha256", "llamabar.cdx.json", "release-notes.md", "llamabar.rb", "plugin-listing.txt",
         "llamabar.1")  # fmt: skip


def release(folder, *words, content=b"the file"):
    """Make a release of a stand-in file; return what was printed and written."""
    folder.mkdir(exist_ok=True)
    (folder / "llamabar.pyz").write_bytes(content)
    command = [sys.executable, str(ROOT / "tools" / "release.py"), str(folder / "llamabar.pyz"), str(ROOT / ".wheels")]
    done = subprocess.run([*command, *words], env=environment(folder), cwd="/", capture_output=True, text=True)
    return done, {name: (folder / name).read_text("utf-8") for name in NAMES if (folder / name).exists()}


def test_every_document_names_the_same_version_and_the_same_bytes(tmp_path):
    sha = hashlib.sha256(b"the file").hexdigest()
    _, made = release(tmp_path / "one", "--repository", "someone/bar")
    assert made["llamabar.pyz.sha256"] == f"{sha}  llamabar.pyz\n"
    assert f'sha256 "{sha}"' in made["llamabar.rb"]
    assert f'url "https://github.com/someone/bar/releases/download/v{__version__}/llamabar.pyz"' in made["llamabar.rb"]
    assert f"<xbar.version>v{__version__}</xbar.version>" in made["plugin-listing.txt"]
    assert "<swiftbar.type>streamable</swiftbar.type>" in made["plugin-listing.txt"]
    found = json.loads(made["llamabar.cdx.json"])["metadata"]["component"]
    assert (found["version"], found["hashes"][0]["content"]) == (__version__, sha)


def test_the_bill_of_materials_lists_every_part_with_version_licence_and_wheels(tmp_path):
    bill = json.loads(release(tmp_path)[1]["llamabar.cdx.json"])
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.5", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", bill["serialNumber"])
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements/runtime.txt").read_text(), re.MULTILINE))
    listed = {part["name"]: part for part in bill["components"]}
    assert set(listed) == set(locked) - {"colorama"} | {"shiv"}
    for name, part in listed.items():
        assert part["version"] == locked.get(name, "1.0.8")
        assert part["purl"] == part["bom-ref"] == f"pkg:pypi/{name}@{part['version']}"
        ids = {one["license"]["id"] for one in part["licenses"]}
        assert ids and ids <= {"MIT", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0"}
        assert len(part["properties"]) == (3 if name == "psutil" else 1), "a wheel for each platform that is inside"
    assert sorted(bill["dependencies"][0]["dependsOn"]) == sorted(part["bom-ref"] for part in bill["components"])


def test_two_releases_of_the_same_bytes_are_the_same(tmp_path):
    assert release(tmp_path / "one")[1] == release(tmp_path / "two")[1]
    assert release(tmp_path / "one")[1] != release(tmp_path / "two", content=b"another")[1]


def test_a_tag_that_is_not_this_version_is_refused(tmp_path):
    done, made = release(tmp_path, "--tag", "v9.9.9")
    assert done.returncode == 1
    assert f"The tag is v9.9.9, the version {__version__}" in done.stderr
    assert made == {}


def test_the_changelogs_section_is_taken_and_nothing_after_it(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    section = importlib.import_module("release").changelog_section
    changelog = "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-01-01\n\n### Added\n- x\n\n## [0.1.0]\n- y\n"
    assert section(changelog, "0.2.0") == "### Added\n- x\n"
    assert section(changelog, "0.1.0") == "- y\n"
    assert section(changelog, "0.3.0") is None
    assert section(changelog, "0.2") is None


def test_the_versions_in_the_metadata_agree():
    assert f'\nversion = "{__version__}"\n' in (ROOT / "pyproject.toml").read_text("utf-8")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_well_formed_and_uses_existing_build_commands(path):
    text = path.read_text("utf-8")
    assert "\t" not in text
    assert not [line for line in text.splitlines() if line != line.rstrip() or (len(line) - len(line.lstrip())) % 2]
    assert {"name", "on", "permissions", "jobs"} == set(re.findall(r"^(\w+):", text, re.MULTILINE))
    jobs = re.split(r"^  (?=[\w-]+:$)", text.split("\njobs:\n")[1], flags=re.MULTILINE)[1:]
    assert jobs
    for job in jobs:
        for key in ("runs-on", "timeout-minutes", "steps"):
            assert re.search(rf"^    {key}:", job, re.MULTILINE), (job.split(":")[0], key)
    assert all(re.fullmatch(r"[\w./-]+@v\d+", used) for used in re.findall(r"uses: (\S+)", text))
    asked = set(re.findall(r"build\.py (\w+)", text))
    assert asked <= set(build.COMMANDS) | {"pictures"}
    for run in re.findall(r"run: \|\n((?:          .*\n|\n)+)", text):
        script = re.sub(r"\$\{\{.*?\}\}", "x", run)
        done = subprocess.run(["/bin/sh", "-n"], input=script, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_a_release_compares_everything_that_it_attaches_but_the_pictures():
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
    compared = set(re.search(r"for name in (.*); do", text)[1].split())
    attached = set(re.findall(r"linux/([\w.-]+)", text.split("gh release create")[1])) | {"release-notes.md"}
    assert compared == {"llamabar.pyz", *NAMES}
    assert attached - compared == {"pictures.tar.gz"}


def test_the_manual_page_has_every_command_and_option_and_man_reads_it_without_a_complaint(tmp_path):
    page = release(tmp_path)[1]["llamabar.1"]
    for name, command in program.commands.items():
        assert (f".B llamabar {name}" in page) is not command.hidden, name
    for word in ("\\-\\-since DAY", "LLAMABAR_URL", "config.toml", "\\-\\-server NAME"):
        assert word in page
    assert page.count("\\-\\-server NAME") == 1, "options of every command stand once"
    if not shutil.which("groff"):
        pytest.skip("groff isn't installed, so nothing here can read the page")
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z"], input=page, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_formula_installs_the_manual_of_this_release_and_the_completions(tmp_path):
    made = release(tmp_path, "--repository", "someone/bar")[1]
    sha = hashlib.sha256(made["llamabar.1"].encode()).hexdigest()
    resource = made["llamabar.rb"].split('resource "manual" do')[1].split("end")[0]
    assert f'url "https://github.com/someone/bar/releases/download/v{__version__}/llamabar.1"' in resource
    assert f'sha256 "{sha}"' in resource
    assert 'generate_completions_from_executable(bin/"llamabar", "completions")' in made["llamabar.rb"]
