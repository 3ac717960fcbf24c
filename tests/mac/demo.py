"""The demo's server inside of the llama-swap of this Mac."""

import subprocess
from types import SimpleNamespace
from typing import Any

import llamabar.demo.world as world
from llamabar.demo.dialect import DIALECTS
from llamabar.demo.server import DemoServer
from tests.fakes.keyed import demo_server
from tests.fakes.programs import MODELS


class OwnGroup(subprocess.Popen):
    """A model server in a session of its own: the end of llama-swap's process group does not reach it."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more, start_new_session=True)


def serve(version: int, port: int, api_key: str) -> DemoServer:
    """Return a started server in the dialect that a version speaks."""
    if version >= 221:
        world.subprocess = SimpleNamespace(**{**vars(subprocess), "Popen": OwnGroup})  # type: ignore[assignment]
    known = [name for name in DIALECTS if int(name[1:]) <= version]
    return demo_server(world.World(known[-1] if known else "v150", MODELS), port, api_key).start()
