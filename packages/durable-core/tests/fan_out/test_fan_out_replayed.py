"""A replay of the combinators sees what the run saw, in the same order, and says nothing of what nobody needs."""

from __future__ import annotations

import asyncio
import gc
import logging
from typing import Any

import pytest
from both_flavours import both_flavours, handler_of
from fan_out_runs import run

from durable_core import (
    CompletionConfig,
    CompletionStatus,
    DurableContext,
    Duration,
    MapConfig,
    NoRetry,
    ParallelConfig,
    ServiceLimits,
    StepConfig,
    blocking,
    durable_execution,
)
from durable_testing import LocalRunner

SECOND = Duration.from_seconds(1)
ONCE = StepConfig(retry_strategy=NoRetry())


def fail() -> str:
    raise LookupError("no")


def failing(ctx: blocking.DurableContext) -> str:
    return ctx.step(fail, config=ONCE)


def quick(ctx: blocking.DurableContext) -> str:
    return ctx.step(str, name="quick")


def later(ctx: blocking.DurableContext) -> str:
    ctx.wait(SECOND)
    return "later"


def test_a_blocking_any_sees_the_operand_that_failed_before_the_winner() -> None:
    @durable_execution
    def handler(event: object, ctx: blocking.DurableContext) -> str:
        return ctx.any([failing, later])

    assert LocalRunner(handler).run().value == "later"


def test_a_blocking_all_sees_its_operands_in_the_order_in_which_they_ended() -> None:
    @durable_execution
    def handler(event: object, ctx: blocking.DurableContext) -> list[str]:
        return ctx.all([later, quick])

    assert LocalRunner(handler).run().value == ["later", ""]


async def failing_async(ctx: DurableContext) -> str:
    return await ctx.step(fail, config=ONCE)


async def quick_async(ctx: DurableContext) -> str:
    return await ctx.step(str, name="quick")


def test_a_failure_that_any_has_swallowed_is_not_logged_by_a_replay(caplog: pytest.LogCaptureFixture) -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> str:
        result = await ctx.any([failing_async, quick_async])
        await ctx.wait(SECOND)
        return result

    with caplog.at_level(logging.ERROR):
        assert not LocalRunner(handler).run().value
        gc.collect()
    assert not caplog.messages


HOUR = Duration.from_hours(1)
TEN_MINUTES = Duration.from_minutes(10)


async def any_of_two(ctx: DurableContext) -> None:
    callback = await ctx.create_callback(name="van")
    await ctx.any([callback.result(), ctx.wait(HOUR)])


@pytest.mark.parametrize(
    "loser",
    [
        lambda ctx: ctx.any([ctx.wait(HOUR), ctx.wait(Duration.from_hours(2))]),
        any_of_two,
        lambda ctx: any_of_two,
    ],
    ids=["an operation", "a coroutine", "a function"],
)
def test_a_combinator_in_a_loser_is_closed_in_a_replay_with_all_that_it_would_run(loser: Any) -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> str:
        await ctx.race([loser(ctx), ctx.wait(TEN_MINUTES)])
        await ctx.wait(SECOND)
        return "decided"

    assert LocalRunner(handler).run().value == "decided"


def test_a_task_may_be_given_to_a_combinator_twice() -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> list[str]:
        task = asyncio.create_task(quick_async(ctx))
        return await ctx.all([task, task])

    assert LocalRunner(handler).run().value == ["", ""]


@both_flavours
@pytest.mark.parametrize("large", [False, True], ids=["small", "too large to record"])
def test_branches_end_in_the_order_in_which_they_ended_once(flavour: str, large: bool) -> None:
    """One that was too large to record runs again, and others are not told before it."""
    asked: list[list[tuple[int, ...]]] = []

    async def first(ctx: DurableContext) -> list[str]:
        return [await ctx.step(lambda: "x" * (200_000 if large else 2), name=f"part {n}") for n in (1, 2)]

    async def second(ctx: DurableContext) -> None:
        await ctx.wait(SECOND)

    async def third(ctx: DurableContext) -> None:
        await ctx.wait(3 * SECOND)

    async def body(ctx: DurableContext) -> None:
        seen: list[tuple[int, ...]] = []
        asked.append(seen)

        def noted(status: CompletionStatus) -> bool:
            seen.append(tuple(item.index for item in status.items))
            return False

        policy = ParallelConfig[Any](completion=CompletionConfig(should_complete=noted))
        await ctx.parallel([second, first, third], config=policy)
        await ctx.wait(SECOND)

    run(handler_of(flavour, body, limits=ServiceLimits.DEFAULT))
    orders = [list(dict.fromkeys(seen)) for seen in asked]
    complete = [(1,), (1, 0)]  # of the last one nobody has to ask
    assert all(order == complete[: len(order)] for order in orders)
    assert orders[0] == [(1,)]
    assert orders[-1] == (complete if large else [])


@both_flavours
def test_the_same_branches_have_begun_in_a_replay_of_what_was_too_large(flavour: str) -> None:
    """The first success lets another branch begin; the second, at the same moment, ends the map before it has run."""
    seen: list[list[Any]] = []

    async def large(ctx: DurableContext, hours: int, index: int) -> str:
        await ctx.wait(hours * SECOND)
        return f"{index}" * 140_000

    async def body(ctx: DurableContext) -> None:
        policy = MapConfig[str](completion=CompletionConfig(min_successful=2), max_concurrency=7)
        batch = await ctx.map([2, 2, 1, 1, 1, 1, 1, 1], large, config=policy)
        seen.append([batch.completion_reason, *((item.index, item.status) for item in batch.items)])
        await ctx.wait(SECOND)

    run(handler_of(flavour, body, limits=ServiceLimits.DEFAULT))
    assert len(seen) > 2
    assert seen == [seen[0]] * len(seen)
    assert len(seen[0]) == 1 + 8
