"""What runs, what is parked, and therefore when an async invocation may end.

Everything here happens on the event loop's thread. The loop calls ``before_blocking`` when nothing is left that could
run, and the decisions are made there: deliver the next outcome, make a call, poll, suspend, or give up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from threading import get_ident
from typing import Any, Protocol

from durable_core._core.clock import ended, millis
from durable_core._core.journal import Journal
from durable_core._runtime.delivery import Delivery
from durable_core._runtime.endings import Breakdown, Ending, Suspension
from durable_core._runtime.kind import Kind
from durable_core._runtime.loop import DurableLoop
from durable_core._runtime.pipeline import Pipeline, Ticket, runs_ahead
from durable_core._runtime.polls import Polls
from durable_core._runtime.scope import Lane
from durable_core._runtime.sender import Sender
from durable_core._runtime.tasks import GRACE, WorkflowTask, cancel, resolve, whereabouts
from durable_core._wire.shapes import TERMINAL, Operation, OperationUpdate
from durable_core.errors import ContextMisuseError, ExecutionError, InvocationError

LAST_CALL = 0.5
"""Seconds before the deadline at which steps are cancelled and the invocation is given back."""
LAST_START = 1.0
"""Seconds before the deadline after which no step starts."""
_PATIENCE = 1_000
"""How often an operation raises again after the end, before it never returns and the loop gets control back."""


class Stoppable(Protocol):
    """Something under way that keeps the invocation awake."""

    def cancel(self) -> object:
        """Ask it to end."""
        ...


class Scheduler:
    """The state of one invocation on its loop: counters, what is parked, whose turn it is."""

    def __init__(
        self,
        loop: DurableLoop,
        sender: Sender,
        pipeline: Pipeline,
        journal: Journal,
        *,
        deadline: float | None,
        impatient: bool,
        ahead: int,
    ) -> None:
        self.loop = loop
        self._thread = get_ident()
        self.deadline = deadline
        self.ahead: int = ahead
        """Updates by which the workflow may run ahead of its record."""
        self.ending: Ending | None = None
        self.finished: asyncio.Future[None] = loop.create_future()
        """Done when the root is, or when its grace is over."""
        self._running: set[Stoppable] = set()
        self._jobs: set[asyncio.Future[Any]] = set()
        self._calm: asyncio.Future[None] | None = None
        self.timers: list[asyncio.TimerHandle] = []
        """Timers that the workflow set outside steps."""
        self.alive: int = 1
        """Tasks that could run the workflow's code, or wake it."""
        self._sender = sender
        self._pipeline = pipeline
        self._journal = journal
        self._impatient = impatient
        """Nobody outside can call in: a workflow that waits for nothing known is failed at once."""
        self._parked: dict[str, list[asyncio.Future[None]]] = {}
        """Who waits for the outside world, by operation: several tasks may wait for one callback."""
        self._polls = Polls(journal)
        self.delivery = Delivery(journal)
        self._refusals = 0
        self._too_late = False
        """An operation may not begin any more."""
        self._grace: asyncio.TimerHandle | None = None
        sender.serve(pipeline, self.answered)

    # What operations await

    def lane_here(self) -> Lane | None:
        """The lane of the task that calls this, if its own code does; ``None`` on other threads than the loop's."""
        if get_ident() != self._thread:
            return None
        task = asyncio.current_task(self.loop)
        return task.lane if isinstance(task, WorkflowTask) and task.current is None else None

    def begin(self, operation: Kind[Any]) -> WorkflowTask:
        """Mark the current task as being in the middle of *operation*; ``ContextMisuseError`` where it may not be."""
        task = asyncio.current_task(self.loop)
        if not isinstance(task, WorkflowTask) or task.scope is not operation.lane.scope:
            raise ContextMisuseError(
                f"{operation} belongs to {operation.lane.scope}, and is awaited elsewhere; await it where it was called"
            )
        if (task.hurried or task.timeouts) and task.in_a_hurry():
            raise ContextMisuseError(
                f"{operation} is awaited under asyncio.timeout or wait_for, whose clock a replay does not repeat; "
                "use StepConfig.timeout, or ctx.race with ctx.wait"
            )
        task.current = operation
        return task

    def finish(self, begun: WorkflowTask) -> None:
        """The operation that ``begin`` marked is over."""
        begun.current = None

    async def refuse(self) -> None:
        """Raise again, now that the invocation has ended; after a thousand times, never return."""
        self._refusals += 1
        if self._refusals > _PATIENCE:
            await self.forever()
        raise asyncio.CancelledError("the invocation has ended")

    def post(self, update: OperationUpdate) -> None:
        """Have *update* recorded; nobody waits for it. After the end nothing is recorded."""
        if self.ending is None:
            self._pipeline.post(update)
            self._sender.arm()

    async def put(self, update: OperationUpdate) -> None:
        """Return when *update* is recorded; ``SizeLimitError`` if the service finds it too large."""
        if self.ending is not None:
            await self.refuse()
        recorded = self.loop.create_future()
        ticket = self._pipeline.post(update, lambda _: self.delivery.wake(recorded))
        self._sender.arm()
        await recorded
        if ticket.error is not None:
            raise ticket.error

    async def conclude(self, update: OperationUpdate, then: Callable[[], None] | None = None) -> Operation:
        """Have an outcome recorded, and return it when it is its turn to be seen; *then* is called once it is queued.

        Where the workflow may run ahead of its record, that is at once, as long as it has a single task: what
        several see must have the order in which it is recorded. ``SizeLimitError`` as ``put``.
        """
        if self.ending is not None:
            await self.refuse()
        if self.ahead and self.alive <= 1 and runs_ahead(update, self._pipeline, self.ahead):
            self.post(update)
            if then is not None:
                then()
            if self._pipeline.answered:  # a body that never waits leaves the loop no time for it
                self._settle()
            return self._journal.expected(update)
        seen = self.loop.create_future()
        ticket = self._pipeline.post(update, partial(self._concluded, seen))
        self._sender.arm()
        if then is not None:
            then()
        await seen
        if ticket.error is not None:
            raise ticket.error
        return self._journal.operations[update["Id"]]

    def _concluded(self, seen: asyncio.Future[None], ticket: Ticket) -> None:
        entry = self._journal.find(ticket.update["Id"])
        if self.alive <= 1 or ticket.error is not None or entry is None:
            resolve(seen)
        else:
            begun = ticket.update["Action"] == "START"
            self.delivery.queue(entry["Id"], millis(entry["StartTimestamp"]) if begun else ended(entry), seen)

    async def park(self, operation: Kind[Any]) -> Operation:
        """Wait for the outside world.

        Return the record when it is over and it is its turn to be seen, or when it is ready for its next attempt.
        """
        try:
            return await self._parked_until_told(operation.id)
        except asyncio.CancelledError:
            update = operation.abandoned()
            if update is not None:
                self.post(update)
            raise

    async def _parked_until_told(self, id: str) -> Operation:
        while True:
            entry = self._journal.find(id)
            if entry is not None and entry["Status"] == "READY":
                return entry
            if entry is not None and entry["Status"] in TERMINAL:
                await self.turn(id, ended(entry))
                return entry
            waiting = self.loop.create_future()
            self._parked.setdefault(id, []).append(waiting)
            self._polls.expect(id)
            try:
                await waiting
            finally:
                self._parked[id].remove(waiting)
                if not self._parked[id]:
                    del self._parked[id]

    async def forever(self) -> None:
        """Wait until cancelled, without counting as parked."""
        await self.loop.create_future()

    async def caught_up(self) -> None:
        """Return when no recorded outcome can be delivered any more: what is done from then on is new.

        Work that was begun and not finished waits for this, since one of those outcomes may be what cancelled it.
        """
        if self.alive > 1:
            held = self.loop.create_future()
            self.delivery.hold(held)
            await held

    async def turn(self, id: str, moment: int) -> None:
        """Return when it is this outcome's turn: one at a time, by the service's clock, when nothing else can run."""
        if self.alive <= 1:
            return
        mine = self.loop.create_future()
        self.delivery.queue(id, moment, mine)
        await mine

    async def abort(self, error: BaseException) -> None:
        """Never return: *error* is to leave the handler, and no code of the workflow runs any more."""
        self.end(Breakdown(error))
        await self.forever()

    def may_start(self) -> bool:
        """Whether there is time for a step before the deadline."""
        return self.deadline is None or time.monotonic() <= self.deadline - LAST_START

    async def give_back(self) -> None:
        """Never return: once what is under way is recorded, the invocation ends, so that Lambda calls again."""
        self._too_late = True
        await self.forever()

    def job_began(self, job: asyncio.Future[Any]) -> None:
        """The workflow has given *job* to an executor."""
        self._jobs.add(job)
        self.began(job)
        job.add_done_callback(self._job_over)

    def _job_over(self, job: asyncio.Future[Any]) -> None:
        self._jobs.discard(job)
        self.over(job)

    def began(self, body: Stoppable) -> None:
        """A step's body, or an executor job of the workflow, is under way until it is ``over``."""
        self._running.add(body)

    def over(self, body: Stoppable) -> None:
        """*body* has really ended."""
        self._running.discard(body)
        if not self._running and self._calm is not None:
            resolve(self._calm)

    async def calm(self) -> None:
        """Return when no step body is under way, or when the deadline is near."""
        if self._running:
            self._calm = self.loop.create_future()
            await self._calm

    # What the event loop asks and tells

    def task_done(self, task: asyncio.Task[Any]) -> None:
        """A task that the workflow started is over."""
        self.alive -= 1
        assert isinstance(task, WorkflowTask)
        task.scope.tasks.discard(task)
        if task.lane is None:
            return
        if not task.cancelled() and task.exception() is None:
            task.scope.returned.append(task.lane)
        else:  # what it called and did not come to await is its own affair
            task.scope.placed = {each for each in task.scope.placed if each.lane is not task.lane}

    def answered(self) -> None:
        """The sender has made a call. From any thread."""
        self.loop.call_soon_threadsafe(self._settle)

    def before_blocking(self, timeout: float | None) -> float | None:
        """Nothing can run: do what is to be done, and return how long the loop may block (0: look again)."""
        if self.delivery.wake_all() or self.delivery.next(self._own_work):
            return 0
        if self.ending is not None:
            return timeout
        left = None if self.deadline is None else self.deadline - LAST_CALL - time.monotonic()
        if left is not None and left <= 0:
            self._give_back()
            return 0
        awake = self._awake()
        if self._pipeline.queued and not self._pipeline.sending:
            if timeout is None and not awake and not self.loop.foreign_descriptors:
                self._pipeline.send()
                self._settle()
                self.delivery.wake_all()
                return 0
            if self._pipeline.urgent or not awake:
                self._sender.arm(at_once=True)
        elif self._pipeline.quiet and not awake and self._too_late:
            self._give_back()
            return 0
        elif self._pipeline.quiet and not awake and self._parked:
            self.loop.warn_of_sockets()
            self.end(Suspension())
            return 0
        elif self._pipeline.quiet and not awake and self._is_stuck(timeout):
            self.end(Breakdown(ExecutionError(self._stuck())))
            return 0
        return _least(timeout, left, self._seconds_to_poll() if awake else None)

    def while_busy(self) -> None:
        """Something runs and never blocks: deliver what is due all the same, and mind the deadline."""
        if self.ending is None and self.deadline is not None and time.monotonic() > self.deadline - LAST_CALL:
            self._give_back()
        elif not self.delivery.wake_all() and not self.delivery.next(self._own_work) and self._pipeline.urgent:
            self._sender.arm(at_once=True)

    def end(self, ending: Ending) -> None:
        """End the invocation: every task of the workflow is cancelled, and has a second to clean up."""
        first = self.ending is None
        if first or isinstance(self.ending, Suspension):
            self.ending = ending
        if isinstance(ending, Breakdown) and not isinstance(ending.error, Exception):
            self.loop.stop()  # the process is to end: no code of the workflow may run any more
            return
        if not first:
            return
        if self._calm is not None:
            resolve(self._calm)
        for body in list(self._running):
            body.cancel()
        cancel(task for task in asyncio.all_tasks(self.loop) if isinstance(task, WorkflowTask))
        self._grace = self.loop.call_later(GRACE, resolve, self.finished)

    def detach(self) -> None:
        """Leave nothing of this invocation on the loop."""
        if self._grace is not None:
            self._grace.cancel()
        for handle in self.timers:
            handle.cancel()

    def _settle(self) -> None:
        changed = self._pipeline.settle()
        if changed:
            self._polls.told()
        for entry in changed:
            waiting = self._parked.get(entry["Id"], ())
            if waiting:
                self._polls.expect(entry["Id"])
            if entry["Status"] in TERMINAL or entry["Status"] == "READY":
                for each in waiting:
                    self.delivery.wake(each)
        if self._pipeline.failure is not None:
            self.end(Breakdown(self._pipeline.failure))
        elif self._pipeline.closed:
            self.end(Suspension("the service gave no further token"))

    def _awake(self) -> bool:
        """Whether anything but an answer of the service can still wake the workflow by itself."""
        return bool(self._running) or self._own_work()

    def _own_work(self) -> bool:
        """Whether a timer or an executor job of the workflow, outside steps, is under way."""
        if self.timers:
            now = self.loop.time()
            self.timers = [handle for handle in self.timers if not handle.cancelled() and handle.when() > now]
        return bool(self.timers or self._jobs)

    def _seconds_to_poll(self) -> float | None:
        left = self._polls.seconds_left(self._parked)
        if left is not None and left <= 0 and self._pipeline.quiet:
            self._polls.polled(self._parked)
            self._pipeline.poll()
            self._sender.arm(at_once=True)
        return None if left is None else max(left, 0.01)

    def _is_stuck(self, timeout: float | None) -> bool:
        return self._impatient and timeout is None and not self.loop.foreign_descriptors

    def _give_back(self) -> None:
        if self._too_late or self._parked or self._awake() or self.loop.foreign_descriptors or not self._pipeline.quiet:
            self.end(Breakdown(InvocationError("the deadline is near; Lambda will call again")))
        else:
            self.end(Breakdown(ExecutionError(self._stuck())))

    def _stuck(self) -> str:
        tasks = [task for task in asyncio.all_tasks(self.loop) if isinstance(task, WorkflowTask) and not task.done()]
        where = "; ".join(sorted(whereabouts(task) for task in tasks))
        return f"the workflow waits for something that no operation, timer or thread will bring: {where}"


def _least(*times: float | None) -> float | None:
    return min((each for each in times if each is not None), default=None)
