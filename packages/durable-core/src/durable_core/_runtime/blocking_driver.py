"""The driver of plain ``def`` workflows: operations block the thread that calls them, so one body serves both."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from threading import TIMEOUT_MAX
from typing import Any, TypeVar

from durable_core._core.journal import Journal
from durable_core._runtime.attempt import Attempt, Call, attempt, is_awaitable
from durable_core._runtime.endings import Breakdown, Ending, Return, Suspension
from durable_core._runtime.engine import on_new_thread
from durable_core._runtime.kind import Kind
from durable_core._runtime.pipeline import Pipeline
from durable_core._runtime.prying import pry_loose
from durable_core._runtime.scheduler import LAST_START
from durable_core._runtime.scope import Lane, Scope
from durable_core._runtime.sender import Sender
from durable_core._runtime.whose import current_lane, in_lane
from durable_core._wire.shapes import TERMINAL, Operation, OperationUpdate
from durable_core.errors import (
    InvocationError,
    NonDeterministicExecutionError,
    StepTimeoutError,
    Suspended,
)

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
    """The state of one invocation on its thread."""

    alive = 1

    def __init__(
        self,
        sender: Sender,
        threads: Callable[[], Executor],
        pipeline: Pipeline,
        journal: Journal,
        *,
        deadline: float | None,
    ) -> None:
        self.ending: Ending | None = None
        self._sender = sender
        self._threads = threads
        self._pipeline = pipeline
        self._journal = journal
        self._deadline = deadline
        self._late: list[Future[Any]] = []
        self._refusals = 0
        sender.serve(pipeline, _leave_it)

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
        self._pipeline.post(update)
        self._sender.arm()

    async def put(self, update: OperationUpdate) -> None:
        await self.conclude(update)

    async def conclude(self, update: OperationUpdate, then: Callable[[], None] | None = None) -> None:
        ticket = self._pipeline.post(update, _leave_it)
        if then is not None:
            then()
        self._send(lambda: ticket.settled)
        if ticket.error is not None:
            raise ticket.error

    async def park(self, id: str) -> Operation:
        self._send(lambda: self._pipeline.quiet)
        entry = self._journal.find(id)
        if entry is not None and (entry["Status"] in TERMINAL or entry["Status"] == "READY"):
            return entry
        raise self._end(Suspension())

    async def forever(self) -> None:
        raise NonDeterministicExecutionError("a wait was recorded as cancelled, and the code does not cancel it")

    async def caught_up(self) -> None:
        """What the thread asks for comes after all that it has seen."""

    async def turn(self, id: str, moment: int) -> None:
        """One thread sees one outcome at a time: it is always its turn."""

    async def abort(self, error: BaseException) -> None:
        raise self._end(Breakdown(error))

    def may_start(self) -> bool:
        return self._deadline is None or time.monotonic() <= self._deadline - LAST_START

    async def give_back(self) -> None:
        trouble = InvocationError("the deadline is too near to start a step; Lambda will call again")
        raise self._end(Breakdown(trouble))

    async def call(self, call: Call) -> Attempt:
        context = call.context()
        if call.timeout is None or call.is_async:
            return context.run(_attempt, call)
        future = self._threads().submit(context.run, _attempt, call)
        self._late.append(future)
        try:
            return future.result(min(call.timeout, TIMEOUT_MAX))
        except TimeoutError:
            return Attempt(error=StepTimeoutError(f"the attempt took longer than {call.timeout:g} s"))

    async def enter(self, scope: Scope, func: Callable[..., Any], args: tuple[Any, ...]) -> Attempt:
        if scope.depth > _DEEPEST:
            raise RecursionError(f"{scope} is more than {_DEEPEST} contexts deep")
        context = contextvars.copy_context()

        def run() -> Attempt:
            return context.run(in_lane, scope.lane, attempt, func, args)

        result = on_new_thread(run) if scope.depth % _LEVELS == 0 else run()
        scope.ended = True
        if isinstance(result.error, Suspended) or self.ending is not None:
            raise Suspended("the invocation ends here for now")
        return result

    def conduct(self, scope: Scope, func: Callable[..., Any], args: tuple[Any, ...]) -> Attempt | None:
        """What came out of the root's body; ``None`` if the invocation ended before it did."""
        tracing, profiling = sys.gettrace(), sys.getprofile()
        try:
            result = in_lane(scope.lane, attempt, func, args)
        finally:
            scope.ended = True
            if self._refusals > _PATIENCE:  # a C profiler or tracer cannot be set again from Python: leave it alone
                sys.settrace(tracing)
                sys.setprofile(profiling)
        for late in self._late:  # a body that timed out cannot be cancelled, and must not outlive the invocation
            left = None if self._deadline is None else max(0.0, self._deadline - LAST_START - time.monotonic())
            try:
                late.exception(left)
            except TimeoutError:
                if not isinstance(self.ending, Breakdown):
                    self.ending = Breakdown(InvocationError("the deadline is near; Lambda will call again"))
        if self.ending is not None:
            return None
        self.ending = Return()
        return result

    def _send(self, enough: Callable[[], bool]) -> None:
        while not enough():
            if not self._pipeline.send():
                self._pipeline.wait_for_answer()
            self._pipeline.settle()
            if self._pipeline.failure is not None:
                suspended = self._end(Breakdown(self._pipeline.failure))
                if isinstance(self._pipeline.failure, Exception):
                    raise suspended
                raise self._pipeline.failure  # the process is to end
            if self._pipeline.closed:
                raise self._end(Suspension("the service gave no further token"))

    def _end(self, ending: Ending) -> Suspended:
        if self.ending is None:
            self.ending = ending
        return Suspended("the invocation ends here for now")


def _attempt(call: Call) -> Attempt:
    result = attempt(call.func, call.args)
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

    return attempt(asyncio.run, (bounded(),))


def _leave_it(*_: object) -> None:
    """Whoever waits looks for himself."""
