"""The event loop of async workflows: it asks before it blocks."""

from __future__ import annotations

import asyncio
import contextvars
import selectors
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from durable_core._runtime.tasks import WorkflowTask, make_task

if TYPE_CHECKING:
    from durable_core._runtime.scheduler import Scheduler


class _AskingSelector(selectors.DefaultSelector):
    """Calls ``before_blocking`` when it is told to block: then nothing is left that could run."""

    before_blocking: Callable[[float | None], float | None] | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.before_blocking is not None and (timeout is None or timeout > 0):
            timeout = self.before_blocking(timeout)
        return super().select(timeout)


class DurableLoop(asyncio.SelectorEventLoop):
    """An event loop that one invocation at a time uses, and that outlives it."""

    def __init__(self) -> None:
        self._asking = _AskingSelector()
        super().__init__(self._asking)
        self._own_descriptors = len(self._asking.get_map())
        self.scheduler: Scheduler | None = None
        self.set_task_factory(lambda loop, coro, **options: make_task(self.scheduler, loop, coro, options))

    def attend(self, scheduler: Scheduler | None) -> None:
        """Let *scheduler* decide what happens when nothing can run."""
        self.scheduler = scheduler
        self._asking.before_blocking = None if scheduler is None else scheduler.before_blocking

    @property
    def foreign_descriptors(self) -> bool:
        """Whether anything but the loop itself has a descriptor registered."""
        return len(self._asking.get_map()) > self._own_descriptors

    def call_at(
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        handle = super().call_at(when, callback, *args, context=context)
        task = asyncio.current_task(self)
        if self.scheduler is not None and isinstance(task, WorkflowTask) and task.current is None:
            if _is_timeout(callback):
                task.timeouts.append(handle)
            self.scheduler.timers.append(handle)
        return handle

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = super().run_in_executor(executor, func, *args)
        if self.scheduler is not None and isinstance(asyncio.current_task(self), WorkflowTask):
            self.scheduler.body_starts()
            future.add_done_callback(self.scheduler.body_ends)
        return future


def _is_timeout(callback: Callable[..., object]) -> bool:
    """Whether *callback* is that of ``asyncio.timeout``, or of ``wait_for`` in Python 3.11."""
    owner = getattr(callback, "__self__", None)
    return isinstance(owner, asyncio.Timeout) or getattr(callback, "__name__", "") == "_release_waiter"
