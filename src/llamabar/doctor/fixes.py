"""What `doctor --fix` does: only what is safe and can be taken back."""

import os
from pathlib import Path
from typing import Callable, Mapping

from llamabar.doctor.checks.facts import Facts
from llamabar.macos import launchctl, logs, swiftbar, tools

UNPACK_S = 60.0


def what(finding_id: str, facts: Facts) -> str:
    """Return in words what a fix would do."""
    return FIXES[finding_id][0](facts)


def fix(finding_id: str, facts: Facts) -> str:
    """Do it; return "" or why it could not be done."""
    try:
        return FIXES[finding_id][1](facts)
    except OSError as error:
        return f"{type(error).__name__}: {error.strerror}"


def _attribute(facts: Facts) -> str:
    trouble = swiftbar.set_attribute(Path(facts.program.installed))
    if not trouble:
        _touch(facts)
    return trouble


def _link(facts: Facts) -> str:
    program, link = Path(facts.program.installed), Path(facts.swiftbar.plugin)
    if not program.is_file():
        return f"{program} is not there; install puts it there: {facts.command} install"
    os.symlink(program, link)
    swiftbar.reload()
    return ""


def _touch(facts: Facts) -> None:
    """SwiftBar looks at an attribute again when file and folder have changed."""
    os.utime(facts.program.installed)
    os.utime(facts.swiftbar.folder)
    swiftbar.reload()


def _enable(facts: Facts) -> str:
    launchctl.enable(facts.service.label)
    if facts.service.label in (launchctl.disabled() or ()):
        return "launchd still has it switched off"
    return ""


def _unpack(facts: Facts) -> str:
    environment = {**os.environ, "SHIV_FORCE_EXTRACT": "1"}
    said = tools.call(
        facts.program.python, "-I", facts.program.file, "--version", timeout_s=UNPACK_S, environment=environment
    )
    return "" if said.code == 0 else said.words


def _rotate(facts: Facts) -> str:
    logs.rotate(Path(facts.service.log))
    return ""


def _tighten(facts: Facts) -> str:
    os.chmod(_key_file(facts), 0o600)
    return ""


def _key_file(facts: Facts) -> str:
    return next(server.key_file for server in facts.settings.servers if server.key_file_open)


FIXES: Mapping[str, "tuple[Callable[[Facts], str], Callable[[Facts], str]]"] = {
    "plugin-attribute-missing": (lambda f: f"set SwiftBar's attribute on {f.program.installed}", _attribute),
    "plugin-attribute-wrong": (lambda f: f"set SwiftBar's attribute on {f.program.installed}", _attribute),
    "plugin-not-linked": (lambda f: f"link {f.program.installed} to {f.swiftbar.plugin}", _link),
    "service-disabled": (lambda f: f"switch {f.service.label} on in launchd", _enable),
    "cache-incomplete": (lambda f: f"unpack {f.program.file} anew", _unpack),
    "service-log-large": (lambda f: f"move what is in {f.service.log} to its copy .1 and empty it", _rotate),
    "key-file-open": (lambda f: f"let only you read {_key_file(f)} (mode 600)", _tighten),
}
