"""This program: its Python, its one file, what it has unpacked, its data folder, its settings."""

from typing import Optional

from llamabar.core.units import plural, size
from llamabar.doctor.checks.facts import Configured, Facts
from llamabar.doctor.checks.finding import Found, Layer, Level

OLDEST_SUPPORTED = (3, 10)  # 3.9 has had no security fixes since October 2025
LOW_SPACE_BYTES = 500_000_000


def summary(facts: Facts) -> str:
    """Return the layer in one line."""
    program = facts.program
    return f"llamabar {program.version} with Python {'.'.join(map(str, program.python_version))}"


PROGRAM = Layer("program", ("program",), summary)


@PROGRAM.check(Level.NOTE, "HOME is set", remedy="export HOME={home}")
def home_unset(facts: Facts) -> Optional[Found]:
    """HOME is not set, so the home folder was looked up in the list of users."""
    if facts.program.home_set:
        return None
    return Found("HOME is not set", f"{facts.program.home} is used.", {"home": facts.program.home})


@PROGRAM.check(Level.NOTE, "It runs from the one file", remedy="python3 build.py pyz")
def not_the_one_file(facts: Facts) -> Optional[Found]:
    """The program runs from its source, not from llamabar.pyz, so SwiftBar cannot run it like this."""
    if facts.program.file:
        return None
    return Found("This is not the one file, llamabar.pyz", "It runs from its source.")


@PROGRAM.check(Level.NOTE, "Its Python still gets security fixes", remedy="brew install python3")
def python_without_fixes(facts: Facts) -> Optional[Found]:
    """The Python that runs it gets no more security fixes (3.9, which Apple ships)."""
    version = facts.program.python_version
    if version[:2] >= OLDEST_SUPPORTED:
        return None
    return Found(f"Python {version[0]}.{version[1]} gets no more security fixes", f"It is {facts.program.python}.")


@PROGRAM.check(
    Level.ERROR, "The unpacked program is whole", needs=("cache",), fix=True,
    remedy="SHIV_FORCE_EXTRACT=1 {llamabar} --version",
)  # fmt: skip
def cache_incomplete(facts: Facts) -> Optional[Found]:
    """Parts of the unpacked program are missing or cut off; it must unpack itself anew."""
    missing = facts.cache.missing
    if not missing:
        return None
    return Found(
        f"{plural(len(missing), 'file')} of the unpacked program {'is' if len(missing) == 1 else 'are'} damaged",
        f"In {facts.cache.folder}: {_some(missing)}.",
    )


@PROGRAM.check(Level.NOTE, "No older version is unpacked", needs=("cache",), remedy="rm -r {folder}")
def cache_of_old_versions(facts: Facts) -> Optional[Found]:
    """Older versions of the program are still unpacked and take space; each can be removed."""
    old = facts.cache.old
    if not old:
        return None
    said = f"{plural(len(old), 'older version')} of the program take {size(facts.cache.old_bytes)}"
    return Found(said, f"{_some(old)}.", {"folder": old[0]})


@PROGRAM.check(Level.ERROR, "The data folder is a folder", needs=("data",), remedy="mv {folder} {aside}")
def data_folder_is_a_file(facts: Facts) -> Optional[Found]:
    """Where the data folder should be there is a file."""
    data = facts.data
    if not data.there or data.is_folder:
        return None
    return Found("The data folder is a file", data.folder, {"folder": data.folder, "aside": f"{data.folder}.aside"})


@PROGRAM.check(
    Level.ERROR, "The data folder is yours", needs=("data",), remedy='sudo chown -R "$(id -un)" {folder}',
    after=("data-folder-is-a-file",),
)  # fmt: skip
def data_folder_of_another(facts: Facts) -> Optional[Found]:
    """The data folder belongs to another user (usually root, after a sudo), so nothing can be kept."""
    data = facts.data
    if not data.there or data.writable or not data.foreign:
        return None
    return Found("The data folder belongs to another user", data.folder, {"folder": data.folder})


@PROGRAM.check(
    Level.ERROR, "The data folder can be written", needs=("data",), remedy="chmod u+rwx {folder}",
    after=("data-folder-is-a-file", "data-folder-of-another"),
)  # fmt: skip
def data_folder_read_only(facts: Facts) -> Optional[Found]:
    """The data folder cannot be written, or not be made, so no history is kept and nothing can be installed."""
    data = facts.data
    if data.writable:
        return None
    return Found("The data folder cannot be written", data.folder, {"folder": data.folder})


@PROGRAM.check(
    Level.WARNING, "The history and the other kept files can be read", needs=("data",), remedy="chmod u+rw {file}",
    after=("data-folder-is-a-file", "data-folder-of-another", "data-folder-read-only"),
)  # fmt: skip
def data_unreadable(facts: Facts) -> Optional[Found]:
    """A file in the data folder (the history, the list of what was installed) cannot be read."""
    unreadable = facts.data.unreadable
    if not unreadable:
        return None
    return Found(f"{plural(len(unreadable), 'kept file')} cannot be read", _some(unreadable), {"file": unreadable[0]})


@PROGRAM.check(
    Level.WARNING, "The history is understood", needs=("data",), after=("data-unreadable",),
    remedy="mv {history} {history}.aside",
)  # fmt: skip
def history_damaged(facts: Facts) -> Optional[Found]:
    """The kept history is damaged, or a newer version wrote it: the totals of earlier days are not shown."""
    history, is_newer = facts.data.history
    if not history:
        return None
    if is_newer:
        return Found("A newer llamabar wrote the history", "This one leaves it alone, and keeps none. Run that one:",
                     instead="{llamabar} --version")  # fmt: skip
    return Found("The history is not understood", "The plugin sets it aside when it next writes. By hand:",
                 {"history": history})  # fmt: skip


@PROGRAM.check(
    Level.WARNING, "The list of what was installed is understood", needs=("data",), after=("data-unreadable",),
    remedy="mv {manifest} {aside}",
)  # fmt: skip
def manifest_damaged(facts: Facts) -> Optional[Found]:
    """The list of what was installed is damaged, so uninstall would not know what to take off."""
    data = facts.data
    if data.manifest_readable:
        return None
    values = {"manifest": data.manifest, "aside": f"{data.manifest}.aside"}
    return Found("The list of what was installed is not understood", "After setting it aside: install again.", values)


@PROGRAM.check(Level.WARNING, "There is room on the disk of the data folder", needs=("data",), remedy="df -h {folder}")
def disk_full(facts: Facts) -> Optional[Found]:
    """The disk that holds the data folder is nearly full, so history and logs will be lost."""
    free = facts.data.free_bytes
    if free is None or free >= LOW_SPACE_BYTES:
        return None
    said = f"Only {size(free)} are free on the disk of the data folder"
    return Found(said, "Make room; this shows the disk:", {"folder": facts.data.folder})


@PROGRAM.check(Level.ERROR, "The settings file can be read", needs=("settings",), remedy="ls -ld {file}")
def settings_unreadable(facts: Facts) -> Optional[Found]:
    """The settings file is there and cannot be read: a folder, another user's, or not UTF-8 text."""
    settings = facts.settings
    if settings.readable:
        return None
    return Found("The settings file cannot be read", f"{settings.file} is used as if it were empty.",
                 {"file": settings.file})  # fmt: skip


@PROGRAM.check(
    Level.WARNING, "The settings have no mistake", needs=("settings",), after=("settings-unreadable",),
    remedy="open -t {file}",
)  # fmt: skip
def settings_mistake(facts: Facts) -> Optional[Found]:
    """A line of the settings is not understood; the rest applies."""
    mistakes = facts.settings.mistakes
    if not mistakes:
        return None
    return Found(f"The settings have {plural(len(mistakes), 'mistake')}", "", {"file": facts.settings.file}, mistakes)


@PROGRAM.check(
    Level.WARNING, "The variables of the environment have no mistake", needs=("settings",), remedy="env | grep LLAMA",
)  # fmt: skip
def variable_mistake(facts: Facts) -> Optional[Found]:
    """A variable that this program reads has a value that cannot be used; it is left out."""
    mistakes = facts.settings.variable_mistakes
    if not mistakes:
        return None
    return Found(mistakes[0], "", {}, mistakes[1:])


@PROGRAM.check(Level.ERROR, "The keychain answers", needs=("settings",), remedy="open -a 'Keychain Access'")
def keychain_silent(facts: Facts) -> Optional[Found]:
    """The keychain did not answer when asked for the key: a dialog may wait for you, or it is locked."""
    if not facts.settings.keychain_silent:
        return None
    return Found("The keychain does not answer", "A dialog may wait for you, or the keychain is locked.")


@PROGRAM.check(
    Level.ERROR, "The key that the settings name is found", needs=("settings",), after=("keychain-silent",),
    remedy="{llamabar} config",
)  # fmt: skip
def key_not_found(facts: Facts) -> Optional[Found]:
    """The settings say where the key is, and there is none: the file, keychain item or variable is missing."""
    server = next((server for server in facts.settings.servers if server.key_from and not server.has_key), None)
    if server is None:
        return None
    said = "".join(f"{one}." for one in facts.settings.secret_mistakes[:1])
    return Found(f"The key of {server.name} is not found ({server.key_from})", said)


@PROGRAM.check(Level.WARNING, "Nobody else can read the key file", needs=("settings",), fix=True,
               remedy="chmod 600 {file}")  # fmt: skip
def key_file_open(facts: Facts) -> Optional[Found]:
    """Other users of this computer can read the file that holds the key."""
    server: Optional[Configured] = next((one for one in facts.settings.servers if one.key_file_open), None)
    if server is None:
        return None
    return Found("Others can read the key file", server.key_file, {"file": server.key_file})


@PROGRAM.check(Level.ERROR, "The certificate file that the settings name is there", needs=("settings",),
               remedy="ls -l {file}")  # fmt: skip
def ca_file_missing(facts: Facts) -> Optional[Found]:
    """The settings name a certificate file (ca_file) that is not there."""
    server = next((one for one in facts.settings.servers if not one.ca_file_there), None)
    if server is None:
        return None
    return Found(f"The certificate file of {server.name} is not there", server.ca_file, {"file": server.ca_file})


def _some(names: "tuple[str, ...]") -> str:
    more = len(names) - 3
    return ", ".join(names[:3]) + (f" and {more} more" if more > 0 else "")
