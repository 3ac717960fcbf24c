"""The file of the history: names of servers and models, counts and readings; of an address only a digest."""

import hashlib
import json
import math
from dataclasses import dataclass
from typing import Any, Mapping, NamedTuple, Optional, Tuple
from urllib.parse import urlsplit

from llamabar.core.address import is_local, port_of
from llamabar.core.history import Readings
from llamabar.core.ledger import MOST, Account, Mark, Sums

VERSION = 1
NAME = "history.json"


@dataclass(frozen=True)
class Kept:
    """What the file says, by key of the server, and when it was written."""

    accounts: Mapping[str, Account]
    charts: Mapping[str, "Chart"]
    written_unix_s: float = 0.0


class Chart(NamedTuple):
    """The last readings of a server, newest last, the newest taken at `read_unix_s`."""

    read_unix_s: float
    bucket_s: float
    readings: Tuple[Readings, ...]


class NewerVersion(Exception):
    """The file was written by a version of this program that is newer than this one."""


def parse(content: bytes) -> Kept:
    """Return what a file says; raise ValueError for one that is not understood, NewerVersion for a later one's."""
    try:
        document = json.loads(content)
        if document["llamabar_history"] > VERSION:
            raise NewerVersion
        accounts = {str(key): _account(said) for key, said in document["servers"].items()}
        charts = {str(key): _chart(said) for key, said in document["charts"].items()}
        return Kept(accounts, charts, float(document["written_unix_s"]))
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError) as error:
        raise ValueError(f"{NAME} is not understood ({type(error).__name__})") from None


def dump(kept: Kept) -> bytes:
    """Return the file."""
    servers = {
        key: {
            "name": account.name,
            "mark": account.mark,
            "gaps": sorted(account.gaps),
            "ever": account.ever,
            "days": {day: {model: [*sums[:4], round(sums[4], 3)] for model, sums in models.items()}
                     for day, models in account.days.items()},
        }
        for key, account in kept.accounts.items()
    }  # fmt: skip
    charts = {key: chart._asdict() for key, chart in kept.charts.items()}
    document = {
        "llamabar_history": VERSION, "written_unix_s": kept.written_unix_s, "servers": servers, "charts": charts,
    }  # fmt: skip
    return json.dumps(document, separators=(",", ":")).encode("utf-8") + b"\n"


def key_of(url: str) -> str:
    """Return what names a server in the file: a digest of where it is; this computer has one, however it is called."""
    parts = urlsplit(url)
    place = f"{'here' if is_local(url) else (parts.hostname or '').lower()}:{port_of(url)}{parts.path.rstrip('/')}"
    return hashlib.sha256(place.encode("utf-8", "replace")).hexdigest()[:16]


def _account(said: Any) -> Account:
    row_id, *times = said["mark"] or (None, 0.0, 0.0)
    at_s, latest_s = (_number(time) or 0.0 for time in times)
    mark = None if row_id is None else Mark(_count(row_id), at_s, latest_s)
    days = {
        str(day): {str(model): _sums(sums) for model, sums in models.items()}
        for day, models in said["days"].items()
    }
    return Account(str(said["name"]), mark, days, frozenset(map(str, said["gaps"])), _count(said["ever"]))


def _chart(said: Any) -> Chart:
    readings = tuple(Readings(*map(_number, one)) for one in said["readings"])
    return Chart(_number(said["read_unix_s"]) or 0.0, _number(said["bucket_s"]) or 1.0, readings)


def _sums(said: Any) -> Sums:
    requests, prompt_tokens, generated_tokens, timed_tokens, generation_s = said
    return Sums(
        _count(requests), _count(prompt_tokens), _count(generated_tokens), _count(timed_tokens),
        _number(generation_s) or 0.0,
    )  # fmt: skip


def _count(value: Any) -> int:
    if not -MOST < value < MOST:
        raise ValueError("a count out of bounds")
    return int(value)


def _number(value: Any) -> Optional[float]:
    if value is not None and not math.isfinite(value):
        raise ValueError("a number that is none")
    return None if value is None else float(value)
