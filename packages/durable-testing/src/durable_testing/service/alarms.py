"""What time will do to an execution, and when."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import NamedTuple

from durable_testing.service.rules import Cause


class Alarm(NamedTuple):
    """One thing that time will do; at equal times, in the order of the operations' ids."""

    due: int
    id: str
    cause: Cause


class Alarms:
    """The alarms that are set. An operation has at most one of each cause."""

    __slots__ = ("_heap", "_set")

    def __init__(self) -> None:
        self._set: dict[str, dict[Cause, int]] = {}
        self._heap: list[Alarm] = []

    def __iter__(self) -> Iterator[Alarm]:
        return iter(
            sorted(Alarm(due, id_, cause) for id_, causes in self._set.items() for cause, due in causes.items())
        )

    def put(self, id_: str, cause: Cause, due: int) -> None:
        """Set an alarm, in place of the one that was set for the same cause."""
        self._set.setdefault(id_, {})[cause] = due
        heappush(self._heap, Alarm(due, id_, cause))

    def find(self, id_: str, cause: Cause) -> int | None:
        """Give the time for which an alarm is set."""
        return self._set.get(id_, {}).get(cause)

    def drop(self, id_: str, cause: Cause | None = None) -> None:
        """Unset an operation's alarm, or all that it has."""
        if cause is None:
            self._set.pop(id_, None)
        elif cause in self._set.get(id_, {}):
            del self._set[id_][cause]

    def clear(self) -> None:
        """Unset every alarm."""
        self._set.clear()
        self._heap.clear()

    def next(self) -> int | None:
        """Give the time of the first alarm."""
        while self._heap and not self._is_set(self._heap[0]):
            heappop(self._heap)
        return self._heap[0].due if self._heap else None

    def due(self, now: int) -> list[Alarm]:
        """Give the alarms whose time has come, in order, and leave them set."""
        found: list[Alarm] = []
        ahead = [0]
        while ahead:  # below an entry that is not due, no entry of a heap is due
            place = ahead.pop()
            if place < len(self._heap) and self._heap[place].due <= now:
                found.append(self._heap[place])
                ahead += (2 * place + 1, 2 * place + 2)
        return sorted({alarm for alarm in found if self._is_set(alarm)})

    def _is_set(self, alarm: Alarm) -> bool:
        return self.find(alarm.id, alarm.cause) == alarm.due
