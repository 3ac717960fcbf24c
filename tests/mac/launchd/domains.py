"""Where a target leads: a domain that is there or not, a job in it or none; and what a verb gives back."""

from typing import Callable, Optional, Sequence, Union

from tests.mac.launchd.job import Job
from tests.mac.launchd.supervisor import Supervisor
from tests.mac.launchd.texts import Answer, Target, failed, no_domain, no_service, target

Result = Union[Answer, Callable[[], Optional[Answer]]]
OK = Answer(0)


class Caller:
    """Who asks: the folder that relative paths start from, and whether stdout is a terminal."""

    def __init__(self, folder: str, tty: bool) -> None:
        self.folder, self.tty = folder, tty


def service(words: Sequence[str]) -> Optional[Target]:
    """Return the only word as a service target, None if it has no label."""
    where = target(words[0]) if len(words) == 1 else None
    return where if where is not None and where.label else None


def find(host: Supervisor, where: Target) -> Union[Job, Answer]:
    """Return the job of a target, or the complaint that there is none."""
    code = domain_fault(host, where)
    if code:
        return failed("Could not print domain", code) if code == 124 else no_domain(where)
    job = host.jobs.get(where.label or "") if where.kind == "gui" else None
    return no_service(where) if job is None else job


def domain_fault(host: Supervisor, where: Target) -> int:
    """Return the error of a domain that is not there or ends, else 0. system and user/UID are always there."""
    if where.kind == "system" or (where.kind == "user" and where.number == host.uid):
        return 0
    if where.kind == "gui" and where.number == host.uid and host.domain != "none":
        return 124 if host.domain == "tearing down" else 0
    return 125
