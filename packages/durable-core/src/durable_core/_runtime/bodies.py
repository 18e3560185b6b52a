"""The bodies of steps in async workflows: ``async def`` as tasks of their own, ``def`` on threads."""

from __future__ import annotations

import asyncio
import inspect
from concurrent.futures import Executor
from contextvars import Context
from typing import Any

from durable_core._runtime.attempt import Attempt, Call, attempt, boxed
from durable_core._runtime.scheduler import Scheduler
from durable_core._runtime.tasks import StepTask
from durable_core.errors import StepTimeoutError


class Bodies:
    """Runs the bodies of steps, and keeps count of them until they are really over."""

    __slots__ = ("_loop", "_scheduler", "_threads")

    def __init__(self, scheduler: Scheduler, threads: Executor) -> None:
        self._scheduler = scheduler
        self._loop = scheduler.loop
        self._threads = threads

    async def run(self, call: Call) -> Attempt:
        """Run the body once, in a copy of the context variables; its ``StepTimeoutError`` comes when it is due."""
        if not self._scheduler.may_start():
            await self._scheduler.forever()
        body = _Body(self._loop, call.context())
        if call.is_async:
            made = attempt(call.func, call.args)  # makes the coroutine: nothing of it runs yet
            if made.error is not None:
                return made
            self._start_task(body, made.value)
        else:
            self._start_thread(body, call)
        timer = None if call.timeout is None else self._loop.call_later(call.timeout, body.time_out, call.timeout)
        try:
            return await body.outcome
        except asyncio.CancelledError:
            body.cancel()
            raise
        finally:
            if timer is not None:
                timer.cancel()

    def _start_task(self, body: _Body, awaitable: Any) -> None:
        self._scheduler.body_starts()
        body.task = task = StepTask(boxed(awaitable), loop=self._loop, context=body.context)

        def over(done: asyncio.Task[Any]) -> None:
            if done.cancelled():  # before it began
                awaitable.close()
            self._over(body, _CANCELLED if done.cancelled() else done.result())

        task.add_done_callback(over)

    def _start_thread(self, body: _Body, call: Call) -> None:
        self._scheduler.body_starts()

        def work() -> None:
            result = body.context.run(attempt, call.func, call.args)
            self._loop.call_soon_threadsafe(self._over, body, result)

        self._threads.submit(work)

    def _over(self, body: _Body, result: Attempt) -> None:
        self._scheduler.body_ends()
        if result.error is None and inspect.isawaitable(result.value):  # lambda: charge(order)
            self._start_task(body, result.value)
        elif not body.outcome.done():
            body.outcome.set_result(result)


class _Body:
    """One attempt under way."""

    __slots__ = ("context", "outcome", "task")

    def __init__(self, loop: asyncio.AbstractEventLoop, context: Context) -> None:
        self.context = context
        self.outcome: asyncio.Future[Attempt] = loop.create_future()
        self.task: StepTask | None = None

    def cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()

    def time_out(self, seconds: float) -> None:
        if not self.outcome.done():
            self.outcome.set_result(Attempt(error=StepTimeoutError(f"the attempt took longer than {seconds:g} s")))
        self.cancel()


_CANCELLED = Attempt(error=asyncio.CancelledError())
