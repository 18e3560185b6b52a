"""Who goes on next: one outcome at a time, by the service's clock, when no code of the workflow can run."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable

from durable_core._core.journal import Journal
from durable_core._runtime.tasks import resolve


class Delivery:
    """What operations wait for within an invocation. It moves only when the event loop would otherwise block."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._ready: list[asyncio.Future[None]] = []
        self._turns: list[tuple[int, str, int, asyncio.Future[None]]] = []
        self._held: list[asyncio.Future[None]] = []
        self._count = itertools.count()

    def wake(self, operation: asyncio.Future[None]) -> None:
        """Let an operation go on, once no code of the workflow can run.

        Not before: a task that is cancelled while it is about to wake up sees it a turn earlier than one that waits,
        and a replay, in which the same operation only waits, would see another order.
        """
        self._ready.append(operation)

    def queue(self, id: str, moment: int, outcome: asyncio.Future[None]) -> None:
        """Let an *outcome* be seen in its turn, which comes from its *moment* (0: now) and its *id*."""
        heapq.heappush(self._turns, (moment or self._journal.service_time, id, next(self._count), outcome))

    def hold(self, work: asyncio.Future[None]) -> None:
        """Let unfinished *work* go on when all recorded outcomes are delivered."""
        self._held.append(work)

    def wake_all(self) -> bool:
        """Let the operations that can go on do so; say whether there were any."""
        ready, self._ready = self._ready, []
        for each in ready:
            resolve(each)
        return bool(ready)

    def next(self, own_work: Callable[[], bool]) -> bool:
        """Let the next outcome be seen; when there is none left, let unfinished work go on. Say whether it did.

        *own_work* tells whether a timer or an executor job of the workflow, outside steps, is under way.
        """
        while self._turns:
            moment, _, _, outcome = self._turns[0]
            if own_work() and self._journal.ended_before(moment):
                return False  # a timer or a job of the workflow will ask for an outcome that comes first
            heapq.heappop(self._turns)
            if not outcome.done():
                outcome.set_result(None)
                return True
        held, self._held = self._held, []
        for each in held:
            resolve(each)
        return bool(held)
