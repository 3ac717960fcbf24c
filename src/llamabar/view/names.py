"""What a model is called: its display name where the config gives one, else its id; no two look alike.

Ids of Hugging Face repositories differ in their middle, where a name that is too long is cut. So of names that look
alike after cutting each is cut again around the first character in which they differ.
"""

from functools import lru_cache
from typing import Dict, List, Mapping, Tuple

from llamabar.core.events import ModelInfo
from llamabar.core.state import Snapshot
from llamabar.view.text import NAME_LIMIT_CHARS, name, plain

HEAD_CHARS, BEFORE_CHARS = 12, 6
ROUNDS = 8  # each cuts further on; what is still alike then differs in what nobody sees

Pairs = Tuple[Tuple[str, str], ...]


def labels(snapshot: Snapshot, *, by_id: bool = False) -> Mapping[str, str]:
    """Return what each model is called, by id; `by_id`: the user wants to see ids."""
    return _labels(tuple((one.id, "" if by_id else one.info.name) for one in snapshot.models.values()))


def called(info: ModelInfo) -> str:
    """Return the whole name of one model."""
    return plain(info.name) or plain(info.id)


@lru_cache(maxsize=16)
def _labels(models: Pairs) -> Mapping[str, str]:
    whole = {model_id: plain(shown) or plain(model_id) for model_id, shown in models}
    for doubled in _alike(whole):
        whole.update({model_id: plain(model_id) for model_id in doubled})
    shown = {model_id: name(text) for model_id, text in whole.items()}
    for _ in range(ROUNDS):
        groups = _alike(shown)
        if not groups:
            return shown
        for group in groups:
            shown.update(_cut_where_they_differ({model_id: whole[model_id] for model_id in group}))
    for group in _alike(shown):
        shown.update({model_id: f"{shown[model_id]} ({number})" for number, model_id in enumerate(group, 1)})
    return shown


def _alike(shown: Mapping[str, str]) -> List[List[str]]:
    """Return the groups of ids that are shown alike."""
    groups: Dict[str, List[str]] = {}
    for model_id, text in shown.items():
        groups.setdefault(text, []).append(model_id)
    return [group for group in groups.values() if len(group) > 1]


def _cut_where_they_differ(whole: Mapping[str, str]) -> Dict[str, str]:
    differs = next((at for at, chars in enumerate(zip(*whole.values())) if len(set(chars)) > 1), 0)
    differs = differs or min(len(text) for text in whole.values())
    start = max(HEAD_CHARS, differs - BEFORE_CHARS)
    return {model_id: _cut(text, start) for model_id, text in whole.items()}


def _cut(text: str, start: int) -> str:
    room = NAME_LIMIT_CHARS - HEAD_CHARS - 1
    rest = text[start:]
    if len(rest) > room:
        tail = room // 3
        rest = f"{rest[: room - tail - 1]}…{rest[-tail:]}"
    return f"{text[:HEAD_CHARS]}{'…' if start > HEAD_CHARS else ''}{rest}"
