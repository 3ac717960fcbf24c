"""Shortcuts for making snapshots."""

from llamabar.core import events as ev
from llamabar.core.snapshot import apply
from llamabar.core.state import Snapshot

CHAT = "/v1/chat/completions"


def live(*said, at_s=0.0, step_s=0.0):
    """Return the snapshot after a connection and some events, `step_s` apart."""
    snapshot = apply(Snapshot(), ev.StreamOpened(), at_s)
    return after(snapshot, *said, at_s=at_s, step_s=step_s)


def after(snapshot, *said, at_s, step_s=0.0):
    for index, event in enumerate(said):
        snapshot = apply(snapshot, event, at_s + index * step_s)
    return snapshot


def table(**states):
    """Return a model table: models(m="ready")."""
    return ev.ModelsListed(tuple(ev.ModelInfo(model_id, state) for model_id, state in states.items()))


def request(request_id="1", model="m", *, answered_bytes=0, streams=None, elapsed_s=0.0, path=CHAT, stamp="t"):
    streams = bool(answered_bytes) or None if streams is None else streams
    return ev.InflightUpserted(ev.RequestInfo(request_id, model, path, stamp, elapsed_s, answered_bytes, streams))


def running(model="m", *, ttl_s=300.0, proxy="http://localhost:5801", may_sleep=False):
    return ev.RunningListed((ev.RunningModel(model, "ready", proxy, ttl_s, may_sleep),))


def slots(*decoded, model="m", task=1, total=None):
    """Return an answer of /slots: a busy slot for each count of tokens, idle ones up to `total`."""
    busy = tuple(
        ev.Slot(i, task + i, True, count, prompt_tokens=10, cached_tokens=0) for i, count in enumerate(decoded)
    )
    idle = tuple(ev.Slot(i, None, False) for i in range(len(decoded), total or len(decoded)))
    return ev.SlotsAnswered(model, busy + idle)


def row(row_id=1, model="m", *, tokens=100, tps=40.0, path=CHAT, status=200, error=""):
    return ev.FinishedRequest(
        row_id,
        model,
        path=path,
        status=status,
        prompt_tokens=50,
        generated_tokens=tokens,
        generation_tps=tps,
        error=error,
    )


LISTED = ev.InflightListed(())
REFUSED = ev.StreamLost(ev.Fault(ev.FaultKind.REFUSED))
