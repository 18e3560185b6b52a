"""The handler's own thread in blocking workflows: it runs the handler, and waits for the branches of its fan-outs."""

from __future__ import annotations

import contextvars
import time
from collections.abc import Callable
from typing import Any, Never

from durable_core._runtime.attempt import Attempt, attempt
from durable_core._runtime.blocking_driver import BlockingDriver
from durable_core._runtime.crew import Crew
from durable_core._runtime.driver import Seen
from durable_core._runtime.endings import Breakdown, Ending, Return, Suspension
from durable_core._runtime.kind import Kind
from durable_core._runtime.scheduler import LAST_CALL
from durable_core._runtime.scope import Scope
from durable_core._runtime.strand_group import StrandGroup
from durable_core._runtime.whose import in_lane
from durable_core._wire.shapes import Operation, OperationUpdate
from durable_core.errors import InvocationError, NonDeterministicExecutionError, Suspended

_PATIENCE = 0.25
"""Seconds for which nobody takes up what wants a thread, before this one does."""


class HandlerDriver(BlockingDriver):
    """It blocks where a branch would give its thread back, and ends the invocation when nothing can go on."""

    def __init__(self, crew: Crew, see: Callable[[Seen], None] | None, *, ahead: int) -> None:
        super().__init__(crew, see)
        self.ahead: int = ahead
        crew.mains.append(self)

    def conduct(self, scope: Scope, func: Callable[..., Any], args: tuple[Any, ...]) -> Attempt | None:
        """What came out of the root's body; ``None`` if the invocation ended before it did."""
        crew = self.crew
        try:
            with self.pried():
                hooks = scope.execution.hooks
                context = contextvars.copy_context() if hooks is None else hooks.context
                result = context.run(in_lane, scope.lane, attempt, func, args)
        finally:
            scope.ended = True
            with crew.lock:
                crew.end(Return())
        if not self._rested():
            with crew.lock:
                crew.end(Breakdown(InvocationError("the deadline is near; Lambda will call again")))
        return result if isinstance(self.ending, Return) else None

    async def conclude(self, update: OperationUpdate, then: Callable[[], None] | None = None) -> Operation:
        crew, pipeline = self.crew, self.crew.pipeline
        if crew.helpers or self.ahead or then is not None or self.ending is not None:
            return await super().conclude(update, then)
        ticket = pipeline.post(update, self._settled)  # as most steps are: nobody else is at work
        while not ticket.settled and self.ending is None:
            crew.call()
        if ticket.error is not None or self.ending is not None:
            self._wait_for(ticket)
        return crew.journal.operations[update["Id"]]

    async def park(self, operation: Kind[Any]) -> Operation:
        self._until_quiet()
        entry = self.crew.come(operation.id)
        if entry is None:
            self._suspend()
        return entry

    async def forever(self) -> None:
        self.break_down(_never())

    def flush(self) -> None:
        """Send all that is queued; raise what went wrong."""
        self.crew.pipeline.flush(self.crew.answered)

    def group(self, operation: Kind[Any], scope: Scope) -> StrandGroup:
        return StrandGroup(self)

    def carry_out(self, group: StrandGroup) -> None:
        """Return when the plan of *group* is done."""
        group.advance()
        crew, idle = self.crew, False
        while True:
            with crew.lock:
                self.go_on()
                if group.done:
                    return
                job = self._job(group, idle)
                stuck = job is None and crew.is_idle
                if job is None and not stuck and crew.helpers:
                    idle = self._wait() or (idle and not crew.at_work)
                    continue
                crew.away = job is not None
            if job is not None:
                job()
                crew.away = False
            elif stuck:
                self._suspend_unless_news(group)
            else:
                crew.call()  # a branch that this thread ran is to be recorded

    def _job(self, group: StrandGroup, idle: bool) -> Callable[[], None] | None:
        """What this thread does itself: ask the plan of *group*, and run a branch that nobody else would.

        As long as others are at work it does not run branches, since it has to go on as soon as the plan is done.
        """
        crew = self.crew
        if group in crew.due:
            crew.due.remove(group)
            return group.advance
        if not crew.helpers and crew.busy == 1 and crew.awaits_nothing:
            return crew.take()
        if idle and not crew.at_work:
            return crew.take()  # threads of the process are taken up by other invocations
        crew.offer()
        return None

    def _wait(self) -> bool:
        """Wait for a change; say whether there was none for as long as this thread has patience."""
        crew = self.crew
        if crew.pipeline.queued:
            crew.sender.arm(at_once=True)
        wanted = bool(crew.due or crew.ready)
        left = None if crew.deadline is None else crew.deadline - LAST_CALL - time.monotonic()
        if left is not None and left <= 0:
            crew.end(Breakdown(InvocationError("the deadline is near; Lambda will call again")))
        elif wanted:
            left = min(_PATIENCE, _PATIENCE if left is None else left)
        return not crew.wait(left) and wanted

    def _until_quiet(self) -> None:
        """Return when all is recorded that can be, and all answers have been heard."""
        crew = self.crew
        while True:
            with crew.lock:
                self.go_on()
                if crew.pipeline.quiet:
                    return
                if crew.helpers:
                    crew.sender.arm(at_once=True)
                    crew.wait()
                    continue
            crew.call()

    def _suspend_unless_news(self, group: StrandGroup) -> None:
        """End the invocation here, unless anything can go on by what the last answers have told."""
        self._until_quiet()
        crew = self.crew
        with crew.lock:
            self.go_on()
            if group.done or not crew.is_idle or not crew.pipeline.quiet:
                return
            crew.end(self._no_way_on())
        raise Suspended("the invocation ends here for now")

    def _no_way_on(self) -> Ending:
        if self.crew.too_late:
            return Breakdown(InvocationError("the deadline is too near to start a step; Lambda will call again"))
        return Breakdown(_never()) if self.crew.awaits_nothing else Suspension()

    def _suspend(self) -> Never:
        with self.crew.lock:
            self.crew.end(Suspension())
        raise Suspended("the invocation ends here for now")

    def _rested(self) -> bool:
        """Wait for what cannot be cancelled, and must not outlive the invocation; say whether it ended in time."""
        deadline = self.crew.deadline
        end = None if deadline is None else deadline - LAST_CALL
        if not self.crew.join(_left(end)):
            return False
        for late in self.crew.late:
            try:
                late.exception(_left(end))
            except TimeoutError:
                return False
        return True


def _never() -> NonDeterministicExecutionError:
    return NonDeterministicExecutionError("a wait was recorded as cancelled, and the code does not cancel it")


def _left(end: float | None) -> float | None:
    return None if end is None else max(0.0, end - time.monotonic())
