"""Workflows written once for both flavours, with maps and combinators in them, and what came of their runs."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from durable_core import DurableFunction
from durable_testing import LocalRunner, TestResult
from durable_testing.faults import CrashingClient, Side

Body = Callable[..., Coroutine[Any, Any, Any]]
"""A workflow or a branch: it takes a context, and what it is mapped over."""


def run(handler: DurableFunction[Any], **options: Any) -> TestResult[Any]:
    """The result of one execution, replayed once more at its end."""
    with LocalRunner(handler, **options) as runner:
        return runner.run()


def value_of(handler: DurableFunction[Any], **options: Any) -> Any:
    """What one execution, which succeeds, returned."""
    result = run(handler, **options)
    assert result.status == "SUCCEEDED", result.error
    return result.value


def check_every_crash(handler: DurableFunction[Any], expected: Any, side: Side, updates: int) -> None:
    """Run *handler* once for each of its checkpoints, with a crash there; each run returns what is *expected*."""
    at = 1
    while True:
        clients: list[CrashingClient] = []

        def crashing(inner: Any, at: int = at, clients: list[CrashingClient] = clients) -> CrashingClient:
            clients.append(CrashingClient(inner, at, side))
            return clients[-1]

        assert value_of(handler, client=crashing, batch_updates=updates) == expected
        if clients[0].calls < at:
            return
        at += 1


def records(result: TestResult[Any]) -> list[tuple[Any, ...]]:
    """All that is recorded of the operations but times, in the order of their ids.

    Whether a wait that nobody waits for any more is cancelled, is for tests of its own.
    """
    given_up = {("WAIT", "STARTED"), ("WAIT", "CANCELLED")}
    return sorted(
        (
            *(each.id, each.type, each.subtype, each.name or "", each.parent_id or "", each.payload or ""),
            "given up" if (each.type, each.status) in given_up else each.status,
            (each.error or {}).get("ErrorType", ""),
        )
        for each in result.operations
    )


async def _given(value: Any) -> Any:
    return value
