"""A branch of a blocking workflow: its driver, and what becomes of it.

A strand that has to wait for anything but its own step gives its thread back: its code is unwound, and runs again from
the journal when what it waits for has come about. What it has seen by then is no news to it: nothing is logged twice.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Coroutine, Generator
from types import coroutine
from typing import TYPE_CHECKING, Any

from durable_core._core.clock import ended
from durable_core._runtime.attempt import Attempt
from durable_core._runtime.blocking_driver import BlockingDriver
from durable_core._runtime.driver import Seen
from durable_core._runtime.endings import Ending, Suspension
from durable_core._runtime.kind import Kind
from durable_core._runtime.perform import at_hand, perform
from durable_core._runtime.pipeline import Ticket
from durable_core._runtime.scope import Lane, Scope
from durable_core._wire.shapes import Operation, OperationUpdate
from durable_core.errors import Suspended

if TYPE_CHECKING:
    from durable_core._runtime.strand_group import StrandGroup

GIVEN_UP = Suspension("nobody waits for the branch any more")
_UNWINDING = Suspension("the branch gives its thread back")


@coroutine
def _paused() -> Generator[None]:
    """Leave the body of an operation where it stands; whoever sends the next value goes on with it."""
    yield


class Strand(BlockingDriver):
    """The driver of one branch, and what becomes of it."""

    __slots__ = (
        "_behind",
        "_busy",
        "_context",
        "_dropped",
        "_group",
        "_groups",
        "_outcome",
        "_own",
        "_retraces",
        "_ticket",
        "_waits_inside",
        "_work",
        "awaited",
        "inner",
        "moment",
        "operation",
    )

    def __init__(self, operation: Kind[Any], group: StrandGroup) -> None:
        super().__init__(group.crew, group.crew.see_once if operation.recorded else self._see)
        operation.driver = self
        self.operation = operation
        self.awaited: Kind[Any] | None = None
        """What it waits for, outside."""
        self.inner: StrandGroup | None = None
        """The branches that it has begun, and whose results it has not got."""
        self._group = group
        self._context = contextvars.copy_context()
        self._work: Coroutine[Any, Any, Any] | None = None
        self._outcome: Attempt | None = None
        self._waits_inside = False
        self._own: OperationUpdate | None = None
        """Its own outcome, which it waits to be recorded."""
        self._ticket: Ticket | None = None
        self._busy = False
        self._dropped = False
        self._behind = False
        self._retraces = False
        self.moment = (0, "")
        """When the last outcome came about that it has seen, where nothing is recorded of itself."""
        self._groups: dict[str, StrandGroup] = {}

    # What became of it

    @property
    def context_id(self) -> str | None:
        """The recorded context that its operations stand in."""
        return self.operation.id if self.operation.recorded else self.operation.lane.scope.parent_id

    def cancelled(self) -> bool:
        return False

    def exception(self) -> BaseException | None:
        return None if self._outcome is None else self._outcome.error

    def result(self) -> Any:
        assert self._outcome is not None, "it is over"
        if self._outcome.error is not None:
            raise self._outcome.error
        return self._outcome.value

    # Running

    def run(self) -> None:
        """Run until it is over or has to wait; the thread is free then."""
        with self.crew.lock:
            if not self._busy:
                return  # given up meanwhile
            self.ending = self.awaited = None
            self._waits_inside = False
            self.runs_code(True)
        operation, lane = self.operation, self.operation.lane
        operation.replaying = operation.replaying or self._work is not None  # it ran before
        operation.lane = Lane(lane.scope, lane.path, operation.replaying)  # of its own: others run beside it
        self._work = perform(operation)
        with self.pried():
            pauses = self._context.copy().run(self._proceed)
        with self.crew.lock:
            if not self._retraces:
                self.runs_code(False)
            if self._outcome is not None:
                self._group.over(self)
            elif pauses:
                self._record()
            else:
                self._rest()

    def resume(self) -> bool:
        """Go on now that its outcome is recorded; say whether it is over."""
        if self._outcome is None:
            with self.crew.lock:
                self.counts(True)
            self._work = self._work or perform(self.operation)
            pauses = self._proceed()
            with self.crew.lock:
                if pauses:
                    self._record()
                else:
                    self.counts(False)
        return self._outcome is not None

    def _proceed(self) -> bool:
        """Run its operation; say whether that waits for its own outcome to be recorded."""
        assert self._work is not None, "it was begun"
        try:
            self._work.send(None)
        except StopIteration as stop:
            self._outcome = Attempt(stop.value)
        except Suspended:
            pass
        except BaseException as error:
            self._outcome = Attempt(error=error)
        else:
            return True
        return False

    def _record(self) -> None:
        """Have its own outcome recorded, now that it waits for that, unless it is."""
        if self.ending is not None:
            return
        if self._own is None:
            self._group.over(self)
        else:
            self._ticket = self.crew.pipeline.post(self._own, lambda _: self._group.over(self))
            self.crew.sender.arm(at_once=bool(self.crew.helpers))

    def _rest(self) -> None:
        if not self._busy:
            return
        self.counts(False)
        if self._waits_inside:
            if self.inner is None or self.inner.done:
                self.wake()
        elif self.awaited is not None:
            if self.crew.come(self.awaited.id) is not None:
                self.wake()
            else:
                self.crew.park(self, self.awaited)

    def counts(self, busy: bool) -> None:
        """Count it as *busy*, or not. The crew's lock is held."""
        if busy is not self._busy:
            self._busy = busy
            self.crew.busy += 1 if busy else -1

    def runs_code(self, does: bool) -> None:
        """Its own code runs, or is about to, and may come to an end without asking for anything new. Lock held.

        Until it does not, no outcome of another is told where the order of outcomes is not recorded: a replay has to
        find the same order.
        """
        if does is not self._behind and (self._retraces or not self.operation.recorded):
            self._behind = does
            self._group.waits_for_code(1 if does else -1)

    def retraces(self) -> None:
        """It is recorded as over, and runs only because its result was too large to record. Lock held.

        Until it has given that again, no outcome of another is told: it may have come later.
        """
        self._retraces = True
        self.runs_code(True)

    def wake(self) -> None:
        """What it waits for has come about: let it have a thread. The crew's lock is held."""
        if self._busy or self._dropped:
            return  # whoever unwinds it looks for himself
        self.counts(True)
        self._group.wants_a_thread(self)
        self.crew.offer()

    def end(self, ending: Ending) -> None:
        super().end(ending)
        self._dropped = True
        self.counts(False)
        self.runs_code(False)

    def _see(self, seen: Seen) -> None:
        entry = self.crew.journal.find(seen.operation_id)
        if entry is not None:
            self.moment = max(self.moment, (ended(entry), entry["Id"]))
        self.crew.see_once(seen)

    # What its operations await

    def begin(self, operation: Kind[Any]) -> Lane:
        if not self.operation.recorded and operation is not self.operation and at_hand(operation) is None:
            with self.crew.lock:
                self.runs_code(False)  # what it asks for comes after all that is recorded
        return super().begin(operation)

    def finish(self, begun: Lane) -> None:
        super().finish(begun)
        if self._behind is False and self._busy and not self.operation.recorded:
            with self.crew.lock:
                self.runs_code(True)

    def post(self, update: OperationUpdate) -> None:
        with self.crew.lock:
            self.go_on()
            begun = self.crew.journal.begun
            if update["Action"] == "START" and update["Type"] != "STEP":
                if update["Id"] in begun:
                    return  # it ran before, and began this then
                begun.add(update["Id"])
            self.crew.pipeline.post(update)
        self.crew.sender.arm()

    async def conclude(self, update: OperationUpdate, then: Callable[[], None] | None = None) -> Operation:
        if update["Id"] != self.operation.id:
            return await super().conclude(update, then)
        self._own = update
        await _paused()
        if self._ticket is not None and self._ticket.error is not None:
            raise self._ticket.error
        return self.crew.journal.operations[update["Id"]]

    async def turn(self, id: str, moment: int) -> None:
        if id == self.operation.id:  # it has run again, and is told of when those that ended before it have been
            await _paused()

    async def park(self, operation: Kind[Any]) -> Operation:
        with self.crew.lock:
            if self.ending is not None and operation.id in self.crew.journal.begun:
                self.crew.abandon(operation)
            self.go_on()
            entry = self.crew.come(operation.id)
            if entry is not None:
                return entry
            self.awaited, self.ending = operation, _UNWINDING
        raise Suspended("the branch gives its thread back")

    async def forever(self) -> None:
        with self.crew.lock:
            self.go_on()
            self.ending = _UNWINDING
        raise Suspended("the branch gives its thread back, for good")

    async def give_back(self) -> None:
        self.crew.too_late = True  # once the others have recorded what they are in the middle of
        await self.forever()

    def group(self, operation: Kind[Any], scope: Scope) -> StrandGroup:
        return self._groups.get(operation.id) or self._groups.setdefault(operation.id, self._group.beside(self))

    def carry_out(self, group: StrandGroup) -> None:
        """Return if the plan of *group* is done; else give the thread back until it is."""
        with self.crew.lock:
            self.go_on()
            self.inner = group
        group.advance()
        with self.crew.lock:
            self.go_on()
            if group.done:
                return
            self.ending, self._waits_inside = _UNWINDING, True
            self.crew.offer()
        raise Suspended("the branch gives its thread back")
