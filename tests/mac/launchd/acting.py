"""launchctl's verbs that change something. Each returns an Answer, or a question that is asked until it has one.

Source: shared facts on launchd, sections 1.3 to 1.7, and the rules of section 11.
"""

import os
import signal
from typing import Optional, Sequence

from tests.mac.launchd import plists
from tests.mac.launchd.domains import OK, Caller, Result, domain_fault, find, service
from tests.mac.launchd.job import Job
from tests.mac.launchd.supervisor import Supervisor
from tests.mac.launchd.texts import ERRORS, SIGNALS, Answer, Target, failed, no_service, target, usage

OFFENCES = "domain-wide.txt"


def bootstrap(host: Supervisor, words: Sequence[str], caller: Caller) -> Result:
    where = target(words[0]) if words else None
    if where is None or where.label is not None or len(words) < 2:
        return usage("bootstrap")
    code = domain_fault(host, where)
    if code:
        return failed("Bootstrap failed", code)
    codes = [_bootstrap_one(host, where, os.path.join(caller.folder, path)) for path in words[1:]]
    if len(codes) > 1 and any(codes):
        return failed("Bootstrap failed", 133)
    return failed("Bootstrap failed", 5) if codes[0] else OK


def _bootstrap_one(host: Supervisor, where: Target, path: str) -> int:
    """Return launchd's own error; a plain user is told 5 for each of them."""
    content, code = plists.read(path, uid=host.uid, macos=host.macos, state=host.state)
    label = content["Label"] if content else ""
    if content is None or where.kind != "gui":
        code = code or plists.WRONG_SESSION
    elif host.is_disabled(label, content):
        code = 119
    elif label in host.jobs:
        code = 37
    elif host.options["foreign_volume"] or host.denied(label, "mdm") or host.denied(label, "btm_denied"):
        code = 155
    else:
        host.load(path, content)
        return 0
    host.log(f"bootstrap {path}: {code}: {ERRORS[code]}")
    return code


def bootout(host: Supervisor, words: Sequence[str], caller: Caller) -> Result:
    wait = list(words[:1]) == ["--wait"] and host.macos >= 26
    words = words[1:] if wait else words
    where = target(words[0]) if words else None
    if where is None:
        return usage("bootout")
    code = domain_fault(host, where)
    if code:
        return failed("Boot-out failed", code)
    if where.label is not None and where.label:
        return _bootout_label(host, where.label, wait)
    if len(words) > 1:
        return _bootout_path(host, os.path.join(caller.folder, words[1]))
    return _end_of_session(host, words[0])


def _bootout_label(host: Supervisor, label: str, wait: bool) -> Result:
    job = host.jobs.get(label)
    if job is None:
        return failed("Boot-out failed", 3)
    if job.leaving:
        return failed("Boot-out failed", 5)
    host.boot_out(job)
    return (lambda: None if host.jobs.get(label) is job else OK) if wait else OK


def _bootout_path(host: Supervisor, path: str) -> Result:
    content = plists.parse(path)
    job = host.jobs.get(str(content.get("Label"))) if content else None
    if job is None:
        return failed("Boot-out failed", 5)
    host.boot_out(job)
    return lambda: None if host.jobs.get(job.label) is job else OK


def _end_of_session(host: Supervisor, text: str) -> Answer:
    """Do what a real Mac does without a label, and note the offence: it fails the test run."""
    with open(os.path.join(host.state, OFFENCES), "a", encoding="utf-8") as file:
        file.write(ascii(f"launchctl bootout {text}") + "\n")
    host.log(f"bootout of the whole domain: {text}")
    host.logout()
    return OK


def kickstart(host: Supervisor, words: Sequence[str], caller: Caller) -> Result:
    flags = "".join(word[1:] for word in words if word.startswith("-"))
    where = service([word for word in words if not word.startswith("-")])
    if where is None or not set(flags) <= set("kps"):
        return usage("kickstart")
    code = domain_fault(host, where)
    if code:
        return Answer(code, err=f'Could not kickstart service "{where.label}": {code}: {ERRORS[code]}\n')
    job = host.jobs.get(where.label or "")
    if job is None:
        return no_service(where)
    if job.leaving:
        return Answer(37)
    if host.is_disabled(job.label, job.plist) and job.pid is None:
        return Answer(119, err=f'Could not kickstart service "{job.label}": 119: {ERRORS[119]}\n')
    runs = job.runs
    if job.pid is not None and "k" in flags:
        if not job.restarting:
            job.restarting = True
            host.terminate(job)
    elif job.pid is None and job.due_s is None and job.state != "xpcproxy":
        host.start(job, "non-ipc demand")
    return lambda: _kicked(host, job, flags, runs, caller)


def _kicked(host: Supervisor, job: Job, flags: str, runs: int, caller: Caller) -> Optional[Answer]:
    """Return the answer once there is a process; without one it blocks, or not, as the Mac was told."""
    if host.jobs.get(job.label) is not job or job.leaving:
        return Answer(37)
    if job.pid is not None and not job.restarting:
        words = f"service spawned with pid: {job.pid}" if caller.tty else str(job.pid)
        return Answer(0, f"{words}\n" if "p" in flags else "")
    ran = job.runs > runs and job.pid is None and job.state != "xpcproxy"
    refused = ran and job.job_state == "spawn failed"
    return OK if ran and not (refused and host.options["kickstart_blocks"]) else None


def kill(host: Supervisor, words: Sequence[str], _: Caller) -> Result:
    number = _signal(words[0]) if words else None
    if number is None:
        return usage("kill", "Invalid signal.\n")
    where = service(words[1:])
    if where is None:
        return usage("kill")
    job = find(host, where)
    if not isinstance(job, Job):
        return job
    if job.pid is None:
        return Answer(3, err="No process to signal.\n")
    host.signal(job, number)
    return OK


def _signal(text: str) -> Optional[int]:
    """Return the number that this system has for TERM, SIGTERM, 15 or -15 of Darwin's count."""
    name = text.upper() if text.upper().startswith("SIG") else f"SIG{text.upper()}"
    number = text.lstrip("-")
    name = next((one for one, (count, _) in SIGNALS.items() if str(count) == number), name)
    return getattr(signal, name, None) if name in SIGNALS else None


def enable(host: Supervisor, words: Sequence[str], _: Caller) -> Result:
    return _set_disabled(host, words, False)


def disable(host: Supervisor, words: Sequence[str], _: Caller) -> Result:
    return _set_disabled(host, words, True)


def _set_disabled(host: Supervisor, words: Sequence[str], value: bool) -> Answer:
    where, verb = service(words), "disable" if value else "enable"
    if where is None:
        return usage(verb)
    if where.kind == "system" or where.number != host.uid:
        return failed(f"Could not {verb} service", 1)
    host.set_disabled(where.label or "", value)
    return OK
