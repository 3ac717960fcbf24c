"""The dashboard's state besides the scene: page, selection, question, and the result of the last key."""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, NamedTuple, Optional, Tuple

from llamabar.core.state import Model
from llamabar.terminal import facts, words
from llamabar.terminal.facts import SORTS, Thing
from llamabar.view.menu import MODEL, Action, Do
from llamabar.view.scene import Scene, Server
from llamabar.view.text import plain

MESSAGE_FOR_S = 10.0


class Page(Enum):
    """What the window shows."""

    TABLES = "tables"
    DETAILS = "details"
    HELP = "help"
    PROFILES = "profiles"


class Deed(Enum):
    """What the loop should do."""

    QUIT = "quit"
    ACT = "act"
    COPY = "copy"
    LOG = "log"
    DOCTOR = "doctor"
    PAUSE = "pause"


class Level(Enum):
    """The kind of a message in the bottom line."""

    PLAIN = "plain"
    GOOD = "good"
    BAD = "bad"


class Sent(NamedTuple):
    """An action that was sent and hasn't finished."""

    action: Action
    label: str
    at_s: float


class Question(NamedTuple):
    """An action waiting for confirmation, and the question."""

    action: Action
    label: str
    text: str


@dataclass(frozen=True)
class View:
    """The state of the dashboard. `place` is the selection's row; `message` is the last key's result."""

    server: str = ""
    page: Page = Page.TABLES
    selected: Optional[Thing] = None
    place: int = -1
    top: int = 0  # the first model shown
    rows: int = 10  # of models, as last drawn
    sort: str = SORTS[0]
    filter: str = ""
    typing: bool = False
    question: Optional[Question] = None
    chosen: str = ""  # the highlighted profile
    message: str = ""
    level: Level = Level.PLAIN
    said_s: float = 0.0
    sent: Tuple[Sent, ...] = ()
    demo: bool = False


class Outcome(NamedTuple):
    """The next view, and what to do: a deed with its action or text. `refused`: the key can do nothing now."""

    view: View
    deed: Optional[Deed] = None
    action: Optional[Action] = None
    text: str = ""
    refused: bool = False


def settled(view: View, scene: Scene) -> View:
    """Return the view for a new scene: what has gone is deselected, and finished actions are reported."""
    server = facts.shown_server(scene, view.server)
    view = replace(_told(view, scene), server=server.name)
    if view.message and scene.now_s > view.said_s + MESSAGE_FOR_S and not view.sent:
        view = replace(view, message="")
    found = things(view, scene)
    if view.selected is None:
        return replace(view, selected=found[0], place=0) if found and view.place < 0 else view
    if view.selected in found:
        return replace(view, place=found.index(view.selected))
    gone = view.selected.kind == MODEL or facts.request_of(server.snapshot, view.selected) is None
    page = Page.TABLES if view.page is Page.DETAILS and gone else view.page
    return replace(view, selected=None, place=max(0, view.place), page=page)


def say(view: View, text: str, scene: Scene, level: Level = Level.PLAIN) -> View:
    """Return the view with a message in its bottom line."""
    return replace(view, message=text, level=level, said_s=scene.now_s)


def _told(view: View, scene: Scene) -> View:
    """Report finished actions."""
    for sent in view.sent:
        server = facts.shown_server(scene, sent.action.server)
        asked = server.snapshot.asked.get(sent.action.token)
        if asked is None or asked.ended_s is None or asked.ended_s < sent.at_s:
            continue
        do, failure = sent.action.do, asked.failure
        took_s = asked.ended_s - sent.at_s
        text = words.failed(do, sent.label, plain(failure)) if failure else words.done(do, sent.label, took_s)
        view = say(view, text, scene, Level.BAD if failure else Level.GOOD)
        view = replace(view, sent=tuple(one for one in view.sent if one != sent))
    return view


def things(view: View, scene: Scene) -> Tuple[Thing, ...]:
    """Return everything that can be selected, in screen order."""
    server = facts.shown_server(scene, view.server)
    models = facts.models(server, now_s=scene.now_s, sort=view.sort, wanted=view.filter)
    return (
        *(Thing(MODEL, model.id) for model in models),
        *(facts.thing_of(request) for request in facts.requests(server, wanted=view.filter)),
    )


class Here(NamedTuple):
    """Where a key is pressed, and what can come of it."""

    view: View
    scene: Scene

    @property
    def server(self) -> Server:
        """Return the shown server."""
        return facts.shown_server(self.scene, self.view.server)

    @property
    def model(self) -> Optional[Model]:
        """Return the selected model."""
        one = self.view.selected
        return self.server.snapshot.models.get(one.id) if one is not None and one.kind == MODEL else None

    def changed(self, **changes: Any) -> Outcome:
        """Change the view."""
        return Outcome(replace(self.view, **changes))

    def said(self, text: str, **changes: Any) -> Outcome:
        """Change the view, and say something."""
        return Outcome(say(replace(self.view, **changes), text, self.scene))

    def refused(self, why: str) -> Outcome:
        """Say why the key can do nothing now."""
        return self.said(why)._replace(refused=True)

    def action(self, do: Do, target: str = "", *, mark: str = "") -> Action:
        """Return an action on the shown server."""
        return Action(do, target, server=self.server.name, mark=mark)

    def sent(self, action: Action, label: str = "", **changes: Any) -> Outcome:
        """Send an action, and say so."""
        sent = (*self.view.sent, Sent(action, label, self.scene.now_s))
        said = self.said(words.doing(action.do, label), sent=sent, **changes)
        return said._replace(deed=Deed.ACT, action=action)

    def asked(self, action: Action, label: str, requests: Optional[int]) -> Outcome:
        """Ask before an action that interrupts requests."""
        return self.changed(question=Question(action, label, words.question(action.do, label, requests)))
