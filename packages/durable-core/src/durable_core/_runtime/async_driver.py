"""The driver of ``async def`` workflows: operations suspend their task, and the scheduler decides what happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

from durable_core._runtime.async_group import AsyncGroup
from durable_core._runtime.attempt import Attempt, Call, called
from durable_core._runtime.bodies import Bodies
from durable_core._runtime.driver import Seen
from durable_core._runtime.endings import Return
from durable_core._runtime.kind import Kind
from durable_core._runtime.scheduler import Scheduler
from durable_core._runtime.scope import Scope
from durable_core._runtime.tasks import GRACE, WorkflowTask, cancel, close, resolve, run_body

if TYPE_CHECKING:
    from durable_core._runtime.hooks import Around


class AsyncDriver(Scheduler):
    """A scheduler that can run the user's functions."""

    def __init__(
        self, *args: Any, see: Callable[[Seen], None] | None, threads: Callable[[], Executor], **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.see = see
        self._bodies = Bodies(self, threads)
        self.clean = True
        """Whether the loop is empty again after the invocation."""

    def flush(self) -> None:
        """Send all that is queued, now that the loop is over; raise what went wrong."""
        self._pipeline.flush(self._pipeline.settle)

    def group(self, operation: Kind[Any], scope: Scope) -> AsyncGroup:
        return AsyncGroup(self, scope)

    def call(self, call: Call) -> Coroutine[Any, Any, Attempt]:
        return self._bodies.run(call)

    async def enter(
        self, scope: Scope, func: Callable[..., Any], args: tuple[Any, ...], around: Around | None
    ) -> Attempt:
        result = await run_body(scope, func, args, around)
        if self.ending is not None:
            await self.refuse()  # whatever the body made of its end is not its outcome
        result = await close(scope, result)
        if around is not None:
            around.context.run(around.end, result)
        return result

    async def conduct(self, scope: Scope, func: Callable[..., Any], args: tuple[Any, ...], into: list[Attempt]) -> None:
        """Run the root's body, and put what came out *into* the list, unless the invocation ended before it did."""
        hooks = scope.execution.hooks
        context = None if hooks is None else hooks.context
        root = WorkflowTask(called(func, args), scope, scope.lane, loop=self.loop, context=context)
        root.add_done_callback(lambda _: resolve(self.finished))
        await self.finished
        if self.ending is None:
            result = await close(scope, root.result())
            await self.calm()
            if self.ending is None:
                into.append(result)
                self.ending = Return()
        scope.ended = True
        left = asyncio.all_tasks(self.loop) - {asyncio.current_task(self.loop)}
        cancel(left)
        if left:
            _, pending = await asyncio.wait(left, timeout=GRACE if isinstance(self.ending, Return) else 0.1)
            self.clean = not pending
