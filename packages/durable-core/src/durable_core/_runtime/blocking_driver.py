"""The driver of plain ``def`` workflows: operations block the thread that calls them, so one body serves both."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from threading import TIMEOUT_MAX
from typing import TYPE_CHECKING, Any, Never, TypeVar

from durable_core._runtime.attempt import Attempt, Call, attempt, is_awaitable
from durable_core._runtime.crew import Crew
from durable_core._runtime.driver import Seen
from durable_core._runtime.endings import Breakdown, Ending
from durable_core._runtime.engine import on_new_thread
from durable_core._runtime.kind import Kind
from durable_core._runtime.pipeline import Ticket, runs_ahead
from durable_core._runtime.prying import pry_loose
from durable_core._runtime.scheduler import LAST_START
from durable_core._runtime.scope import Lane, Scope
from durable_core._runtime.whose import current_lane, in_lane
from durable_core._wire.shapes import Operation, OperationUpdate
from durable_core.errors import InvocationError, StepTimeoutError, Suspended

if TYPE_CHECKING:
    from durable_core._runtime.hooks import Around

T = TypeVar("T")

_PATIENCE = 1_000
"""How often an operation raises again after the end, before the code that swallows it is pried loose."""


_LEVELS = 40
"""Nested contexts that share a thread: Python's limits of recursion, its own and that of C, are for one thread."""
_DEEPEST = 3_000
"""Nested contexts, at most."""


def drive(operation: Coroutine[Any, Any, T]) -> T:
    """Run the body of an operation to its end on this thread: whatever it awaits blocks instead of suspending."""
    try:
        operation.send(None)
    except StopIteration as stop:
        value: T = stop.value
        return value
    raise AssertionError("an operation of a blocking workflow tried to suspend")


class BlockingDriver:
    """What the handler's own thread, and the threads of its branches, have in common."""

    __slots__ = ("_gate", "_refusals", "crew", "ending", "see")

    alive = 1
    ahead = 0
    """Updates by which it may run ahead of its record."""

    def __init__(self, crew: Crew, see: Callable[[Seen], None] | None) -> None:
        self.crew = crew
        self.ending: Ending | None = crew.ending
        self.see = see
        self._refusals = 0
        self._gate: threading.Condition | None = None

    def lane_here(self) -> Lane | None:
        return current_lane()

    def begin(self, operation: Kind[Any]) -> Lane:
        operation.lane.current = operation
        return operation.lane

    def finish(self, begun: Lane) -> None:
        begun.current = None

    async def refuse(self) -> None:
        self._refusals += 1
        if self._refusals > _PATIENCE:
            pry_loose(attempt.__code__)
        raise Suspended("the invocation has ended")

    def post(self, update: OperationUpdate) -> None:
        with self.crew.lock:
            if self.ending is not None:
                return
            self.crew.pipeline.post(update)
        self.crew.sender.arm()

    async def put(self, update: OperationUpdate) -> None:
        with self.crew.lock:
            self.go_on()
            ticket = self.crew.pipeline.post(update, self._settled)
        self._wait_for(ticket)

    async def conclude(self, update: OperationUpdate, then: Callable[[], None] | None = None) -> Operation:
        crew, ticket = self.crew, None
        with crew.lock:
            if self.ending is not None:
                self.go_on()
            if self.ahead and runs_ahead(update, crew.pipeline, self.ahead):
                crew.pipeline.post(update)
                crew.sender.arm()
            else:
                ticket = crew.pipeline.post(update, self._settled)
        if then is not None:
            then()
        if ticket is None:
            return crew.journal.expected(update)
        self._wait_for(ticket)
        return crew.journal.operations[update["Id"]]

    async def caught_up(self) -> None:
        """What a strand asks for comes after all that it has seen."""

    async def turn(self, id: str, moment: int) -> None:
        """A strand sees one outcome at a time: it is always its turn."""

    async def abort(self, error: BaseException) -> None:
        self.break_down(error)

    def may_start(self) -> bool:
        return self.crew.deadline is None or time.monotonic() <= self.crew.deadline - LAST_START

    async def give_back(self) -> None:
        self.break_down(InvocationError("the deadline is too near to start a step; Lambda will call again"))

    async def call(self, call: Call) -> Attempt:
        context = call.context()
        if call.timeout is None or call.is_async:
            return context.run(_attempt, call)
        future = self.crew.pools.steps().submit(context.run, _attempt, call)
        self.crew.late.append(future)
        try:
            return future.result(min(call.timeout, TIMEOUT_MAX))
        except TimeoutError:
            return Attempt(error=StepTimeoutError(f"the attempt took longer than {call.timeout:g} s"))

    async def enter(
        self, scope: Scope, func: Callable[..., Any], args: tuple[Any, ...], around: Around | None
    ) -> Attempt:
        if scope.depth > _DEEPEST:
            raise RecursionError(f"{scope} is more than {_DEEPEST} contexts deep")
        context = contextvars.copy_context() if around is None else around.context

        def run() -> Attempt:
            if around is not None:
                context.run(around.start)
            result = context.run(in_lane, scope.lane, attempt, func, args)
            scope.ended = True
            if isinstance(result.error, KeyboardInterrupt) and scope.execution.interrupt.pressed:
                self.break_down(result.error)  # it is nobody's outcome
            if isinstance(result.error, Suspended) or self.ending is not None:
                raise Suspended("the invocation ends here for now")
            if around is not None:
                context.run(around.end, result)
            return result

        return on_new_thread(run) if scope.depth % _LEVELS == 0 else run()

    def end(self, ending: Ending) -> None:
        """The end has come: no operation goes on. The crew's lock is held."""
        self.ending = ending
        if self._gate is not None:
            self._gate.notify()

    # What this is made of

    def go_on(self) -> None:
        """``Suspended`` if the end has come. The crew's lock is held."""
        if self.ending is None:
            return
        ending = self.crew.ending
        if isinstance(ending, Breakdown) and not isinstance(ending.error, Exception):
            raise ending.error  # the process is to end
        raise Suspended("the invocation ends here for now")

    def break_down(self, error: BaseException) -> Never:
        """End the invocation, for all of its strands."""
        with self.crew.lock:
            self.crew.end(Breakdown(error))
        raise Suspended("the invocation ends here for now")

    @contextmanager
    def pried(self) -> Generator[None]:
        """Leave the tracing of this thread as it was: code that swallowed its end may have been pried loose by it."""
        tracing, profiling = sys.gettrace(), sys.getprofile()
        try:
            yield
        finally:
            if self._refusals > _PATIENCE:  # a C profiler or tracer cannot be set again from Python: leave it alone
                sys.settrace(tracing)
                sys.setprofile(profiling)

    def _wait_for(self, ticket: Ticket) -> None:
        """Return when *ticket* is settled: make the call, or wait for whoever does. ``SizeLimitError`` as ``put``."""
        crew = self.crew
        while not ticket.settled or self.ending is not None:
            if not crew.helpers and self.ending is None:
                crew.call()
                continue
            with crew.lock:
                self.go_on()
                if not ticket.settled:
                    self._gate = self._gate or threading.Condition(crew.lock)
                    crew.sender.arm(at_once=True)
                    self._gate.wait()
        if ticket.error is not None:
            raise ticket.error

    def _settled(self, _: Ticket) -> None:
        """What was posted is recorded. The crew's lock is held."""
        if self._gate is not None:
            self._gate.notify()


def _attempt(call: Call) -> Attempt:
    result = call.run()
    if result.error is not None or not is_awaitable(result.value):
        return result
    awaitable = result.value

    async def bounded() -> Any:
        if call.timeout is None:
            return await awaitable
        clock = asyncio.timeout(call.timeout)
        try:
            async with clock:
                return await awaitable
        except TimeoutError:
            if clock.expired():
                raise StepTimeoutError(f"the attempt took longer than {call.timeout:g} s") from None
            raise

    result = attempt(asyncio.run, (bounded(),))
    if call.around is not None:
        call.around.end(result)
    return result
