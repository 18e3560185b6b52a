"""Tests for durable workflows: the service in memory, and a runner whose clock skips the waiting."""

from __future__ import annotations

from durable_testing.errors import ReplayMismatchError, RunnerError
from durable_testing.runner.callbacks import PendingCallback
from durable_testing.runner.local import AsyncLocalRunner, LocalRunner
from durable_testing.runner.result import InvocationResult, OperationResult, TestResult
from durable_testing.runner.run import AsyncRun, Run
from durable_testing.service.clock import SystemClock, VirtualClock
from durable_testing.service.verbs import DurableService

__all__ = [
    "AsyncLocalRunner",
    "AsyncRun",
    "DurableService",
    "InvocationResult",
    "LocalRunner",
    "OperationResult",
    "PendingCallback",
    "ReplayMismatchError",
    "Run",
    "RunnerError",
    "SystemClock",
    "TestResult",
    "VirtualClock",
]
