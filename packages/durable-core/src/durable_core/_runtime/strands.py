"""Operations that run beside each other in blocking workflows: each is a strand, on whatever thread is free.

A strand that has to wait for anything but its own step gives its thread back: its code is unwound, and runs again from
the journal when what it waits for has come about. What it has seen by then is no news to it: nothing is logged twice.
"""

from __future__ import annotations

import contextvars
import heapq
import itertools
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from types import coroutine
from typing import TYPE_CHECKING, Any, cast

from durable_core._core.clock import ended
from durable_core._runtime.attempt import Attempt
from durable_core._runtime.blocking_driver import BlockingDriver
from durable_core._runtime.endings import Ending, Suspension
from durable_core._runtime.group import P, Plan
from durable_core._runtime.kind import Kind
from durable_core._runtime.perform import at_hand, perform
from durable_core._runtime.pipeline import Ticket
from durable_core._runtime.scope import Lane, Scope
from durable_core._wire.shapes import Operation, OperationUpdate
from durable_core.errors import Suspended

if TYPE_CHECKING:
    from durable_core._runtime.handler_driver import HandlerDriver

_UNWINDING = Suspension("the branch gives its thread back")
_GIVEN_UP = Suspension("nobody waits for the branch any more")


@coroutine
def _paused() -> Generator[None]:
    """Leave the body of an operation where it stands; whoever sends the next value goes on with it."""
    yield


class Strand(BlockingDriver):
    """The driver of one branch, and what becomes of it."""

    __slots__ = (
        "_busy",
        "_context",
        "_dropped",
        "_group",
        "_groups",
        "_outcome",
        "_own",
        "_ticket",
        "_waits_inside",
        "_work",
        "awaited",
        "inner",
        "operation",
    )

    def __init__(self, operation: Kind[Any], group: StrandGroup) -> None:
        super().__init__(group.crew, group.crew.see_once)
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
        operation, lane = self.operation, self.operation.lane
        operation.replaying = operation.replaying or self._work is not None  # it ran before
        operation.lane = Lane(lane.scope, lane.path, operation.replaying)  # of its own: others run beside it
        self._work = perform(operation)
        with self.pried():
            pauses = self._context.copy().run(self._proceed)
        with self.crew.lock:
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
        """Have its own outcome recorded, now that it waits for that."""
        if self.ending is None and self._own is not None:
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
            if self.crew.has_come(self.awaited.id):
                self.wake()
            else:
                self.crew.park(self, self.awaited)

    def counts(self, busy: bool) -> None:
        """Count it as *busy*, or not. The crew's lock is held."""
        if busy is not self._busy:
            self._busy = busy
            self.crew.busy += 1 if busy else -1

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

    # What its operations await

    def post(self, update: OperationUpdate) -> None:
        begun = self.crew.journal.begun
        if update["Action"] == "START" and self.crew.journal.find(update["Id"]) is None:
            if update["Id"] in begun:
                return  # it ran before, and what it began then has not been answered yet
            begun.add(update["Id"])
        super().post(update)

    async def conclude(self, update: OperationUpdate, then: Callable[[], None] | None = None) -> Operation:
        if update["Id"] != self.operation.id:
            return await super().conclude(update, then)
        self._own = update
        await _paused()
        if self._ticket is not None and self._ticket.error is not None:
            raise self._ticket.error
        return self.crew.journal.operations[update["Id"]]

    async def park(self, operation: Kind[Any]) -> Operation:
        with self.crew.lock:
            if self.ending is not None:
                self.crew.abandon(operation)
            self.go_on()
            entry = self.crew.journal.find(operation.id)
            if entry is not None and self.crew.has_come(operation.id):
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
        return self._groups.get(operation.id) or self._groups.setdefault(operation.id, StrandGroup(self))

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


class StrandGroup:
    """Strands, and the plan that says which, and when enough of them are over."""

    def __init__(self, owner: HandlerDriver | Strand) -> None:
        self.crew = owner.crew
        self.ready: deque[Strand] = deque()
        """Those that want a thread."""
        self.done = False
        self._owner = owner
        self._context = contextvars.copy_context()
        self._plan: Plan | None = None
        self._trouble: BaseException | None = None
        self._asked = False
        self._live: set[Strand] = set()
        self._over: list[tuple[int, str, int, Strand]] = []
        self._count = itertools.count()
        self._abandoned: list[Kind[Any]] = []
        self._dropped: set[str | None] = set()
        """Contexts in which nothing is waited for any more."""

    async def run(self, plan: P) -> P:
        """Carry out *plan*, unless this runs again for one that is being carried out: then return that, when done."""
        if self._plan is None:
            self._plan = plan
        self._owner.carry_out(self)
        if self._trouble is not None:
            raise self._trouble
        return cast("P", self._plan)

    def cancel(self) -> None:
        """Give up all that are not over, and tell the service what nobody waits for any more."""
        with self.crew.lock:
            self._finish()
            for operation in self._abandoned:
                self.crew.abandon(operation)
            self.crew.abandon_under(self._dropped)
            self._abandoned.clear()
            self._dropped.clear()

    async def close(self) -> None:
        """Return at once: what runs on a thread cannot be stopped, and is waited for at the invocation's end."""

    # The plan

    def advance(self) -> None:
        """Tell the plan what is over, and start what it wants; one thread does so at a time."""
        crew = self.crew
        with crew.lock:
            if self._asked or self.done:
                return
            self._asked = True
            crew.busy += 1
        over: Strand | None = None
        while True:
            enough = self._context.run(self._consult, over)
            with crew.lock:
                if enough or crew.ending is not None:
                    self._finish()
                if not self._over:  # as where the group is done
                    self._asked = False
                    crew.busy -= 1
                    crew.changed.notify()
                    return
                over = heapq.heappop(self._over)[3]
            if over.resume():
                with crew.lock:
                    self._live.discard(over)
                    crew.strands.discard(over)
            else:
                over = None

    def _consult(self, over: Strand | None) -> bool:
        """Tell the plan that a strand is *over*, start what it wants, and say whether it is done."""
        plan = self._plan
        assert plan is not None, "it was begun"
        try:
            if over is not None:
                plan.end(over.operation, over)
            if plan.is_done():
                return True
            while (operand := plan.begin()) is not None:
                if not plan.is_lost(operand):
                    self._start(operand)
        except BaseException as error:  # of a predicate of the program's: it is for who waits
            self._trouble = error
            return True
        return False

    def _start(self, operand: Kind[Any]) -> None:
        strand = Strand(operand, self)
        is_over = at_hand(operand) is not None
        with self.crew.lock:
            if self.done:
                return  # given up meanwhile
            self._live.add(strand)
            self.crew.strands.add(strand)
            strand.counts(True)
            if is_over:  # no thread is needed
                self.over(strand)
            else:
                self.wants_a_thread(strand)

    # What its strands tell. The crew's lock is held.

    def wants_a_thread(self, strand: Strand) -> None:
        """*strand* can run."""
        if not self.ready:
            self.crew.ready.append(self)
        self.ready.append(strand)
        self.crew.wanted += 1
        self.crew.changed.notify()

    def over(self, strand: Strand) -> None:
        """*strand* is over, or will be once it is resumed. The earliest, by the service's clock, goes first."""
        if strand not in self._live:
            return
        strand.counts(False)
        entry = self.crew.journal.find(strand.operation.id)
        moment = (0 if entry is None else ended(entry)) or self.crew.journal.service_time
        heapq.heappush(self._over, (moment, strand.operation.id, next(self._count), strand))
        if self not in self.crew.due and not self._asked:
            self.crew.due.append(self)
            self.crew.changed.notify()

    def _finish(self) -> None:
        """No outcome is wanted any more."""
        if self.done:
            return
        self._dropped = {strand.context_id for strand in self._live}
        self._drop(self._abandoned)
        if isinstance(self._owner, Strand) and self._owner.inner is self:
            self._owner.wake()

    def _drop(self, abandoned: list[Kind[Any]]) -> None:
        self.done = True
        for strand in self._live:
            strand.end(_GIVEN_UP)
            if strand.awaited is not None:
                abandoned.append(strand.awaited)
            if strand.inner is not None:
                strand.inner._drop(abandoned)
                abandoned += strand.inner._abandoned
                strand.inner._abandoned.clear()
        self.crew.strands.difference_update(self._live)
        self._live.clear()
        self._over.clear()
        if self.ready:
            self.crew.wanted -= len(self.ready)
            self.ready.clear()
            self.crew.ready.remove(self)
