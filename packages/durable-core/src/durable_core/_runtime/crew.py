"""What the threads of one blocking invocation share: the lock, the way out, and the strands that want a thread."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from durable_core._core.journal import Journal
from durable_core._runtime.driver import Seen
from durable_core._runtime.endings import Breakdown, Ending, Suspension
from durable_core._runtime.kind import Kind
from durable_core._runtime.pipeline import Pipeline
from durable_core._runtime.polls import Polls
from durable_core._runtime.sender import Sender
from durable_core._wire.shapes import TERMINAL, Operation, OperationUpdate

if TYPE_CHECKING:
    from durable_core._runtime.blocking_driver import BlockingDriver
    from durable_core._runtime.strand import Strand
    from durable_core._runtime.strand_group import StrandGroup

_OF_AN_UPDATE = frozenset({"Id", "Type", "SubType", "Name", "ParentId"})

HELPERS = 32
"""Threads that run the branches of an invocation, at most."""


class Pools(NamedTuple):
    """The threads of the process."""

    steps: Callable[[], Executor]
    """For bodies of steps that have to be left alone when their time is up."""
    branches: Callable[[], Executor]


class Crew:
    """The state of a blocking invocation; its lock guards all of it.

    As long as only one thread is at work it makes the calls to the service itself; with helpers the sender does.
    """

    def __init__(
        self,
        sender: Sender,
        pools: Pools,
        pipeline: Pipeline,
        journal: Journal,
        *,
        deadline: float | None,
        see: Callable[[Seen], None] | None,
    ) -> None:
        self.sender = sender
        self.pipeline = pipeline
        self.journal = journal
        self.deadline = deadline
        self.see = see
        self.lock = threading.Lock()
        self._changed = threading.Condition(self.lock)
        self._waits = False
        self.ending: Ending | None = None
        self.too_late = False
        """A branch might not begin a step any more: Lambda is to call again."""
        self.mains: list[BlockingDriver] = []
        """What drives the handler's own thread."""
        self.strands: set[Strand] = set()
        """Branches that are not over."""
        self.ready: list[StrandGroup] = []
        """Those with strands that want a thread, the latest last."""
        self.away = False
        """The handler's thread runs a branch, and looks after nothing else."""
        self.wanted: int = 0
        """How many strands want a thread."""
        self.due: deque[StrandGroup] = deque()
        """Those whose plans are to be asked how to go on, by a helper."""
        self.busy: int = 0
        """Strands that run, want to run, or wait for their own outcome to be recorded."""
        self.late: list[Future[Any]] = []
        """Bodies of steps that were left alone when their time was up."""
        self.helpers: int = 0
        """Threads that run strands, or are about to."""
        self.pools = pools
        self._free = 0
        self.at_work: int = 0
        """Threads that run strands now."""
        self._rested = threading.Condition(self.lock)
        self._parked: dict[str, list[Strand]] = {}
        self._abandoned: set[str] = set()
        self._shown: set[tuple[str, str]] = set()
        self._polls = Polls(journal)
        sender.serve(pipeline, self.answered)

    def see_once(self, seen: Seen) -> None:
        """Note an outcome that a branch sees; when the branch runs again, it is no news any more."""
        if (seen.operation_id, seen.status) in self._shown:
            return
        self._shown.add((seen.operation_id, seen.status))
        self.journal.news.discard(seen.operation_id)
        if self.see is not None:
            self.see(seen)

    # The service

    def call(self) -> None:
        """Make a call on this thread, or wait for the one in flight, and take over the answer."""
        self.pipeline.call(self.answered)

    def answered(self) -> None:
        """Take over what the service has answered. From any thread; whatever goes wrong ends the invocation."""
        with self.lock:
            try:
                self._settle()
            except BaseException as error:  # an answer without sense, or a thread that cannot be had
                self.end(Breakdown(error))
            if self.pipeline.failure is not None:
                self.end(Breakdown(self.pipeline.failure))
            elif self.pipeline.closed:
                self.end(Suspension("the service gave no further token"))
            self.tell()

    def _settle(self) -> None:
        changed = self.pipeline.settle()
        if changed:
            self._polls.told()
        if changed and self._parked:
            for entry in changed:
                self._tell(entry["Id"])
            self._set_alarm()

    def end(self, ending: Ending) -> None:
        """End the invocation: no strand goes on. Lock held."""
        if self.ending is None or (isinstance(ending, Breakdown) and not isinstance(self.ending, Breakdown)):
            self.ending = ending
            for driver in (*self.strands, *self.mains):
                driver.end(ending)
            self.tell()

    def tell(self) -> None:
        """Something has changed that the handler's own thread may wait for. Lock held."""
        if self._waits:
            self._changed.notify()

    def wait(self, seconds: float | None = None) -> bool:
        """Have the handler's own thread wait for a change; say whether one came in time. Lock held."""
        self._waits = True
        try:
            return self._changed.wait(seconds)
        finally:
            self._waits = False

    # Strands that wait for the outside world

    def come(self, id: str) -> Operation | None:
        """The record of the operation with this *id*, if what it waits for has come about."""
        entry = self.journal.find(id)
        return entry if entry is not None and (entry["Status"] in TERMINAL or entry["Status"] == "READY") else None

    @property
    def awaits_nothing(self) -> bool:
        """Whether no strand waits for anything that can come about."""
        return not self._parked

    def park(self, strand: Strand, operation: Kind[Any]) -> None:
        """Let *strand* be woken when what *operation* waits for has come about. Lock held."""
        self._parked.setdefault(operation.id, []).append(strand)
        self._polls.expect(operation.id)
        self._set_alarm()

    def abandon(self, operation: Kind[Any]) -> None:
        """Tell the service that nobody waits for *operation* any more. Lock held."""
        self._parked.pop(operation.id, None)
        self._cancel(operation.abandoned())

    def abandon_under(self, contexts: set[str | None]) -> None:
        """Tell the service that nobody waits for any pause in these *contexts*, which an earlier run may have begun.

        Lock held.
        """
        if not contexts:
            return
        for entry in list(self.journal.operations.values()):
            if entry["Type"] == "WAIT" and entry["Status"] == "STARTED" and self._stands_in(entry, contexts):
                members = {key: value for key, value in entry.items() if key in _OF_AN_UPDATE}
                self._cancel(cast("OperationUpdate", {**members, "Action": "CANCEL"}))

    def _stands_in(self, entry: Operation | None, contexts: set[str | None]) -> bool:
        while entry is not None:
            parent = entry.get("ParentId")
            if parent in contexts:
                return True
            entry = None if parent is None else self.journal.find(parent)
        return False

    def _cancel(self, update: OperationUpdate | None) -> None:
        if update is not None and self.ending is None and update["Id"] not in self._abandoned:
            self._abandoned.add(update["Id"])
            self.pipeline.post(update)
            self.sender.arm()

    def _tell(self, id: str) -> None:
        if id not in self._parked:
            return
        if self.come(id) is not None:
            for strand in self._parked.pop(id):
                strand.wake()
        else:
            self._polls.expect(id)

    def _set_alarm(self) -> None:
        left = self._polls.seconds_left(self._parked)
        if left is not None and self.ending is None:
            self.sender.alarm(time.monotonic() + max(left, 0.01), self._poll)

    def _poll(self) -> None:
        """Ask what has become of what is parked, if that is due and nothing else asks."""
        with self.lock:
            left = self._polls.seconds_left(self._parked)
            if self.ending is None and left is not None and left <= 0 and self.pipeline.quiet:
                self._polls.polled(self._parked)
                self.pipeline.poll()
                self.sender.arm(at_once=True)
            self._set_alarm()

    # Threads

    @property
    def is_idle(self) -> bool:
        """Whether nothing goes on but by what the service will tell. Lock held."""
        return not (self.busy or self.due or self.ready or self.at_work)

    def offer(self) -> None:
        """See to it that what wants a thread finds one, as far as there may be any. Lock held."""
        for _ in range(min(len(self.due) + self.wanted - self._free, HELPERS - self.helpers)):
            self.pools.branches().submit(self._help)  # which waits for the lock
            self.helpers += 1
            self._free += 1

    def take(self) -> Callable[[], None] | None:
        """What a thread can do now. Lock held."""
        if self.ending is not None:
            return None
        if self.due:
            return self.due.popleft().advance
        if not self.ready:
            return None
        group = self.ready[-1]
        strand = group.ready.popleft()
        self.wanted -= 1
        if not group.ready:
            self.ready.pop()
        return strand.run

    def join(self, timeout: float | None) -> bool:
        """Wait until no helper is at work, at most *timeout* seconds; say whether that came about."""
        with self.lock:
            return self._rested.wait_for(lambda: not self.at_work, timeout)

    def _help(self) -> None:
        with self.lock:
            self._free -= 1
            self.at_work += 1
        while True:
            with self.lock:
                job = self.take()
                if job is None:
                    self.at_work -= 1
                    self.helpers -= 1
                    self._rested.notify_all()
                    self.tell()
                    return
            job()
