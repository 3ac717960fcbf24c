"""All state of the program, on one thread: events in, queries and frames out. The time is an argument."""

from dataclasses import dataclass, field, replace
from typing import Callable, Dict, FrozenSet, List, Mapping, Optional, Sequence, Tuple

from llamabar.core import cadence, limits, needs, queries, readings
from llamabar.core import events as ev
from llamabar.core.history import Chart as Kept
from llamabar.core.history import History, record, restored, tick
from llamabar.core.hysteresis import NONE_YET, Figures
from llamabar.core.queries import Answer, Query, QueryLog
from llamabar.core.snapshot import apply
from llamabar.core.state import Snapshot, working_unlisted
from llamabar.core.status import BUSY, Cause, Status, classify
from llamabar.core.totals import Rows, Told, Totals
from llamabar.view.compose import compose
from llamabar.view.menu import Action, Menu
from llamabar.view.scene import Scene, seen
from llamabar.view.words import REFUSED_FOR_S

BUSY_TICK_S = 1.0
CALM_TICK_S = 10.0
COUNTDOWN_S = 60.0
NO_NEWS = (ev.HostMeasured, ev.GpuMeasured, ev.MemoryMeasured, ev.HealthAnswered, ev.ConnectionsSeen)  # on their own


@dataclass
class Watched:
    """One server as it is known now."""

    name: str
    url: str
    has_key: bool = False
    snapshot: Snapshot = Snapshot()
    log: QueryLog = QueryLog()
    plan: queries.Plan = field(default_factory=queries.Plan)
    history: History = History()
    totals: Totals = field(default_factory=Totals)
    unread: bool = False  # the connection was lost before the newest rows were read
    figures: Figures = NONE_YET  # as the last scene showed them
    cause: Optional[Cause] = None  # why it isn't responding, as doctor found it
    loads: Dict[str, needs.Load] = field(default_factory=dict)  # already passed on for storage, by model
    models: Dict[str, History] = field(default_factory=dict)  # the readings of each model, by ID


@dataclass
class Monitor:
    """The servers, and what was last shown of them."""

    servers: Dict[str, Watched]
    blank: Scene = field(default_factory=lambda: Scene((), 0.0))  # what the settings specify for each scene
    today: str = ""  # the local date
    tomorrow: Optional[str] = None  # a row with a later date counts for no day
    day_of: Optional[Callable[[float], str]] = None  # returns the local date of a time; without it no rows are counted
    keep: Callable[[Rows], None] = lambda _: None  # gets the new rows
    rows_kept: int = limits.ROWS  # of each server in memory; one takes 600 bytes
    unwanted: queries.Kinds = frozenset()  # probes whose answers aren't needed
    by_id: bool = False  # models are shown by their IDs, not their display names
    sparing: bool = False  # saving power: figures are taken half as often
    lively: bool = False  # somebody is watching: a terminal is redrawn every second
    shown: cadence.Shown = cadence.Shown()
    menu: Optional[Menu] = None
    statuses: Dict[str, Status] = field(default_factory=dict)  # as of the last scene
    awake: FrozenSet[str] = frozenset()  # the servers for which this Mac is kept awake
    _offered: Dict[str, Action] = field(default_factory=dict)  # by token, in the menu that offered them
    _offered_by: Optional[Menu] = None
    _due_s: Optional[float] = None
    _dirty: bool = True
    _news: bool = False
    _ticked_s: Optional[float] = None

    def take(self, server: str, event: "ev.Event | Answer", *, at_s: float) -> None:
        """Apply an event, or an answer and its events."""
        watched = self.servers[server]
        events = self._said(watched, event) if isinstance(event, Answer) else (event,)
        if isinstance(event, Answer):
            watched.log = watched.log.answered(event.query.kind, event.query.model, now_s=at_s, failed=event.failed)
        for one in events:
            before, watched.snapshot = watched.snapshot, apply(watched.snapshot, one, at_s)
            watched.cause = None if watched.snapshot.connected else watched.cause
            quiet = isinstance(one, NO_NEWS) and working_unlisted(before) == working_unlisted(watched.snapshot)
            self._news = self._news or not quiet
            ends = isinstance(one, ev.StreamLost) or (isinstance(one, ev.StreamOpened) and before.connected)
            watched.unread = watched.unread or (ends and before.activity_noted_s is not None)
            if self.day_of is not None and isinstance(one, ev.RequestsFinished):
                loads = {} if before.newest_row_id is None else needs.waited_for(watched.snapshot, at_s)
                self._count(watched, self.day_of, loads)
            if isinstance(one, ev.MemoryMeasured) and one.runs:
                self._keep_loads(watched, needs.measured(watched.snapshot, one))
        self._dirty = True

    @staticmethod
    def _said(watched: Watched, answer: Answer) -> Tuple[ev.Event, ...]:
        """Return an answer's events: only finished requests if the stream was opened again, maybe by another server."""
        sent = watched.log.of(answer.query.kind, answer.query.model)
        if sent.connection in (queries.NEVER.connection, watched.snapshot.connections):
            return answer.events
        return tuple(one for one in answer.events if isinstance(one, ev.RequestsFinished))

    def _count(self, watched: Watched, day_of: Callable[[float], str], load_s: Mapping[int, float]) -> None:
        """Count the new rows, and pass them on for storage."""
        new = watched.totals.add(watched.snapshot.new_rows, day_of, until=self.tomorrow)
        watched.snapshot = replace(watched.snapshot, new_rows=(), rows=watched.snapshot.rows[-self.rows_kept :])
        if new:
            self.keep(Rows(watched.name, watched.url, tuple(new), watched.totals.number, watched.unread, load_s))
            watched.unread = False

    def _keep_loads(self, watched: Watched, measured: List[needs.Load]) -> None:
        """Pass on measured loads for storage, each once and again if it takes more."""
        new = [load for load in measured if needs.is_news(load, watched.loads.get(load.model))]
        if new:
            watched.loads.update({load.model: load for load in new})
            self.keep(Rows(watched.name, watched.url, (), watched.totals.number, loads=tuple(new)))

    def move(self, server: str, url: str) -> None:
        """Watch a server at another address from now on."""
        self.servers[server].url = url

    def snapshots(self) -> Dict[str, Snapshot]:
        """Return each server's snapshot."""
        return {name: watched.snapshot for name, watched in self.servers.items()}

    def histories(self) -> Dict[str, Dict[str, History]]:
        """Return the charts' readings by server and model, a server's own under ""."""
        return {name: {"": watched.history, **watched.models} for name, watched in self.servers.items()}

    def tell(self, aside: str) -> None:
        """Show a notice in place of the previous one, with the next frame."""
        self.blank = replace(self.blank, notice=aside)
        self._dirty = True

    def recall(self, server: str, said: "Told | Kept", *, now_s: float, unix_s: float) -> None:
        """Apply what the history reports about a server: its day, or its earlier charts."""
        watched = self.servers[server]
        if isinstance(said, Told):
            before = watched.totals.of(self.today)
            watched.totals.take(said)
            self._news = self._news or watched.totals.of(self.today) != before
        elif said.model:
            since = watched.models.get(said.model) or History(bucket_s=watched.history.bucket_s)
            watched.models = {**watched.models, said.model: restored(since, said, now_s=now_s, unix_s=unix_s)}
        else:
            watched.history = restored(watched.history, said, now_s=now_s, unix_s=unix_s)
        self._dirty = True

    def note_awake(self, servers: FrozenSet[str]) -> None:
        """Record for which servers this Mac is kept awake."""
        self._news = self._news or servers != self.awake
        self._dirty, self.awake = self._dirty or servers != self.awake, servers

    def explain(self, server: str, cause: Cause) -> None:
        """Record why a server isn't responding; that is cleared when it connects."""
        self.servers[server].cause = cause if cause.title else None
        self._dirty = self._news = True

    def due(self, *, now_s: float) -> List[Tuple[str, Query]]:
        """Return the queries that are due, with the names of their servers."""
        return [
            (watched.name, query)
            for watched in self.servers.values()
            for query in queries.due(self._schedule(watched), now_s=now_s)
        ]

    def mark_sent(self, server: str, query: Query, *, now_s: float) -> None:
        """Record that a query was sent."""
        watched = self.servers[server]
        watched.log = watched.log.sent(query, watched.snapshot.connections, now_s=now_s)

    def _schedule(self, watched: Watched) -> Sequence[Tuple[float, Query]]:
        return watched.plan(watched.snapshot, watched.log, unwanted=self.unwanted, sparing=self.sparing)

    def tick(self, *, now_s: float) -> None:
        """Record the current readings, if it is time."""
        if self._ticked_s is not None and now_s < self._ticked_s + self._tick_s() - 0.01:
            return
        self._ticked_s = now_s
        self._dirty = True
        for watched in self.servers.values():
            taken = readings.sample(watched.snapshot, now_s=now_s)
            watched.history = record(watched.history, taken.server, now_s=now_s)
            watched.models = tick(watched.models, taken.models, like=watched.history, now_s=now_s)

    def unseen(self, *, now_s: float) -> None:
        """Record the servers' statuses if no menu is shown: they determine how often to check."""
        self._note_statuses()
        self._ticked_s = now_s

    def _note_statuses(self) -> None:
        self.statuses = {name: classify(watched.snapshot) for name, watched in self.servers.items()}

    def frame(self, *, now_s: float) -> Optional[Menu]:
        """Return the menu if it is worth printing now."""
        if not self._worth_composing(now_s):
            return None
        self._note_statuses()
        state = self._state()
        self._due_s = cadence.same_state_due_s(self.shown, state, self.pace(), now_s=now_s)
        if self._due_s is not None:
            return None
        self._dirty = False
        scene = self.scene(now_s=now_s)
        for server in scene.servers:
            self.servers[server.name].figures = server.figures
        menu = compose(scene)
        new = cadence.Shown(state=state, words=menu.still, all=menu)
        self._due_s = cadence.due_s(self.shown, new, self.pace(), now_s=now_s)
        if self._due_s is None or self._due_s > now_s:
            return None
        self.shown = cadence.printed(self.shown, new, now_s=now_s)
        self.menu, self._due_s, self._news = menu, None, False
        return menu

    def note_size(self, size_bytes: int) -> None:
        """Record the size of this menu's frame: it determines the pace of the next one."""
        self.shown = cadence.sized(self.shown, size_bytes)

    def _worth_composing(self, now_s: float) -> bool:
        """Tell whether to compose a menu: not while only time has passed and a quiet menu may not be printed yet."""
        if self._due_s is not None and now_s >= self._due_s:
            return True
        pace = self.pace()
        quiet = not (self._news or pace.busy or pace.counting_down)
        return self._dirty and not (quiet and cadence.too_soon(self.shown, pace, now_s=now_s))

    def scene(self, *, now_s: float) -> Scene:
        """Return the scene that a menu is drawn from."""
        shown = tuple(
            seen(w.name, w.url, w.snapshot, w.history, now_s=now_s, before=w.figures, totals=w.totals,
                 only=len(self.servers) == 1, cause=w.cause, number=number, by_id=self.by_id, models=w.models,
                 awake=w.name in self.awake, has_key=w.has_key)
            for number, w in enumerate(self.servers.values(), 1)
        )  # fmt: skip
        return replace(self.blank, servers=shown, now_s=now_s, today=self.today)

    def _state(self) -> object:
        """Return what must be shown at once: states, not figures."""
        return tuple(
            (self.statuses[name], name in self.awake, *_states(watched.snapshot))
            for name, watched in self.servers.items()
        )

    def pace(self) -> cadence.Pace:
        """Return how active the servers are."""
        snapshots = [watched.snapshot for watched in self.servers.values()]
        ended = [snapshot.last_activity_s for snapshot in snapshots if snapshot.last_activity_s is not None]
        return cadence.Pace(
            self.is_busy() or self._asked(), self._counting_down(), max(ended, default=None), self._news
        )

    def is_busy(self) -> bool:
        """Tell whether something is happening that somebody waits for."""
        return self.lively or self.works()

    def works(self) -> bool:
        """Tell whether a server is working, whether or not anybody is watching."""
        return any(status in BUSY for status in self.statuses.values())

    def wake_at_s(self, *, now_s: float) -> float:
        """Return when the next turn is due if nothing arrives."""
        times = [(self._ticked_s or now_s) + self._tick_s()]
        if self._due_s is not None:
            times.append(self._due_s)
        times += [max(now_s + 0.02, queries.next_s(self._schedule(watched))) for watched in self.servers.values()]
        return min(times)

    def action(self, token: str) -> Optional[Action]:
        """Return the action of a click, if the menu still offers it."""
        if self.menu is not self._offered_by:
            self._offered_by = self.menu
            self._offered = {action.token: action for action in self.menu.actions()} if self.menu is not None else {}
        return self._offered.get(token)

    def _tick_s(self) -> float:
        lively = self.is_busy() or self._counting_down() or self._asked()
        return (BUSY_TICK_S if lively else CALM_TICK_S) * queries.slower(self.sparing)

    def _asked(self) -> bool:
        """Tell whether a click waits for its effect, or its failure is still shown."""
        now_s = self._ticked_s or 0.0
        return any(
            asked.ended_s is None or (asked.failure and now_s - asked.ended_s < REFUSED_FOR_S + CALM_TICK_S)
            for w in self.servers.values()
            for asked in w.snapshot.asked.values()
        )

    def _counting_down(self) -> bool:
        now_s = self._ticked_s or 0.0
        rests = (
            readings.unloads_in_s(w.snapshot, model, now_s=now_s)
            for w in self.servers.values()
            for model in w.snapshot.models.values()
        )
        return any(rest is not None and rest < COUNTDOWN_S for rest in rests)


def _states(snapshot: Snapshot) -> Tuple[object, ...]:
    every = snapshot.models.values()
    models = tuple((one.id, one.state, one.failed_at_s, one.quit_at_s, one.ttl_s) for one in every)
    asked = tuple((token, asked.ended_s, asked.failure) for token, asked in snapshot.asked.items())
    return snapshot.profile, models, bool(snapshot.requests), asked, snapshot.confirmed
