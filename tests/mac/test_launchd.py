"""The simulated launchd follows the facts: each rule that tests rely on (output forms: mac/test_prints.py)."""

import subprocess
import time

import pytest

from tests.fakes.programs import wait_for
from tests.mac.asking import LABEL, STUBBORN, bootstrap, launchctl, load, target, top, wait_for_state, wait_gone

EIO = "5: Input/output error\nTry re-running the command as root for richer errors.\n"

BACKGROUND = b"<dict><key>LimitLoadToSessionType</key><string>Background</string>"
FAMILY = """
from subprocess import Popen, call
print(Popen(["sleep", "99"]).pid, flush=True)
print(Popen(["sleep", "99"], start_new_session=True).pid, flush=True)
call(["sleep", "99"])
"""


def test_a_plain_user_gets_5_whatever_is_wrong_with_a_plist(make_mac):
    mac = make_mac(macos=27)
    good = mac.write_agent(LABEL, "/bin/sleep", "9").read_bytes()
    folder = mac.agents
    for name, content, mode in (
        ("writable", good, 0o664),
        ("noise", b"\0\1", 0o644),
        ("json", b'{"Label": "x", "Program": "/bin/sh"}', 0o644),
        ("boolean", good.replace(b"<dict>", b"<dict><key>RunAtLoad</key><true></true>", 1), 0o644),
        ("nameless", good.replace(b"<key>Label</key>", b"<key>Name</key>"), 0o644),
        ("idle", good.replace(b"<key>ProgramArguments</key>", b"<key>Words</key>"), 0o644),
        ("background", good.replace(b"<dict>", BACKGROUND, 1), 0o644),
        ("quarantined", good, 0o644),
    ):  # fmt: skip
        (folder / name).write_bytes(content)
        (folder / name).chmod(mode)
    mac.quarantine(folder / "quarantined")
    (folder / "folder").mkdir()
    mac.own()
    for path in [*folder.iterdir(), folder / "missing"]:
        if path.name != f"{LABEL}.plist":
            said = bootstrap(mac, path)
            assert (said.returncode, said.stderr) == (5, f"Bootstrap failed: {EIO}"), path.name
    assert mac.jobs() == {}
    (folder / "link").symlink_to(folder / f"{LABEL}.plist")
    assert bootstrap(mac, folder / "link").returncode == 0
    assert mac.run("plutil", "-lint", folder / "boolean").returncode == 0, "plutil is no proof"
    assert mac.run("plutil", "-lint", folder / "json").returncode == 0


def test_loaded_or_disabled_is_5_too_and_the_old_definition_stays(mac):
    load(mac, RunAtLoad=True)
    elsewhere = mac.write_agent(LABEL, "/bin/sleep", "77", folder=mac.home / "Other")
    assert bootstrap(mac, elsewhere).stderr == f"Bootstrap failed: {EIO}"
    assert top(mac)["path"] == str(mac.agents / f"{LABEL}.plist")
    path = mac.write_agent("com.example.off", "/bin/sleep", "9", RunAtLoad=True)
    assert launchctl(mac, "disable", label="com.example.off").returncode == 0
    assert bootstrap(mac, path).stderr == f"Bootstrap failed: {EIO}"
    assert mac.disabled("com.example.off") is True
    assert launchctl(mac, "enable", label="com.example.off").returncode == 0
    assert bootstrap(mac, path).returncode == 0
    assert mac.disabled("com.example.off") is False, "an entry is never removed"
    off = mac.write_agent("com.example.plist", "/bin/sleep", "9", Disabled=True)
    assert bootstrap(mac, off).returncode == 5
    launchctl(mac, "enable", label="com.example.plist")
    assert bootstrap(mac, off).returncode == 0, "the store wins over the plist"


def test_a_bootout_returns_while_the_process_lives_and_kills_it_after_its_time(mac):
    job = load(mac, *STUBBORN, RunAtLoad=True, ExitTimeOut=10_000, StandardOutPath=str(mac.home / "out"))
    wait_for(lambda: (mac.home / "out").read_text() == "up\n")
    assert launchctl(mac, "bootout").returncode == 0
    assert mac.is_alive(job.pid)
    found = top(mac)
    assert (found["state"], found["pid"]) == ("SIGTERMed", str(job.pid))
    assert launchctl(mac, "bootout").stderr == f"Boot-out failed: {EIO}"
    assert bootstrap(mac, job.path).stderr == f"Bootstrap failed: {EIO}"
    said = launchctl(mac, "kickstart")
    assert (said.returncode, said.stdout, said.stderr) == (37, "", "")
    mac.kill(job.pid)
    wait_gone(mac)
    said = launchctl(mac, "bootout")
    assert (said.returncode, said.stderr) == (3, "Boot-out failed: 3: No such process\n")
    job = load(mac, *STUBBORN, RunAtLoad=True, ExitTimeOut=2, StandardOutPath=str(mac.home / "out"))
    wait_for(lambda: (mac.home / "out").read_text() == "up\nup\n")
    launchctl(mac, "bootout")
    wait_gone(mac)
    assert not mac.is_alive(job.pid) and "Service did not exit 2 seconds after SIGTERM" in mac.log


def test_a_bootout_by_path_waits_and_by_wait_only_since_26(make_mac):
    mac = make_mac(macos=15)
    slow = ("/bin/sh", "-c", "trap 'sleep 0.2; exit 0' TERM; echo up; while :; do sleep 0.02; done")
    job = load(mac, *slow, RunAtLoad=True, StandardOutPath=str(mac.home / "out"))
    wait_for(lambda: (mac.home / "out").exists() and (mac.home / "out").read_text())
    said = mac.run("launchctl", "bootout", "--wait", target(mac))
    assert said.returncode == 64 and said.stderr.startswith("Unrecognized target specifier.\n")
    assert mac.run("launchctl", "bootout", f"gui/{mac.uid}", job.path).returncode == 0
    assert mac.job(LABEL) is None and not mac.is_alive(job.pid)
    said = mac.run("launchctl", "bootout", f"gui/{mac.uid}", job.path)
    assert (said.returncode, said.stderr) == (5, f"Boot-out failed: {EIO}")
    mac.change(macos=26)
    load(mac, RunAtLoad=True)
    assert mac.run("launchctl", "bootout", "--wait", target(mac)).returncode == 0
    assert mac.job(LABEL) is None


def test_children_in_groups_of_their_own_outlive_the_job_and_others_do_not(mac):
    load(mac, mac.python, "-c", FAMILY, RunAtLoad=True, StandardOutPath=str(mac.home / "pids"))
    inside, outside = map(int, wait_for(lambda: len(words := (mac.home / "pids").read_text().split()) == 2 and words))
    launchctl(mac, "bootout")
    wait_gone(mac)
    wait_for(lambda: not mac.is_alive(inside))
    assert mac.is_alive(outside)


def test_kickstart_starts_leaves_or_replaces_and_never_reads_the_plist_again(mac):
    job = load(mac)
    assert (job.state, job.runs, job.pid) == ("not running", 0, None)
    said = launchctl(mac, "kickstart", "-p")
    pid = mac.job(LABEL).pid
    assert (said.returncode, said.stdout) == (0, f"{pid}\n")
    assert launchctl(mac, "blame").stdout == "non-ipc demand\n"
    assert (launchctl(mac, "kickstart").stdout, mac.job(LABEL).pid) == ("", pid)
    mac.write_agent(LABEL, "/bin/sleep", "77")
    assert launchctl(mac, "kickstart", "-k").returncode == 0
    again = mac.job(LABEL)
    assert again.pid not in (None, pid) and again.words == ["/bin/sleep", "1000"] and again.runs == 2
    assert top(mac)["last terminating signal"] == "Terminated: 15" and not mac.is_alive(pid)


def test_kickstart_of_what_cannot_be_started_blocks_unless_told_otherwise(mac):
    load(mac, "/nowhere/program", RunAtLoad=True)
    with mac.popen("launchctl", "kickstart", target(mac)) as process:
        wait_for(lambda: len(mac.calls("launchctl")) == 2 and mac.job(LABEL).runs > 1)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.2)
        process.kill()
    assert mac.calls("launchctl")[-1].code is None
    mac.change(kickstart_blocks=False)
    assert launchctl(mac, "kickstart").returncode == 0


def test_jobs_are_restarted_by_keepalive_and_throttled(mac):
    cases = (
        (True, "exit 0", True),
        ({"SuccessfulExit": False}, "exit 0", False),
        ({"SuccessfulExit": False}, "exit 1", True),
        ({"SuccessfulExit": False}, "kill -KILL $$", True),
        ({"Crashed": True}, "exit 1", False),
        ({"Crashed": True}, "kill -SEGV $$", True),
        (False, "kill -SEGV $$", False),
    )
    began_s = {}
    for number, (keep, words, _) in enumerate(cases):
        began_s[number] = time.monotonic()
        load(mac, "/bin/sh", "-c", words, label=f"job.{number}", RunAtLoad=True, KeepAlive=keep, ThrottleInterval=20)
    for number, (keep, words, again) in enumerate(cases):
        label = f"job.{number}"
        if again:
            wait_for(lambda label=label: mac.job(label).runs >= 2)
            assert time.monotonic() - began_s[number] >= 20 * 0.05, (keep, words)
            assert wait_for_state(mac, "spawn scheduled", label).pid is None
            launchctl(mac, "disable", label=label)
            runs = wait_for_state(mac, "not running", label).runs
            assert mac.job(label).runs == runs, "a disabled job is not started again"
        else:
            assert (mac.job(label).runs, mac.job(label).state) == (1, "not running"), (keep, words)


def test_a_signal_is_sent_by_name_or_number(mac):
    load(mac, RunAtLoad=True, KeepAlive={"SuccessfulExit": False}, ThrottleInterval=1000)
    assert mac.run("launchctl", "kill", "-15", target(mac)).returncode == 0
    wait_for_state(mac, "spawn scheduled")
    said = mac.run("launchctl", "kill", "SIGTERM", target(mac))
    assert (said.returncode, said.stderr) == (3, "No process to signal.\n")
    assert launchctl(mac, "blame").returncode == 3


def test_a_job_gets_launchds_environment_its_folder_its_log_and_few_files(mac):
    log = mac.home / "Library/Logs/new/worker.log"
    script = "import os,resource;print(dict(os.environ),os.getcwd(),resource.getrlimit(7)[0],os.getpgrp()==os.getpid())"
    load(mac, mac.python, "-c", script, WorkingDirectory="/usr", StandardOutPath=str(log),
         EnvironmentVariables={"ONE": "1"})  # fmt: skip
    for count in (1, 2):
        assert launchctl(mac, "kickstart").returncode == 0
        wait_for_state(mac, "not running")
        lines = log.read_text().splitlines()
        assert len(lines) == count
    assert lines[0] == lines[1], "appended"
    words = lines[0]
    assert "'PATH': '/usr/bin:/bin:/usr/sbin:/sbin'" in words and "'ONE': '1'" in words
    assert f"'XPC_SERVICE_NAME': '{LABEL}'" in words and f"'HOME': '{mac.home}'" in words
    assert "LANG" not in words and "PYTHONPATH" not in words and words.endswith("/usr 256 True")


def test_logging_out_ends_all_and_logging_in_loads_what_is_in_the_folder(mac):
    load(mac, RunAtLoad=True)
    off = mac.write_agent("com.example.off", "/bin/sleep", "9")
    launchctl(mac, "disable", label="com.example.off")
    mac.write_agent("com.example.linked", "/bin/sleep", "9", folder=mac.home / "Other")
    (mac.agents / "linked.plist").symlink_to(mac.home / "Other" / "com.example.linked.plist")
    mac.write_agent("com.example.idle", "/bin/sleep", "9").rename(off.with_name("idle.plist"))
    mac.logout()
    assert mac.jobs() == {} and launchctl(mac, "print").returncode == 112
    mac.login()
    assert sorted(mac.jobs()) == ["com.example.idle", LABEL]
    assert mac.job(LABEL).runs == 1 and top(mac, "com.example.idle")["job state"] == "uninitialized"


def test_a_program_that_was_replaced_is_refused_until_it_is_loaded_anew(make_mac):
    mac = make_mac(lwcr=True, seconds_per_second=0.01)
    program = mac.home / "program"
    program.write_text("#!/bin/sh\nexec sleep 1000\n")
    program.chmod(0o755)
    mac.own()
    job = load(mac, program, RunAtLoad=True)
    program.with_name("new").write_text("#!/bin/sh\nexec sleep 2000\n")
    program.with_name("new").chmod(0o755)
    program.with_name("new").replace(program)
    mac.own()
    with mac.popen("launchctl", "kickstart", "-k", target(mac)) as process:
        wait_for_state(mac, "spawn scheduled")
        process.kill()
    found = top(mac)
    assert (found["state"], found["last exit reason"]) == ("spawn scheduled", "OS_REASON_CODESIGNING")
    assert "needs LWCR update" in found["properties"] and "last exit code" not in found
    launchctl(mac, "bootout")
    assert bootstrap(mac, job.path).returncode == 0 and mac.job(LABEL).pid


def test_login_items_and_management_take_jobs_away(make_mac):
    mac = make_mac(btm=[LABEL], btm_denied=["com.example.denied"])
    assert load(mac, RunAtLoad=True).pid is None
    wait_gone(mac)
    assert launchctl(mac, "print").returncode == 113 and mac.disabled(LABEL) is None
    denied = mac.write_agent("com.example.denied", "/bin/sleep", "9")
    assert bootstrap(mac, denied).stderr == f"Bootstrap failed: {EIO}"
    mac.change(btm=False, btm_denied=False, mdm=True)
    assert bootstrap(mac, denied).returncode == 5
    mac.change(mdm=False, foreign_volume=True)
    assert bootstrap(mac, denied).returncode == 5
    mac.change(foreign_volume=False, lazy=True, spawn_s=0.3)
    job = load(mac, RunAtLoad=True)
    assert (job.state, job.runs) == ("not running", 0), "now and then a real one is loaded and not started"
    process = mac.popen("launchctl", "kickstart", target(mac))
    assert wait_for_state(mac, "xpcproxy").runs == 1
    process.communicate()
    assert (process.returncode, mac.job(LABEL).state) == (0, "running")


def test_a_bootout_of_the_whole_domain_fails_the_run(make_mac):
    for words in ("gui/{}/", "gui/{}", "user/{}"):
        mac = make_mac()
        load(mac, RunAtLoad=True)
        assert mac.run("launchctl", "bootout", words.format(mac.uid)).returncode == 0
        wait_gone(mac)
        with pytest.raises(AssertionError, match="ended the user's session"):
            mac.close()
