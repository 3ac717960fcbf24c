"""What macOS 13 and later allow in the background, where its own list of that can be read.

The list is an archive of objects (facts on launchd, 4.6). An item of a plain agent is called `8.` and its label; the
two lowest bits of its disposition say that it is enabled and allowed. Payloads of a company's management stand beside.
"""

import plistlib
from pathlib import Path
from typing import Any, Iterator, List, Mapping, Tuple

from llamabar.doctor.checks import facts
from llamabar.doctor.collect.gathering import Unknown
from llamabar.macos import files

FOLDER = Path("/var/db/com.apple.backgroundtaskmanagement")
ENABLED_AND_ALLOWED = 0b11
PLAIN_AGENT = "8."
_PAYLOADS = "mdmPayloadsByIdentifier"


def background(label: str) -> facts.Background:
    """Return whether a service is switched off in Login Items; raise Unknown where nobody can tell.

    The list holds the items of every user: one is off if it is off for all that have it.
    """
    objects = _newest(FOLDER)
    dispositions = [bits for name, bits in _items(objects) if name == f"{PLAIN_AGENT}{label}"]
    if not dispositions:
        raise Unknown("macOS has no background item of that label")
    off = all(bits & ENABLED_AND_ALLOWED != ENABLED_AND_ALLOWED for bits in dispositions)
    return facts.Background(off, managed=any(_at(objects, one[_PAYLOADS]) for one in _with(objects, _PAYLOADS)))


def _newest(folder: Path) -> List[Any]:
    found = sorted(folder.glob("BackgroundItems-v*.btm"), key=lambda path: (len(path.name), path.name))
    if not found:
        raise Unknown("this macOS keeps no list of background items that can be read")
    try:
        content = files.read(found[-1])
        if content is None:
            raise Unknown("macOS does not let its list of background items be read")
        objects = plistlib.loads(content)["$objects"]
    except Unknown:
        raise
    except Exception:  # plistlib raises nearly anything for a damaged archive
        raise Unknown("macOS's list of background items is not understood") from None
    return objects if isinstance(objects, list) else []


def _items(objects: List[Any]) -> Iterator[Tuple[str, int]]:
    """Yield identifier and disposition of every item."""
    for item in _with(objects, "identifier", "disposition"):
        name, bits = _at(objects, item["identifier"]), _at(objects, item["disposition"])
        if isinstance(name, str) and isinstance(bits, int):
            yield name, bits


def _with(objects: List[Any], *keys: str) -> Iterator[Mapping[str, Any]]:
    return (one for one in objects if isinstance(one, dict) and all(key in one for key in keys))


def _at(objects: List[Any], value: Any) -> Any:
    """Return what a reference points at; of a collection its members."""
    found = objects[value.data] if isinstance(value, plistlib.UID) and value.data < len(objects) else value
    return found.get("NS.keys", found.get("NS.objects", ())) if isinstance(found, dict) else found
