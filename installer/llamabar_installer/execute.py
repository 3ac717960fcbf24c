"""Carrying a plan out: each step writes down what it will make, makes it, looks again, and knows how to undo it.

When a step fails, those of its group are undone, latest first; groups that were finished stay and are named.
"""

import contextlib
from dataclasses import dataclass, field
from typing import Callable, Dict, List, Tuple

from llamabar.macos import probe, tools
from llamabar.macos.launchctl import Trouble
from llamabar.macos.paths import Places
from llamabar_installer import manifest, removal, work
from llamabar_installer.manifest import Manifest
from llamabar_installer.steps import Group, Kind, Plan, Step
from llamabar_installer.work import StepFailed, Undo, Workshop


@dataclass(frozen=True)
class Report:
    """How it went. `kept` are steps that stay although a later one failed; `remarks` what else to know."""

    done: Tuple[Step, ...] = ()
    failed: Tuple[Step, ...] = ()
    undone: Tuple[Step, ...] = ()
    said: str = ""
    hint: str = ""
    lines: Tuple[str, ...] = ()
    remarks: Tuple[str, ...] = ()
    interrupted: bool = False

    @property
    def ok(self) -> bool:
        """Tell whether every step was done and seen."""
        return not self.failed

    @property
    def kept(self) -> Tuple[Step, ...]:
        """Return the steps that were done and stay."""
        return tuple(step for step in self.done if step not in self.undone)


@dataclass
class Execution:
    """A plan under way. `say` is told what is waited for, `finished` each step that was done and seen."""

    places: Places
    answers: Callable[[str], bool] = probe.answers
    say: Callable[[str], None] = lambda _: None
    finished: Callable[[Step], None] = lambda _: None
    undos: List[Tuple[Step, Undo]] = field(default_factory=list)

    def run(self, plan: Plan) -> Report:
        """Do every step; return what was done, undone and why."""
        shop = Workshop(self.places, manifest.load(self.places.manifest), self.answers, self.say)
        for step in plan.steps:
            known = shop.manifest
            try:
                # A step is done whole, with what undoes it known, before it is undone.
                with contextlib.nullcontext() if step.kind in _WAITING else tools.signals_held():
                    self.undos.append((step, _DO[step.kind](shop, step)))
            except (StepFailed, Trouble, OSError, KeyboardInterrupt) as error:
                return self._failed_whole(step, error, shop, known)
            self.finished(step)
        removal.forget_if_empty(shop)
        return Report(done=tuple(step for step, _ in self.undos), remarks=tuple(shop.remarks))

    def _failed_whole(self, step: Step, error: BaseException, shop: Workshop, known: Manifest) -> Report:
        """Undo what was begun. Whoever is impatient cuts a tool short, never the undoing, nor what is said of it."""
        reports: List[Report] = []
        with contextlib.suppress(KeyboardInterrupt), tools.signals_held():
            reports.append(self._failed(step, error, shop, known))
        return reports[0]

    def _failed(self, step: Step, error: BaseException, shop: Workshop, known: Manifest) -> Report:
        done = tuple(one for one, _ in self.undos)
        try:
            shop.restore(known)
        except OSError:
            shop.remarks.append(f"{self.places.manifest} could not be written")
        undone, remarks = self._undo(step.group)
        removal.forget_if_empty(shop)
        said, hint, lines = _words(error, step)
        interrupted = isinstance(error, KeyboardInterrupt)
        return Report(done, (step,), undone, said, hint, lines, (*shop.remarks, *remarks), interrupted)

    def _undo(self, group: Group) -> Tuple[Tuple[Step, ...], Tuple[str, ...]]:
        undone: List[Step] = []
        remarks: List[str] = []
        for step, undo in reversed([pair for pair in self.undos if pair[0].group is group]):
            try:
                undo()
            except (StepFailed, Trouble, OSError) as error:
                remarks.append(f"Could not undo “{step.kind.value}” ({step.target}): {_words(error, step)[0]}")
            else:
                undone.append(step)
        return tuple(undone), tuple(remarks)


def _words(error: BaseException, step: Step) -> Tuple[str, str, Tuple[str, ...]]:
    if isinstance(error, StepFailed):
        return error.said, error.hint, error.lines
    if isinstance(error, Trouble):
        return f"launchd could not be asked: {error}", "Try again in a minute.", ()
    if isinstance(error, KeyboardInterrupt):
        return "Interrupted", "Run it again to go on.", ()
    reason = getattr(error, "strerror", None) or type(error).__name__
    return f"{getattr(error, 'filename', None) or step.target}: {reason}", "Mend that, then run it again.", ()


_WAITING = (Kind.START, Kind.RELOAD, Kind.STOP, Kind.OLD_SERVICE, Kind.PUT_BACK)  # each undoes what it began itself
_DO: Dict[Kind, Callable[[Workshop, Step], Undo]] = {
    Kind.CONFIG: work.write_config,
    Kind.AGENT: work.write_agent,
    Kind.START: work.start,
    Kind.RELOAD: work.restart,
    Kind.SETTINGS: work.write_settings,
    Kind.OLD_SERVICE: work.switch_off,
    Kind.OLD_PLUGIN: work.set_aside,
    Kind.PROGRAM: work.copy_program,
    Kind.ATTRIBUTE: work.mark,
    Kind.LINK: work.link,
    Kind.REFRESH: work.refresh,
    Kind.STOP: removal.stop,
    Kind.REMOVE_AGENT: removal.remove_agent,
    Kind.REMOVE_LINK: removal.remove_link,
    Kind.REMOVE_FILE: removal.remove_file,
    Kind.PUT_BACK: removal.put_back,
    Kind.REMOVE_CACHE: removal.remove_cache,
    Kind.REMOVE_FOLDERS: removal.remove_folders,
}
