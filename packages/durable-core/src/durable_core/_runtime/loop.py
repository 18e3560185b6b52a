"""The event loop of async workflows: it asks before it blocks."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple, Unpack

from durable_core._runtime.tasks import WorkflowTask, make_task

if TYPE_CHECKING:
    from durable_core._runtime.scheduler import Scheduler


Arguments = TypeVarTuple("Arguments")
T = TypeVar("T")

_MANY_TURNS = 1_000

_log = logging.getLogger("durable_core")
_warned = False


class _AskingSelector(selectors.DefaultSelector):
    """Calls ``before_blocking`` when it is told to block: then nothing is left that could run."""

    before_blocking: Callable[[float | None], float | None] | None = None
    while_busy: Callable[[], None] | None = None
    """Called now and then while something always can run, as in code that spins until another task is done."""
    _turns = 0
    watched = 0
    """How many descriptors are registered."""
    own = 1
    """Descriptors of the loop itself: it looks at them whenever it really blocks, and need not in between."""

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = super().register(fileobj, events, data)
        self.watched += 1
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        key = super().unregister(fileobj)
        self.watched -= 1
        return key

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.before_blocking is not None:
            if timeout is None or timeout > 0:
                timeout = self.before_blocking(timeout)
                self._turns = 0
            else:
                self._turns += 1
                if self._turns > _MANY_TURNS and self.while_busy is not None:
                    self.while_busy()
                    self._turns = 0
            if timeout == 0 and self.watched <= self.own:
                return []
        return super().select(timeout)


class DurableLoop(asyncio.SelectorEventLoop):
    """An event loop that one invocation at a time uses, and that outlives it."""

    def __init__(self) -> None:
        self._asking = _AskingSelector()
        super().__init__(self._asking)
        self._asking.own = self._asking.watched
        self.scheduler: Scheduler | None = None

    def attend(self, scheduler: Scheduler | None) -> None:
        """Let *scheduler* decide what happens when nothing can run; what a workflow set on the loop is undone."""
        self.set_task_factory(self._make_task)
        self.set_exception_handler(None)
        self.scheduler = scheduler
        self._asking.before_blocking = None if scheduler is None else scheduler.before_blocking
        self._asking.while_busy = None if scheduler is None else scheduler.while_busy

    def _make_task(self, loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
        return make_task(self.scheduler, loop, coro, options)

    @property
    def foreign_descriptors(self) -> bool:
        """Whether anything but the loop itself has a descriptor registered."""
        return self._asking.watched > self._asking.own

    def warn_of_sockets(self) -> None:
        """Say once in a process that a socket does not keep an invocation awake."""
        global _warned  # noqa: PLW0603
        if self.foreign_descriptors and not _warned:
            _warned = True
            _log.warning(
                "the invocation is suspended while sockets are registered with its event loop; if the workflow reads "
                "one outside a step, that is cut off here: read it in a step"
            )

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Arguments]], object],
        *args: *Arguments,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """As ``loop.call_at``; the workflow's own timers keep its invocation awake."""
        handle = super().call_at(when, callback, *args, context=context)
        task = asyncio.current_task(self)
        if self.scheduler is not None and isinstance(task, WorkflowTask) and task.current is None:
            if _is_timeout(callback):
                task.timeouts += (handle,)
            self.scheduler.timers.append(handle)
        return handle

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Arguments]], T], *args: *Arguments
    ) -> asyncio.Future[T]:
        """As ``loop.run_in_executor``; a job of the workflow keeps its invocation awake."""
        future = super().run_in_executor(executor, func, *args)
        if self.scheduler is not None and isinstance(asyncio.current_task(self), WorkflowTask):
            self.scheduler.job_began(future)
        return future


def _is_timeout(callback: object) -> bool:
    """Whether *callback* is that of ``asyncio.timeout``, or of ``wait_for`` in Python 3.11."""
    owner = getattr(callback, "__self__", None)
    return isinstance(owner, asyncio.Timeout) or getattr(callback, "__name__", "") == "_release_waiter"
