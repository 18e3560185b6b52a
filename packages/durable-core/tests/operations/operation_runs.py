"""Workflows written once for both flavours, the places where an operation can stand, and what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any, Final

import pytest
from both_flavours import Body, handler_of

from durable_core import DurableContext, Duration, OperationError
from durable_core.spi import CheckpointAnswer, DurableServiceClient, ExecutionState, OperationUpdate
from durable_testing import LocalRunner, TestResult
from durable_testing.faults import SandboxDied

SECOND: Final = Duration.from_seconds(1)
MINUTE: Final = Duration.from_minutes(1)

BLOCKING_PLACES: Final = ("root", "child", "nested", "large")
ASYNC_PLACES: Final = (*BLOCKING_PLACES, "gather")
PLACES: Final = [("async", each) for each in ASYNC_PLACES] + [("blocking", each) for each in BLOCKING_PLACES]

everywhere: Final = pytest.mark.parametrize(("flavour", "place"), PLACES, ids=map("-".join, PLACES))


def run(flavour: str, body: Body, *, functions: dict[str, Any] | None = None, **options: Any) -> TestResult[Any]:
    """*body* as a workflow of this flavour, run to its end; *functions* are those that it can invoke."""
    runner = LocalRunner(handler_of(flavour, body))
    for name, target in (functions or {}).items():
        runner.register(name, target)
    return runner.run(**options)


def value_of(flavour: str, body: Body, **options: Any) -> Any:
    """What *body* returned, as ``run``."""
    result = run(flavour, body, **options)
    assert result.status == "SUCCEEDED", result.error
    return result.value


def standing_at(place: str, body: Body) -> Body:
    """A workflow in which *body* stands at *place*."""

    async def at_root(ctx: DurableContext) -> Any:
        return await body(ctx)

    async def in_child(ctx: DurableContext) -> Any:
        return await ctx.run_in_child_context(body, name="child")

    async def nested(ctx: DurableContext) -> Any:
        return await ctx.run_in_child_context(in_child, name="outer")

    async def padded(ctx: DurableContext) -> list[Any]:
        return [await body(ctx), "x" * 300_000]

    async def in_large_child(ctx: DurableContext) -> Any:
        found, _ = await ctx.run_in_child_context(padded, name="large")  # which replays whenever it is asked for
        await ctx.wait(SECOND)
        return found

    async def in_gather(ctx: DurableContext) -> Any:
        found = await asyncio.gather(body(ctx), ctx.step(str, "beside", name="beside"), ctx.wait(SECOND))
        return found[0]

    places = {"root": at_root, "child": in_child, "nested": nested, "large": in_large_child, "gather": in_gather}
    return places[place]


async def outcome_of(operation: Awaitable[Any]) -> dict[str, Any]:
    """What came of an operation, in a form that JSON holds: its value, or all that is known of its error."""
    try:
        return {"value": await operation}
    except OperationError as error:
        return {
            "classes": [f"{each.__module__}.{each.__qualname__}" for each in type(error).__mro__],
            "text": str(error),
            "args": list(error.args),
            "fields": {name: list(each) if isinstance(each, tuple) else each for name, each in vars(error).items()},
        }


def lines(result: TestResult[Any]) -> list[tuple[Any, ...]]:
    """The history without what differs from run to run: times, callback ids, the ids of executions and invocations."""
    return [_line(event) for event in result.history]


def _line(event: dict[str, Any]) -> tuple[Any, ...]:
    details: dict[str, Any] = event.get(f"{event['EventType']}Details", {})
    passing = ("CallbackId", "DurableExecutionArn", "RequestId")
    kept = {name: each for name, each in details.items() if name not in passing and "Timestamp" not in name}
    named = ("Id", "Name", "SubType", "ParentId") if not event["EventType"].startswith("Execution") else ()
    return (event["EventId"], event["EventType"], *(event.get(name) for name in named), kept)


class DyingAttempts:
    """The sandbox dies when what came of these *attempts*, counted from 1, is to be recorded."""

    def __init__(self, inner: DurableServiceClient, attempts: set[int]) -> None:
        self.inner = inner
        self.attempts = attempts
        self.seen = 0

    def checkpoint(
        self,
        arn: str,
        token: str,
        updates: Sequence[OperationUpdate],
        client_token: str,
        *,
        timeout: float | None = None,
    ) -> CheckpointAnswer:
        for update in updates:
            interrupted = "StepInterruptedError" in str(update.get("Error", {}).get("ErrorType"))
            if update["Type"] == "STEP" and update["Action"] != "START" and not interrupted:
                self.seen += 1
                if self.seen in self.attempts:
                    raise SandboxDied
        return self.inner.checkpoint(arn, token, updates, client_token, timeout=timeout)

    def get_state(self, arn: str, token: str, marker: str, *, timeout: float | None = None) -> ExecutionState:
        return self.inner.get_state(arn, token, marker, timeout=timeout)
