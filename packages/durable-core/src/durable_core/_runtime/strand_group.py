"""Operations that run beside each other in blocking workflows: each is a strand, on whatever thread is free."""

from __future__ import annotations

import contextvars
import heapq
import itertools
from collections import deque
from typing import TYPE_CHECKING, Any, cast

from durable_core._core.clock import ended
from durable_core._core.identity import operation_id
from durable_core._runtime.group import P, Plan
from durable_core._runtime.kind import Kind
from durable_core._runtime.perform import at_hand
from durable_core._runtime.strand import GIVEN_UP, Strand

if TYPE_CHECKING:
    from durable_core._runtime.handler_driver import HandlerDriver


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
        self._over: list[tuple[int, str, int]] = []
        self._ended: dict[int, Strand] = {}
        self._count = itertools.count()
        self._behind = 0
        self._abandoned: list[Kind[Any]] = []
        self._dropped: set[str | None] = set()
        """Contexts in which nothing is waited for any more."""

    def beside(self, owner: Strand) -> StrandGroup:
        """Another group, for one of its strands."""
        return StrandGroup(owner)

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
                if not self._over or self._behind:  # as where the group is done
                    self._asked = False
                    crew.busy -= 1
                    crew.tell()
                    return
                over = self._ended.pop(heapq.heappop(self._over)[2])
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
            journal = self.crew.journal
            first = operation_id(operand.id, "1")  # of its operations, where nothing is recorded of itself
            strand.runs_code(not operand.recorded and journal.was_over(first))
            if operand.recorded and not is_over and journal.has_ended(operand.id):
                strand.retraces()
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
        if self.crew.away:
            self.crew.offer()
        self.crew.tell()

    def over(self, strand: Strand) -> None:
        """*strand* is over, or will be once it is resumed. The earliest, by the service's clock, goes first."""
        if strand not in self._live:
            return
        strand.counts(False)
        strand.runs_code(False)
        entry = self.crew.journal.find(strand.operation.id)
        at, id = strand.moment if entry is None else (ended(entry), entry["Id"])
        number = next(self._count)
        heapq.heappush(self._over, (at, id, number))
        self._ended[number] = strand
        self._tell()

    def waits_for_code(self, change: int) -> None:
        """So many more strands run code that may end it as it did before."""
        self._behind += change
        if self._over and not self._behind:
            self._tell()

    def _tell(self) -> None:
        """Have the plan told of what is over."""
        if self not in self.crew.due and not self._asked:
            self.crew.due.append(self)
            self.crew.tell()
            if self.crew.away:
                self.crew.offer()

    def _finish(self) -> None:
        """No outcome is wanted any more."""
        if self.done:
            return
        self._dropped = {strand.context_id for strand in self._live}
        self._drop(self._abandoned)
        if isinstance(self._owner, Strand) and self._owner.inner is self:
            self._owner.wake()

    def _drop(self, abandoned: list[Kind[Any]]) -> None:
        """Give up all strands, and those that they wait for, however deep."""
        groups = [self]
        while groups:
            group = groups.pop()
            if group is not self:
                abandoned += group._abandoned
                group._abandoned.clear()
            groups += [strand.inner for strand in group._live if strand.inner is not None]
            abandoned += [strand.awaited for strand in group._live if strand.awaited is not None]
            group._clear()

    def _clear(self) -> None:
        self.done = True
        for strand in list(self._live):
            strand.end(GIVEN_UP)
        self.crew.strands.difference_update(self._live)
        self._live.clear()
        self._over.clear()
        self._ended.clear()
        if self.ready:
            self.crew.wanted -= len(self.ready)
            self.ready.clear()
            self.crew.ready.remove(self)
