"""The event stream of one server, on its own thread, which reads and does nothing that can block.

Law: the stream is always drained. A llama-swap whose reader stops fills its disk or locks up. So this thread decodes,
passes on and reads on, and the connection is closed before anything could hold it open unread.

A proxy cuts a stream that was silent for a while (nginx: a minute), and llama-swap itself ends it when its config
changes. So the end of a stream that lived is reported only if the next one doesn't open at once.
"""

import random
import threading
from typing import Optional

from llamabar.core.backoff import Backoff
from llamabar.core.coalesce import Answers
from llamabar.core.decode import decode_event, looks_like_llama_swap
from llamabar.core.events import Event, Fault, FaultKind, RequestsFinished, StreamLost, StreamOpened
from llamabar.core.sse import EventSplitter, PayloadTooLong
from llamabar.core.status import REFUSALS
from llamabar.sources import clock
from llamabar.sources.client import READ_BYTES, Client, Stream, Unreachable
from llamabar.sources.inbox import Failed, Inbox

LONGEST_WAIT_S = 4.0  # connection refused: another attempt costs microseconds
WOKEN_WAIT_S, WOKEN_FOR_S = 0.5, 60.0  # after sleep the network comes back within seconds
LIVED_S, UNSAID_S = 5.0, 1.0  # the end of a stream that lived this long is not reported for this long
LONGEST_WAIT_OTHERS_S = 30.0  # a wrong key, another program: unlikely to change soon
DULL_PAUSE_S, NEWS_PAUSE_S = 0.04, 0.02  # after a small piece, without or with news: fewer and larger reads cost less
SLOW_TO_CHANGE = (
    *REFUSALS, FaultKind.NOT_LLAMA_SWAP, FaultKind.TOO_OLD, FaultKind.TLS, FaultKind.UNTRUSTED, FaultKind.HTTPS_ONLY,
    FaultKind.MOVED, FaultKind.NO_EVENTS, FaultKind.RATE_LIMITED,
)  # fmt: skip


class EventStream(threading.Thread):
    """Watches one server until stopped."""

    def __init__(self, server: str, client: Client, inbox: Inbox) -> None:
        super().__init__(name=f"events of {server}", daemon=True)
        self._server = server
        self._client = self._opened_by = client
        self._inbox = inbox
        self._ending = threading.Event()
        self._retry = threading.Event()
        self._stream: Optional[Stream] = None
        self._closed_for: Optional[Fault] = None
        self._closed_here = False
        self._opened_s = 0.0
        self._unsaid: Optional[Fault] = None  # why the last stream ended, while another is opened
        self._telling = threading.Lock()
        self._refreshing = False
        self._woken_s: Optional[float] = None
        self._answers, self._is_dull = Answers(), False
        self.bytes_read = self.events_read = 0

    def run(self) -> None:
        """Connect, read, wait, and repeat."""
        backoff = Backoff(LONGEST_WAIT_S)
        while not self._ending.is_set():
            try:
                lived, fault = self._watch_once()
            except Exception as error:
                self._inbox.put(self._server, Failed(error))
                lived, fault = False, Fault(FaultKind.CLOSED)
            if self._ending.is_set():
                return
            if self._refreshing and lived:
                continue
            self._refreshing = False
            backoff = backoff.succeeded() if lived else backoff
            if lived and fault.kind is FaultKind.CLOSED and not self._closed_here and self._has_lasted():
                self._leave_unsaid(fault)
                continue
            self._unsaid = fault
            self._tell_lost()
            backoff = backoff._replace(longest_s=self._longest_wait_s(fault))
            self._retry.wait(backoff.wait_s(random.random()))
            self._retry.clear()
            backoff = backoff.failed()

    def _has_lasted(self) -> bool:
        return clock.now_s() >= self._opened_s + LIVED_S

    def _leave_unsaid(self, fault: Fault) -> None:
        self._unsaid = fault
        timer = threading.Timer(UNSAID_S, self._tell_lost)
        timer.daemon = True
        timer.start()

    def _tell_lost(self) -> None:
        """Tell why the stream ended, unless another was opened since; by whichever thread, it is told first."""
        with self._telling:
            fault, self._unsaid = self._unsaid, None
            if fault is not None and not self._ending.is_set():
                self._inbox.event(self._server, StreamLost(fault))

    def _tell_opened(self, clock_s: Optional[float]) -> None:
        with self._telling:
            resumed, self._unsaid = self._unsaid is not None, None
            self._inbox.event(self._server, StreamOpened(self._refreshing, resumed, clock_s))

    @property
    def is_open(self) -> bool:
        """Tell whether the stream is open."""
        return self._stream is not None

    def move(self, client: Client) -> None:
        """Watch at another address from now on."""
        self._client = client
        if self._opened_by is not client:  # unless the thread already uses the new address
            self._close()
        self._retry.set()

    def refresh(self) -> None:
        """Reopen the stream unnoticed: its first events show states that v217 and older change without an event."""
        self._refreshing = True
        self._close()

    def reconnect(self, fault: Optional[Fault] = None) -> None:
        """Close the connection, if there is one, and try again at once."""
        self._closed_for = fault
        self._close()
        self._retry.set()

    def wake(self) -> None:
        """Reconnect after the computer slept: an open connection may be dead without either side knowing."""
        self._woken_s = clock.now_s()
        self.reconnect()

    def _longest_wait_s(self, fault: Fault) -> float:
        if self._woken_s is not None and clock.now_s() < self._woken_s + WOKEN_FOR_S:
            return WOKEN_WAIT_S
        return LONGEST_WAIT_OTHERS_S if fault.kind in SLOW_TO_CHANGE else LONGEST_WAIT_S

    def stop(self) -> None:
        """Close the connection and end the thread; returns at once."""
        self._ending.set()
        self._retry.set()
        self._close()

    def _close(self) -> None:
        self._closed_here, stream = True, self._stream
        if stream is not None:
            stream.close()

    def _watch_once(self) -> "tuple[bool, Fault]":
        opened = self._closed_here = False
        self._closed_for = None
        client = self._opened_by = self._client
        try:
            self._stream = stream = client.open_stream()
        except Unreachable as error:
            return False, error.fault
        try:
            if client is not self._client:
                return False, Fault(FaultKind.CLOSED)  # it moved while the stream was being opened
            splitter, self._answers = EventSplitter(), Answers()
            while not self._ending.is_set():
                piece = stream.read()
                if not piece:
                    break
                log_bytes, self._is_dull = splitter.dropped_log_bytes, False
                opened = self._take(splitter, piece, stream, opened=opened)
                dull = self._is_dull or splitter.dropped_log_bytes - log_bytes > len(piece) // 2
                if len(piece) < READ_BYTES // 2:
                    self._ending.wait(DULL_PAUSE_S if dull else NEWS_PAUSE_S)
            return opened, self._closed_for or Fault(FaultKind.CLOSED)
        except Unreachable as error:
            not_ours = Fault(FaultKind.NOT_LLAMA_SWAP, "a stream without events")
            return opened, self._closed_for or (error.fault if opened else not_ours)
        except (Lagging, PayloadTooLong):
            return opened, Fault(FaultKind.LAGGING)
        finally:
            client.key_wanted = False  # queued queries must not send the key to the next process that listens there
            self._stream = None
            stream.close()

    def _take(self, splitter: EventSplitter, piece: bytes, stream: Stream, *, opened: bool) -> bool:
        pieces = splitter.feed(piece)
        self.bytes_read += len(piece)
        self.events_read += len(pieces)
        payloads = [self._opened_by.without_secrets(payload) for payload in pieces]
        if not opened and (splitter.dropped_log_bytes or any(looks_like_llama_swap(payload) for payload in payloads)):
            opened = True
            stream.wait_for(None)
            self._tell_opened(stream.clock_s)
            self._refreshing, self._opened_s = False, clock.now_s()
        events = [_dated(decode_event(payload)) for payload in payloads] if opened else []
        grown = [event is not None and self._answers.only_grew(event) for event in events]
        for event, grew in zip(events, grown):
            if event is not None and not self._inbox.event(self._server, event, news=not grew):
                raise Lagging
        self._is_dull = bool(grown) and all(grown)
        return opened


def _dated(event: Optional[Event]) -> Optional[Event]:
    return event._replace(came_unix_s=clock.unix_s()) if isinstance(event, RequestsFinished) else event


class Lagging(Exception):
    """The loop doesn't take the events that are passed on."""
