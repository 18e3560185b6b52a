"""The tasks of a workflow: which lane each has, and that none outlives its context."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterable
from contextvars import Context
from types import CodeType
from typing import TYPE_CHECKING, Any

from durable_core._runtime.attempt import Attempt, called
from durable_core._runtime.scope import Lane, Scope
from durable_core.errors import ContextMisuseError

if TYPE_CHECKING:
    from durable_core._runtime.hooks import Around
    from durable_core._runtime.scheduler import Scheduler

GRACE = 1.0
"""Seconds that a cancelled workflow has for cleaning up local resources."""


class WorkflowTask(asyncio.Task[Any]):
    """A task of the workflow. With a *lane* it runs the workflow's own code; without one, a single operation."""

    __slots__ = ("branch", "current", "given_up", "hurried", "lane", "scope", "timeouts")

    def __init__(self, coro: Any, scope: Scope, lane: Lane | None, *, hurried: bool = False, **options: Any) -> None:
        self.lane: Lane | None = lane
        self.scope: Scope = scope
        self.branch: bool = False
        """It runs a branch, body included, whose lane it has meanwhile; nobody outside that can cancel it but us."""
        self.given_up: bool = False
        """We have cancelled it."""
        self.hurried: bool = hurried
        """It was started under ``asyncio.timeout`` or ``wait_for``."""
        self.timeouts: tuple[asyncio.TimerHandle, ...] = ()
        """Of ``asyncio.timeout`` over its own code."""
        self.current: object = None
        """The operation that it is in the middle of; its own code does not run meanwhile."""
        super().__init__(coro, **options)

    def in_a_hurry(self) -> bool:
        """Whether an ``asyncio`` time-out is running over this task."""
        if self.timeouts:
            now = self.get_loop().time()
            self.timeouts = tuple(each for each in self.timeouts if not each.cancelled() and each.when() > now)
        return self.hurried or bool(self.timeouts)


class StepTask(asyncio.Task[Any]):
    """A task inside a step: it has no place in the workflow's order."""

    __slots__ = ()


def start_now(coro: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop, context: Context) -> StepTask:
    """A task that has run until it waits for something, or is done: that spares most steps two turns of the loop."""
    if sys.version_info >= (3, 12):
        return StepTask(coro, loop=loop, context=context, eager_start=True)
    begin: list[Callable[[], None]] = []
    creator = asyncio.current_task(loop)
    loop.call_soon = lambda callback, *, context: begin.append(callback)  # type: ignore[assignment, method-assign, misc]  # noqa: PLW0108
    try:
        task = StepTask(coro, loop=loop, context=context)
    finally:
        del loop.call_soon
    if creator is not None:
        asyncio._leave_task(loop, creator)
    try:
        context.run(begin[0])
    finally:
        if creator is not None:
            asyncio._enter_task(loop, creator)
    return task


def make_task(
    scheduler: Scheduler | None, loop: asyncio.AbstractEventLoop, coro: Any, options: Any
) -> asyncio.Task[Any]:
    """The task for *coro*: what the workflow starts gets a lane, what runs a single operation or a step gets none."""
    creator = asyncio.current_task(loop)
    if isinstance(creator, StepTask):
        return StepTask(coro, loop=loop, **options)
    if scheduler is None or not isinstance(creator, WorkflowTask):
        return asyncio.Task(coro, loop=loop, **options)
    if creator.lane is None or creator.current is not None:  # a serializer, a strategy, our own machinery
        return StepTask(coro, loop=loop, **options)
    lane = None if getattr(coro, "is_durable_operation", False) else creator.lane.branch()
    return task_of(scheduler, coro, creator.scope, lane, hurried=creator.in_a_hurry(), **options)


def task_of(
    scheduler: Scheduler,
    coro: Any,
    scope: Scope,
    lane: Lane | None,
    *,
    branch: bool = False,
    **options: Any,
) -> WorkflowTask:
    """A task of the workflow, in the books of its context and of the scheduler.

    Of the end of one that runs a *branch* the scheduler is told by who began it.
    """
    task = WorkflowTask(coro, scope, lane, loop=scheduler.loop, **options)
    task.branch = branch
    scope.tasks.add(task)
    scheduler.alive += 1
    if not branch:
        task.add_done_callback(scheduler.task_done)
    return task


async def run_body(scope: Scope, func: Callable[..., Any], args: tuple[Any, ...], around: Around | None) -> Attempt:
    """Run the body of a context in a task of its own; ``CancelledError`` if whoever waits here was cancelled.

    A branch has one already. Who else waits cannot run meanwhile, so that the number of tasks which could run stays the
    same. It waits for a future of its own and hands a cancellation on when it runs: the contexts may nest deeper than
    ``Task.cancel`` can recurse.
    """
    loop = asyncio.get_running_loop()
    here = asyncio.current_task(loop)
    if around is None and isinstance(here, WorkflowTask) and here.branch and here.lane is None:
        return await _run_here(here, scope, func, args)
    if around is None:
        task = WorkflowTask(called(func, args), scope, scope.lane, loop=loop)
    else:
        task = WorkflowTask(_told(around, func, args), scope, scope.lane, loop=loop, context=around.context)
    over: asyncio.Future[None] = loop.create_future()
    task.add_done_callback(lambda _: resolve(over))
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await over
        except asyncio.CancelledError as error:
            cancelled, over = error, loop.create_future()
            task.cancel()
    scope.ended = True
    if cancelled is not None:
        cancel(scope.tasks)
        try:
            raise cancelled
        finally:
            del cancelled  # it holds this frame
    result: Attempt = task.result()
    return result


async def _run_here(task: WorkflowTask, scope: Scope, func: Callable[..., Any], args: tuple[Any, ...]) -> Attempt:
    """Run the body of *scope* in *task*, the current one; ``CancelledError`` if that was given up.

    Another cancellation is the body's own affair, as that of a ``TaskGroup`` in it.
    """
    outside, operation = task.scope, task.current
    task.scope, task.lane, task.current = scope, scope.lane, None
    try:
        result = await called(func, args)
    finally:
        task.scope, task.lane, task.current = outside, None, operation
        scope.ended = True
    if task.given_up:
        cancel(scope.tasks)
        raise asyncio.CancelledError
    return result


async def _told(around: Around, func: Callable[..., Any], args: tuple[Any, ...]) -> Attempt:
    around.start()
    return await called(func, args)


async def close(scope: Scope, result: Attempt) -> Attempt:
    """End what the body of *scope* left behind; what it left unfinished is an error, unless it failed itself."""
    left = [task for task in scope.tasks if not task.done()]
    unfinished = [what for task in left if not task.cancelling() and (what := operation_of(task)) is not None]
    cancel(left)
    if left:
        await asyncio.wait(left, timeout=GRACE)
    if result.error is not None:
        return result
    if scope.placed:
        never = min(scope.placed, key=lambda operation: operation.number)
        return Attempt(
            error=ContextMisuseError(f"{never} ({never.line}) was never awaited before {scope} returned; await it")
        )
    if unfinished:
        return Attempt(
            error=ContextMisuseError(
                f"{unfinished[0]} was still running when {scope} returned; await its task, or cancel it first"
            )
        )
    return result


def resolve(future: asyncio.Future[None]) -> None:
    """Wake who waits for *future*, if nobody did."""
    if not future.done():
        future.set_result(None)


def cancel(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Give up all that are not done."""
    for task in list(tasks):
        if not task.done():
            if isinstance(task, WorkflowTask):
                task.given_up = True
            task.cancel()


def operation_of(task: asyncio.Task[Any]) -> object | None:
    """The operation that *task* runs, or is in the middle of."""
    if not isinstance(task, WorkflowTask):
        return None
    return task.get_coro() if task.branch or task.lane is None else task.current


def whereabouts(task: asyncio.Task[Any]) -> str:
    """The name of *task*, and the line of the user's code at which it stands."""
    where = "not started"
    coro: Any = task.get_coro()
    while coro is not None:
        frame = getattr(coro, "cr_frame", None) or getattr(coro, "gi_frame", None)
        if frame is not None and not _is_ours(frame.f_code):
            where = f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_qualname}"
        coro = getattr(coro, "cr_await", None) or getattr(coro, "gi_yieldfrom", None)
    return f"{task.get_name()} ({where})"


def _is_ours(code: CodeType) -> bool:
    return code.co_filename.startswith((_PACKAGE, _ASYNCIO))


_PACKAGE = __file__.rpartition("_runtime")[0]
_ASYNCIO = asyncio.__file__.rpartition("__init__")[0]
