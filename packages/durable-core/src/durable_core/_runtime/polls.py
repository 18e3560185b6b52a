"""When to ask the service about what is parked, while something else keeps the invocation awake."""

from __future__ import annotations

import heapq
import time
from collections.abc import Container

from durable_core._core.clock import millis
from durable_core._core.journal import Journal

FLOOR = 1.0
"""Seconds between two polls, at least."""
_SLACK = 0.02
"""Seconds by which the service may be later than it seems."""
CEILING = 30.0
"""Seconds between two polls for what has no known time, at most."""


class Polls:
    """Due times by this machine's monotonic clock, counted from what the service said last, never from its clock."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._told = time.monotonic()
        self._due: list[tuple[float, str]] = []
        self._last = float("-inf")
        self._pause = FLOOR

    def told(self) -> None:
        """Note that the service's time has just been heard."""
        self._told = time.monotonic()
        self._pause = FLOOR

    def expect(self, id: str) -> None:
        """Something is parked on *id*."""
        due = self._due_time(id)
        if due is not None:
            heapq.heappush(self._due, (due, id))

    def seconds_left(self, parked: Container[str]) -> float | None:
        """Seconds until a poll could tell news of what is *parked*; ``None``: never."""
        while self._due and self._due[0][1] not in parked:
            heapq.heappop(self._due)
        if not self._due:
            return None
        return max(self._due[0][0], self._last + FLOOR) - time.monotonic()

    def polled(self, parked: Container[str]) -> None:
        """A poll goes out now; what it does not wake is asked about later, and later again."""
        now = self._last = time.monotonic()
        overdue: set[str] = set()
        while self._due and self._due[0][0] <= now:
            overdue.add(heapq.heappop(self._due)[1])
        for id in overdue:
            if id in parked:
                heapq.heappush(self._due, (max(self._due_time(id) or now, now + self._pause), id))
        self._pause = min(self._pause * 2, CEILING)

    def _due_time(self, id: str) -> float | None:
        """When the operation is due; ``None`` as long as the service has not told of it."""
        entry = self._journal.find(id)
        if entry is None:
            return None
        when = entry.get("WaitDetails", {}).get("ScheduledEndTimestamp")
        if when is None:
            when = entry.get("StepDetails", {}).get("NextAttemptTimestamp")
        if when is None:
            return time.monotonic() + self._pause
        return self._told + max(0, millis(when) - self._journal.service_time) / 1000 + _SLACK
