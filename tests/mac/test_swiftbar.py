"""The simulated SwiftBar follows the facts about SwiftBar 2.0 and 2.1."""

import base64
import os

import pytest

from tests.fakes.programs import wait_for

TRAILING = "swiftbar.useTrailingStreamSeparator"
TAGS = f"<swiftbar.type>streamable</swiftbar.type>\n<{TRAILING}>true</{TRAILING}>\n"
DIRECT = TAGS + "<swiftbar.runInBash>false</swiftbar.runInBash>\n"
STREAM = """#!/bin/sh
echo "$$ $SWIFTBAR_PLUGIN_REFRESH_REASON $SWIFTBAR_VERSION | color=red
---
Path: $PATH
Own: $SWIFTBAR_PLUGIN_PATH
Say | stdin=hello
Run | bash=/bin/sh param0=-c param1='echo oops >&2; exit 3' refresh=true
Go | href=https://example.com
More
--Again | bash=/bin/true refresh=true
~~~"
while read line; do printf 'heard %s\\n~~~\\n' "$line"; done
echo gone > "$HOME/gone"
exit 3
"""
BINARY = b"\n: \xff\xfe\n"


def put(mac, name, text=STREAM, tags=DIRECT, folder="Library"):
    """Put a plugin whose text has no metadata next to the folder, and link it; return the file."""
    path = mac.home / folder / name
    content = text.encode() + (BINARY if tags is not None else b"")
    path.write_bytes(content)
    path.chmod(0o644)
    if tags:
        mac.set_attribute(path, "com.ameba.SwiftBar", base64.b64encode(tags.encode()))
    os.symlink(path, mac.home / "SwiftBar" / name)
    mac.own()
    return path


def shown(bar, name):
    return wait_for(lambda: bar.text(name))


@pytest.fixture
def bar(mac):
    return mac.swiftbar()


def test_a_plugin_streams_hears_clicks_and_is_started_anew_on_request(mac, bar):
    assert mac.run("pgrep", "-x", "SwiftBar").stdout == f"{bar.pid}\n"
    file = put(mac, "one.sh")
    pid, reason, version = shown(bar, "one.sh").split("|")[0].split()
    assert (reason, version) == ("FirstLaunch", "2.1.1") and int(pid) == bar.plugin("one.sh").pid
    assert file.stat().st_mode & 0o111 == 0o111, "made executable through the link"
    assert bar.row("one.sh", "Own:") == f"Own: {mac.home / 'SwiftBar' / 'one.sh'}", "not the resolved path"
    assert bar.click("one.sh", "Go") is None and mac.opened()[-1].what == "https://example.com"
    said = bar.click("one.sh", "Run")
    assert (said.code, said.err, said.words[0]) == (3, "oops\n", "/bin/sh")
    assert bar.plugin("one.sh").starts == 1, "refresh=true acts only on exit 0"
    bar.click("one.sh", "Say")
    wait_for(lambda: bar.title("one.sh") == "heard hello")
    assert mac.run("open", "-g", "swiftbar://refreshplugin?name=ONE").returncode == 0
    wait_for(lambda: "URLScheme" in bar.text("one.sh"))
    assert not mac.is_alive(int(pid))
    bar.click("one.sh", "Again", under="More")
    wait_for(lambda: "MenuAction" in bar.text("one.sh"))
    assert bar.plugin("one.sh").starts == 3 and bar.title("one.sh").endswith("| color=red")


def test_without_its_attribute_a_binary_plugin_is_run_once_and_shows_its_raw_text(mac, bar):
    path = put(mac, "plain.sh", "#!/bin/sh\nprintf 'a\\n~~~\\nb\\n'\nexit 0\n", tags="")
    plugin = wait_for(lambda: bar.plugin(str(path)))
    assert not plugin.streams, "its id is the resolved path"
    assert wait_for(lambda: bar.text(str(path))) == "a\n~~~\nb\n"
    assert "~~~" in bar.text(str(path)) and bar.plugin(str(path)).starts == 1


def test_the_folder_is_scanned_by_its_rules(mac, bar):
    folder = mac.home / "SwiftBar"
    first = put(mac, "a.sh")
    os.symlink(first, folder / "b.sh")
    (folder / "sub").mkdir()
    script = "#!/bin/sh\necho x\n"
    for name in ("data.json", ".hidden", "ignored.txt", "sub/deep.sh", "sub/.deep"):
        (folder / name).write_text(script)
    (folder / "empty.sh").write_text("")
    (folder / ".swiftbarignore").write_text("# no\n*.txt\n")
    mac.own()
    wait_for(lambda: len(bar.plugins()) == 2)
    assert sorted(bar.plugins()) == [str(folder / "sub/deep.sh"), "a.sh"], "each resolved file once"
    mac.set_default("com.ameba.SwiftBar", "DisabledPlugins", ["a.sh"])
    bar.quit()
    assert mac.run("pgrep", "-x", "SwiftBar").returncode == 1
    bar.start()
    assert bar.plugin("a.sh").disabled and bar.plugin("a.sh").pid is None
    mac.run("open", "-g", "swiftbar://enableplugin?plugin=a.sh")
    assert shown(bar, "a.sh") and mac.default("com.ameba.SwiftBar", "DisabledPlugins") == []


def test_a_streaming_plugin_that_exits_is_not_started_again(mac, bar):
    put(mac, "bad.sh", "#!/bin/sh\nprintf 'menu\\n~~~\\n'; echo words >&2; exit 3\n")
    put(mac, "good.sh", "#!/bin/sh\nprintf 'menu\\n~~~\\n'; exit 0\n")
    wait_for(lambda: [one.code for one in bar.plugins().values()] == [3, 0])
    bad, good = bar.plugin("bad.sh"), bar.plugin("good.sh")
    assert (bad.error, bad.starts, bad.stderr) == (True, 1, "words\n")
    assert (good.error, good.starts, good.text) == (False, 1, "menu\n")


def test_a_crash_leaves_the_plugin_with_an_end_of_its_stdin_and_a_quit_ends_it(mac, bar):
    put(mac, "one.sh")
    shown(bar, "one.sh")
    bar.crash()
    assert wait_for((mac.home / "gone").exists) and bar.pid is None
    assert mac.run("open", "-g", "swiftbar://refreshplugin?name=one").returncode == 0, "starts the app"
    pid = wait_for(lambda: bar.plugin("one.sh").pid)
    bar.quit()
    wait_for(lambda: not mac.is_alive(pid))
    bar.uninstall()
    assert mac.run("open", "-g", "swiftbar://refreshplugin?name=one").returncode == 1


def test_only_what_the_folder_shows_is_read_again_and_2_0_compares_paths_alone(mac):
    for version, reads in (("2.1.1", True), ("2.0.1", False)):
        bar = mac.swiftbar(version)
        file = put(mac, f"{version}.sh", tags=TAGS)
        name = f"{version}.sh"
        shown(bar, name)
        assert bar.row(name, "Path:").startswith(f"Path: {mac.bin}:") and bar.plugin(name).starts == 1
        file.write_bytes(file.read_bytes().replace(b"Path:", b"Changed path:"))
        mac.set_attribute(file, "com.ameba.SwiftBar", base64.b64encode(DIRECT.encode()))
        (mac.home / "SwiftBar" / "sub").mkdir(exist_ok=True)
        os.utime(mac.home / "SwiftBar")
        put(mac, f"marker-{version}.sh")
        wait_for(lambda bar=bar, version=version: bar.plugin(f"marker-{version}.sh"))
        if reads:
            wait_for(lambda bar=bar, name=name: bar.row(name, "Changed path:"))
        else:
            assert bar.plugin(name).starts == 1
            number = bar.click(name, "Say")
            assert number is None and not bar.text(name).startswith("heard"), "stdin= is since 2.1"
        bar.quit()
