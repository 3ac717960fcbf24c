"""Settings with everything that finding them needs, and the client that a server's secrets are given to."""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, List, Mapping, Optional, Tuple

from llamabar.core import address
from llamabar.settings import load
from llamabar.settings.load import ServerSettings, Settings

if TYPE_CHECKING:
    from llamabar.sources.client import Client


def settings(environment: Mapping[str, str], *, option: str = "", server: str = "") -> Settings:
    """Return the settings in force; raise LlamabarError for an option that cannot be followed."""
    found = load.load(environment, option=option, discover=_discover)
    found = replace(found, rediscover=_rediscover)
    return load.select(found, server) if server else found


def client_of(server: ServerSettings) -> "Client":
    """Return the client of a server with its secrets. Where no setting names the address they go only to our own."""
    from llamabar.sources.client import Client

    return Client(
        server.url, api_key=server.api_key, login=server.login, ca_file=server.ca_file, answer_s=server.answer_s,
        may_have_secrets=_is_ours if server.discovered else None,
    )  # fmt: skip


def _is_ours(url: str) -> bool:
    """Tell whether a llama-swap of this user is found listening there; that a LaunchAgent names the address proves
    nothing about who has taken it.
    """
    from llamabar.sources.processes import is_llama_swap, listener

    found = address.parse(url)
    process = listener(found.host, found.port) if found is not None else None
    return process is not None and is_llama_swap(process)


def _discover() -> Tuple[str, str]:
    from llamabar.sources.discovery import discover

    return discover(_agents())


def _rediscover() -> Optional[Tuple[str, str]]:
    from llamabar.sources.discovery import rediscover

    return rediscover(_agents())


def _agents() -> List[Tuple[str, str]]:
    from llamabar.macos.agents import find_agents

    agents = find_agents(Path(os.path.expanduser("~")))
    return [(agent.url, f"LaunchAgent {agent.label}") for agent in agents if agent.url]
