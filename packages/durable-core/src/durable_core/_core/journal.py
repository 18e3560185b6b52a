"""What the service has told us, by operation id. It never predicts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from durable_core._core.clock import ended, latest
from durable_core._wire.shapes import TERMINAL, Operation, OperationAction, OperationStatus, OperationUpdate

_STATUSES: dict[OperationAction, OperationStatus] = {
    "START": "STARTED",
    "SUCCEED": "SUCCEEDED",
    "FAIL": "FAILED",
    "RETRY": "PENDING",
    "CANCEL": "CANCELLED",
}


class Journal:
    """The recorded operations of one execution, as far as this invocation has been told."""

    __slots__ = (
        "_endings",
        "_service_time",
        "_unread",
        "added",
        "begun",
        "find",
        "news",
        "operations",
        "read",
        "replays",
    )

    def __init__(self, operations: Iterable[Operation], updated: Iterable[str] = ()) -> None:
        self.operations: dict[str, Operation] = {entry["Id"]: entry for entry in operations}
        self.begun: set[str] = set()
        """Operations that this invocation began in code which may run again: a branch that gave its thread back."""
        self.added: int = 0
        """What this invocation has added to ``metered``."""
        self._service_time: int | None = None
        self._endings: deque[tuple[int, str]] | None = None
        self.news: set[str] = set(updated)
        """Operations whose outcome this invocation is the first to be told."""
        self._unread = {id for id, entry in self.operations.items() if entry["Type"] != "EXECUTION"}
        self.replays: bool = bool(self._unread)
        """Whether anything was recorded before this invocation began."""
        # Every operation of a replay asks these, so they are the methods of the dict and the set themselves.
        self.find: Callable[[str], Operation | None] = self.operations.get
        """What is recorded under an id."""
        self.read: Callable[[str], None] = self._unread.discard
        """The code has asked for the operation with an id."""

    def forget(self) -> None:
        """Let all go: the invocation is over."""
        self.operations.clear()
        self._unread.clear()
        self.news.clear()

    @property
    def service_time(self) -> int:
        """The latest moment, in milliseconds, that the service has shown; nobody asks what time it is there."""
        if self._service_time is None:
            self._service_time = max(map(latest, list(self.operations.values())), default=0)
        return self._service_time

    def metered(self) -> int:
        """How many operations the service counts so far: retries and polls are operations too."""
        return sum(map(_metered, list(self.operations.values())))

    def was_over(self, id: str) -> bool:
        """Whether the operation had ended, and an earlier invocation had been told, before this one began."""
        return self.has_ended(id) and id not in self.news

    def has_ended(self, id: str) -> bool:
        """Whether the operation is recorded as over."""
        entry = self.operations.get(id)
        return entry is not None and entry["Status"] in TERMINAL

    @property
    def has_unread(self) -> bool:
        """Whether the code has not asked for all that was recorded before this invocation."""
        return bool(self._unread)

    def unread(self, id: str) -> Operation | None:
        """The operation recorded under *id* before this invocation, if the code has not asked for it."""
        return self.operations[id] if id in self._unread else None

    def ended_before(self, moment: int) -> bool:
        """Whether an operation that the code has not asked for yet had ended before *moment*, in milliseconds."""
        if self._endings is None:
            over = (self.operations[id] for id in self._unread if self.was_over(id))
            self._endings = deque(sorted((ended(entry), entry["Id"]) for entry in over))
        while self._endings and self._endings[0][1] not in self._unread:
            self._endings.popleft()
        return bool(self._endings) and self._endings[0][0] < moment

    def expected(self, update: OperationUpdate) -> Operation:
        """What becomes of the operation when *update* is accepted."""
        known = self.operations.get(update["Id"])
        status = _STATUSES[update["Action"]]
        entry: Operation = {"Id": update["Id"], "Type": update["Type"], "Status": status, "StartTimestamp": 0}
        if known is not None:
            entry = {**known, "Status": status}
        if "Name" in update:
            entry["Name"] = update["Name"]
        if "SubType" in update:
            entry["SubType"] = update["SubType"]
        if "ParentId" in update:
            entry["ParentId"] = update["ParentId"]
        if status in TERMINAL:
            entry["EndTimestamp"] = self.service_time
        details: dict[str, Any] = {}
        if "Payload" in update:
            details["Result"] = update["Payload"]
        if "Error" in update:
            details["Error"] = update["Error"]
        if update["Type"] == "STEP":
            attempt = entry.get("StepDetails", {}).get("Attempt", 0) + (update["Action"] not in ("START", "CANCEL"))
            entry["StepDetails"] = {**details, "Attempt": attempt}  # type: ignore[typeddict-item]
        elif update["Type"] == "CONTEXT":
            options = update.get("ContextOptions", {})
            entry["ContextDetails"] = {**details, **options}  # type: ignore[typeddict-item]
        return entry

    def assume(self, update: OperationUpdate) -> Operation:
        """Take over an *update* that was accepted by an answer which does not show what became of it."""
        entry = self.operations[update["Id"]] = self.expected(update)
        self.news.add(update["Id"])
        return entry

    def merge(self, told: Iterable[Operation]) -> list[Operation]:
        """Take over what an answer tells; return the entries that are new or changed."""
        changed = []
        for entry in told:
            known = self.operations.get(entry["Id"])
            if known is not None and known["Status"] in TERMINAL and entry["Status"] not in TERMINAL:
                continue  # an answer that was overtaken
            self.added += _metered(entry) - (0 if known is None else _metered(known))
            if known is None or known["Status"] not in TERMINAL:
                self.news.add(entry["Id"])
            self.operations[entry["Id"]] = entry
            if self._service_time is not None:
                self._service_time = max(self._service_time, latest(entry))
            changed.append(entry)
        return changed


def _metered(entry: Operation) -> int:
    details = entry.get("StepDetails")
    return 1 if details is None else max(1, details.get("Attempt", 1))
