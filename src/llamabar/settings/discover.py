"""Loads the settings, with discovery of a llama-swap, and makes the client that gets a server's secrets.

Discovery runs when no setting names an address, and again when that llama-swap is gone.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Iterator, Mapping, Optional, Tuple

from llamabar.core import address
from llamabar.settings import load
from llamabar.settings.load import ServerSettings, Settings

if TYPE_CHECKING:
    from llamabar.sources.client import Client

USUAL_PORTS = (address.DEFAULT_PORT, 45786)  # llama-swap's own, the Rust plugin's

Found = Tuple[str, str]  # a URL, and how it was found


def settings(environment: Mapping[str, str], *, option: str = "", server: str = "") -> Settings:
    """Return the effective settings; raise LlamabarError for a --config or --server that can't be used."""
    found = load.load(environment, option=option, discover=discover)
    found = replace(found, rediscover=rediscover)
    return load.select(found, server) if server else found


def client_of(server: ServerSettings) -> "Client":
    """Return the client of a server. If no setting names its address, only our own llama-swap gets its secrets."""
    from llamabar.sources.client import Client

    return Client(
        server.url, api_key=server.api_key, login=server.login, ca_file=server.ca_file, answer_s=server.answer_s,
        may_have_secrets=_is_ours if server.discovered else None,
    )  # fmt: skip


def _is_ours(url: str) -> bool:
    """Tell whether the listener at an address is a llama-swap of this user.

    That a LaunchAgent names the address proves nothing about who listens there.
    """
    from llamabar.sources.processes import is_llama_swap, listener

    found = address.parse(url)
    process = listener(found.host, found.port) if found is not None else None
    return process is not None and is_llama_swap(process)


def discover() -> Found:
    """Return the first of: a LaunchAgent's address, a running llama-swap's port, a default port that answers.

    If there is none, return the default address: llama-swap is expected there.
    """
    return next(_candidates(), (address.DEFAULT_URL, "default: no llama-swap was found"))


def rediscover() -> Optional[Found]:
    """Return the first of these that accepts connections now, or None."""
    from llamabar.macos import probe

    return next((found for found in _candidates() if probe.listens(found[0])), None)


def _candidates() -> Iterator[Found]:
    from llamabar.macos import probe
    from llamabar.macos.agents import find_agents
    from llamabar.sources.processes import running

    for agent in find_agents(Path(os.path.expanduser("~"))):
        if agent.url:
            yield agent.url, f"LaunchAgent {agent.label}"
    for process in running():
        yield process.url, f"a running llama-swap, process {process.pid}"
    for port in USUAL_PORTS:
        url = f"http://127.0.0.1:{port}"
        if probe.listens(url):
            yield url, "a usual port that answers"
