"""What loading a model takes and does, in words."""

from typing import Optional

from llamabar.core import units
from llamabar.core.needs import Outlook, outlook
from llamabar.view import words
from llamabar.view.languages import said as _
from llamabar.view.scene import Server

WHOLE_FROM_BYTES = 9.95e9


def said(server: Server, model_id: str) -> str:
    """Return "18 GB, about 8 s", then what would be unloaded or that it may not fit; "" if nothing was measured."""
    found = of(server, model_id)
    if found is None:
        return ""
    load_s = found.needs.load_s
    took = "" if load_s is None else _(", about {}", units.duration(max(1, round(load_s))))
    return f"{size(found.needs.memory_bytes)}{took}{_then(server, found)}"


def of(server: Server, model_id: str) -> Optional[Outlook]:
    """Return what loading a model would do now; None if unknown."""
    return outlook(server.snapshot, server.totals.told.needs.get(model_id), model_id)


def size(count_bytes: float) -> str:
    """Return a size, from ten gigabytes on without decimals, since a load's size is never known that precisely."""
    return f"{count_bytes / 1e9:.0f} GB" if count_bytes >= WHOLE_FROM_BYTES else units.size(count_bytes)


def _then(server: Server, found: Outlook) -> str:
    if found.unloads and found.fits is not False:
        return _(", unloads {}", words.joined(*map(server.label, found.unloads)))
    if found.free_bytes is None or found.fits:
        return ""
    return _(", {} free: may not fit", size(found.free_bytes))
