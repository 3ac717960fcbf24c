"""The labels of models: the display name if the config has one, else the id. No two labels look alike.

Ids of Hugging Face repositories differ in the middle, which is where a long name is cut. So if names look alike after
cutting, each is cut again around the first character in which they differ.
"""

from functools import lru_cache
from typing import Dict, List, Mapping, Tuple

from llamabar.core.state import Snapshot
from llamabar.view.text import NAME_LIMIT_CHARS, name, plain

ROUNDS = 8  # each cuts further along; names that still look alike then differ only invisibly

Pairs = Tuple[Tuple[str, str], ...]


def labels(snapshot: Snapshot, *, by_id: bool = False, limit: int = NAME_LIMIT_CHARS) -> Mapping[str, str]:
    """Return each model's label, by id, within `limit` characters. `by_id`: the user wants ids as labels."""
    return _labels(tuple((one.id, "" if by_id else one.info.name) for one in snapshot.models.values()), limit)


@lru_cache(maxsize=16)
def _labels(models: Pairs, limit: int) -> Mapping[str, str]:
    whole = {model_id: plain(shown) or plain(model_id) for model_id, shown in models}
    for doubled in _alike(whole):
        whole.update({model_id: plain(model_id) for model_id in doubled})
    shown = {model_id: name(text, limit) for model_id, text in whole.items()}
    for _ in range(ROUNDS):
        groups = _alike(shown)
        if not groups:
            return shown
        for group in groups:
            shown.update(_cut_where_they_differ({model_id: whole[model_id] for model_id in group}, limit))
    for group in _alike(shown):
        ends = {model_id: f" ({number})" for number, model_id in enumerate(group, 1)}
        shown.update({model_id: shown[model_id][: limit - len(end)] + end for model_id, end in ends.items()})
    return shown


def _alike(shown: Mapping[str, str]) -> List[List[str]]:
    groups: Dict[str, List[str]] = {}
    for model_id, text in shown.items():
        groups.setdefault(text, []).append(model_id)
    return [group for group in groups.values() if len(group) > 1]


def _cut_where_they_differ(whole: Mapping[str, str], limit: int) -> Dict[str, str]:
    differs = next((at for at, chars in enumerate(zip(*whole.values())) if len(set(chars)) > 1), 0)
    differs = differs or min(len(text) for text in whole.values())
    start = max(limit // 4, differs - limit // 8)
    return {model_id: _cut(text, start, limit) for model_id, text in whole.items()}


def _cut(text: str, start: int, limit: int) -> str:
    head = limit // 4
    room = limit - head - 1
    rest = text[start:]
    if len(rest) > room:
        tail = room // 3
        rest = f"{rest[: room - tail - 1]}…{rest[-tail:]}"
    return f"{text[:head]}{'…' if start > head else ''}{rest}"
