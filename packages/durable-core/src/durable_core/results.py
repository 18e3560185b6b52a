"""What ``map`` and ``parallel`` give: a result for each branch, and why no more of them ran."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Generic, TypeVar

from msgspec import Struct

from durable_core.errors import BatchError, OperationError

T = TypeVar("T")


class CompletionReason(StrEnum):
    """Why a batch is over."""

    ALL_COMPLETED = "ALL_COMPLETED"
    MIN_SUCCESSFUL_REACHED = "MIN_SUCCESSFUL_REACHED"
    FAILURE_TOLERANCE_EXCEEDED = "FAILURE_TOLERANCE_EXCEEDED"
    CUSTOM = "CUSTOM"
    """``CompletionConfig.should_complete`` said so."""


class ItemStatus(StrEnum):
    """What became of a branch."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    STARTED = "STARTED"
    """It was under way when the batch was complete without it."""


class BatchItem(Struct, Generic[T], frozen=True):
    """One branch."""

    index: int
    """Its place among the items or branches that were given, from 0."""
    name: str | None
    status: ItemStatus
    result: T | None = None
    """What it returned; ``None`` unless it succeeded."""
    error: OperationError | None = None
    """Why it failed, if it did: a ``ChildContextError`` that is also of the class that was raised."""


class BatchResult(Struct, Generic[T], frozen=True):
    """All branches that were started, in the order in which they were given."""

    items: Sequence[BatchItem[T]]
    completion_reason: CompletionReason

    @property
    def succeeded(self) -> list[BatchItem[T]]:
        """The branches that returned."""
        return [item for item in self.items if item.status is ItemStatus.SUCCEEDED]

    @property
    def failed(self) -> list[BatchItem[T]]:
        """The branches that raised."""
        return [item for item in self.items if item.status is ItemStatus.FAILED]

    @property
    def started(self) -> list[BatchItem[T]]:
        """The branches that were under way when the batch was complete without them."""
        return [item for item in self.items if item.status is ItemStatus.STARTED]

    @property
    def results(self) -> list[T]:
        """What the branches that succeeded returned, in order."""
        return [item.result for item in self.succeeded]  # type: ignore[misc]  # T may hold None

    @property
    def errors(self) -> list[OperationError]:
        """Why the branches that failed did, in order."""
        return [item.error for item in self.failed if item.error is not None]

    @property
    def success_count(self) -> int:
        """How many branches succeeded."""
        return len(self.succeeded)

    @property
    def failure_count(self) -> int:
        """How many branches failed."""
        return len(self.failed)

    @property
    def total_count(self) -> int:
        """How many branches were started."""
        return len(self.items)

    @property
    def has_failures(self) -> bool:
        """Whether any branch failed."""
        return any(item.status is ItemStatus.FAILED for item in self.items)

    def raise_if_failed(self) -> None:
        """Raise a ``BatchError`` from the first failure, if there is one."""
        errors = self.errors
        if errors:
            first = errors[0]
            raise BatchError(
                first.error_message,
                operation_id=first.operation_id,
                name=first.name,
                error_type=first.error_type,
                error_data=first.error_data,
                stack_trace=first.stack_trace,
            ) from first


class CompletionStatus(Struct, frozen=True):
    """A batch under way, as ``CompletionConfig.should_complete`` sees it after each branch that ends."""

    total: int
    """How many branches were given."""
    items: Sequence[BatchItem[object]]
    """Those that are over, in the order in which they ended."""

    @property
    def success_count(self) -> int:
        """How many succeeded so far."""
        return sum(item.status is ItemStatus.SUCCEEDED for item in self.items)

    @property
    def failure_count(self) -> int:
        """How many failed so far."""
        return len(self.items) - self.success_count
