"""Operations that run beside each other in async workflows: each has a task."""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from typing import Any

from durable_core._runtime.garbage import Hold
from durable_core._runtime.group import P, Plan
from durable_core._runtime.kind import Kind
from durable_core._runtime.perform import perform
from durable_core._runtime.scheduler import Scheduler
from durable_core._runtime.scope import Scope
from durable_core._runtime.tasks import GRACE, cancel, resolve, task_of

MANY = 500
"""Branches after which those that live are spared from garbage collection: some 25,000 objects."""


class AsyncGroup:
    """Tasks whose plan is asked as each of them ends, without waking who waits for the plan."""

    def __init__(self, scheduler: Scheduler, scope: Scope) -> None:
        self._scheduler = scheduler
        self._scope = scope
        self._running: dict[asyncio.Future[Any], Any] = {}
        self._plan: Plan | None = None
        """While it is carried out."""
        self._context = copy_context()
        """In which the plan is asked."""
        self._over: asyncio.Future[None] = scheduler.loop.create_future()
        self._trouble: BaseException | None = None
        self._begun = 0
        self._garbage = Hold()

    async def run(self, plan: P) -> P:
        """Carry out *plan*. What lost runs too, up to where it was cancelled: it may share its state with others."""
        self._plan = plan
        try:
            self._go_on(plan)
            await self._over
            if self._trouble is not None:
                raise self._trouble
        finally:
            self._plan = self._trouble = None
            self._garbage.release()
        return plan

    def _go_on(self, plan: Plan) -> None:
        if plan.is_done():
            self._plan = None
            resolve(self._over)
            return
        while (operand := plan.begin()) is not None:
            if isinstance(operand, asyncio.Future):
                self._running[operand] = operand
                operand.add_done_callback(self._ended, context=self._context)
            else:
                coroutine = perform(operand) if isinstance(operand, Kind) else operand
                task = task_of(self._scheduler, coroutine, self._scope, None, branch=True)
                self._running[task] = operand
                task.add_done_callback(self._branch_ended, context=self._context)
                self._begun += 1
                if self._begun % MANY == 0:  # once they have come to wait for something
                    self._scheduler.loop.call_soon(self._spare)

    def _spare(self) -> None:
        if self._plan is not None:
            self._garbage.take()

    def _branch_ended(self, task: asyncio.Task[Any]) -> None:
        self._scheduler.task_done(task)
        self._ended(task)

    def _ended(self, task: asyncio.Future[Any]) -> None:
        operand, plan = self._running.pop(task), self._plan
        if not task.cancelled():
            task.exception()  # whether or not anybody asks for it: asyncio is not to complain
        if plan is None:
            return
        try:
            plan.end(operand, task)
            self._go_on(plan)
        except BaseException as error:  # of a predicate of the program's: it is for who waits
            self._plan, self._trouble = None, error
            resolve(self._over)

    def cancel(self) -> None:
        """Cancel all that are not over."""
        cancel(self._running)

    async def close(self) -> None:
        """Give those that were cancelled a second to clean up."""
        if self._running:
            await asyncio.wait(self._running, timeout=GRACE)
