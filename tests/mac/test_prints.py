"""launchctl's output has the forms in the facts, version by version."""

import pytest

from tests.fakes.programs import wait_for
from tests.mac.asking import LABEL, bootstrap, launchctl, load, target, top, wait_for_state
from tests.mac.options import ODD_USER, SECRET

RICHER = "Try re-running the command as root for richer errors.\n"
HEAD = ["active count", "path", "type", "state", "program", "arguments"]
FILES = ["working directory", "stdout path", "stderr path"]
ENVIRONMENTS = ["inherited environment", "default environment", "environment"]
COUNTERS = ["domain", "asid", "minimum runtime", "exit timeout", "runs"]
PROCESS = ["pid", "immediate reason", "forks", "execs", "initialized", "trampolined", "started suspended",
           "proxy started suspended"]  # fmt: skip
ALLOCATIONS = ["checked allocations", "checked allocations reason", "checked allocations flags"]
COALITIONS = ["resource coalition", "jetsam coalition"]
LIMITS = ["spawn type", "jetsam priority", "jetsam memory limit (active)", "jetsam memory limit (inactive)",
          "jetsamproperties category", "jetsam thread limit", "cpumon"]  # fmt: skip


def test_a_print_has_its_entries_behind_one_tab_in_the_usual_order(make_mac):
    mac = make_mac(macos=27, name=ODD_USER)
    log = str(mac.home / "Library/Logs/worker.log")
    job = load(mac, RunAtLoad=True, KeepAlive={"SuccessfulExit": False}, ProcessType="Interactive", ExitTimeOut=45,
               EnvironmentVariables={"PATH": "/opt/homebrew/bin", "ignored": 1}, WorkingDirectory=str(mac.home),
               StandardOutPath=log, StandardErrorPath=log)  # fmt: skip
    text, found = launchctl(mac, "print").stdout, top(mac)
    assert text.startswith(f"gui/{mac.uid}/{LABEL} = {{\n\tactive count = 1\n") and text.endswith("\n}\n")
    assert list(found) == [
        *HEAD, *FILES, *ENVIRONMENTS, *COUNTERS, *PROCESS, *ALLOCATIONS, "last exit code", "semaphores", *COALITIONS,
        *LIMITS, "sanitizer flags", "properties",
    ]  # fmt: skip
    assert (found["pid"], found["runs"], found["state"]) == (str(job.pid), "1", "running")
    assert (found["exit timeout"], found["minimum runtime"]) == ("45", "10")
    assert (found["last exit code"], found["spawn type"]) == ("(never exited)", "interactive (4)")
    assert found["properties"] == "runatload | inferred program", "a KeepAlive dictionary is no keepalive"
    assert found["stdout path"] == log and found["domain"] == f"gui/{mac.uid} [{found['asid']}]"
    assert "\t\tsuccessful exit => 0\n" in text and "\targuments = {\n\t\t/bin/sleep\n\t\t1000\n\t}\n\n" in text


def test_a_print_holds_what_must_not_be_shown_and_what_misleads(mac):
    load(mac, RunAtLoad=True, KeepAlive=True, EnvironmentVariables={"PATH": "/opt/homebrew/bin", "ignored": 1})
    text = launchctl(mac, "print").stdout
    assert f"\t\tOPENAI_API_KEY => {SECRET}\n" in text
    assert "\tdefault environment = {\n\t\tPATH => /usr/bin:/bin:/usr/sbin:/sbin\n\t}\n" in text
    assert "\t\tPATH => /opt/homebrew/bin\n" in text and "ignored" not in text
    assert top(mac)["properties"] == "keepalive | runatload | inferred program"
    launchctl(mac, "disable")
    mac.run("launchctl", "kill", "TERM", target(mac))
    wait_for_state(mac, "not running")
    down = launchctl(mac, "print").stdout
    assert down.count("\t\tstate = active\n") == 2 == down.count("\t\tactive count = 1\n"), "whatever the job does"
    assert "\tpid = " not in down and "\tactive count = 0\n" in down


@pytest.mark.parametrize("macos", [12, 15, 26])
def test_older_prints_lack_lines_and_113_differs(make_mac, macos):
    mac = make_mac(macos=macos)
    load(mac, RunAtLoad=True)
    found = top(mac)
    assert "sanitizer flags" not in found
    assert {"type", *ALLOCATIONS, *COALITIONS} & set(found) == (set() if macos == 12 else {"type", *ALLOCATIONS,
                                                                                           *COALITIONS})  # fmt: skip
    said = launchctl(mac, "print", label="com.example.none")
    words = f'Could not find service "com.example.none" in domain for user gui: {mac.uid}\n'
    assert (said.returncode, said.stdout) == (113, "")
    assert said.stderr == ("Bad request.\n" if macos >= 26 else "") + words
    said = mac.run("launchctl", "kickstart", target(mac, "com.example.none"))
    assert (said.returncode, said.stderr) == (113, words)
    said = mac.run("launchctl", "print", f"user/{mac.uid}/x")
    assert (said.returncode, said.stderr.splitlines()[-1]) == (
        113, f'Could not find service "x" in domain for uid: {mac.uid}')  # fmt: skip
    words = ("true", "false") if macos == 12 else ("disabled", "enabled")
    launchctl(mac, "disable")
    launchctl(mac, "enable", label="com.never.heard.of")
    assert mac.run("launchctl", "print-disabled", f"gui/{mac.uid}").stdout == (
        f'\n\tdisabled services = {{\n\t\t"{LABEL}" => {words[0]}\n\t\t"com.never.heard.of" => {words[1]}\n\t}}\n'
    )


def test_an_empty_store_and_a_second_block_are_printed_too(make_mac):
    mac = make_mac(login_items={"com.example.helper": "disabled"})
    assert mac.run("launchctl", "print-disabled", f"gui/{mac.uid}").stdout == (
        '\n\tdisabled services = {\n\t}\n\n\tlogin item associations = {\n\t\t"com.example.helper" => disabled\n\t}\n'
    )


def test_the_previous_instance_is_told_by_one_of_three_lines(mac):
    cases = {
        "exit 0": ("last exit code", "0", "0", 0),
        "exit 1": ("last exit code", "1", "1", 256),
        "exit 75": ("last exit code", "75: EX_TEMPFAIL", "75", 19200),
        "kill -TERM $$": ("last terminating signal", "Terminated: 15", "-15", 15),
        "kill -KILL $$": ("last terminating signal", "Killed: 9", "-9", 9),
        "kill -BUS $$": ("last terminating signal", "Bus error: 10", "-10", 10),
    }
    labels = {words: f"job.{number}" for number, words in enumerate(cases)}
    for words, label in labels.items():
        load(mac, "/bin/sh", "-c", words, label=label, RunAtLoad=True)
    wait_for(lambda: all(job.exit_text != "(never exited)" for job in mac.jobs().values()))
    table = mac.run("launchctl", "list").stdout
    assert table.startswith("PID\tStatus\tLabel\n")
    for words, (key, text, status, raw) in cases.items():
        found = top(mac, labels[words])
        assert [one for one in found if one.startswith("last ")] == [key] and found[key] == text
        assert (found["state"], found["runs"]) == ("not running", "1")
        assert found.get("successive crashes") == ("1" if "BUS" in words else None)
        assert f"\n-\t{status}\t{labels[words]}\n" in table
        listed = mac.run("launchctl", "list", labels[words]).stdout
        assert listed.startswith("{\n\t") and listed.endswith("};\n")
        assert f'\t"LastExitStatus" = {raw};\n' in listed and '"PID"' not in listed and '"OnDemand" = true;' in listed


def test_a_program_that_cannot_be_started_is_78_and_in_the_penalty_box(mac):
    for label, keys in (
        ("no.program", {}),
        ("no.folder", {"WorkingDirectory": "/nowhere"}),
        ("no.log", {"StandardOutPath": "/dev/null/log"}),
    ):
        words = ("/nowhere/program",) if label == "no.program" else ("/bin/sleep", "9")
        load(mac, *words, label=label, RunAtLoad=True, **keys)
        found = top(mac, label)
        assert found["state"] == "spawn scheduled" and int(found["runs"]) >= 1
        assert (found["last exit code"], found["job state"]) == ("78: EX_CONFIG", "spawn failed")
        assert "penalty box" in found["properties"]


def test_errors_are_numbers_and_wrong_calls_are_64(mac):
    assert mac.run("launchctl", "error", "113").stdout == "113: Could not find specified service\n"
    assert mac.run("launchctl", "error", "5").stdout == "5: Input/output error\n"
    assert mac.run("launchctl", "managername").stdout == "Aqua\n"
    said = mac.run("launchctl", "frobnicate")
    assert said.returncode == 1 and said.stderr.startswith("Unrecognized subcommand: frobnicate\n")
    for verb in ("kickstart", "enable", "disable", "blame"):
        said = mac.run("launchctl", verb, f"gui/{mac.uid}/")
        assert said.returncode == 64 and said.stderr.startswith("Unrecognized target specifier.\nUsage: launchctl ")
    assert mac.run("launchctl", "kill", "TERM", f"gui/{mac.uid}/").returncode == 64
    assert mac.run("launchctl", "kill", "NOSIGNAL", target(mac)).stderr.startswith("Invalid signal.\n")
    said = mac.run("launchctl", "list", "com.example.none")
    assert (said.returncode, said.stderr) == (113, 'Could not find service "com.example.none" in domain for port\n')
    said = mac.run("launchctl", "print", "gui/9999/x")
    assert (said.returncode, said.stderr) == (112, "Could not find domain for user gui: 9999\n")
    load(mac)
    assert mac.run("launchctl", "print", f"gui/{mac.uid}/").returncode == 0, "an empty label prints the domain"
    assert LABEL in mac.run("launchctl", "print", f"gui/{mac.uid}").stdout


def test_without_a_login_at_the_screen_there_is_no_domain(make_mac):
    mac = make_mac(gui=False)
    path = mac.write_agent(LABEL, "/bin/sleep", "9")
    words = "125: Domain does not support specified action\n"
    said = bootstrap(mac, path)
    assert (said.returncode, said.stderr) == (125, f"Bootstrap failed: {words}")
    said = launchctl(mac, "bootout")
    assert (said.returncode, said.stderr) == (125, f"Boot-out failed: {words}")
    said = launchctl(mac, "kickstart")
    assert (said.returncode, said.stderr) == (125, f'Could not kickstart service "{LABEL}": {words}')
    said = launchctl(mac, "print")
    assert (said.returncode, said.stderr) == (112, f"Could not find domain for user gui: {mac.uid}\n")
    assert mac.run("launchctl", "managername").stdout == "Background\n"
    mac.login()
    assert launchctl(mac, "print").returncode == 0
