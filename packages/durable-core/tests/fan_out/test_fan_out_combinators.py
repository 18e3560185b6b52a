"""``ctx.all``, ``ctx.any``, ``ctx.race`` and ``ctx.all_settled`` in async workflows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from durable_core import (
    AllFailedError,
    DurableContext,
    DurableFunction,
    Duration,
    NoRetry,
    StepConfig,
    StepError,
    ValidationError,
    durable_execution,
)
from durable_testing import LocalRunner, TestResult
from durable_testing.faults import CrashingClient, Side

HOUR = Duration.from_hours(1)
ONCE = StepConfig(retry_strategy=NoRetry())


async def double(number: int) -> int:
    return 2 * number


async def fail(text: str) -> int:
    raise LookupError(text)


async def later(ctx: DurableContext, hours: int, value: int) -> int:
    """Two operations in a lane of their own."""
    await ctx.wait(Duration.from_hours(hours))
    return await ctx.step(double, value)


async def in_a_child(ctx: DurableContext) -> int:
    return await ctx.step(double, 50)


async def failing_later(ctx: DurableContext, hours: int, text: str) -> int:
    await ctx.wait(Duration.from_hours(hours))
    return await ctx.step(fail, text, config=ONCE)


Body = Callable[[DurableContext], Awaitable[Any]]


async def all_of_each_kind(ctx: DurableContext) -> Any:
    task = asyncio.create_task(later(ctx, 2, 20))
    return await ctx.all([ctx.step(double, 5), task, later(ctx, 1, 10), in_a_child])


async def all_with_a_failure(ctx: DurableContext) -> Any:
    try:
        await ctx.all([later(ctx, 3, 1), failing_later(ctx, 1, "gone"), later(ctx, 2, 2)])
    except LookupError as error:
        return [str(error), isinstance(error, StepError)]


async def race_of_waits(ctx: DurableContext) -> Any:
    return await ctx.race([later(ctx, 3, 1), later(ctx, 1, 2), later(ctx, 2, 3)])


async def race_with_a_time_limit(ctx: DurableContext) -> Any:
    return await ctx.race([ctx.wait(HOUR, name="limit"), later(ctx, 3, 1)])


async def race_that_fails(ctx: DurableContext) -> Any:
    try:
        await ctx.race([later(ctx, 2, 1), failing_later(ctx, 1, "first")])
    except LookupError as error:
        return str(error)


async def any_after_a_failure(ctx: DurableContext) -> Any:
    return await ctx.any([failing_later(ctx, 1, "no"), later(ctx, 2, 4), later(ctx, 3, 5)])


async def any_of_failures(ctx: DurableContext) -> Any:
    try:
        await ctx.any([ctx.step(fail, "one", config=ONCE), failing_later(ctx, 1, "two")], name="either")
    except AllFailedError as error:
        return [str(error), error.name]


async def settled(ctx: DurableContext) -> Any:
    batch = await ctx.all_settled([later(ctx, 1, 1), ctx.step(fail, "no", config=ONCE)])
    return [[str(each.status), each.result, str(each.error)] for each in batch.items]


async def nothing_at_all(ctx: DurableContext) -> Any:
    return [await ctx.all([]), (await ctx.all_settled([])).total_count]


async def nested(ctx: DurableContext) -> Any:
    return await ctx.race([ctx.all([later(ctx, 1, 1), later(ctx, 2, 2)]), later(ctx, 3, 3)])


async def side_by_side(ctx: DurableContext) -> Any:
    return await asyncio.gather(
        ctx.race([later(ctx, 1, 1), later(ctx, 2, 2)]), ctx.all([later(ctx, 3, 3), ctx.step(double, 4)])
    )


PROGRAMS: dict[Body, Any] = {
    all_of_each_kind: [10, 40, 20, 100],
    all_with_a_failure: ["gone", True],
    race_of_waits: 4,
    race_with_a_time_limit: None,
    race_that_fails: "first",
    any_after_a_failure: 8,
    any_of_failures: ["none of 2 operations succeeded: LookupError: one; LookupError: two", "either"],
    settled: [["SUCCEEDED", 2, "None"], ["FAILED", None, "no"]],
    nothing_at_all: [[], 0],
    nested: [2, 4],
    side_by_side: [2, [6, 8]],
}
each_program = pytest.mark.parametrize("body", PROGRAMS, ids=lambda body: body.__name__)


def handler_of(body: Body) -> DurableFunction[Any]:
    """A handler whose combinators are replayed once more after they are over."""

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> Any:
        result = await body(ctx)
        await ctx.wait(HOUR)
        return await ctx.step(lambda: result, name="seen")

    return handler


def run(handler: DurableFunction[Any], **options: Any) -> TestResult[Any]:
    """The result of one execution, replayed once more at its end."""
    with LocalRunner(handler, **options) as runner:
        return runner.run()


@each_program
def test_a_combinator_gives_the_same_on_every_replay(body: Body) -> None:
    result = run(handler_of(body))
    assert result.error is None
    assert result.value == PROGRAMS[body]


@each_program
@pytest.mark.parametrize("updates", [250, 1], ids=["batches", "single"])
@pytest.mark.parametrize("side", Side)
def test_a_crash_beside_any_checkpoint_does_not_show(body: Body, side: Side, updates: int) -> None:
    handler = handler_of(body)
    at = 1
    while True:
        clients: list[CrashingClient] = []

        def crashing(inner: Any, at: int = at, clients: list[CrashingClient] = clients) -> CrashingClient:
            clients.append(CrashingClient(inner, at, side))
            return clients[-1]

        result = run(handler, client=crashing, batch_updates=updates)
        assert result.error is None
        assert result.value == PROGRAMS[body]
        if clients[0].calls < at:
            return
        at += 1


def test_losers_are_cancelled_after_the_outcome_is_recorded() -> None:
    result = run(handler_of(race_of_waits))
    kinds = [(each["EventType"], each.get("SubType")) for each in result.history]
    decided = kinds.index(("StepSucceeded", "Combinator"))
    cancelled = [index for index, (kind, _) in enumerate(kinds) if kind == "WaitCancelled"]
    assert len(cancelled) == 2
    assert decided < min(cancelled)


def test_the_record_holds_who_decided_and_no_values() -> None:
    result = run(handler_of(race_of_waits))
    combinator = next(each for each in result.operations if each.subtype == "Combinator")
    assert json.loads(combinator.payload or "") == {"statuses": ".S.", "winner": 1}


def test_a_tuple_gives_a_tuple() -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> bool:
        return isinstance(await ctx.all((ctx.step(double, 1), ctx.step(str, 2))), tuple)

    assert run(handler).value is True


@pytest.mark.parametrize("method", ["any", "race"])
def test_nothing_can_win_where_nothing_runs(method: str) -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> str:
        with pytest.raises(ValidationError, match="at least 1"):
            getattr(ctx, method)([])
        return "refused"

    assert run(handler).value == "refused"
