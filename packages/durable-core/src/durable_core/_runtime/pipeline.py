"""The queue of updates: one call in flight, what queues meanwhile shares the next.

The queue is filled by the workflow. A call is made either by the workflow's own thread, when nobody else could run
meanwhile, or by the sender thread. Either way the answers are *settled* (merged into the journal, their waiters woken)
on the workflow's thread, in the order of the calls.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

import msgspec

from durable_core._core.batch import take_batch
from durable_core._core.journal import Journal
from durable_core._core.text import visible
from durable_core._runtime.exchange import Exchange, RefusedError
from durable_core._wire.errors import refuses_size
from durable_core._wire.shapes import Operation, OperationUpdate
from durable_core.client.protocol import ServiceError
from durable_core.errors import ExecutionError, SizeLimitError
from durable_core.limits import BATCH_UPDATES, ServiceLimits

_encode = msgspec.json.Encoder().encode


_SMALL = 64
"""Characters of a payload up to which an update is small."""
_SMALL_BYTES = 2_000
"""What a small update takes as JSON, at most: 250 of them fit in any call, so that nobody needs to know better."""


class Ticket:
    """An update on its way, and what became of it."""

    __slots__ = ("alone", "error", "settled", "size", "update", "waiter")

    def __init__(self, update: OperationUpdate, waiter: Callable[[Ticket], None] | None) -> None:
        self.update: OperationUpdate = update
        small = "Error" not in update and len(update.get("Payload", "")) <= _SMALL
        self.size: int = _SMALL_BYTES if small else len(_encode(update)) + 1
        self.alone: bool = update["Action"] == "CANCEL" or self.size > ServiceLimits.DEFAULT.payload_bytes
        self.waiter: Callable[[Ticket], None] | None = waiter
        self.settled: bool = False
        self.error: SizeLimitError | None = None
        """The service refused this update, and nothing else, for its size."""


class Pipeline:
    """All that an invocation records leaves through ``post``."""

    def __init__(self, exchange: Exchange, journal: Journal, *, batch_updates: int = BATCH_UPDATES) -> None:
        self._exchange = exchange
        self._journal = journal
        self._batch_updates = batch_updates
        self._queue: deque[Ticket] = deque()
        self._answered: deque[tuple[list[Ticket], list[Operation]]] = deque()
        self._awaited = 0
        """Updates that somebody waits for: all that were posted …"""
        self._awaited_sent = 0
        """… and those that are no longer in the queue."""
        self._poll = False
        self._lock = threading.Lock()
        """Held to take from the queue, and to begin and end a call."""
        self._changed = threading.Condition(self._lock)
        """Notified when a call ends, if there are onlookers."""
        self._onlookers = 0
        self.sending: bool = False
        """A call is in flight."""
        self._posted = 0
        self._settled = 0
        self.failure: BaseException | None = None
        """Why nothing more can be sent; the first reason stands."""
        self.observe: Callable[[list[Operation]], None] | None = None
        """Told of what each answer has changed, before anybody goes on with it."""

    def post(self, update: OperationUpdate, waiter: Callable[[Ticket], None] | None = None) -> Ticket:
        """Queue *update*; once it is recorded, *waiter* is called with its ticket. On one thread at a time."""
        ticket = Ticket(update, waiter)
        self._posted += 1
        self._awaited += waiter is not None
        self._queue.append(ticket)
        return ticket

    def poll(self) -> None:
        """Ask the service what changed, by an empty batch if no other goes out."""
        self._poll = True

    @property
    def queued(self) -> bool:
        """Whether a call is wanted, and can be made."""
        return (bool(self._queue) or self._poll) and self.failure is None and not self.closed

    @property
    def first(self) -> Ticket | None:
        """What is at the front of the queue."""
        try:
            return self._queue[0]
        except IndexError:
            return None

    @property
    def urgent(self) -> bool:
        """Whether somebody waits for what is queued."""
        return self._poll or self._awaited > self._awaited_sent

    @property
    def pending(self) -> int:
        """Updates that were posted, and whose answer has not been settled."""
        return self._posted - self._settled

    @property
    def answered(self) -> bool:
        """Whether an answer is to be taken over."""
        return bool(self._answered)

    @property
    def quiet(self) -> bool:
        """Whether nothing is queued, in flight or unsettled."""
        return not (self._queue or self._poll or self.sending or self._answered)

    @property
    def closed(self) -> bool:
        """Whether the service gave no further token."""
        return self._exchange.token is None

    def send(self) -> bool:
        """Make one call, if one is wanted and none is in flight; say whether it was made. Blocks, on any thread."""
        with self._lock:
            if self.sending or not self.queued:
                return False
            self.sending = True
            self._poll = False
            batch = take_batch(self._queue, self._batch_updates)
            for ticket in batch:
                self._awaited_sent += ticket.waiter is not None
        told: list[Operation] = []
        failure: BaseException | None = None
        try:
            told = self._call(batch)
        except BaseException as error:  # whatever it is, it must end the invocation, and on its own thread
            failure = error
        with self._lock:
            self.sending = False
            if failure is None:
                self._answered.append((batch, told))
            else:
                self.failure = self.failure or failure
            if self._onlookers:
                self._changed.notify_all()
        return True

    def call(self, settle: Callable[[], object]) -> None:
        """Make a call on this thread, or wait for the one in flight, and *settle* the answer."""
        if not self.send():
            self.wait_for_answer()
        settle()

    def wait_for_answer(self, timeout: float | None = None) -> None:
        """Return when no call is in flight, or after *timeout* seconds."""
        if not self.sending:
            return
        with self._changed:
            self._onlookers += 1
            self._changed.wait_for(lambda: not self.sending, timeout)
            self._onlookers -= 1

    def settle(self) -> list[Operation]:
        """Take over all answers so far, wake who waited for them, and return the operations that changed."""
        changed: list[Operation] = []
        while self._answered:
            batch, told = self._answered.popleft()
            news = self._journal.merge(told)
            shown = {entry["Id"] for entry in told}
            for ticket in batch:
                if ticket.update["Id"] not in shown and ticket.error is None and ticket.update["Action"] != "CANCEL":
                    news.append(self._journal.assume(ticket.update))
            if self.observe is not None:
                self.observe(news)
            changed += news
            self._settled += len(batch)
            for ticket in batch:
                ticket.settled = True
                if ticket.error is not None and ticket.waiter is None:  # what it stands for was acted on
                    self.failure = self.failure or ExecutionError(str(ticket.error))
                if ticket.waiter is not None:
                    ticket.waiter(ticket)
        return changed

    def flush(self, settle: Callable[[], object]) -> None:
        """Send all that is queued, on this thread, and *settle* each answer; raise what went wrong."""
        while not self.quiet and self.failure is None and not self.closed:
            self.call(settle)
        if self.failure is not None:
            raise self.failure

    def _call(self, batch: list[Ticket]) -> list[Operation]:
        try:
            return self._exchange.send([ticket.update for ticket in batch])
        except RefusedError as refused:
            if len(batch) == 1 and _concerns_only(batch[0], refused.error):
                return self._exchange.send([])  # what the refused update was to change has changed otherwise: ask
            raise ExecutionError(_refusal(batch, refused.error)) from refused.error


def runs_ahead(update: OperationUpdate, pipeline: Pipeline, most: int) -> bool:
    """Whether the outcome that *update* records may be seen before it is, since at most so many updates are pending."""
    if pipeline.failure is not None or pipeline.closed:
        return False
    return update["Action"] in ("SUCCEED", "FAIL") and pipeline.pending < most


def _concerns_only(ticket: Ticket, error: ServiceError) -> bool:
    """Whether the refusal is of this one operation: a CANCEL that came too late, or an update too large."""
    if not ticket.alone or not refuses_size(error.code, error.message):
        return False
    if ticket.update["Action"] != "CANCEL":
        ticket.error = SizeLimitError(
            f"{_shown(ticket.update)} takes {ticket.size} bytes, which the service refused: {visible(error.message)}"
        )
    return True


def _refusal(batch: list[Ticket], error: ServiceError) -> str:
    what = ", ".join(_shown(ticket.update) for ticket in batch[:3]) + (", …" if len(batch) > 3 else "")
    return f"the service refused to record {what or 'nothing (a poll)'}: {visible(error)}"


def _shown(update: OperationUpdate) -> str:
    name = update.get("Name")
    return f"{update['Action']} of {update['Type']} " + (f'"{name}"' if name else update["Id"])
