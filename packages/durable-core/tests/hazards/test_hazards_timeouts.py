"""The program is wrong: it puts a clock of asyncio over an operation, which no replay repeats."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hazard_runs import Stage

from durable_core import (
    ContextMisuseError,
    DurableContext,
    Duration,
    NoRetry,
    StepConfig,
    StepTimeoutError,
    durable_execution,
)
from durable_testing import LocalRunner

HOUR = Duration.from_hours(1)
Hurry = Callable[[DurableContext], Awaitable[object]]


async def around_a_step(ctx: DurableContext) -> object:
    async with asyncio.timeout(5):
        return await ctx.step(str, "hurried")


async def around_a_wait(ctx: DurableContext) -> object:
    async with asyncio.timeout(5):
        await ctx.wait(HOUR)
    return "waited"


async def until_a_moment(ctx: DurableContext) -> object:
    async with asyncio.timeout_at(asyncio.get_running_loop().time() + 5):
        return await ctx.step(str, "hurried")


async def set_later(ctx: DurableContext) -> object:
    async with asyncio.timeout(None) as clock:
        clock.reschedule(asyncio.get_running_loop().time() + 5)
        return await ctx.step(str, "hurried")


async def further_out(ctx: DurableContext) -> object:
    async def inner() -> object:
        return await ctx.step(str, "hurried")

    async with asyncio.timeout(5):
        return await inner()


async def wait_for_an_operation(ctx: DurableContext) -> object:
    return await asyncio.wait_for(ctx.step(str, "hurried"), 5)


async def wait_for_a_coroutine(ctx: DurableContext) -> object:
    async def inner() -> object:
        return await ctx.step(str, "hurried")

    return await asyncio.wait_for(inner(), 5)


async def around_a_gather(ctx: DurableContext) -> object:
    async with asyncio.timeout(5):
        return await asyncio.gather(ctx.step(str, "hurried"))


async def around_a_child(ctx: DurableContext) -> object:
    async def child(inner: DurableContext) -> str:
        return await inner.step(str, "hurried")

    async with asyncio.timeout(5):
        return await ctx.run_in_child_context(child)


async def no_time_at_all(ctx: DurableContext) -> object:
    async with asyncio.timeout(0):
        return await ctx.step(str, "hurried")


HURRIES = [
    around_a_step, around_a_wait, until_a_moment, set_later, further_out,
    wait_for_an_operation, wait_for_a_coroutine, around_a_gather, around_a_child,
]  # fmt: skip


@pytest.mark.parametrize(
    "hurry",
    [
        *HURRIES,
        pytest.param(
            no_time_at_all,
            marks=pytest.mark.xfail(strict=True, reason="asyncio sets no timer for a delay of zero"),
        ),
    ],
)
def test_an_operation_under_a_clock_of_asyncio_is_refused_before_any_effect(hurry: Hurry) -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> str:
        try:
            await hurry(ctx)
        except ContextMisuseError as error:
            return str(error)
        return "accepted"

    stage = Stage(handler)
    answer = stage.invoke()
    assert "StepConfig.timeout" in answer.get("Result", "")
    assert "ctx.race" in answer.get("Result", "")
    assert not stage.operations


def test_a_clock_that_runs_over_other_code_or_is_over_does_no_harm() -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> list[str]:
        async with asyncio.timeout(5):
            await asyncio.sleep(0)
        async with asyncio.timeout(None):
            first = await ctx.step(str, "no limit", name="first")
        second = "not timed out"
        try:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(1)
        except TimeoutError:
            second = await ctx.step(str, "timed out", name="second")
        return [first, second, await asyncio.wait_for(ctx.step(str, "patient", name="third"), None)]

    assert LocalRunner(handler).run().value == ["no limit", "timed out", "patient"]


def test_a_clock_within_a_step_is_the_steps_own() -> None:
    async def impatient() -> str:
        try:
            await asyncio.wait_for(asyncio.sleep(5), 0.01)
        except TimeoutError:
            return "timed out"
        return "slept"

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> str:
        return await ctx.step(impatient)

    assert LocalRunner(handler).run().value == "timed out"


def test_the_timeout_of_a_step_is_recorded_and_replays() -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> str:
        config = StepConfig(timeout=Duration.from_seconds(1) / 50, retry_strategy=NoRetry())
        try:
            await ctx.step(asyncio.sleep, 5, config=config)
        except StepTimeoutError as error:
            await ctx.wait(HOUR)
            return str(error)
        return "slept"

    assert LocalRunner(handler).run().value == "the attempt took longer than 0.02 s"
