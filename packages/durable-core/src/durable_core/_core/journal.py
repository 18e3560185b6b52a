"""What the service has told us, by operation id. It never predicts."""

from __future__ import annotations

from collections.abc import Iterable

from durable_core._core.clock import latest
from durable_core._wire.shapes import TERMINAL, Operation


class Journal:
    """The recorded operations of one execution, as far as this invocation has been told."""

    __slots__ = ("_over_at_start", "_service_time", "_unread", "operations")

    def __init__(self, operations: Iterable[Operation], updated: Iterable[str] = ()) -> None:
        self.operations: dict[str, Operation] = {entry["Id"]: entry for entry in operations}
        self._service_time: int | None = None
        over = {id for id, entry in self.operations.items() if entry["Status"] in TERMINAL}
        self._over_at_start = over.difference(updated)
        self._unread = {id for id, entry in self.operations.items() if entry["Type"] != "EXECUTION"}

    @property
    def service_time(self) -> int:
        """The latest moment, in milliseconds, that the service has shown; nobody asks what time it is there."""
        if self._service_time is None:
            self._service_time = max(map(latest, self.operations.values()), default=0)
        return self._service_time

    def find(self, id: str) -> Operation | None:
        """What is recorded under *id*."""
        return self.operations.get(id)

    def read(self, id: str) -> None:
        """The code has asked for the operation with this *id*."""
        self._unread.discard(id)

    def was_over(self, id: str) -> bool:
        """Whether the operation had ended, and an earlier invocation had been told, before this one began."""
        return id in self._over_at_start

    @property
    def replays(self) -> bool:
        """Whether anything was recorded before this invocation began."""
        return bool(self._over_at_start) or bool(self._unread)

    @property
    def has_unread(self) -> bool:
        """Whether the code has not asked for all that was recorded before this invocation."""
        return bool(self._unread)

    def unread(self, id: str) -> Operation | None:
        """The operation recorded under *id* before this invocation, if the code has not asked for it."""
        return self.operations[id] if id in self._unread else None

    def merge(self, told: Iterable[Operation]) -> list[Operation]:
        """Take over what an answer tells; return the entries that are new or changed."""
        changed = []
        for entry in told:
            known = self.operations.get(entry["Id"])
            if known is not None and known["Status"] in TERMINAL and entry["Status"] not in TERMINAL:
                continue  # an answer that was overtaken
            self.operations[entry["Id"]] = entry
            if self._service_time is not None:
                self._service_time = max(self._service_time, latest(entry))
            changed.append(entry)
        return changed
