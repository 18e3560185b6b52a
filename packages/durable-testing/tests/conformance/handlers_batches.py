"""What the handlers of the suites ``map`` and ``parallel`` share: when a batch stops, and what they say of it."""

from __future__ import annotations

from typing import Any, TypedDict

from durable_core import BatchResult, CompletionConfig, CompletionReason

FAIL_FAST = CompletionConfig(tolerated_failure_count=0)
ONE_MAY_FAIL = CompletionConfig(tolerated_failure_count=1)
A_QUARTER_MAY_FAIL = CompletionConfig(tolerated_failure_percentage=25)
TWO_SUFFICE = CompletionConfig(min_successful=2)


class Successes(TypedDict):
    """Why a batch is over, and how many of its branches succeeded."""

    completionReason: CompletionReason
    successCount: int
    totalCount: int


class Counts(Successes):
    """The same, and how many failed."""

    failureCount: int


class Outcome(Counts):
    """The same, and whether any did."""

    status: str


def successes(batch: BatchResult[Any]) -> Successes:
    return {
        "completionReason": batch.completion_reason,
        "successCount": batch.success_count,
        "totalCount": batch.total_count,
    }


def counts(batch: BatchResult[Any]) -> Counts:
    return {**successes(batch), "failureCount": batch.failure_count}


def outcome(batch: BatchResult[Any]) -> Outcome:
    return {**counts(batch), "status": "FAILED" if batch.has_failures else "SUCCEEDED"}
