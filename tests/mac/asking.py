"""Shortcuts for tests that load a job on a Mac and look at it."""

import re

from tests.fakes.programs import wait_for

LABEL = "com.example.worker"
STUBBORN = ("/bin/sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.05; done")
_ENTRY = re.compile(r"\t([^\t=][^=]*?) = (.*)")


def target(mac, label=LABEL):
    """Return gui/UID/LABEL."""
    return f"gui/{mac.uid}/{label}"


def launchctl(mac, verb, *words, label=LABEL):
    """Run a verb on a job: launchctl VERB WORDS gui/UID/LABEL."""
    return mac.run("launchctl", verb, *words, target(mac, label))


def bootstrap(mac, path):
    return mac.run("launchctl", "bootstrap", f"gui/{mac.uid}", path)


def load(mac, *words, label=LABEL, **keys):
    """Write and bootstrap an agent that sleeps, or that runs `words`; return its job."""
    said = bootstrap(mac, mac.write_agent(label, *(words or ("/bin/sleep", "1000")), **keys))
    assert said.returncode == 0, said.stderr
    return mac.job(label)


def top(mac, label=LABEL):
    """Return the top-level entries of a `print`."""
    lines = launchctl(mac, "print", label=label).stdout.splitlines()
    return dict(match.groups() for match in map(_ENTRY.fullmatch, lines) if match)


def wait_for_state(mac, state, label=LABEL):
    """Return the job once it has reached a state."""
    return wait_for(lambda: next((job for job in [mac.job(label)] if job and job.state == state), None))


def wait_gone(mac, label=LABEL):
    """Return once the job is no longer loaded."""
    wait_for(lambda: mac.job(label) is None)
