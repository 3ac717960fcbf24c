"""The recordings of real servers, played into the real pipeline."""

from pathlib import Path
from typing import Tuple

from llamabar.app import playback
from llamabar.app.playback import NAME
from llamabar.core.events import HostMeasured
from llamabar.sources import replay

RECORDINGS = Path(__file__).parents[1] / "recordings"
HOST = HostMeasured(cpu_ratio=0.06, memory_used_bytes=41_000_000_000, memory_total_bytes=64_000_000_000)


class Player(playback.Player):
    """A monitor that lives through the recording of a version, on a computer of our choice."""

    def __init__(self, version: str, piece_bytes=None) -> None:
        super().__init__(replay.load(RECORDINGS / version), piece_bytes=piece_bytes, began=(HOST,))


def moments(version: str, times: Tuple[Tuple[float, str], ...]):
    """Yield a player at each of the moments."""
    player = Player(version)
    for at_s, name in times:
        yield name, player.play(at_s)


__all__ = ["HOST", "NAME", "RECORDINGS", "Player", "moments"]
