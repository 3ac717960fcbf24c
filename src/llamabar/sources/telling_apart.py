"""Which process serves which model, where the API reports no ports (llama-swap up to v185): what can be read tells it.

Two things do: the command in llama-swap's configuration, if it is as it was when the process started, and the moment at
which llama-swap said that it starts a model. What neither tells stays unknown.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence

from llamabar.core import server_config
from llamabar.core.server_config import Words
from llamabar.core.state import STARTING, Model
from llamabar.macos import agents, files
from llamabar.sources import clock, processes
from llamabar.sources.processes import psutil

CONFIG = "config.yaml"  # the default up to v217
CONFIG_BYTES = 4_000_000
NEAR_S = 2.0  # between an event or a change of the file and the start of a process; Linux tells it to the second


def told_apart(
    server: psutil.Process, models: Sequence[Model], children: Sequence[Sequence[psutil.Process]]
) -> Dict[str, int]:
    """Return the position of each model's processes among `children`, as far as something tells it."""
    began = [processes.started_s(members[0].pid) for members in children]
    said = [server_config.words(word for one in members for word in processes.command(one)) for members in children]
    ids = {model.id for model in models}
    commands = _commands(server, oldest_s=min((one for one in began if one is not None), default=None))
    found = {one: at for one, at in server_config.matches(commands, said).items() if one in ids}
    return {**_by_start(models, began, taken=found), **found}


def _commands(server: psutil.Process, *, oldest_s: Optional[float]) -> Dict[str, Words]:
    """Return the commands in llama-swap's configuration; none if it was written after the oldest process started."""
    folder = processes.read("folders", server.cwd, "")
    path = Path(folder, agents.flag(processes.command(server), "config") or CONFIG)
    try:
        written_s = os.stat(path).st_mtime
    except OSError:
        return {}
    if oldest_s is None or not folder or written_s > oldest_s + NEAR_S:
        return {}
    content = files.read(path, limit_bytes=CONFIG_BYTES)
    return server_config.commands(content.decode("utf-8", "replace")) if content is not None else {}


def _by_start(models: Sequence[Model], began: Sequence[Optional[float]], *, taken: Mapping[str, int]) -> Dict[str, int]:
    """Return the processes that started when only one model was said to start."""
    since_s = clock.unix_s() - clock.now_s()
    starts = {one.id: _start_s(one) for one in models if one.id not in taken}
    near: Dict[str, List[int]] = {
        model_id: [at for at, one in enumerate(began) if one is not None and abs(one - start_s - since_s) < NEAR_S]
        for model_id, start_s in starts.items()
        if start_s is not None
    }
    every = [at for found in near.values() for at in found]
    return {
        model_id: found[0] for model_id, found in near.items()
        if len(found) == 1 and every.count(found[0]) == 1 and found[0] not in taken.values()
    }  # fmt: skip


def _start_s(model: Model) -> Optional[float]:
    if model.state == STARTING:
        return model.state_since_s
    return model.ready_s - model.load_s if model.ready_s is not None and model.load_s is not None else None
