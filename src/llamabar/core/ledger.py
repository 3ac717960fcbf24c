"""What was answered, by day and model: each request counted once, whoever looks and however often a table is read anew.

A server's rows come in the order in which their requests ended, so the newest that was counted tells which are new:
by its time, and around the same time by its number (facts on llama-swap's API, 5.1).
"""

from dataclasses import dataclass, field, replace
from typing import Callable, Dict, FrozenSet, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from llamabar.core.events import FinishedRequest

DISORDER_S = 2.0  # requests that end at once may get their numbers and their times in another order
FIRST_IDS = (0, 1)  # of a table that began anew: 0 up to v235, 1 from v236 on


class Sums(NamedTuple):
    """What one model did in one day. Speeds are known of `timed_tokens`, which took `generation_s`."""

    requests: int = 0
    prompt_tokens: int = 0
    generated_tokens: int = 0
    timed_tokens: int = 0
    generation_s: float = 0.0

    @property
    def generation_tps(self) -> Optional[float]:
        """Return the mean speed of the tokens whose speed is known."""
        return self.timed_tokens / self.generation_s if self.generation_s else None


class Mark(NamedTuple):
    """The newest row that was counted."""

    at_unix_s: float
    row_id: int


class Line(NamedTuple):
    """One model's day. `complete`: no request of that day is known to be missing."""

    day: str
    server: str
    model: str
    sums: Sums
    complete: bool


@dataclass(frozen=True)
class Account:
    """One server's totals, by local date (2026-11-24) and model. `gaps` are days of which rows were missed."""

    mark: Optional[Mark] = None
    days: Mapping[str, Mapping[str, Sums]] = field(default_factory=dict)
    gaps: FrozenSet[str] = frozenset()


NOTHING = Account()


def counted(account: Account, rows: Sequence[FinishedRequest], day_of: Callable[[float], str]) -> Account:
    """Return the account with the rows that are new to it; `day_of` tells the local date of a time."""
    new = _new(account.mark, rows)
    if not new:
        return account
    days: Dict[str, Mapping[str, Sums]] = dict(account.days)
    for at_unix_s, row in new:
        day = day_of(at_unix_s)
        models = dict(days.get(day, {}))
        models[row.model] = _with_row(models.get(row.model, Sums()), row)
        days[day] = models
    newest_s, newest = new[-1]
    gaps = account.gaps | ({day_of(new[0][0])} if _is_gap(account.mark, new[0][1]) else set())
    return Account(Mark(newest_s, newest.id), days, gaps)


def kept_since(account: Account, day: str) -> Account:
    """Return the account without the days before this one."""
    if all(one >= day for one in account.days):
        return account
    days = {one: models for one, models in account.days.items() if one >= day}
    return replace(account, days=days, gaps=frozenset(one for one in account.gaps if one >= day))


def merged(mine: Mapping[str, Account], theirs: Mapping[str, Account]) -> Dict[str, Account]:
    """Return each server's account as the one who counted longest has it."""
    found = dict(theirs)
    for server, account in mine.items():
        other = theirs.get(server, NOTHING)
        if other.mark is None or (account.mark is not None and account.mark > other.mark):
            found[server] = account
    return found


def lines(accounts: Mapping[str, Account], *, since: str = "") -> Iterator[Line]:
    """Yield every model's day from a date on, by date, server and model."""
    days = sorted({day for account in accounts.values() for day in account.days if day >= since})
    for day in days:
        for server, account in sorted(accounts.items()):
            for model, sums in sorted(account.days.get(day, {}).items()):
                yield Line(day, server, model, sums, day not in account.gaps)


def total(found: Sequence[Sums]) -> Sums:
    """Return the sum of all."""
    return Sums(*(sum(column) for column in zip(*found))) if found else Sums()


def _new(mark: Optional[Mark], rows: Sequence[FinishedRequest]) -> List[Tuple[float, FinishedRequest]]:
    """Return the rows that end after the mark, oldest first; one without a time belongs to no day."""
    found: List[Tuple[float, FinishedRequest]] = []
    for row in reversed(rows):
        if row.at_unix_s is None:
            continue
        if mark is not None and not _is_after(mark, row.at_unix_s, row.id):
            break
        found.append((row.at_unix_s, row))
    return found[::-1]


def _is_after(mark: Mark, at_unix_s: float, row_id: int) -> bool:
    return at_unix_s > mark.at_unix_s or (row_id > mark.row_id and at_unix_s > mark.at_unix_s - DISORDER_S)


def _is_gap(mark: Optional[Mark], oldest: FinishedRequest) -> bool:
    """Tell whether rows before the oldest new one were never seen."""
    return oldest.id not in FIRST_IDS and (mark is None or oldest.id != mark.row_id + 1)


def _with_row(sums: Sums, row: FinishedRequest) -> Sums:
    tokens, tps = row.generated_tokens or 0, row.generation_tps
    timed = tokens if tps else 0
    return Sums(
        sums.requests + 1,
        sums.prompt_tokens + (row.prompt_tokens or 0),
        sums.generated_tokens + tokens,
        sums.timed_tokens + timed,
        sums.generation_s + (timed / tps if tps else 0.0),
    )
