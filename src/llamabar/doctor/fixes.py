"""What `doctor --fix` does: only what is safe and can be undone."""

import os
from pathlib import Path
from typing import Callable, Mapping, NamedTuple

from llamabar.doctor.checks.facts import Facts
from llamabar.macos import launchctl, logs, swiftbar, tools

UNPACK_S = 60.0


class Fix(NamedTuple):
    """A fix: what it does, as a template filled from the facts, and the action, which returns "" or why it failed."""

    words: str
    do: Callable[[Facts], str]


def what(finding_id: str, facts: Facts) -> str:
    """Describe what a fix would do."""
    return FIXES[finding_id].words.format(**vars(facts), key_file=_key_file(facts))


def fix(finding_id: str, facts: Facts) -> str:
    """Apply a fix; return "" or why it failed."""
    try:
        return FIXES[finding_id].do(facts)
    except OSError as error:
        return f"{error.strerror}: {error.filename}"


def _attribute(facts: Facts) -> str:
    trouble = swiftbar.set_attribute(Path(facts.program.installed))
    if not trouble:  # SwiftBar reads an attribute again only after the file and its folder have changed
        os.utime(facts.program.installed)
        os.utime(facts.swiftbar.folder)
        swiftbar.reload()
    return trouble


def _link(facts: Facts) -> str:
    program = Path(facts.program.installed)
    if not os.path.isfile(program):
        return f"{program} is missing. To install it: {facts.command} install"
    os.symlink(program, facts.swiftbar.plugin)
    swiftbar.reload()
    return ""


def _enable(facts: Facts) -> str:
    launchctl.tell("enable", facts.service.label)
    return "launchd still has it disabled" if facts.service.label in (launchctl.disabled() or ()) else ""


def _unpack(facts: Facts) -> str:
    environment = {**os.environ, "SHIV_FORCE_EXTRACT": "1"}
    words = (facts.program.python, "-I", facts.program.file, "--version")
    said = tools.call(*words, timeout_s=UNPACK_S, environment=environment)
    return "" if said.code == 0 else said.words


def _rotate(facts: Facts) -> str:
    logs.rotate(Path(facts.service.log))
    return ""


def _tighten(facts: Facts) -> str:
    os.chmod(_key_file(facts), 0o600)
    return ""


def _key_file(facts: Facts) -> str:
    return next((server.key_file for server in facts.settings.servers if server.key_file_open), "")


FIXES: Mapping[str, Fix] = {
    "plugin-attribute-missing": Fix("set SwiftBar's attribute on {program.installed}", _attribute),
    "plugin-not-linked": Fix("link {program.installed} to {swiftbar.plugin}", _link),
    "service-disabled": Fix("enable {service.label} in launchd", _enable),
    "cache-incomplete": Fix("unpack {program.file} again", _unpack),
    "service-log-large": Fix("move the contents of {service.log} to {service.log}.1", _rotate),
    "key-file-open": Fix("make {key_file} readable only by you (mode 600)", _tighten),
}
