"""The small programs of the simulated Mac: their output and exit codes."""

import hashlib
import os
import plistlib
import shutil

import pytest

from tests.mac import attributes

ATTRIBUTE = "com.ameba.SwiftBar"


@pytest.fixture
def file(mac):
    path = mac.home / "Documents" / "a file"
    path.write_text("content")
    mac.own()
    return path


def test_an_attribute_stays_with_its_file_and_is_seen_through_links(mac, file):
    link = file.with_name("link")
    link.symlink_to(file)
    assert mac.run("xattr", "-w", ATTRIBUTE, "dmFsdWU=", link).returncode == 0
    assert mac.run("xattr", "-p", ATTRIBUTE, file).stdout == "dmFsdWU=\n"
    assert mac.attribute(file, ATTRIBUTE) == b"dmFsdWU="
    assert mac.run("xattr", file).stdout == f"{ATTRIBUTE}\n"
    assert mac.run("xattr", "-l", file).stdout == f"{ATTRIBUTE}: dmFsdWU=\n"
    assert mac.run("xattr", "-s", "-l", link).stdout == ""
    assert mac.run("xattr", "-s", "-w", "of.the.link", "1", link).returncode == 0
    assert mac.run("xattr", "-s", link).stdout == "of.the.link\n" and mac.attribute(file, "of.the.link") is None
    copy = file.with_name("copy")
    shutil.copyfile(file, copy)
    assert mac.attribute(copy, ATTRIBUTE) is None
    os.replace(copy, file)
    mac.own()
    said = mac.run("xattr", "-p", ATTRIBUTE, file)
    assert (said.returncode, said.stderr) == (1, f"xattr: {file}: No such xattr: {ATTRIBUTE}\n")
    said = mac.run("xattr", "-l", file.with_name("none"))
    assert (said.returncode, said.stderr) == (1, f"xattr: No such file: {file.with_name('none')}\n")
    mac.quarantine(file)
    assert mac.run("xattr", "-d", "com.apple.quarantine", file).returncode == 0
    assert mac.run("xattr", "-d", "com.apple.quarantine", file).returncode == 1
    mac.quarantine(file)
    assert mac.run("xattr", "-c", file).returncode == 0 and mac.run("xattr", file).stdout == ""
    file.chmod(0o400)
    assert "Permission denied" in mac.run("xattr", "-w", "a", "b", file).stderr


def test_where_the_file_system_keeps_none_a_store_by_inode_does(tmp_path, monkeypatch):
    for name in ("getxattr", "setxattr", "removexattr", "listxattr"):
        monkeypatch.delattr(os, name, raising=False)
    one, two, state = tmp_path / "one", tmp_path / "two", str(tmp_path)
    one.write_text("1")
    attributes.put(str(one), "a", b"\xff", state=state)
    shutil.copyfile(one, two)
    assert attributes.get(str(one), "a", state=state) == b"\xff" and attributes.names(str(one), state=state) == ["a"]
    assert attributes.get(str(two), "a", state=state) is None
    os.replace(one, tmp_path / "moved")
    assert attributes.remove(str(tmp_path / "moved"), "a", state=state)
    assert not attributes.remove(str(tmp_path / "moved"), "a", state=state)


def test_defaults_are_printed_bare_at_the_top_and_quoted_inside(mac):
    domain = "com.example.app"
    said = mac.run("defaults", "read", domain)
    assert said.returncode == 1 and said.stderr.endswith(f"\nDomain {domain} does not exist\n")
    mac.run("defaults", "write", domain, "Folder", "~/Plug ins/é")
    mac.run("defaults", "write", domain, "Ids", "-array", "a.pyz", "plain")
    mac.run("defaults", "write", domain, "On", "-bool", "YES")
    assert mac.run("defaults", "read", domain, "Folder").stdout == "~/Plug ins/é\n"
    assert mac.run("defaults", "read", domain, "Ids").stdout == '(\n    "a.pyz",\n    plain\n)\n'
    assert mac.run("defaults", "read", domain, "On").stdout == "1\n"
    assert mac.run("defaults", "read-type", domain, "On").stdout == "Type is boolean\n"
    assert mac.run("defaults", "read", domain).stdout == (
        '{\n    Folder = "~/Plug ins/\\U00e9";\n'
        '    Ids =     (\n        "a.pyz",\n        plain\n    );\n    On = 1;\n}\n'
    )
    said = mac.run("defaults", "read", domain, "None")
    words = f"The domain/default pair of ({domain}, None) does not exist\n"
    assert said.returncode == 1 and said.stderr.endswith(words)
    held = mac.home / "Library" / "Preferences" / f"{domain}.plist"
    assert plistlib.loads(held.read_bytes())["On"] is True and mac.default(domain, "Ids") == ["a.pyz", "plain"]
    assert mac.run("defaults", "delete", domain, "On").returncode == 0 and mac.default(domain, "On") is None


def test_plutil_reads_converts_and_extracts(mac, file):
    plist = mac.write_agent("com.example", "/bin/sh", "-c", "true", RunAtLoad=True, Nested={"a.b": [1, 2]})
    assert mac.run("plutil", "-lint", plist).stdout == f"{plist}: OK\n"
    assert mac.run("plutil", "-lint", "-s", plist).stdout == ""
    said = mac.run("plutil", "-lint", file)
    assert said.returncode == 1 and said.stdout.startswith(f"{file}: (")
    assert mac.run("plutil", "-lint", "/nowhere").returncode == 1
    plist.write_bytes(plistlib.dumps(plistlib.loads(plist.read_bytes()), fmt=plistlib.FMT_BINARY))
    said = mac.run("plutil", "-convert", "xml1", "-o", "-", plist)
    assert plistlib.loads(said.stdout.encode())["Label"] == "com.example"
    assert mac.run("plutil", "-extract", "ProgramArguments.2", "raw", plist).stdout == "true\n"
    assert mac.run("plutil", "-extract", "RunAtLoad", "raw", "-o", "-", plist).stdout == "true\n"
    assert mac.run("plutil", "-extract", "Nested.a\\.b", "raw", plist).stdout == "2\n"
    assert "No value at that key path" in mac.run("plutil", "-extract", "None", "raw", plist).stderr


def test_open_notes_what_it_opens_and_fails_as_on_a_mac(mac, file):
    assert mac.run("open", "-g", "https://example.com").returncode == 0
    assert mac.run("open", "-R", "--", file).returncode == 0
    assert mac.run("open", "-a", "TextEdit", "a file", cwd=file.parent).returncode == 0
    assert mac.run("open", "-t", "--", file).returncode == 0
    opened = [(one.what, one.app, one.background, one.reveal) for one in mac.opened()]
    assert opened == [("https://example.com", None, True, False), (str(file), None, False, True),
                      *[(str(file), "TextEdit", False, False)] * 2]  # fmt: skip
    for words, complaint in (
        (["-a", "Nope", file], "Unable to find application named 'Nope'"),
        (["/nowhere"], "The file /nowhere does not exist."),
        (["swiftbar://refreshplugin?name=x"], "No application knows how to open URL swiftbar://refreshplugin?name=x"),
    ):
        said = mac.run("open", *words)
        assert said.returncode == 1 and said.stderr.startswith(complaint)
    assert len(mac.opened()) == 4


def test_a_code_hash_is_of_the_content(mac, file):
    said = mac.run("codesign", "-dv", file)
    assert (said.returncode, said.stderr) == (1, f"{file}: code object is not signed at all\n")
    file.chmod(0o755)
    assert "CDHash" not in mac.run("codesign", "-dv", file).stderr and mac.run("codesign", "-v", file).returncode == 0
    said = mac.run("codesign", "-dvvv", file)
    digest = hashlib.sha256(b"content").hexdigest()[:40]
    assert said.stdout == "" and "\nIdentifier=a file\n" in said.stderr and f"\nCDHash={digest}\n" in said.stderr
    assert "Signature=adhoc\n" in said.stderr and "TeamIdentifier=not set\n" in said.stderr


def test_pgrep_sees_this_macs_processes_by_name_and_by_line(mac):
    with mac.popen("sleep", "4242") as sleeper:
        by_line = mac.run("pgrep", "-f", "sleep 4242")
        pid = by_line.stdout.strip()
        assert by_line.returncode == 0 and mac.is_alive(int(pid))
        assert mac.run("pgrep", "-x", "sleep").stdout.split() == [pid]
        assert mac.run("pgrep", "-lx", "sleep").stdout == f"{pid} sleep\n"
        assert mac.run("pgrep", "-lf", "42.2").stdout == f"{pid} sleep 4242\n"
        assert mac.run("pgrep", "-n", "-U", str(mac.uid), "slee").stdout == f"{pid}\n"
        for words in (["-x", "slee"], ["sleep 4242"], ["-U", "77", "sleep"]):
            assert mac.run("pgrep", *words).returncode == 1, words
        assert mac.run("sh", "-c", "pgrep -f 'pgrep -f'").returncode == 1, "its ancestors are left out"
        assert mac.run("pgrep").returncode == 2
        sleeper.kill()


def test_the_others_tell_what_the_test_has_set(make_mac):
    mac = make_mac(macos=15, translated=True)
    assert mac.run("sw_vers", "-productVersion").stdout == "15.7.1\n"
    assert mac.run("sw_vers").stdout.startswith("ProductName:\t\tmacOS\nProductVersion:\t\t15.7.1\nBuildVersion:\t\t")
    mac.set_sysctl("iogpu.wired_limit_mb", 24000)
    names = ("hw.optional.arm64", "sysctl.proc_translated", "iogpu.wired_limit_mb")
    assert mac.run("sysctl", "-n", *names).stdout == "1\n1\n24000\n"
    said = mac.run("sysctl", "no.such.name")
    assert (said.returncode, said.stderr) == (1, "sysctl: unknown oid 'no.such.name'\n")
    mac.set_power(sleep=0)
    assert "\n sleep                0\n" in mac.run("pmset", "-g").stdout
    mac.run("pbcopy", input="kopiert: é")
    assert mac.pasteboard == "kopiert: é"
    mac.set_keychain("llama-swap", "s3cret", "me")
    assert mac.run("security", "find-generic-password", "-s", "llama-swap", "-w").stdout == "s3cret\n"
    assert mac.run("security", "find-generic-password", "-s", "llama-swap", "-a", "you", "-w").returncode == 44
    said = mac.run("security", "find-generic-password", "-s", "other", "-w")
    assert said.returncode == 44 and "The specified item could not be found in the keychain." in said.stderr
    assert mac.run("zsh", "-l", "-c", "echo $0-$1-$HOME", "a", "b").stdout == f"a-b-{mac.home}\n"
    (mac.home / ".zprofile").write_text("PATH=/opt/homebrew/bin:$PATH\n")
    assert mac.run("zsh", "-lc", "echo $PATH").stdout.startswith("/opt/homebrew/bin:")


def test_caffeinate_holds_until_its_process_ends_or_its_time_is_over(mac):
    with mac.popen("sleep", "0.3") as other, mac.popen("caffeinate", "-i", "-w", str(other.pid)) as holds:
        assert other.wait(20) == 0 and holds.wait(20) == 0
    assert mac.run("caffeinate", "-dt", "0").returncode == 0
    assert mac.run("caffeinate", "-i", "sh", "-c", "exit 3").returncode == 3
    assert mac.run("caffeinate", "-x").returncode == 64
    assert [one["flags"] for one in mac.records("assertions.txt")] == ["i", "d", "i"]
