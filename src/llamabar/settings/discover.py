"""Settings with everything that finding them needs: the one place that knows both roots."""

import os
from dataclasses import replace
from pathlib import Path
from typing import List, Mapping, Optional, Tuple

from llamabar.settings import load
from llamabar.settings.load import Settings


def settings(environment: Mapping[str, str], *, option: str = "", server: str = "") -> Settings:
    """Return the settings in force; raise LlamabarError for an option that cannot be followed."""
    found = load.load(environment, option=option, discover=_discover)
    found = replace(found, rediscover=_rediscover)
    return load.select(found, server) if server else found


def _discover() -> Tuple[str, str]:
    from llamabar.macos.agents import listen_of
    from llamabar.sources.discovery import discover

    return discover(_agents(), listen_of)


def _rediscover() -> Optional[Tuple[str, str]]:
    from llamabar.macos.agents import listen_of
    from llamabar.sources.discovery import rediscover

    return rediscover(_agents(), listen_of)


def _agents() -> List[Tuple[str, str]]:
    from llamabar.macos.agents import find_agents

    return [(agent.url, f"LaunchAgent {agent.label}") for agent in find_agents(Path(os.path.expanduser("~")))]
