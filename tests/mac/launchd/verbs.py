"""launchctl's verbs that only look, and the table of all. Source: shared facts on launchd, section 1.8."""

from typing import Any, Callable, Dict, List, Sequence

from tests.mac.launchd import printing
from tests.mac.launchd.acting import bootout, bootstrap, disable, enable, kickstart, kill
from tests.mac.launchd.domains import OK, Caller, Result, domain_fault, find, service
from tests.mac.launchd.job import Job
from tests.mac.launchd.supervisor import Supervisor
from tests.mac.launchd.texts import ERRORS, Answer, failed, no_domain, no_service, target, usage


def print_(host: Supervisor, words: Sequence[str], _: Caller) -> Result:
    where = target(words[0]) if len(words) == 1 else None
    if where is None:
        return usage("print")
    job = find(host, where) if where.label else None
    if isinstance(job, Job):
        return Answer(0, printing.job_text(host, job))
    if job is not None:
        bad = job.code == 113 and host.macos >= 26
        return no_service(where, bad_request=True) if bad else job
    code = domain_fault(host, where)
    if code == 124:
        return failed("Could not print domain", code)
    return no_domain(where) if code else Answer(0, printing.domain_text(host))


def print_disabled(host: Supervisor, words: Sequence[str], _: Caller) -> Result:
    where = target(words[0]) if len(words) == 1 else None
    if where is None:
        return usage("print-disabled")
    if domain_fault(host, where):
        return no_domain(where)
    items = host.options["login_items"]
    return Answer(0, printing.disabled_text(host.disabled(), macos=host.macos, login_items=items))


def list_(host: Supervisor, words: Sequence[str], _: Caller) -> Result:
    if not words:
        return Answer(0, printing.table_text(host))
    job = host.jobs.get(words[0])
    if job is None:
        return Answer(113, err=f'Could not find service "{words[0]}" in domain for port\n')
    return Answer(0, printing.list_text(job))


def blame(host: Supervisor, words: Sequence[str], _: Caller) -> Result:
    where = service(words)
    if where is None:
        return usage("blame")
    job = find(host, where)
    if not isinstance(job, Job):
        return job
    return Answer(3, err="No process to signal.\n") if job.pid is None else Answer(0, f"{job.reason}\n")


def error(_: Supervisor, words: Sequence[str], __: Caller) -> Result:
    if not words or not words[-1].isdigit():
        return usage("error", "")
    return Answer(0, f"{words[-1]}: {ERRORS.get(int(words[-1]), 'unknown error code')}\n")


def managername(host: Supervisor, _: Sequence[str], __: Caller) -> Result:
    return Answer(0, "Aqua\n" if host.domain == "up" else "Background\n")


def remove(host: Supervisor, words: Sequence[str], _: Caller) -> Result:
    for job in [host.jobs[word] for word in words if word in host.jobs]:
        host.boot_out(job)
    return OK


def setenv(host: Supervisor, words: Sequence[str], _: Caller) -> Result:
    host.inherited.update(zip(words[::2], words[1::2]))
    return OK


def getenv(host: Supervisor, words: Sequence[str], _: Caller) -> Result:
    known = words and words[0] in host.inherited
    return Answer(0, f"{host.inherited[words[0]]}\n" if known else "")


VERBS: Dict[str, Callable[[Supervisor, Sequence[str], Caller], Result]] = {
    "bootstrap": bootstrap, "bootout": bootout, "kickstart": kickstart, "kill": kill, "print": print_,
    "print-disabled": print_disabled, "list": list_, "enable": enable, "disable": disable, "blame": blame,
    "error": error, "managername": managername, "remove": remove, "setenv": setenv, "getenv": getenv,
}  # fmt: skip


def call(host: Supervisor, words: List[str], caller: Caller) -> Result:
    """Return what launchctl answers to its arguments."""
    verb: Any = VERBS.get(words[0]) if words else None
    if verb is None:
        first = f"Unrecognized subcommand: {words[0]}\n" if words else ""
        return Answer(1, err=f"{first}Usage: launchctl <subcommand> ... | help [subcommand]\n")
    return verb(host, words[1:], caller)
