"""Executes a plan. Each step records what it will create, creates it, verifies it, and knows how to undo it.

When a step fails, its group is undone, latest step first, and the manifest becomes what it was before; finished groups
stay and are named. One deadline covers the whole plan, whatever launchctl does: each step gets what is left, and some
time is reserved for undoing.
"""

import contextlib
from dataclasses import dataclass, field
from typing import Callable, Dict, List, Optional, Tuple

from llamabar.macos import tools
from llamabar.macos.launchctl import Trouble
from llamabar.macos.paths import Places
from llamabar_installer import manifest, removal, work
from llamabar_installer.manifest import Manifest
from llamabar_installer.notes import Note, Why, note
from llamabar_installer.steps import Kind, Plan, Step
from llamabar_installer.work import StepContext, StepFailed, Undo

OTHERS_S = 10.0  # for all steps that wait for nothing
WAITING_S = 20.0  # for each step that waits for a service: how long a start or restart may take
STOPPING_S = 50.0  # for each step that waits for a service to exit: our ExitTimeOut plus five seconds
UNDO_S = 20.0


@dataclass(frozen=True)
class Report:
    """The result. `remarks`: other things to know; `failure`: why the failed step failed."""

    done: Tuple[Step, ...] = ()
    failed: Optional[Step] = None
    undone: Tuple[Step, ...] = ()
    failure: Optional[Note] = None
    remarks: Tuple[Note, ...] = ()

    @property
    def ok(self) -> bool:
        """Tell whether every step was done and verified."""
        return self.failed is None

    @property
    def kept(self) -> Tuple[Step, ...]:
        """Return the steps that were done and not undone."""
        return tuple(step for step in self.done if step not in self.undone)

    @property
    def interrupted(self) -> bool:
        """Tell whether the user interrupted it."""
        return self.failure is not None and self.failure.why is Why.INTERRUPTED


@dataclass
class Execution:
    """A plan being executed. `say` reports what is being waited for; `finished` gets each completed step."""

    places: Places
    say: Callable[[str], None] = lambda _: None
    finished: Callable[[Step], None] = lambda _: None
    scale: float = 1.0  # of the deadline
    done: List[Tuple[Step, Manifest, Optional[Undo]]] = field(default_factory=list)  # each with the manifest before it

    def run(self, plan: Plan) -> Report:
        """Do every step; return what was done and undone, and why."""
        context = StepContext(self.places, manifest.load(self.places.manifest), self.say)
        limit_s = OTHERS_S + sum(_WAITING.get(step.kind, 0.0) for step in plan.steps) + UNDO_S
        with tools.within(self.scale * limit_s):
            for step in plan.steps:
                before = context.manifest
                try:
                    self._do(step, context, tools.left_s() - self.scale * UNDO_S)
                except (StepFailed, Trouble, OSError, KeyboardInterrupt) as error:
                    return self._failed(step, error, context, before)
                self.finished(step)
        removal.forget_if_empty(context)
        return Report(done=self._steps(), remarks=tuple(context.remarks))

    def _steps(self) -> Tuple[Step, ...]:
        return tuple(step for step, _, _ in self.done)

    def _do(self, step: Step, context: StepContext, left_s: float) -> None:
        """Do a step. Signals are held back until its undo is known, unless it waits. Raise StepFailed if time is up."""
        if left_s <= 0:
            raise StepFailed(note(Why.OUT_OF_TIME))
        with tools.within(left_s), contextlib.nullcontext() if step.kind in _WAITING else tools.signals_held():
            before = context.manifest
            self.done.append((step, before, _DO[step.kind](context, step)))

    def _failed(self, step: Step, error: BaseException, context: StepContext, before: Manifest) -> Report:
        """Undo what was begun. A second Ctrl-C ends a running tool, but never the undo or its report."""
        with contextlib.suppress(KeyboardInterrupt), tools.signals_held():
            try:
                context.restore(before)
            except OSError:
                context.remarks.append(note(Why.NOT_LISTED, path=self.places.manifest))
            undone = self._undo(step, context)
            removal.forget_if_empty(context)
        return Report(self._steps(), step, undone, _note_of(error, step), tuple(context.remarks))

    def _undo(self, failed: Step, context: StepContext) -> Tuple[Step, ...]:
        """Undo the failed step's group and return the steps that were undone. Some steps have nothing to undo them."""
        undone: List[Step] = []
        for step, before, undo in reversed(self.done):
            if undo is None or step.group is not failed.group:
                continue
            try:
                undo()
                context.restore(before)
            except (StepFailed, Trouble, OSError) as error:
                why = _note_of(error, step).said
                context.remarks.append(note(Why.NOT_UNDONE, step=step.words, target=step.target, detail=why))
            else:
                undone.append(step)
        return tuple(undone)


def _note_of(error: BaseException, step: Step) -> Note:
    if isinstance(error, StepFailed):
        return error.note
    if isinstance(error, Trouble):
        return note(Why.LAUNCHD_SILENT, detail=error)
    if isinstance(error, KeyboardInterrupt):
        return note(Why.INTERRUPTED)
    detail = getattr(error, "strerror", None) or type(error).__name__
    return note(Why.OS_ERROR, path=getattr(error, "filename", None) or step.target, detail=detail)


_WAITING = {  # these undo what they began themselves
    Kind.START: WAITING_S, Kind.RELOAD: WAITING_S, Kind.PUT_BACK: WAITING_S, Kind.STOP: STOPPING_S,
    Kind.OLD_SERVICE: STOPPING_S,
}  # fmt: skip
_DO: Dict[Kind, Callable[[StepContext, Step], Optional[Undo]]] = {
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
    Kind.COMMAND: work.link_command,
    Kind.STOP: removal.stop,
    Kind.REMOVE_AGENT: removal.remove_agent,
    Kind.REMOVE_LINK: removal.remove_link,
    Kind.REMOVE_COMMAND: removal.remove_link,
    Kind.REMOVE_FILE: removal.remove_file,
    Kind.PUT_BACK: removal.put_back,
    Kind.REMOVE_CACHE: removal.remove_cache,
    Kind.REMOVE_FOLDERS: removal.remove_folders,
}
