"""Sources asked side by side on threads of their own, each until its own time is up.

Law: nothing that hangs is waited for (a dead disk, launchctl, the keychain). Its thread is a daemon, and a late answer
is ignored.
"""

import threading
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
        self._done: Dict[str, threading.Event] = {}
        self._answers: Dict[str, Any] = {}
        self._failures: Dict[str, Exception] = {}
        self._ends_s: Dict[str, Tuple[float, float]] = {}

    def begin(self, name: str, work: Callable[[], Any], *, source: str, limit_s: float) -> None:
        """Start to find out a fact; it may wait for others with `get`."""
        self._done[name], self.sources[name] = threading.Event(), source
        ends_s = min(self.ends_s, clock.now_s() + limit_s)
        self._ends_s[name] = ends_s, limit_s
        threading.Thread(target=self._work, args=(name, work, ends_s), name=f"fact {name}", daemon=True).start()

    def get(self, name: str) -> Any:
        """Return a fact, waited for until its time is up; raise Unknown."""
        if name not in self._done:
            raise Unknown("not asked for")
        ends_s, limit_s = self._ends_s[name]
        if not self._done[name].wait(max(0.0, ends_s - clock.now_s())):
            raise Unknown(f"{self.sources[name]} didn't answer within {limit_s:g} s")
        if name in self._failures:
            raise self._failures[name]
        return self._answers[name]

    def names(self) -> List[str]:
        """Return what was asked for."""
        return list(self._done)

    def _work(self, name: str, work: Callable[[], Any], ends_s: float) -> None:
        tools.end_by(ends_s - 0.1)  # a tool that hangs is ended before its fact is given up
        try:
            self._answers[name] = work()
        except (Unknown, LlamabarError) as error:
            self._failures[name] = error
        except Exception as error:  # whatever a damaged file or a garbled answer leads to
            self._failures[name] = Unknown(f"{self.sources[name]}: {type(error).__name__}")
        self._done[name].set()
