"""Operations that run beside each other in async workflows: each has a task."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from durable_core._runtime.group import P
from durable_core._runtime.kind import Kind
from durable_core._runtime.perform import perform
from durable_core._runtime.scheduler import Scheduler
from durable_core._runtime.scope import Scope
from durable_core._runtime.tasks import GRACE, cancel, resolve, task_of


class AsyncGroup:
    """Tasks in the order in which they end: as ``asyncio.wait``, without looking at all of them each time."""

    def __init__(self, scheduler: Scheduler, scope: Scope) -> None:
        self._scheduler = scheduler
        self._scope = scope
        self._running: dict[asyncio.Future[Any], Any] = {}
        self._over: deque[tuple[Any, asyncio.Future[Any]]] = deque()
        self._waiter: asyncio.Future[None] | None = None

    async def run(self, plan: P) -> P:
        """Carry out *plan*. What lost runs too, up to where it was cancelled: it may share its state with others."""
        while not plan.is_done():
            while (operand := plan.begin()) is not None:
                self._start(operand)
            plan.end(*await self._next())
        return plan

    def _start(self, operand: Any) -> None:
        if isinstance(operand, asyncio.Future):
            task: asyncio.Future[Any] = operand
        else:
            coroutine = perform(operand) if isinstance(operand, Kind) else operand
            task = task_of(self._scheduler, coroutine, self._scope, None)
        self._running[task] = operand
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Future[Any]) -> None:
        self._over.append((self._running.pop(task), task))
        if not task.cancelled():
            task.exception()  # whether or not anybody asks for it: asyncio is not to complain
        if self._waiter is not None:
            resolve(self._waiter)

    async def _next(self) -> tuple[Any, asyncio.Future[Any]]:
        while not self._over:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._over.popleft()

    def cancel(self) -> None:
        """Cancel all that are not over."""
        cancel(self._running)

    async def close(self) -> None:
        """Give those that were cancelled a second to clean up."""
        if self._running:
            await asyncio.wait(self._running, timeout=GRACE)
