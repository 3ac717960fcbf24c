"""Sums of finished requests: counts, times and their distributions, by day and model.

What a row's times mean is in the facts on llama-swap's API, 5.1 and 16: 16.2 for the formulas, -1 and 0 for "not
reported".
"""

from itertools import chain
from typing import Callable, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from llamabar.core.events import FinishedRequest
from llamabar.core.history import Chart
from llamabar.core.limits import DAYS_WAITING, NAMES
from llamabar.core.needs import Load, Needs
from llamabar.core.rates import LONGEST_S, MOST_PROMPT_TPS, rate
from llamabar.core.seen import Seen
from llamabar.core.spread import Spread, added, spread_from, spread_of

OTHERS = "(other models)"  # beyond the number of names that are counted in a day
MOST = 2**53  # the largest number of a row
MOST_TOKENS = 10**9  # of one request: more is an error of the server

GENERATION, PROMPT, FIRST_TOKEN, WAITED, LOAD, DURATION = (
    "generation_tps", "prompt_tps", "first_token_s", "waited_s", "load_s", "duration_s",
)  # fmt: skip
FIGURES = (GENERATION, PROMPT, FIRST_TOKEN, WAITED, LOAD, DURATION)
HOURS = "hours"  # of the day in which requests ended: not steps but the hours themselves


class Times(NamedTuple):
    """Where one request's time went, in seconds. `waited_s`: in the queue, for the load, and in transit."""

    prompt_s: Optional[float] = None
    generation_s: Optional[float] = None
    first_token_s: Optional[float] = None
    waited_s: Optional[float] = None
    load_s: Optional[float] = None  # of the time waited


class Sums(NamedTuple):
    """Sums of some requests. `timed_tokens` took `generation_s`, `read_tokens` took `prompt_s`; of
    `known_prompt_tokens`, `cached_tokens` came from the cache."""

    requests: int = 0
    failures: int = 0
    prompt_tokens: int = 0
    generated_tokens: int = 0
    cached_tokens: int = 0
    known_prompt_tokens: int = 0
    draft_tokens: int = 0
    accepted_tokens: int = 0
    timed_tokens: int = 0
    generation_s: float = 0.0
    read_tokens: int = 0
    prompt_s: float = 0.0
    waited_s: float = 0.0
    spreads: Mapping[str, Spread] = {}

    @property
    def tokens(self) -> Tuple[Optional[int], Optional[int]]:
        """Return the tokens of prompts and answers, None if no server reported any: for images, speech, failures."""
        told = self.prompt_tokens or self.generated_tokens
        return (self.prompt_tokens, self.generated_tokens) if told else (None, None)

    @property
    def generation_tps(self) -> Optional[float]:
        """Return the mean speed of the tokens whose speed is known."""
        return _ratio(self.timed_tokens, self.generation_s)

    @property
    def cached_share(self) -> Optional[float]:
        """Return the share of prompt tokens that came from the cache."""
        return _ratio(self.cached_tokens, self.known_prompt_tokens)

    @property
    def draft_acceptance(self) -> Optional[float]:
        """Return the share of drafted tokens that were accepted."""
        return _ratio(self.accepted_tokens, self.draft_tokens)

    def spread(self, figure: str) -> Spread:
        """Return the distribution of a figure."""
        return self.spreads.get(figure, Spread())

    def percentile(self, figure: str, share: float = 0.5) -> Optional[float]:
        """Return a percentile of a figure: the value below which this share of its values lie; 0.5 is the median."""
        return self.spread(figure).percentile(share)


class Line(NamedTuple):
    """The sums of one model in one day or hour, "" for all models. `complete`: no request is known to be missing."""

    when: str
    server: str
    model: str
    sums: Sums
    complete: bool = True
    change: Optional[float] = None  # of the median speed compared with the week before: -0.12 is 12 % slower


class Told(NamedTuple):
    """What the history reports about a server's day. `number` is that of the newest `Rows` it was given."""

    day: str
    models: Mapping[str, Sums]
    complete: bool = True
    earlier: bool = False  # there are earlier days
    number: int = 0
    changes: Mapping[str, float] = {}  # of the median speeds compared with last week, where they exceed the noise
    known: Tuple[Tuple[int, int], ...] = ()  # the newest stored rows, in the first report only
    needs: Mapping[str, Needs] = {}  # of the models whose loads were measured


class Rows(NamedTuple):
    """Rows of a server, oldest first. `number` is reported back once they are written; `missed`: some rows before them
    may never have been read; `load_s`: the load that a request waited for, by the row's number."""

    name: str
    url: str
    rows: Tuple[FinishedRequest, ...]
    number: int = 0
    missed: bool = False
    load_s: Mapping[int, float] = {}
    loads: Tuple[Load, ...] = ()  # that were measured


Charts = Mapping[str, Sequence[Chart]]  # by address of the server: its own, and its models'
Tell = Callable[[str, Union[Told, Chart]], None]  # by name of the server


class Totals:
    """A server's totals in memory: the history's last report, and what came since. Without a usable history, everything
    that came."""

    def __init__(self) -> None:
        self.told = Told("", {})
        self.number = 0
        self._since: Dict[str, Dict[str, Sums]] = {}
        self._seen = Seen()

    def add(
        self, rows: Iterable[FinishedRequest], day_of: Callable[[float], str], *, until: Optional[str] = None
    ) -> List[FinishedRequest]:
        """Count rows and return the new ones; rows dated after day `until` are skipped: that date can't be right."""
        new: List[FinishedRequest] = []
        groups: Dict[Tuple[str, str], List[FinishedRequest]] = {}
        for row in rows:
            if not is_dated(row) or identity(row) in self._seen:
                continue
            day = day_of(row.ended_unix_s or 0.0)
            if until is not None and day > until:
                continue
            self._seen.add(identity(row))
            new.append(row)
            if day in self._since or len(self._since) < DAYS_WAITING:
                models = self._since.setdefault(day, {})
                name = row.model if row.model in models or len(models) < NAMES else OTHERS
                models.setdefault(name, Sums())
                groups.setdefault((day, name), []).append(row)
        for (day, name), found in groups.items():
            sums = of_rows((row, times(row)) for row in found)
            self._since[day][name] = total((self._since[day][name], sums))
        self.number += bool(new)
        return new

    def take(self, told: Told) -> None:
        """Store the history's report, unless newer rows came that it doesn't know yet: it will report again."""
        if told.number == self.number:
            self.told, self._since = told._replace(known=()), {}
            for row in told.known:
                self._seen.add(row)

    def of(self, day: str) -> Dict[str, Sums]:
        """Return the day's sums by model."""
        found = dict(self.told.models) if self.told.day == day else {}
        for model, sums in self._since.get(day, {}).items():
            found[model] = total((found.get(model, Sums()), sums))
        return dict(sorted(found.items()))

    @property
    def any(self) -> bool:
        """Tell whether anything was counted on any day."""
        return bool(self.told.earlier or self.told.models or self._since)


def identity(row: FinishedRequest) -> Tuple[int, int]:
    """Return what identifies a row of one server, even after its numbers restart at 1: from v236 on its time is in
    whole seconds."""
    return row.id, int(row.at_unix_s or 0.0)


def is_dated(row: FinishedRequest) -> bool:
    """Tell whether a row has a time and a valid number."""
    return row.at_unix_s is not None and row.at_unix_s > 0 and abs(row.id) < MOST


def times(row: FinishedRequest, load_s: Optional[float] = None) -> Times:
    """Return where a request's time went, as far as it is reported and possible."""
    prompt_s = _time(row.prompt_tokens, row.prompt_tps)
    generation_s = _time(row.generated_tokens, row.generation_tps)
    duration_s = _duration_s(row)
    writing_s = 0.0 if row.generated_tokens == 1 else generation_s  # after the first token
    if duration_s is None or writing_s is None:
        return Times(prompt_s, generation_s, prompt_s if duration_s is None else None, None, load_s)
    first_token_s = max(duration_s - writing_s, prompt_s or 0.0)
    waited_s = None if prompt_s is None else first_token_s - prompt_s
    return Times(prompt_s, generation_s, first_token_s, waited_s, load_s)


def of_rows(timed: Iterable[Tuple[FinishedRequest, Times]], *, hour: Optional[int] = None) -> Sums:
    """Return the sums of requests that ended in the same local hour, each with its times."""
    counts: List[Tuple[float, ...]] = []
    values: List[Tuple[Optional[float], ...]] = []
    for row, spent in timed:
        generated, prompt, cached = map(tokens_of, (row.generated_tokens, row.prompt_tokens, row.cached_tokens))
        tps = rate(generated, None, row.generation_tps)
        prompt_tps = rate(prompt, None, row.prompt_tps, most_tps=MOST_PROMPT_TPS)
        told = row.generation_tps is not None or row.prompt_tps is not None
        whole = prompt + cached if told or cached > prompt else prompt  # then `prompt` excludes cached tokens
        known = 0 if row.cached_tokens is None else whole
        values.append((tps, prompt_tps, spent.first_token_s, spent.waited_s, spent.load_s, _duration_s(row)))
        counts.append((
            1, (row.status or 200) >= 400, prompt, generated, cached, known,
            tokens_of(row.draft_tokens), tokens_of(row.accepted_tokens),
            generated if tps else 0, generated / tps if tps else 0.0, prompt if prompt_tps else 0,
            prompt / prompt_tps if prompt_tps else 0.0, spent.waited_s or 0.0,
        ))  # fmt: skip
    spreads = {name: spread_from(column) for name, column in zip(FIGURES, zip(*values))}
    if hour is not None:
        spreads[HOURS] = spread_of({hour: len(counts)})
    return Sums._make([*map(sum, zip(*counts)), {name: one for name, one in spreads.items() if one.counts}])


def of_row(row: FinishedRequest) -> Sums:
    """Return the sums of one request."""
    return of_rows([(row, times(row))])


def total(found: Iterable[Sums]) -> Sums:
    """Return the sum of all."""
    parts = list(found)
    if len(parts) < 2:
        return parts[0] if parts else Sums()
    names = dict.fromkeys(chain.from_iterable(part.spreads for part in parts))
    spreads = {name: added(part.spreads[name] for part in parts if name in part.spreads) for name in names}
    return Sums._make([*map(sum, zip(*(part[:-1] for part in parts))), spreads])


def tokens_of(count: Optional[int]) -> int:
    """Return a row's count; an impossible one counts as 0."""
    return count if count is not None and 0 <= count <= MOST_TOKENS else 0


def _time(tokens: Optional[int], tps: Optional[float]) -> Optional[float]:
    if not tps or not tokens or tps > MOST_PROMPT_TPS or tokens > MOST_TOKENS:
        return None
    seconds = tokens / tps
    return seconds if seconds <= LONGEST_S else None


def _duration_s(row: FinishedRequest) -> Optional[float]:
    """Return how long a caller waited in all, if reported: only from v209 on does it begin when the request arrived."""
    told_s = row.duration_s if row.status is not None else None
    return told_s if told_s is not None and 0 <= told_s <= LONGEST_S else None


def _ratio(part: float, whole: float) -> Optional[float]:
    return part / whole if whole else None
