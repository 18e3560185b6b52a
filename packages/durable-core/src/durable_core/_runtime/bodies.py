"""The bodies of steps in async workflows: ``async def`` as tasks of their own, ``def`` on threads."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from concurrent.futures import Executor
from contextvars import Context
from typing import TYPE_CHECKING, Any

from durable_core._runtime.attempt import Attempt, Call, attempt, is_awaitable
from durable_core._runtime.scheduler import Scheduler
from durable_core._runtime.tasks import StepTask, start_now
from durable_core.errors import StepTimeoutError

if TYPE_CHECKING:
    from durable_core._runtime.hooks import Around


class Bodies:
    """Runs the bodies of steps, and keeps count of them until they are really over."""

    __slots__ = ("_scheduler", "_threads")

    def __init__(self, scheduler: Scheduler, threads: Callable[[], Executor]) -> None:
        self._scheduler = scheduler
        self._threads = threads

    async def run(self, call: Call) -> Attempt:
        """Run the body once, in a copy of the context variables; its ``StepTimeoutError`` comes when it is due."""
        scheduler = self._scheduler
        body = _Body(scheduler, call.context(), call.around)
        timer = None if call.timeout is None else scheduler.loop.call_later(call.timeout, body.time_out, call.timeout)
        try:
            if call.is_async:
                made = attempt(call.func, call.args)  # makes the coroutine: nothing of it runs yet
                if made.error is not None:
                    return made
                body.await_(made.value)
            else:
                self._start_thread(body, call)
            return body.result or await body.outcome()
        except asyncio.CancelledError:
            body.cancel()
            raise
        finally:
            if timer is not None:
                timer.cancel()

    def _start_thread(self, body: _Body, call: Call) -> None:
        self._scheduler.began(body)
        loop = self._scheduler.loop

        def work() -> None:
            result = body.context.run(call.run)
            loop.call_soon_threadsafe(body.returned, result)

        self._threads().submit(work)


class _Body:
    """One attempt under way."""

    __slots__ = ("_around", "_scheduler", "_task", "_waiter", "context", "result")

    def __init__(self, scheduler: Scheduler, context: Context, around: Around | None) -> None:
        self._scheduler = scheduler
        self._around = around
        self._task: StepTask | None = None
        self.context = context
        self.result: Attempt | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def outcome(self) -> Attempt:
        """Its result, which it has when it is over, or when its time is up."""
        if self.result is None:
            self._waiter = self._scheduler.loop.create_future()
            await self._waiter
        assert self.result is not None
        return self.result

    def await_(self, awaitable: Any) -> None:
        """Run it in a task of its own, at once until it waits for something."""
        self._scheduler.began(self)
        task = start_now(self._run(awaitable), self._scheduler.loop, self.context)
        if not task.done():
            self._task = task

    async def _run(self, awaitable: Any) -> None:
        around = self._around
        if around is not None:
            around.start()
        try:
            result = Attempt(await awaitable)
        except BaseException as error:  # SystemExit and CancelledError included: they are this attempt's
            result = Attempt(error=error)
        if around is not None and self.result is None:  # it was neither cancelled nor is its time up
            around.end(result)
        self._over(result)

    def returned(self, result: Attempt) -> None:
        """The function returned, on its thread."""
        if not is_awaitable(result.value):
            self._over(result)
        elif self.result is None:
            self.await_(result.value)  # lambda: charge(order)
        else:
            if inspect.iscoroutine(result.value):
                result.value.close()
            self._over(result)

    def cancel(self) -> None:
        """Ask it to end, which what runs on a thread cannot; whatever it still does is discarded."""
        if self.result is None:
            self.result = Attempt(error=asyncio.CancelledError())
        if self._task is not None:
            self._task.cancel()

    def time_out(self, seconds: float) -> None:
        """Its time is up."""
        self._settle(Attempt(error=StepTimeoutError(f"the attempt took longer than {seconds:g} s")))
        self.cancel()

    def _over(self, result: Attempt) -> None:
        self._task = None  # no circle is left for the garbage collector
        self._scheduler.over(self)
        self._settle(result)

    def _settle(self, result: Attempt) -> None:
        if self.result is None:
            self.result = result
        if self._waiter is not None:
            self._scheduler.delivery.wake(self._waiter)
