"""Asks sources in parallel, each on its own thread and with its own time limit.

Law: nothing that hangs is waited for (a dead disk, launchctl, the keychain). Its thread is a daemon, and a late answer
is ignored.
"""

import threading
from concurrent import futures
from concurrent.futures import Future
from dataclasses import fields
from typing import Any, Callable, Dict, List, Tuple

from llamabar.errors import LlamabarError
from llamabar.macos import tools
from llamabar.sources import clock


class Unknown(Exception):
    """A fact that couldn't be collected; its text says why."""


def same(source: Any, fact: Any) -> Dict[str, Any]:
    """Return the attributes of `source` that are fields of the dataclass `fact`, by name."""
    return {field.name: getattr(source, field.name) for field in fields(fact) if hasattr(source, field.name)}


class Gathering:
    """Facts being collected. A fact without an answer at `ends_s` stays unknown."""

    def __init__(self, longest_s: float) -> None:
        self.ends_s = clock.now_s() + longest_s
        self.sources: Dict[str, str] = {}
        self._begun: Dict[str, Tuple[Future[Any], float, float]] = {}

    def begin(self, name: str, work: Callable[[], Any], *, source: str, limit_s: float) -> None:
        """Start collecting a fact. Its function may wait for others with `get`."""
        answer: Future[Any] = Future()
        ends_s = min(self.ends_s, clock.now_s() + limit_s)
        self.sources[name], self._begun[name] = source, (answer, ends_s, limit_s)

        def _work() -> None:
            try:
                with tools.within(ends_s - 0.1 - clock.now_s()):  # kill a hanging tool before the fact's time is up
                    answer.set_result(work())
            except (Unknown, LlamabarError) as error:
                answer.set_exception(error)
            except Exception as error:  # whatever a damaged file or a garbled answer raises
                answer.set_exception(Unknown(f"{source}: {type(error).__name__}"))

        threading.Thread(target=_work, name=f"fact {name}", daemon=True).start()

    def get(self, name: str) -> Any:
        """Return a fact, waiting until its time is up; raise Unknown."""
        if name not in self._begun:
            raise Unknown("not asked for")
        answer, ends_s, limit_s = self._begun[name]
        try:
            return answer.result(max(0.0, ends_s - clock.now_s()))
        except futures.TimeoutError:
            raise Unknown(f"{self.sources[name]} didn't answer within {limit_s:g} s") from None

    def names(self) -> List[str]:
        """Return the names of the facts being collected."""
        return list(self._begun)
