"""What the last menu was made of: a part whose causes have not changed is not made again."""

from typing import Callable, Dict, Hashable, Tuple, TypeVar, cast

Part = TypeVar("Part")


class Remembered:
    """The parts of the last menu by key, each with what it was made of. It saves time and changes nothing else."""

    def __init__(self) -> None:
        self._last: Dict[Hashable, Tuple[object, object]] = {}
        self._now: Dict[Hashable, Tuple[object, object]] = {}

    def turn(self) -> None:
        """Begin a new menu; what the one before did not use is forgotten."""
        self._last, self._now = self._now, {}

    def part(self, key: Hashable, made_of: Tuple[object, ...], make: Callable[[], Part]) -> Part:
        """Return the part of the last menu, if it was made of the same."""
        before = self._now.get(key) or self._last.get(key)
        found = before if before is not None and before[0] == made_of else (made_of, make())
        self._now[key] = found
        return cast(Part, found[1])
