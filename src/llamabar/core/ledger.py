"""What was answered, by day and model: each request counted once, whoever looks and however often a table is read anew.

A server's rows are numbered in the order in which their requests ended, so the newest that was counted tells which are
new (facts on llama-swap's API, 5.1). A table that began anew is known by a lower number that ended later, or by a page
of its newest rows that ends below what was counted. Of a table that may be another one only what ended later counts.
"""

from dataclasses import dataclass, field, replace
from typing import Callable, Dict, FrozenSet, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from llamabar.core.events import FinishedRequest

DISORDER_S = 1.0  # times are whole seconds from v236 on, and requests that end at once are numbered in either order
MOST_TOKENS, SLOWEST_TPS = 10**9, 0.001  # of one request: what is beyond is a fault of the server's
MOST = 2**53  # of a number or a count: more is a fault or damage
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
    """The newest row that was counted. `latest_unix_s` is the latest time of any: ahead of it after a clock was set."""

    row_id: int
    at_unix_s: float
    latest_unix_s: float


class Line(NamedTuple):
    """One model's day. `complete`: no request of that day is known to be missing."""

    day: str
    server: str
    model: str
    sums: Sums
    complete: bool


@dataclass(frozen=True)
class Account:
    """One server's totals, by local date (2026-11-24) and model. `gaps` are days of which rows were missed; `ever` is
    how many rows were counted in all, also on days that are no longer kept.
    """

    name: str = ""
    mark: Optional[Mark] = None
    days: Mapping[str, Mapping[str, Sums]] = field(default_factory=dict)
    gaps: FrozenSet[str] = frozenset()
    ever: int = 0


NOTHING = Account()


def counted(
    account: Account, rows: Sequence[FinishedRequest], day_of: Callable[[float], str], *, whole: bool = True,
    missed: bool = False,
) -> Account:  # fmt: skip
    """Return the account with those of a table's rows, oldest first, that are new to it.

    `day_of` tells the local date of a time, `whole` that the newest rows of the table are among these, `missed` that
    some of the last table were never read.
    """
    timed = [(row.at_unix_s, row) for row in rows if row.at_unix_s is not None and abs(row.id) < MOST]
    mark = account.mark
    anew = mark is not None and _began_anew(mark, timed, whole=whole)
    new = timed if mark is None or anew else _later(mark, timed)
    if not new:
        return _placed(account, timed, day_of) if mark is not None and timed else account
    days: Dict[str, Mapping[str, Sums]] = dict(account.days)
    for at_unix_s, row in new:
        day = day_of(at_unix_s)
        models = dict(days.get(day, {}))
        models[row.model] = _with_row(models.get(row.model, Sums()), row)
        days[day] = models
    (oldest_s, oldest), (newest_s, newest) = new[0], new[-1]
    follows = oldest.id in FIRST_IDS if mark is None or anew else oldest.id == mark.row_id + 1
    gaps = set(account.gaps)
    if not follows or (anew and missed):
        gaps |= {day_of(oldest_s)} if mark is None else {day_of(oldest_s), day_of(mark.at_unix_s)}
    latest_s = max([at_s for at_s, _ in new] + ([mark.latest_unix_s] if mark is not None and not anew else []))
    ever = account.ever + len(new)
    return replace(account, mark=Mark(newest.id, newest_s, latest_s), days=days, gaps=frozenset(gaps), ever=ever)


def settled(accounts: Mapping[str, Account], key: str, name: str, rows: Sequence[FinishedRequest]) -> str:
    """Return the key of the account that has counted this very table: `key` unless only another of that name has."""
    if _has_row(accounts.get(key, NOTHING).mark, rows):
        return key
    fellows = (other for other, account in accounts.items() if account.name == name)
    return next((other for other in fellows if _has_row(accounts[other].mark, rows)), key)


def _placed(
    account: Account, timed: Sequence[Tuple[float, FinishedRequest]], day_of: Callable[[float], str]
) -> Account:
    """Return the account, from now on behind these rows if nobody can place their table: some are missed."""
    mark, (newest_s, newest) = account.mark, timed[-1]
    if mark is None or newest.id < mark.row_id or any(_is_row(mark, row) for _, row in timed):
        return account
    return replace(
        account, mark=Mark(newest.id, newest_s, mark.latest_unix_s), gaps=account.gaps | {day_of(newest_s)}
    )


def _later(mark: Mark, timed: Sequence[Tuple[float, FinishedRequest]]) -> List[Tuple[float, FinishedRequest]]:
    """Return the rows after the mark; where they may be of another table only those that ended after it, too."""
    follow = any(_is_row(mark, row) for _, row in timed) or (bool(timed) and timed[0][1].id == mark.row_id + 1)
    since_s = mark.at_unix_s - DISORDER_S
    return [(at_s, row) for at_s, row in timed if row.id > mark.row_id and (follow or at_s >= since_s)]


def _has_row(mark: Optional[Mark], rows: Sequence[FinishedRequest]) -> bool:
    return mark is not None and any(_is_row(mark, row) for row in rows)


def _is_row(mark: Mark, row: FinishedRequest) -> bool:
    return row.id == mark.row_id and row.at_unix_s is not None and abs(row.at_unix_s - mark.at_unix_s) <= DISORDER_S


def newest_days(account: Account, count: Optional[int]) -> Account:
    """Return the account with its newest days only: so many on which something was answered; None: all."""
    kept = sorted(account.days)[-(count or 0) :]
    if len(kept) == len(account.days):
        return account
    return replace(account, days={day: account.days[day] for day in kept}, gaps=account.gaps & set(kept))


def merged(mine: Mapping[str, Account], theirs: Mapping[str, Account]) -> Dict[str, Account]:
    """Return each account as the one who counted more has it, theirs if it is as many; keys are the servers'."""
    found = dict(theirs)
    for key, account in mine.items():
        there = theirs.get(key, NOTHING)
        if account.ever > there.ever:
            found[key] = account
        elif account.ever == there.ever and key in theirs:
            found[key] = replace(there, gaps=there.gaps | (account.gaps & set(there.days)))
    return found


def emptied(account: Account) -> Account:
    """Return the account with nothing in it, that goes on behind what it has counted."""
    return replace(account, days={}, gaps=frozenset(), ever=0)


def lines(accounts: Sequence[Account], *, since: str = "") -> Iterator[Line]:
    """Yield every model's day from a date on, by date, server and model; accounts of one name are one server."""
    found: Dict[Tuple[str, str, str], List[Tuple[Sums, bool]]] = {}
    for account in accounts:
        for day, models in account.days.items():
            for model, sums in models.items() if day >= since else ():
                found.setdefault((day, account.name, model), []).append((sums, day not in account.gaps))
    for (day, server, model), parts in sorted(found.items()):
        yield Line(day, server, model, total([sums for sums, _ in parts]), all(whole for _, whole in parts))


def total(found: Sequence[Sums]) -> Sums:
    """Return the sum of all."""
    return Sums(*(sum(column) for column in zip(*found))) if found else Sums()


def _began_anew(mark: Mark, timed: Sequence[Tuple[float, FinishedRequest]], *, whole: bool) -> bool:
    """Tell whether these rows are of another table than the one that was counted: llama-swap was started anew."""
    if any(_is_row(mark, row) for _, row in timed):
        return False
    later = any(row.id <= mark.row_id and at_s > mark.latest_unix_s + DISORDER_S for at_s, row in timed)
    return later or (whole and bool(timed) and timed[-1][1].id < mark.row_id)


def _with_row(sums: Sums, row: FinishedRequest) -> Sums:
    tokens, tps = _tokens(row.generated_tokens), row.generation_tps
    timed = tokens if tps is not None and tps >= SLOWEST_TPS else 0
    return Sums(
        sums.requests + 1,
        sums.prompt_tokens + _tokens(row.prompt_tokens),
        sums.generated_tokens + tokens,
        sums.timed_tokens + timed,
        sums.generation_s + (timed / tps if timed and tps else 0.0),
    )


def _tokens(count: Optional[int]) -> int:
    """Return a row's count; one that nobody can have made counts nothing."""
    return count if count is not None and 0 <= count <= MOST_TOKENS else 0
