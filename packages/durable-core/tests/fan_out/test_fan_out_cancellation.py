"""Async branches whose bodies cancel tasks, are cancelled, or make nothing of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from durable_core import BatchResult, CompletionConfig, DurableContext, Duration, MapConfig, durable_execution
from durable_testing import LocalRunner

SECOND: Final = Duration.from_seconds(1)
FIRST: Final = MapConfig[Any](completion=CompletionConfig.first_successful())
ALL: Final = MapConfig[Any](completion=CompletionConfig.all_completed())

Body = Callable[[DurableContext], Awaitable[Any]]


async def slow(ctx: DurableContext, seconds: int) -> None:
    await ctx.wait(seconds * SECOND)


async def fails(ctx: DurableContext) -> None:
    await ctx.wait(SECOND)
    raise LookupError("no such article")


async def a_group_that_fails(ctx: DurableContext) -> str:
    """Its task is cancelled by the group, which takes that back only in later versions of Python."""
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fails(ctx))
            group.create_task(slow(ctx, 60))
    except* LookupError:
        pass
    return await ctx.step(str, "went on")


async def cancels_itself(ctx: DurableContext) -> str:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    try:
        await ctx.wait(SECOND)
    except asyncio.CancelledError:
        return "survived"
    raise AssertionError("a task that is cancelled goes on")


async def swallows(ctx: DurableContext) -> str:
    try:
        await ctx.wait(100 * SECOND)
    except asyncio.CancelledError:
        return "too late"
    return "in time"


async def gives_its_own_cancellation(ctx: DurableContext) -> str:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await ctx.wait(SECOND)
    return "went on"


async def fast(ctx: DurableContext) -> str:
    await ctx.wait(2 * SECOND)
    return "fast"


def mapped(bodies: list[Body], config: MapConfig[Any]) -> Any:
    """What a map over *bodies* gives: for each its status, and its result or the class of its error."""

    async def branch(ctx: DurableContext, item: int, index: int) -> Any:
        return await bodies[item](ctx)

    @durable_execution
    async def workflow(event: object, ctx: DurableContext) -> Any:
        batch: BatchResult[Any] = await ctx.map(range(len(bodies)), branch, config=config)
        await ctx.wait(SECOND)
        return [[str(item.status), item.result if item.error is None else _kind(item.error)] for item in batch.items]

    with LocalRunner(workflow) as runner:
        result = runner.run()
    assert result.status == "SUCCEEDED", result.error
    return result.value


def _kind(error: BaseException) -> str:
    return type(error).__mro__[0].__name__


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (a_group_that_fails, ["SUCCEEDED", "went on"]),
        (cancels_itself, ["SUCCEEDED", "survived"]),
        (gives_its_own_cancellation, ["FAILED", "ChildContextError"]),
    ],
)
def test_what_a_branch_cancels_itself_is_its_own_affair(body: Body, outcome: list[str]) -> None:
    assert mapped([body, fast], ALL) == [outcome, ["SUCCEEDED", "fast"]]


def test_a_branch_that_is_given_up_has_lost_whatever_its_body_makes_of_that() -> None:
    assert mapped([swallows, fast], FIRST) == [["STARTED", None], ["SUCCEEDED", "fast"]]
    assert mapped([swallows, fast], ALL) == [["SUCCEEDED", "in time"], ["SUCCEEDED", "fast"]]


def test_tasks_that_a_branch_left_when_it_was_given_up_end_before_the_map_does() -> None:
    left: list[str] = []

    async def leaves_a_task(ctx: DurableContext) -> None:
        async def beside() -> None:
            try:
                await ctx.wait(50 * SECOND)
            finally:
                left.append("ended")

        task = asyncio.create_task(beside())
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            left.append("given up")
            raise

    assert mapped([leaves_a_task, fast], FIRST)[1] == ["SUCCEEDED", "fast"]
    assert left.count("ended") == left.count("given up") >= 1


def order_of(branch: Callable[[DurableContext, list[str]], Awaitable[Any]]) -> list[str]:
    """What *branch*, which is given up, and the end of its map add to a list, in the last invocation."""
    order: list[str] = []

    async def either(ctx: DurableContext, item: int, index: int) -> None:
        await (branch(ctx, order) if index == 0 else fast(ctx))

    @durable_execution
    async def workflow(event: object, ctx: DurableContext) -> None:
        order.clear()
        await ctx.map(range(2), either, config=FIRST)
        order.append("over")

    with LocalRunner(workflow, verify_replay=False) as runner:
        assert runner.run().status == "SUCCEEDED"
    return order


def test_a_branch_that_is_given_up_has_cleaned_up_when_its_map_is_over() -> None:
    async def cleans_up(ctx: DurableContext, order: list[str]) -> None:
        try:
            await ctx.wait(50 * SECOND)
        finally:
            await asyncio.sleep(0.02)
            order.append("cleaned up")

    assert order_of(cleans_up) == ["cleaned up", "over"]


def test_the_tasks_of_a_branch_that_is_given_up_have_ended_when_its_map_is_over() -> None:
    async def leaves_a_task(ctx: DurableContext, order: list[str]) -> None:
        async def beside() -> None:
            try:
                await ctx.wait(50 * SECOND)
            finally:
                order.append("ended")

        await asyncio.shield(asyncio.create_task(beside()))

    assert order_of(leaves_a_task) == ["ended", "over"]


async def fails_too_late(ctx: DurableContext) -> str:
    try:
        return await swallows(ctx)
    finally:
        raise LookupError("no such article")


@pytest.mark.parametrize("body", [swallows, fails_too_late])
def test_nothing_is_recorded_of_a_branch_that_is_given_up_whatever_its_body_makes_of_that(body: Body) -> None:
    async def branch(ctx: DurableContext, item: int, index: int) -> Any:
        return await (body if index == 0 else fast)(ctx)

    @durable_execution
    async def workflow(event: object, ctx: DurableContext) -> None:
        await ctx.map(range(2), branch, config=FIRST)
        await ctx.wait(SECOND)

    with LocalRunner(workflow) as runner:
        result = runner.run()
    assert [result.operation(f"map-item-{index}").status for index in range(2)] == ["STARTED", "SUCCEEDED"]


@pytest.mark.parametrize(
    ("error", "text"), [(ValueError("no"), "no"), (StopIteration("no"), "coroutine raised StopIteration")]
)
def test_a_predicate_that_raises_fails_the_map(error: Exception, text: str) -> None:
    def refuse(status: object) -> bool:
        raise error

    async def branch(ctx: DurableContext, item: int, index: int) -> int:
        return item

    @durable_execution
    async def workflow(event: object, ctx: DurableContext) -> str:
        try:
            await ctx.map([1, 2], branch, config=MapConfig(completion=CompletionConfig(should_complete=refuse)))
        except Exception as raised:
            await ctx.wait(SECOND)
            return str(raised)
        raise AssertionError("the map has an end")

    with LocalRunner(workflow) as runner:
        result = runner.run()
    assert result.status == "SUCCEEDED", result.error
    assert result.value == text
