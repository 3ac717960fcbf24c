"""Decode llama-swap's JSON into events: v140 to v250, told apart by shape, never by a version number.

Sources: shared facts on the llama-swap API, sections 3 to 5 and 16. Unknown types, states and fields are ignored.
"""

import re
from typing import Any, Callable, Dict, Optional, Tuple

from llamabar.core import events as ev
from llamabar.core import limits
from llamabar.core.fields import items, mapping, number, parse, text, texts, unix_s, whole
from llamabar.core.rates import MOST_PROMPT_TPS, rate
from llamabar.core.user_agent import client_name

_SLEEP_OPTION = re.compile(r"(?:--sleep-idle-seconds|LLAMA_ARG_SLEEP_IDLE_SECONDS)[=\s]+['\"]?(-\d)?")
_COMMAND = re.compile(r"command '(?:.*'|.*)", re.DOTALL)
_MOST_TOKENS = 10**8  # no context is as long
_LONGEST_DURATION_MS = 10**10  # v179 to v209 report 9223372036854 for an empty answer


def decode_event(payload: bytes) -> Optional[ev.Event]:
    """Return the event of one server-sent payload, or None if this program doesn't use it."""
    envelope = mapping(parse(payload))
    decoder = _DECODERS.get(text(envelope.get("type")))
    inner = envelope.get("data")
    if decoder is None:
        return None
    return decoder(parse(inner) if isinstance(inner, str) else inner)


def looks_like_llama_swap(payload: bytes) -> bool:
    """Tell whether a payload is a llama-swap envelope: it has a `type` and `data`."""
    envelope = mapping(parse(payload))
    return isinstance(envelope.get("type"), str) and "data" in envelope


def decode_models(value: Any) -> Optional[ev.ModelsListed]:
    """Return the model table of a `modelStatus` event; entries without an ID are left out."""
    if not isinstance(value, list):
        return None
    known = [entry for entry in items(value) if text(entry.get("id"))]
    kept = known[: limits.MODELS]
    return ev.ModelsListed(tuple(_model(entry) for entry in kept), left_out=len(known) - len(kept))


def _model(entry: Dict[str, Any]) -> ev.ModelInfo:
    return ev.ModelInfo(
        id=text(entry.get("id")),
        state=text(entry.get("state")),
        name=text(entry.get("name")),
        unlisted=entry.get("unlisted") is True,
        peer=text(entry.get("peerID")),
        aliases=texts(entry.get("aliases")),
        context_tokens=whole(entry.get("context_length")) or None,
        description=text(entry.get("description")),
    )


def decode_inflight(value: Any) -> Optional[ev.Event]:
    """Return the event of any of the three in-flight dialects."""
    body = mapping(value)
    operation = text(body.get("operation"))
    if operation == "upsert":
        request = _request(mapping(body.get("request")))
        return ev.InflightUpserted(request) if request else None
    if operation == "remove":
        return ev.InflightRemoved(text(body.get("id"))) if text(body.get("id")) else None
    if operation == "snapshot" or "requests" in body:
        found = [entry for entry in items(body.get("requests")) if text(entry.get("id"))]
        requests = (_request(entry) for entry in found[: limits.REQUESTS])
        left_out = max(0, len(found) - limits.REQUESTS)
        return ev.InflightListed(tuple(request for request in requests if request), left_out)
    total = whole(body.get("total"))
    return None if total is None else ev.InflightCounted(total)


def _request(entry: Dict[str, Any]) -> Optional[ev.RequestInfo]:
    request_id = text(entry.get("id"))
    if not request_id:
        return None
    elapsed_ms = number(entry.get("elapsed_ms"))
    headers = mapping(entry.get("resp_headers"))
    return ev.RequestInfo(
        id=request_id,
        model=text(entry.get("model")),
        path=text(entry.get("req_path")),
        stamp=text(entry.get("timestamp")),
        elapsed_s=None if elapsed_ms is None else elapsed_ms / 1000,
        resp_bytes=whole(entry.get("resp_bytes")),
        streams="event-stream" in _header(headers, "Content-Type").lower() if headers else None,
        client=client_name(_header(mapping(entry.get("req_headers")), "User-Agent")),
    )


def _header(headers: Dict[str, Any], wanted: str) -> str:
    """Return a header by its name as Go writes it, or else by that name in any case."""
    if wanted in headers:
        return text(headers[wanted])
    return next((text(value) for name, value in headers.items() if name.lower() == wanted.lower()), "")


def decode_metrics(value: Any) -> Optional[ev.RequestsFinished]:
    """Return the rows of a `metrics` event: one (v140 to v151) or an array of them (v152 to v235)."""
    alone = isinstance(value, dict)
    rows = [value] if alone else value
    return ev.RequestsFinished(_rows(rows), streamed=True, replayed=alone) if isinstance(rows, list) else None


def decode_activity_page(value: Any) -> Optional[ev.RequestsFinished]:
    """Return the rows of `/api/metrics/activity` (an object, newest first) or `/api/metrics` (an array or null)."""
    if value is None or isinstance(value, list):
        return ev.RequestsFinished(_rows(value))
    if "data" not in mapping(value):
        return None
    return ev.RequestsFinished(_rows(value["data"]), total=whole(value.get("total")))


def _rows(value: Any) -> Tuple[ev.FinishedRequest, ...]:
    entries = items(value)
    if len(entries) > limits.ROWS_AT_ONCE:
        entries = sorted(entries, key=lambda entry: whole(entry.get("id")) or 0)[-limits.ROWS_AT_ONCE :]
    texts: Dict[str, str] = {}
    found = [_row(entry, lambda text: texts.setdefault(text, text)) for entry in entries]
    return tuple(sorted((row for row in found if row), key=lambda row: row.id))


def _row(entry: Dict[str, Any], shared: Callable[[str], str]) -> Optional[ev.FinishedRequest]:
    """Return a row; `shared` returns an equal text that is in memory already."""
    row_id = whole(entry.get("id"))
    if row_id is None:
        return None
    tokens = mapping(entry.get("tokens")) or entry
    prompt, generated, cached = (whole(tokens.get(f"{kind}_tokens")) for kind in ("input", "output", "cache"))
    if not (prompt or generated or cached):  # all zero: llama-swap could read nothing from the server (5.1)
        prompt = generated = cached = None
    duration_ms = number(entry.get("duration_ms"))
    duration_ms = None if duration_ms is None or duration_ms > _LONGEST_DURATION_MS else duration_ms
    told_tps, told_prompt_tps = number(tokens.get("tokens_per_second")), number(tokens.get("prompt_per_second"))
    if "prompt_per_second" not in tokens and _of_the_whole(told_tps, (prompt or 0) + (generated or 0), duration_ms):
        told_tps = None
    return ev.FinishedRequest(
        id=row_id,
        model=shared(text(entry.get("model"))),
        at_unix_s=unix_s(entry.get("timestamp")),
        path=shared(text(entry.get("req_path"))),
        status=whole(entry.get("resp_status_code")),
        prompt_tokens=prompt,
        cached_tokens=cached,
        generated_tokens=generated,
        prompt_tps=rate(prompt, duration_ms, told_prompt_tps, most_tps=MOST_PROMPT_TPS),
        generation_tps=rate(generated, duration_ms, told_tps),
        duration_s=None if duration_ms is None else duration_ms / 1000,
        error=_without_command(entry.get("error_msg")),
        draft_tokens=whole(tokens.get("draft_tokens")),
        accepted_tokens=whole(tokens.get("draft_acc_tokens")),
    )


def _of_the_whole(tps: Optional[float], tokens: int, duration_ms: Optional[float]) -> bool:
    """Tell whether a rate is computed as in v140: all tokens, prompt included, by the total time, load included (16.1).
    """
    if tps is None or duration_ms is None:
        return False
    return tps * (duration_ms - 0.01) <= tokens * 1000 <= tps * (duration_ms + 1.01)  # whole milliseconds, truncated


def decode_activity_note(value: Any) -> Optional[ev.ActivityNoted]:
    """Return the event that a request finished."""
    return ev.ActivityNoted(whole(mapping(value).get("id"))) if isinstance(value, dict) else None


def decode_profile(value: Any) -> Optional[ev.ProfileChosen]:
    """Return which profile is active now."""
    return ev.ProfileChosen(text(value.get("active")) or None) if isinstance(value, dict) else None


def decode_profiles(value: Any) -> Optional[ev.ProfilesListed]:
    """Return the profiles of `/api/profiles`."""
    body = mapping(value)
    if not isinstance(body.get("profiles"), list):
        return None
    known = (text(entry.get("id")) for entry in items(body["profiles"])[: limits.PROFILES])
    names = tuple(filter(None, known))
    return ev.ProfilesListed(names, text(body.get("active")) or None)


def decode_running(value: Any) -> Optional[ev.RunningListed]:
    """Return the models of `/running`. `cmd` is searched for one option and then dropped: it may hold secrets."""
    body = mapping(value)
    if not isinstance(body.get("running"), list):
        return None
    entries = items(body["running"])[: limits.MODELS]
    return ev.RunningListed(tuple(_running(entry) for entry in entries if text(entry.get("model"))))


def _running(entry: Dict[str, Any]) -> ev.RunningModel:
    return ev.RunningModel(
        id=text(entry.get("model")),
        state=text(entry.get("state")),
        proxy=text(entry.get("proxy")) or None,
        ttl_s=number(entry.get("ttl")),
        may_sleep=may_sleep(entry["cmd"]) if isinstance(entry.get("cmd"), str) else False,
    )


def may_sleep(command: str) -> bool:
    """Tell whether a command line, or NAME=value from its environment, lets a model server sleep; -1 means never."""
    return any(not never.group(1) for never in _SLEEP_OPTION.finditer(command))


def decode_version(value: Any) -> ev.VersionRead:
    """Return the version as people write it, "250"; a plain `go build` reports 0, abcd1234, unknown."""
    said, commit, date = (text(mapping(value).get(key)) for key in ("version", "commit", "build_date"))
    version = said.lstrip("v")
    named = version not in ("", "0") or commit not in ("", "abcd1234")
    return ev.VersionRead(version_of(version), f"{version} {commit} {date}" if named else "")


def version_of(build: str) -> str:
    """Return a build's version as people write it, "" if its first word isn't a number."""
    version = build.partition(" ")[0]
    return version if version[:1].isdigit() and version != "0" else ""


def decode_performance(value: Any) -> Optional[ev.GpuMeasured]:
    """Return the GPU's newest samples of `/api/performance`; None without GPU data. A power of 0 is unknown."""
    newest = {text(sample.get("id")): sample for sample in items(mapping(value).get("gpu_stats"))}
    busy = [used for used in (number(sample.get("gpu_util_pct")) for sample in newest.values()) if used is not None]
    power_w = sum(number(sample.get("power_draw_w")) or 0.0 for sample in newest.values())
    return ev.GpuMeasured(min(1.0, sum(busy) / len(busy) / 100), power_w or None) if busy else None


def decode_slots(value: Any) -> Optional[Tuple[ev.Slot, ...]]:
    """Return the slots of a llama.cpp server; None if the answer isn't a list of slots."""
    if not isinstance(value, list) or not all(isinstance(entry, dict) and "id" in entry for entry in value):
        return None
    if len(value) > limits.SLOTS:
        return None
    return tuple(_slot(entry, index) for index, entry in enumerate(value))


def _slot(entry: Dict[str, Any], index: int) -> ev.Slot:
    token = entry.get("next_token")
    token = mapping(token[0] if isinstance(token, list) and token else token)
    slot_id = whole(entry.get("id"))
    state = whole(entry.get("state"))  # before 2024-11 this was a number, 0 = idle
    return ev.Slot(
        id=index if slot_id is None else slot_id,
        task=whole(entry.get("id_task")),
        processing=entry.get("is_processing") is True or bool(state),
        decoded_tokens=_tokens(token.get("n_decoded")),
        prompt_tokens=_tokens(entry.get("n_prompt_tokens_processed")),
        cached_tokens=_tokens(entry.get("n_prompt_tokens_cache")),
        context_tokens=_tokens(entry.get("n_ctx")) or None,
    )


def _tokens(value: Any) -> Optional[int]:
    """Return a plausible count from a model server, else None."""
    found = whole(value)
    return found if found is not None and found <= _MOST_TOKENS else None


def error_text(raw: bytes) -> str:
    """Return the message of an error body of any version: JSON with a string or an object, or plain text."""
    error = mapping(parse(raw)).get("error")
    if isinstance(error, dict):
        error = error.get("message")
    if isinstance(error, str):
        return _without_command(error)
    plain = raw.decode("utf-8", "replace").strip()
    return "" if plain.startswith(("<", "{", "[")) else _without_command(plain.splitlines()[0]) if plain else ""


def _without_command(said: Any) -> str:
    """Return an error without the command line that llama-swap quotes if it can't start it: that may hold secrets."""
    return text(_COMMAND.sub("command", said) if isinstance(said, str) else said)


_DECODERS: Dict[str, Callable[[Any], Optional[ev.Event]]] = {
    "modelStatus": decode_models,
    "inflight": decode_inflight,
    "metrics": decode_metrics,
    "activity": decode_activity_note,
    "profileChanged": decode_profile,
}
