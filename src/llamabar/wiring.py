"""Settings with everything that finding them needs: the one place that knows both roots."""

import os
from pathlib import Path
from typing import Mapping, Tuple

from llamabar import config
from llamabar.config import Settings


def settings(environment: Mapping[str, str], *, option: str = "", server: str = "") -> Settings:
    """Return the settings in force; raise LlamabarError for an option that cannot be followed."""
    found = config.load(environment, option=option, discover=_discover)
    return config.select(found, server) if server else found


def _discover() -> Tuple[str, str]:
    from llamabar.sources.discovery import discover
    from llamabar_installer.agents import find_agents, listen_of

    agents = find_agents(Path(os.path.expanduser("~")))
    return discover((agent.url for agent in agents), listen_of)
