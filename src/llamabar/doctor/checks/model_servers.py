"""The model servers behind llama-swap, on this computer."""

from typing import Optional

from llamabar.core.units import plural
from llamabar.doctor.checks.facts import Facts
from llamabar.doctor.checks.finding import Found, Layer, Level
from llamabar.doctor.checks.llama_swap import ready

OLD_BUILD = 5000  # b5000 of April 2025: the first whose /slots tells how many tokens were decoded is older


def summary(facts: Facts) -> str:
    """Return the layer in one line."""
    answering = [model for model in ready(facts) if model.server_answers]
    return f"{plural(len(answering), 'model server')} answering"


MODEL_SERVERS = Layer("model servers", ("servers", "reachable"), summary)


@MODEL_SERVERS.check(Level.WARNING, "Every ready model's server answers", remedy="{llamabar} unload {model}")
def model_server_silent(facts: Facts) -> Optional[Found]:
    """A model is ready and its own server does not answer: requests to it will fail."""
    model = next((model for model in ready(facts) if model.server_answers is False), None)
    if model is None:
        return None
    return Found(f"The server of {model.id} does not answer", f"At {model.server_url}. Unloading it makes room:",
                 {"model": model.id})  # fmt: skip


@MODEL_SERVERS.check(Level.NOTE, "Model servers tell their speed", remedy="{llamabar} open config")
def slots_closed(facts: Facts) -> Optional[Found]:
    """A model server does not open /slots, so its speed is estimated: add --slots to its command in the config."""
    model = next((model for model in ready(facts) if model.slots_open is False), None)
    if model is None:
        return None
    return Found(f"The speed of {model.id} can only be estimated", "Add --slots to its command (cmd) in the config:")


@MODEL_SERVERS.check(Level.NOTE, "Model servers are not old", remedy="brew upgrade llama.cpp")
def model_server_old(facts: Facts) -> Optional[Found]:
    """A model server is an old build of llama.cpp."""
    old = (m for m in ready(facts) if m.server_build is not None and 1 < m.server_build < OLD_BUILD)
    model = next(old, None)
    if model is None:
        return None
    return Found(f"The server of {model.id} is old", f"It is llama.cpp b{model.server_build}.")


@MODEL_SERVERS.check(Level.WARNING, "No model server was left behind", needs=("processes",), remedy="kill {pid}")
def model_server_left_behind(facts: Facts) -> Optional[Found]:
    """A model server lives on without its llama-swap (which was killed), and holds memory and a port."""
    orphans = facts.processes.orphans
    if not orphans:
        return None
    said = f"{plural(len(orphans), 'model server')} {'was' if len(orphans) == 1 else 'were'} left behind"
    pids = ", ".join(str(one.pid) for one in orphans)
    return Found(said, f"Without a llama-swap, in memory all the same: pid {pids}.", {"pid": str(orphans[0].pid)})
