"""What is known of a model and of a request. The menu shows each fact as a row, the dashboard as a line."""

from typing import Iterator, NamedTuple, Optional, Tuple

from llamabar.core import readings, units
from llamabar.core.phases import WAITING, Phase, phases
from llamabar.core.state import READY, Model, Request, requests_of
from llamabar.core.totals import FIRST_TOKEN, GENERATION, Sums
from llamabar.view import doing_words, palette, words
from llamabar.view.languages import said as _
from llamabar.view.scene import Scene, Server, day, recent_range
from llamabar.view.text import name, plain, reason

PATH_CHARS = 48
USUAL_PATHS = ("", "/v1/chat/completions")  # not worth a row


class Fact(NamedTuple):
    """A label and a value. `reading` is what of a model's history shows how the value changed, "" for nothing."""

    symbol: str
    label: str
    value: str
    reading: str = ""
    ambient: bool = False  # changes by itself


def of_model(server: Server, scene: Scene, model: Model) -> Iterator[Fact]:
    """Yield what is known of a model."""
    change = server.totals.told.changes.get(model.id)
    sums = day(server, scene).get(model.id, Sums())
    drafts = sums.draft_acceptance
    facts = (
        _speed(server, scene, model),
        Fact(palette.PROMPT, words.PROMPT, _prompt(model, sums), "prompt_tps"),
        Fact(palette.MEMORY, words.MEMORY, _memory(server, model), "memory_bytes", ambient=True),
        Fact(palette.CONTEXT, words.CONTEXT, _context(model)),
        Fact(palette.SHARE, words.DRAFTS, "" if drafts is None else units.percent(drafts)),
        Fact(palette.REQUESTS, words.REQUESTS, _requests(server, model), "in_flight"),
    )
    yield from (fact for fact in facts if fact.value)
    if model.ttl_s is not None:
        yield Fact(palette.EJECT, doing_words.ttl(model.ttl_s), rest(server, scene, model))
    more = (
        Fact(palette.TOOK, words.LOAD_TIME, _load_time(server, model)),
        Fact(palette.SPEED, words.CHANGE, "" if change is None else words.changed(change)),
        Fact(palette.NAME, words.ALIASES, words.joined(*map(name, model.info.aliases[:4]))),
        Fact(palette.ABOUT, words.DESCRIPTION, reason(model.info.description)),
    )
    yield from (fact for fact in more if fact.value)


def loading(server: Server, model: Model, *, now_s: float) -> Tuple[str, str]:
    """Return how long a model has been loading, with and without how long it usually takes."""
    loading_s = readings.loading_for_s(model, now_s=now_s)
    return doing_words.loading(loading_s, _usual_load_s(server, model)), doing_words.loading(loading_s, None)


def rest(server: Server, scene: Scene, model: Model) -> str:
    """Return the time left until a model unloads; "" if nothing counts down."""
    rest_s = readings.unloads_in_s(server.snapshot, model, now_s=scene.now_s)
    return "" if rest_s is None else doing_words.left(rest_s)


def totals(sums: Sums) -> str:
    """Return a model's totals."""
    return words.totals(sums.requests, sums.generated_tokens)


def typical(sums: Sums) -> str:
    """Return a model's typical speed; "" if unknown."""
    typical_tps = sums.percentile(GENERATION)
    return "" if typical_tps is None else words.tps(typical_tps)


def first_token(sums: Sums) -> str:
    """Return the usual wait for the first token; "" if unknown."""
    first_s = sums.percentile(FIRST_TOKEN)
    return "" if first_s is None else _("first token {}", units.span(first_s))


def of_request(server: Server, request: Request, *, every_path: bool = False) -> Iterator[Fact]:
    """Yield what is known of a request besides its label and what it does."""
    prompt, path = prompt_tokens(server, request), request.info.path
    facts = (
        Fact(palette.PERSON, words.FROM, name(request.info.client) if request.info.client else ""),
        Fact(palette.PROMPT, words.PROMPT, words.tokens(prompt) if prompt else ""),
        Fact(palette.LINK, words.PATH, plain(path)[:PATH_CHARS] if every_path or path not in USUAL_PATHS else ""),
    )
    return (fact for fact in facts if fact.value)


def request_label(server: Server, request: Request) -> str:
    """Return what a request is called: #7 qwen3-30b."""
    return f"#{name(request.info.id, 12)} {server.label(request.info.model)}"


def prompt_tokens(server: Server, request: Request) -> Optional[int]:
    """Return the length of a request's prompt; None if unknown."""
    model = server.snapshot.models.get(request.info.model)
    return readings.prompt_tokens(server.snapshot, model) if model is not None else None


def generated(server: Server, request: Request, phase: Phase) -> Optional[int]:
    """Return how many tokens a request has generated; None if unknown."""
    model = server.snapshot.models.get(request.info.model)
    return readings.decoded_tokens(server.snapshot, model) if model and phase is Phase.GENERATING else None


def _speed(server: Server, scene: Scene, model: Model) -> Fact:
    """Return the speed and its typical value; if nothing was generated lately, the last speed."""
    now, last = server.figures.speeds.get(model.id), readings.last(model)
    recent = recent_range(server, scene, "generation_tps", model=model.id)
    if now is None and recent is None:
        ago = words.ago(scene.now_s - last.at_s) if last is not None and last.at_s else ""
        return Fact(palette.SPEED, words.LAST_SPEED, "" if last is None else words.joined(words.tps(last.tps), ago))
    said = words.speed(now or last)
    said = said if recent is None else words.with_typical(said, units.rate(recent.typical))
    return Fact(palette.SPEED, words.SPEED, said, "generation_tps")


def _prompt(model: Model, sums: Sums) -> str:
    """Return the last prompt's speed, the usual wait for the first token, and how much came from the cache."""
    row, cached = model.meter.last, sums.cached_share
    parts = (
        "" if row is None or not row.prompt_tps else words.tps(row.prompt_tps),
        first_token(sums),
        "" if cached is None else _("{} cached", units.percent(cached)),
    )
    return words.joined(*parts)


def _memory(server: Server, model: Model) -> str:
    used_bytes = server.figures.memory_bytes.get(model.id)
    if used_bytes is None:
        return ""
    peak_bytes = model.memory_peak_bytes if model.state == READY else None  # before that, of the load before
    return words.peak(units.size(used_bytes), units.size(max(used_bytes, peak_bytes or 0)))


def _context(model: Model) -> str:
    tokens, used = readings.context_tokens(model), readings.context_used(model)
    if not tokens:
        return ""
    return words.tokens(tokens) if used is None else words.of(units.count(min(used, tokens)), words.tokens(tokens))


def _requests(server: Server, model: Model) -> str:
    requests, found = requests_of(server.snapshot, model.id), phases(server.snapshot)
    queued = sum(found[request.info.id] in WAITING for request in requests)
    return words.active(len(requests), queued) if requests else ""


def _usual_load_s(server: Server, model: Model) -> Optional[float]:
    """Return how long a load usually takes: the median of those seen, else of those measured earlier."""
    known = server.totals.told.needs.get(model.id)
    return readings.median(model.load_times_s) or (known.load_s if known is not None else None)


def _load_time(server: Server, model: Model) -> str:
    """Return how long a load usually takes, and how many seen ones that is the median of; "" if none is known."""
    usual_s, seen = _usual_load_s(server, model), len(model.load_times_s)
    usual = "" if usual_s is None else units.span(usual_s)
    return _("{} (median of {})", usual, seen) if seen > 1 else usual
