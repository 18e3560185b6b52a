"""When a batch is complete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from durable_core.errors import ValidationError
from durable_core.results import BatchItem, CompletionReason, CompletionStatus, ItemStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionConfig:
    """When a ``map`` or ``parallel`` stops: what is asked first that holds. Without any of these, when all are over."""

    min_successful: int | None = None
    """Stop when so many have succeeded."""
    tolerated_failure_count: int | None = None
    """Stop when more than so many have failed."""
    tolerated_failure_percentage: float | None = None
    """Stop when more than so many of a hundred branches that were given have failed: 0 to 100."""
    should_complete: Callable[[CompletionStatus], bool] | None = None
    """Stop when this says so, after any branch that ends; in place of the others."""

    def __post_init__(self) -> None:
        _check_count("min_successful", self.min_successful, least=1)
        _check_count("tolerated_failure_count", self.tolerated_failure_count, least=0)
        share: object = self.tolerated_failure_percentage
        if share is not None and (
            isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 100
        ):
            raise ValidationError(f"tolerated_failure_percentage must be from 0 to 100, got {share!r}")
        if self.should_complete is None:
            return
        given: object = self.should_complete
        if not callable(given):
            raise ValidationError(f"should_complete takes a function of a CompletionStatus, got {given!r}")
        if any(each is not None for each in (self.min_successful, self.tolerated_failure_count, share)):
            raise ValidationError("should_complete stands in place of the other settings of a CompletionConfig")

    @classmethod
    def all_successful(cls) -> CompletionConfig:
        """Stop at the first failure: what ``map`` and ``parallel`` do unless they are told otherwise."""
        return cls(tolerated_failure_count=0)

    @classmethod
    def all_completed(cls) -> CompletionConfig:
        """Run every branch, whatever fails."""
        return cls()

    @classmethod
    def first_successful(cls) -> CompletionConfig:
        """Stop at the first success."""
        return cls(min_successful=1)


class Tally:
    """The branches of one batch that are over."""

    def __init__(self, config: CompletionConfig, total: int) -> None:
        self._config = config
        self._total = total
        self._items: list[BatchItem[object]] = []
        self._failures = 0

    def reason(self) -> CompletionReason | None:
        """Why the batch is complete now, if it is."""
        config, successes = self._config, len(self._items) - self._failures
        if len(self._items) == self._total:
            return CompletionReason.ALL_COMPLETED
        if config.should_complete is not None:
            status = CompletionStatus(self._total, tuple(self._items))
            return CompletionReason.CUSTOM if self._items and config.should_complete(status) else None
        if config.min_successful is not None and successes >= config.min_successful:
            return CompletionReason.MIN_SUCCESSFUL_REACHED
        count, share = config.tolerated_failure_count, config.tolerated_failure_percentage
        if (count is not None and self._failures > count) or (
            share is not None and self._failures * 100 > share * self._total
        ):
            return CompletionReason.FAILURE_TOLERANCE_EXCEEDED
        return None

    def add(self, item: BatchItem[object]) -> None:
        """Count one that is over."""
        self._items.append(item)
        self._failures += item.status is ItemStatus.FAILED


def _check_count(name: str, value: object, *, least: int) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < least):
        raise ValidationError(f"{name} takes a count from {least}, got {value!r}")
