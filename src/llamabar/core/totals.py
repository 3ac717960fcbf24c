"""Sums of finished requests: counts, times and their distributions, by day and model.

A spread is a histogram with steps of 1 % on a logarithmic scale. Spreads of any days can be added, a percentile is
accurate to 0.5 %, and the mean and the variance of the logarithms follow from it. What a row's times mean is in the
facts on llama-swap's API, 5.1 and 16: 16.2 for the formulas, -1 and 0 for "not reported".
"""

import math
from itertools import chain
from operator import add
from typing import Callable, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from llamabar.core.events import FinishedRequest
from llamabar.core.history import Chart
from llamabar.core.limits import DAYS_WAITING, NAMES
from llamabar.core.needs import Load, Needs
from llamabar.core.rates import MOST_PROMPT_TPS, rate
from llamabar.core.seen import Seen

OTHERS = "(other models)"  # beyond the number of names that are counted in a day
MOST = 2**53  # the largest number of a row
MOST_TOKENS = 10**9  # of one request: more is an error of the server
MOST_S = 1e7  # of one request: v179 to v209 report 9.2e9 s for an empty answer (llama-swap API, 16.1)
STEP = math.log(1.01)
SMALLEST = 1e-3
FEWEST_COMPARED = 20  # requests on each side
LEAST_CHANGE, ERRORS = 0.05, 3.0

Spread = Mapping[int, int]  # how many values there are, by step
GENERATION, PROMPT, FIRST_TOKEN, WAITED, LOAD, DURATION = (
    "generation_tps", "prompt_tps", "first_token_s", "waited_s", "load_s", "duration_s",
)  # fmt: skip
HOURS = "hours"  # of the day in which requests ended: not steps but the hours themselves


class Times(NamedTuple):
    """Where one request's time went, in seconds. `waited_s`: in the queue, for the load, and in transit."""

    prompt_s: Optional[float] = None
    generation_s: Optional[float] = None
    first_token_s: Optional[float] = None
    waited_s: Optional[float] = None


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

    def percentile(self, figure: str, share: float = 0.5) -> Optional[float]:
        """Return a percentile of a figure: the value below which this share of its values lie; 0.5 is the median."""
        spread = self.spreads.get(figure, {})
        left = share * sum(spread.values())
        for step in sorted(spread):
            left -= spread[step]
            if left <= 0:
                return value_of(step)
        return None


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
        new = [row for row in rows if is_dated(row) and identity(row) not in self._seen]
        new = [row for row in new if until is None or day_of(row.ended_unix_s or 0.0) <= until]
        for row in new:
            self._seen.add(identity(row))
            day = day_of(row.ended_unix_s or 0.0)
            if day in self._since or len(self._since) < DAYS_WAITING:
                models = self._since.setdefault(day, {})
                name = row.model if row.model in models or len(models) < NAMES else OTHERS
                models[name] = total((models.get(name, Sums()), of_row(row)))
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


def times(row: FinishedRequest) -> Times:
    """Return where a request's time went, as far as it is reported. Only from v209 on, when rows have a status, does
    the duration begin when the request arrived."""
    prompt_s = _time(row.prompt_tokens, row.prompt_tps)
    generation_s = _time(row.generated_tokens, row.generation_tps)
    if row.status is None or row.duration_s is None or generation_s is None:
        return Times(prompt_s, generation_s, prompt_s)
    first_token_s = max(row.duration_s - generation_s, prompt_s or 0.0)
    return Times(prompt_s, generation_s, first_token_s, None if prompt_s is None else first_token_s - prompt_s)


def of_row(row: FinishedRequest, *, load_s: Optional[float] = None, hour: Optional[int] = None) -> Sums:
    """Return the sums of one request that ended in that local hour."""
    spent = times(row)
    generated, prompt, cached = map(tokens_of, (row.generated_tokens, row.prompt_tokens, row.cached_tokens))
    tps = rate(generated, None, row.generation_tps)
    prompt_tps = rate(prompt, None, row.prompt_tps, most_tps=MOST_PROMPT_TPS)
    figures = {GENERATION: tps, PROMPT: prompt_tps, FIRST_TOKEN: spent.first_token_s, WAITED: spent.waited_s,
               LOAD: load_s, DURATION: _duration_s(row)}  # fmt: skip
    evaluated = row.generation_tps is not None or row.prompt_tps is not None  # then `prompt` excludes cached tokens
    known = 0 if row.cached_tokens is None else prompt + cached if evaluated else max(prompt, cached)
    spreads: Dict[str, Spread] = {name: {step_of(value): 1} for name, value in figures.items() if value is not None}
    if hour is not None:
        spreads[HOURS] = {hour: 1}
    return Sums(
        1, int((row.status or 200) >= 400), prompt, generated, cached, known,
        tokens_of(row.draft_tokens), tokens_of(row.accepted_tokens),
        generated if tps else 0, generated / tps if tps else 0.0, prompt if prompt_tps else 0,
        prompt / prompt_tps if prompt_tps else 0.0, spent.waited_s or 0.0, spreads,
    )  # fmt: skip


def step_of(value: float) -> int:
    """Return the step of a spread that a value is in."""
    return round(math.log(max(value, SMALLEST)) / STEP)


def value_of(step: int) -> float:
    """Return the middle of a step, at most 0.5 % from every value in it."""
    return math.exp(step * STEP)


def total(found: Iterable[Sums]) -> Sums:
    """Return the sum of all."""
    parts = iter(found)
    first, second = next(parts, Sums()), next(parts, None)
    if second is None:
        return first
    counts: Sequence[float] = first[:-1]
    spreads = {name: dict(spread) for name, spread in first.spreads.items()}
    for part in chain((second,), parts):
        counts = list(map(add, counts, part))  # `map` ends with the shorter one, so the spreads aren't added here
        for name, spread in part.spreads.items():
            mine = spreads.setdefault(name, {})
            for step, count in spread.items():
                mine[step] = mine.get(step, 0) + count
    return Sums._make([*counts, spreads])


def change(now: Sums, before: Sums) -> Optional[float]:
    """Return how much the median speed changed, or None if noise can explain it.

    Decided by Welch's t on the logarithms of the speeds: with at least 20 requests on each side, the means must be
    three standard errors apart (noise does that once in 370 times), and 5 % apart, as nobody notices less.
    """
    sides = [_moments(sums.spreads.get(GENERATION, {})) for sums in (now, before)]
    if any(count < FEWEST_COMPARED for count, _, _ in sides):
        return None
    (count, mean, variance), (count_before, mean_before, variance_before) = sides
    error = math.sqrt(variance / count + variance_before / count_before)
    ratio = math.exp(mean - mean_before) - 1
    return ratio if abs(mean - mean_before) > ERRORS * error and abs(ratio) >= LEAST_CHANGE else None


def tokens_of(count: Optional[int]) -> int:
    """Return a row's count; an impossible one counts as 0."""
    return count if count is not None and 0 <= count <= MOST_TOKENS else 0


def _moments(spread: Spread) -> Tuple[int, float, float]:
    """Return count, mean and variance of the logarithms; the variance includes that a step is STEP wide."""
    count = sum(spread.values())
    mean = sum(step * times for step, times in spread.items()) / count if count else 0.0
    squares = sum(times * (step - mean) ** 2 for step, times in spread.items())
    return count, mean * STEP, (squares / (count - 1) + 1 / 12) * STEP**2 if count > 1 else 0.0


def _time(tokens: Optional[int], tps: Optional[float]) -> Optional[float]:
    return tokens / tps if tps and tokens and SMALLEST <= tps <= MOST_PROMPT_TPS and tokens <= MOST_TOKENS else None


def _duration_s(row: FinishedRequest) -> Optional[float]:
    """Return how long a caller waited in all, if reported: only from v209 on does it begin when the request arrived."""
    told_s = row.duration_s if row.status is not None else None
    return told_s if told_s is not None and 0 <= told_s <= MOST_S else None


def _ratio(part: float, whole: float) -> Optional[float]:
    return part / whole if whole else None
