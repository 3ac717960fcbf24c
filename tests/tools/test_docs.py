"""The documents: links and anchors lead somewhere, and every command line in them works."""

import re
import shlex

import build
import click
import pytest

from llamabar.cli.main import program
from tests.fakes.programs import ROOT, llama_swap, run
from tools import pages

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md")])
LINK = re.compile(r"(?<!`)\[[^\]\n]*\]\(([^)\s]+)\)|\bsrc(?:set)?=\"([^\"]+)\"")
CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^ {4}(?! )(.*)$", re.MULTILINE)
PARTS = re.compile(r"\s+(?:&&|\|)\s+")
OURS = re.compile(r"^(?:and later: )?((?:[./\w]*/)?llamabar(?:\.pyz)?(?: .*)?|python3 build\.py\b.*)$")

# What isn't run here, and where it is tested, or why it can't be.
NOT_RUN = {
    "python3 build.py": "this very test is run by it; that there is such a command is checked",
    "brew": "Homebrew isn't ours to test",
    "curl": "downloads a release",
    "git": "downloads the repository",
    "xattr": "only macOS has it",
    "chmod": "changes the machine",
    "openssl": "makes a random token",
    "grep": "only shows less",
    "cd": "the folder is another program's",
    "mv": "the folder is another program's",
    "promtool": "tests/export runs it where it is installed",
    "systemctl": "changes the machine",
    "journalctl": "reads the machine's log",
    "sudo": "changes the machine",
    "llamabar install": "tests/installer does it on the simulated Mac",
    "llamabar uninstall": "tests/installer does it on the simulated Mac",
    "llamabar load": "tests/cli has a model to load",
    "llamabar unload": "tests/cli has a model to unload",
    "llamabar watch": "tests/cli drives it in a terminal",
    "llamabar start": "tests/mac has the service",
    "llamabar stop": "tests/mac has the service",
    "llamabar restart": "tests/mac has the service",
    "llamabar open": "opens windows",
    "llamabar logs": "tests/mac has the log",
    "llamabar doctor": "tests/doctor; here it would find this machine's faults",
    "llamabar export": "tests/export",
    "llamabar demo": "tests/demo",
    "llamabar stream": "tests/plugin",
}  # fmt: skip


def commands():
    """Return every command line in every page with the page's name, without duplicates.

    Of indented lines, which may be anything, only our own commands count.
    """
    found = {}
    for page in PAGES:
        text = page.read_text("utf-8")
        lines = [part for block in SHELL.findall(text) for line in block.splitlines() for part in PARTS.split(line)]
        for line in INDENTED.findall(FENCED.sub("", text)):
            parts = (part for piece in re.split(r"\s{2,}", line) for part in PARTS.split(piece))
            lines += [ours[1] for ours in map(OURS.match, parts) if ours]
        for line in lines:
            words = shlex.split(line.split(" > ")[0], comments=True)
            if words:
                line = re.sub(r"^(sh )?\S*llamabar(\.pyz)?'?(?= |$)", "llamabar", shlex.join(words))
                found.setdefault(line, page.name)
    return [pytest.param(line, id=f"{name}: {line}") for line, name in found.items()]


def anchors(text):
    """Return the anchors of a page's headings, by GitHub's rule."""
    prose = CODE.sub(lambda code: "" if "\n" in code[0] else code[0].strip("`"), text)
    headings = re.findall(r"^#+ (.*)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def targets(text):
    """Return the targets of a page's links and pictures."""
    return [link or picture for link, picture in LINK.findall(text)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_an_existing_file_and_heading(page):
    for target in targets(CODE.sub("", page.read_text("utf-8"))):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists() or path.endswith("../releases/latest"), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors(there.read_text("utf-8")), f"{page.name} links to {target}"


@pytest.mark.parametrize("line", commands())
def test_every_command_line_in_the_documents_works(line, tmp_path):
    words = shlex.split(line)
    if words[0] == "llamabar":
        check_options(["1" if word == "N" else word for word in words[1:]])
    if words[:2] == ["python3", "build.py"]:
        assert set(words[2:3]) <= set(build.COMMANDS), line
    if any(line == known or line.startswith(f"{known} ") for known in NOT_RUN):
        return
    assert words[0] == "llamabar", f"nobody runs {line!r}: say in NOT_RUN why not"
    arguments = [str(tmp_path / word) if word.endswith((".html", ".prom")) else word for word in words[1:]]
    with llama_swap() as server:
        done = run(tmp_path, *arguments, LLAMABAR_CONFIG=str(settings(tmp_path, server.url)))
    assert (done.returncode, done.stderr) == (0, ""), line


def test_settings_and_commands_within_sentences_exist(tmp_path):
    text = "\n".join(page.read_text("utf-8") for page in PAGES)
    for line in set(re.findall(r"`(?:\./)?llamabar(?:\.pyz)? ([a-z-][^`]*)`", text)):
        check_options(shlex.split(line))
    said = {("[update]", 'url = "https://example.com/latest"')}  # a release has it built in
    said |= set(re.findall(r"`(\[\w+\]) (\w+ = [^`]+)`", text))
    (tmp_path / "config.toml").write_text("".join(
        "\n".join((table, *(one for name, one in sorted(said) if name == table), ""))
        for table in sorted({name for name, _ in said})
    ))  # fmt: skip
    done = run(tmp_path, "config", "--check", LLAMABAR_CONFIG=str(tmp_path / "config.toml"))
    assert (done.returncode, len(said) > 8) == (0, True), done.stdout


def settings(folder, url):
    """Write settings with the servers named in the documents."""
    path = folder / "config.toml"
    urls = {"mac": url, "mini": url.replace("127.0.0.1", "localhost")}
    path.write_text("".join(f'[[server]]\nname = "{name}"\nurl = "{url}"\n' for name, url in urls.items()))
    return path


def check_options(words):
    """Parse a command's options as the program does."""
    name, rest = (words[0], words[1:]) if words and words != ["--version"] else ("status", [])
    command = program.commands.get(name)
    assert command is not None, f"there is no command {name}"
    with click.Context(command, info_name=name) as context:
        command.parse_args(context, list(rest))


def test_the_check_finds_a_dead_link_and_an_unknown_command():
    assert anchors("# A\n## Keys, `b_c`\n```sh\n# no heading\n```\n") == {"a", "keys-b_c"}
    assert targets('see [a](b.md#c) <img src="d.png">') == ["b.md#c", "d.png"]
    with pytest.raises(click.UsageError):
        check_options(["status", "--no-such-option"])


@pytest.mark.parametrize("name", pages.PAGES)
def test_generated_pages_match_their_source(name):
    made = "write it again with tools/pages.py"
    assert (ROOT / "docs" / name).read_text("utf-8") == pages.text(name), made
