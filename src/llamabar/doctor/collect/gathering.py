"""Sources asked side by side on threads of their own, each until its own time is up.

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
    """A fact that could not be found out; its text says why."""


def same(source: Any, fact: Any) -> Dict[str, Any]:
    """Return what a source has of a fact's fields, by their names."""
    return {field.name: getattr(source, field.name) for field in fields(fact) if hasattr(source, field.name)}


class Gathering:
    """Facts being collected. What is not known at `ends_s` stays unknown."""

    def __init__(self, longest_s: float) -> None:
        self.ends_s = clock.now_s() + longest_s
        self.sources: Dict[str, str] = {}
        self._begun: Dict[str, Tuple[Future[Any], float, float]] = {}

    def begin(self, name: str, work: Callable[[], Any], *, source: str, limit_s: float) -> None:
        """Start to find out a fact; it may wait for others with `get`."""
        answer: Future[Any] = Future()
        ends_s = min(self.ends_s, clock.now_s() + limit_s)
        self.sources[name], self._begun[name] = source, (answer, ends_s, limit_s)

        def _work() -> None:
            try:
                with tools.within(ends_s - 0.1 - clock.now_s()):  # a tool that hangs is ended before its fact is
                    answer.set_result(work())
            except (Unknown, LlamabarError) as error:
                answer.set_exception(error)
            except Exception as error:  # whatever a damaged file or a garbled answer leads to
                answer.set_exception(Unknown(f"{source}: {type(error).__name__}"))

        threading.Thread(target=_work, name=f"fact {name}", daemon=True).start()

    def get(self, name: str) -> Any:
        """Return a fact, waited for until its time is up; raise Unknown."""
        if name not in self._begun:
            raise Unknown("not asked for")
        answer, ends_s, limit_s = self._begun[name]
        try:
            return answer.result(max(0.0, ends_s - clock.now_s()))
        except futures.TimeoutError:
            raise Unknown(f"{self.sources[name]} didn't answer within {limit_s:g} s") from None

    def names(self) -> List[str]:
        """Return what was asked for."""
        return list(self._begun)
