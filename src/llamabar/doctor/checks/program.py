"""Checks of this program: its one file and its cache, its data folder, its settings."""

from typing import Any, Tuple

from llamabar.doctor.checks.facts import Facts
from llamabar.doctor.checks.finding import Check, Found, Layer, Level, configured, first

LOW_SPACE_BYTES = 500_000_000


def _summary(facts: Facts) -> Tuple[bool, str]:
    program = facts.program
    return True, f"llamabar {program.version} with Python {'.'.join(map(str, program.python_version))}"


def _history(facts: Facts) -> Any:
    if facts.data.newer_history:
        return Found(
            title="The history was written by a newer llamabar",
            detail="This version leaves it alone and keeps no history. Run the newer one. This one is:",
            remedy="{llamabar} --version",
        )
    return facts.data.damaged_history


def _foreign(facts: Facts) -> Any:
    """Find a data folder of another user. Outside of the home folder it may hold anything, such as a whole disk."""
    data = facts.data
    if not data.foreign or not (data.unreadable or not data.writable):
        return None
    return data.folder.startswith(f"{facts.home}/") or Found(
        detail="{data.folder}. LLAMABAR_DATA_DIR names it. To use the usual one:", remedy="unset LLAMABAR_DATA_DIR"
    )


def _mistakes(facts: Facts) -> Any:
    found = facts.settings
    return found.mistakes and Found(detail="" if found.valid else "Nothing in it applies.", lines=found.mistakes)


def _missing_key(facts: Facts) -> Any:
    server = first(configured, lambda one: one.key_from and not one.has_key)(facts)
    return server and Found(server, lines=facts.settings.secret_mistakes[:1])


DATA, SETTINGS = ("data",), ("settings",)
PROGRAM = Layer("program", ("program",), _summary, (
    Check("cache-incomplete", Level.ERROR, lambda f: f.cache.missing,
          "{cache.missing:file} of the unpacked program missing or damaged", "In {cache.folder}: {cache.missing:some}.",
          "SHIV_FORCE_EXTRACT=1 {llamabar} --version", needs=("cache",), fix=True),
    Check("data-folder-of-another", Level.ERROR, _foreign,
          "The data folder belongs to another user", "{data.folder}. Often root's, after a sudo. Nothing can be saved.",
          'sudo chown -R "$(id -un)" {data.folder}', needs=DATA),
    Check("data-folder-read-only", Level.ERROR, lambda f: not f.data.writable,
          "The data folder can't be written", "{data.folder}. No history is kept and nothing can be installed.",
          "chmod u+rwx {data.folder}", ("data-folder-of-another",), DATA),
    Check("data-unreadable", Level.WARNING, lambda f: f.data.unreadable and {"file": f.data.unreadable[0]},
          "{data.unreadable:file} in the data folder can't be read", "{data.unreadable:some}", "chmod u+rw {file}",
          ("data-folder-of-another", "data-folder-read-only"), DATA),
    Check("history-damaged", Level.WARNING, _history,
          "The history is damaged", "Earlier totals aren't shown. The plugin will set it aside, or you can:",
          'for f in {data.damaged_history}*; do mv "$f" "$f.aside"; done', ("data-unreadable",), DATA),
    Check("disk-full", Level.WARNING, lambda f: f.data.free_bytes is not None and f.data.free_bytes < LOW_SPACE_BYTES,
          "The disk with the data folder is almost full", "{data.free_bytes:size} free. To see what uses it:",
          "df -h {data.folder}", needs=DATA),
    Check("settings-unreadable", Level.ERROR, lambda f: not f.settings.readable,
          "The settings file can't be read", "{settings.file} is a folder, another user's, or not UTF-8.",
          "ls -ld {settings.file}", needs=SETTINGS),
    Check("settings-mistake", Level.WARNING, _mistakes,
          "{settings.mistakes:mistake} in the settings", "The rest of the file applies.", "open -t {settings.file}",
          ("settings-unreadable",), SETTINGS),
    Check("variable-mistake", Level.WARNING,
          lambda f: f.settings.variable_mistakes and Found(lines=f.settings.variable_mistakes),
          "An environment variable is ignored", "", "env | grep LLAMA", needs=SETTINGS),
    Check("keychain-silent", Level.ERROR, lambda f: f.settings.keychain_silent,
          "The keychain isn't responding", "It may be locked, or a dialog is waiting for you.",
          "security unlock-keychain", needs=SETTINGS),
    Check("key-not-found", Level.ERROR, _missing_key,
          "No API key found for {it.name}", "{it.key_from} in the settings leads to none.", "{llamabar} config",
          ("keychain-silent",), SETTINGS),
    Check("key-file-open", Level.WARNING, first(configured, lambda one: one.key_file_open),
          "Other users can read the API key", "{it.key_file}", "chmod 600 {it.key_file}", needs=SETTINGS, fix=True),
    Check("ca-file-missing", Level.ERROR, first(configured, lambda one: not one.ca_file_there),
          "The certificate file for {it.name} is missing", "ca_file in the settings names {it.ca_file}.",
          "ls -l {it.ca_file}", needs=SETTINGS),
))  # fmt: skip
