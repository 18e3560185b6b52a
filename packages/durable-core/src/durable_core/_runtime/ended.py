"""Tasks in the order in which they end."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from durable_core._runtime.tasks import resolve


class Ended:
    """Tasks that are over, in that order: what ``asyncio.wait`` does, without looking at all of them each time."""

    def __init__(self) -> None:
        self._tasks: deque[asyncio.Future[Any]] = deque()
        self._waiter: asyncio.Future[None] | None = None

    def add(self, task: asyncio.Future[Any]) -> None:
        """*task* is over."""
        self._tasks.append(task)
        if self._waiter is not None:
            resolve(self._waiter)

    async def next(self) -> asyncio.Future[Any]:
        """Wait for the next one."""
        while not self._tasks:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._tasks.popleft()
