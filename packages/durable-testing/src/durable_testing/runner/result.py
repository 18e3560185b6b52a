"""What came of an execution, in a form that tests can ask."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from durable_core.spi import ErrorObject, Operation, millis

T = TypeVar("T")

_DETAILS = ("StepDetails", "ContextDetails", "CallbackDetails", "ChainedInvokeDetails")


@dataclass(frozen=True, slots=True)
class OperationResult:
    """One operation, as the service has recorded it."""

    id: str
    name: str | None
    type: str
    subtype: str | None
    status: str
    parent_id: str | None
    started_at: datetime
    ended_at: datetime | None
    attempts: int
    """Attempts of a step that ended, the last included."""
    payload: str | None
    """The result as text, as it is recorded."""
    error: ErrorObject | None

    @property
    def result(self) -> Any:
        """The result, as plain JSON; as text where it is not JSON; ``None`` where there is none."""
        if self.payload is None:
            return None
        try:
            return json.loads(self.payload)
        except ValueError:
            return self.payload

    @property
    def duration(self) -> timedelta | None:
        """From its start to its end, by the service's clock."""
        return None if self.ended_at is None else self.ended_at - self.started_at


@dataclass(frozen=True, slots=True)
class InvocationResult:
    """One invocation of the handler."""

    request_id: str
    started_at: datetime
    ended_at: datetime
    error: ErrorObject | None
    """Why it failed, if it did: then the service called again."""


@dataclass(frozen=True, slots=True)
class TestResult(Generic[T]):
    """An execution that is over, or was left where it stood."""

    __test__ = False

    execution_arn: str
    status: str
    """``SUCCEEDED``, ``FAILED``, ``TIMED_OUT``, ``STOPPED``, or ``RUNNING`` where it was left."""
    value: T
    """The result, decoded into the handler's return annotation; ``None`` unless it succeeded."""
    error: ErrorObject | None
    operations: Sequence[OperationResult]
    """In the order in which they were started, the execution's own record left out."""
    invocations: Sequence[InvocationResult]
    history: Sequence[dict[str, Any]]
    """The events, in the API's shape."""
    warnings: Sequence[str] = field(default=())

    def operation(self, name: str, index: int = 0) -> OperationResult:
        """The operation with this *name*; the *index*-th of those that share it, from 0."""
        found = [each for each in self.operations if each.name == name]
        if not -len(found) <= index < len(found):
            names = ", ".join(sorted({repr(each.name) for each in self.operations if each.name is not None}))
            raise LookupError(f"there are {len(found)} operations named {name!r}; the names are: {names or 'none'}")
        return found[index]

    def children(self, parent: OperationResult) -> list[OperationResult]:
        """The operations directly under *parent*."""
        return [each for each in self.operations if each.parent_id == parent.id]

    def to_table(self) -> str:
        """The operations as a table, nested as they ran, and how the execution ended."""
        rows: list[tuple[str, ...]] = [("operation", "kind", "status", "attempts", "took", "result")]
        rows += [_row(each, depth) for each, depth in self._nested()]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        lines.insert(1, "  ".join("-" * width for width in widths))
        ending = f"{self.status} after {len(self.invocations)} invocation{'s' * (len(self.invocations) != 1)}"
        if self.error is not None:
            ending += f": {self.error.get('ErrorType', 'an error')}: {self.error.get('ErrorMessage', '')}"
        return "\n".join([*lines, ending])

    def print(self) -> None:
        """Print the table."""
        print(self.to_table())  # noqa: T201 (that is its purpose)

    def _nested(self) -> Iterator[tuple[OperationResult, int]]:
        """The operations with how deep they stand, each followed by those in it."""
        known = {each.id for each in self.operations}
        under: dict[str | None, list[OperationResult]] = {}
        for each in self.operations:
            under.setdefault(each.parent_id if each.parent_id in known else None, []).append(each)
        left = [(each, 0) for each in reversed(under.get(None, ()))]
        while left:
            operation, depth = left.pop()
            yield operation, depth
            left += [(each, depth + 1) for each in reversed(under.get(operation.id, ()))]


def operation_results(operations: Iterable[Operation]) -> list[OperationResult]:
    """The *operations* of an execution, but for its own record."""
    return [_operation_result(each) for each in operations if each["Type"] != "EXECUTION"]


def _operation_result(operation: Operation) -> OperationResult:
    details: dict[str, Any] = {}
    for member in _DETAILS:
        details.update(operation.get(member) or {})  # type: ignore[call-overload]
    end = operation.get("EndTimestamp")
    return OperationResult(
        id=operation["Id"],
        name=operation.get("Name"),
        type=operation["Type"],
        subtype=operation.get("SubType"),
        status=operation["Status"],
        parent_id=operation.get("ParentId"),
        started_at=_moment(operation["StartTimestamp"]),
        ended_at=None if end is None else _moment(end),
        attempts=details.get("Attempt", 0),
        payload=details.get("Result"),
        error=details.get("Error"),
    )


def _moment(value: Any) -> datetime:
    return datetime.fromtimestamp(millis(value) / 1000, UTC)


def _row(operation: OperationResult, depth: int) -> tuple[str, ...]:
    took = operation.duration
    shown = operation.payload if operation.error is None else operation.error.get("ErrorMessage", "")
    return (
        "  " * depth + (operation.name or operation.id[:8]),
        operation.subtype or operation.type,
        operation.status,
        str(operation.attempts or ""),
        "" if took is None else _seconds(took),
        _cut(shown or ""),
    )


def _seconds(took: timedelta) -> str:
    return f"{took.total_seconds():.3f}".rstrip("0").rstrip(".") + " s"


def _cut(text: str) -> str:
    line = text.encode("unicode_escape").decode() if not text.isprintable() else text
    return line if len(line) <= 48 else line[:47] + "…"
