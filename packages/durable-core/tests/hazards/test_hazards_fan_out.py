"""Many branches: more than threads, more than the quota, in each other, and with the wrong context."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from durable_core import (
    CallbackConfig,
    CompletionConfig,
    ContextMisuseError,
    DurableContext,
    Duration,
    ServiceLimits,
    SizeLimitError,
    ValidationError,
    blocking,
    durable_execution,
)
from durable_testing import LocalRunner

SECOND = Duration.from_seconds(1)


def value_of(handler: Any) -> Any:
    with LocalRunner(handler) as runner:
        result = runner.run()
    assert result.status == "SUCCEEDED", result.error
    return result.value


def test_blocking_maps_inside_blocking_maps_finish_though_they_are_more_than_threads() -> None:
    def inner(ctx: blocking.DurableContext, item: int, index: int) -> int:
        ctx.wait(SECOND)
        return ctx.step(int, item)

    def outer(ctx: blocking.DurableContext, item: int, index: int) -> int:
        return sum(ctx.map(range(3), inner).results)

    @durable_execution
    def handler(event: object, ctx: blocking.DurableContext) -> int:
        return sum(ctx.map(range(70), outer).results)

    assert value_of(handler) == 210


def test_many_blocking_items_share_a_bounded_pool() -> None:
    before, most = threading.active_count(), 0

    def branch(ctx: blocking.DurableContext, item: int, index: int) -> int:
        nonlocal most
        most = max(most, threading.active_count())
        time.sleep(0.001)
        return item

    @durable_execution(limits=ServiceLimits.DEFAULT)
    def handler(event: object, ctx: blocking.DurableContext) -> int:
        return ctx.map(range(1_400), branch).success_count

    assert value_of(handler) == 1_400
    assert most <= before + 33  # with the sender


def test_ten_thousand_items_take_no_threads_in_async_workflows() -> None:
    before, most = threading.active_count(), 0

    async def branch(ctx: DurableContext, item: int, index: int) -> int:
        nonlocal most
        most = max(most, threading.active_count())
        return item

    @durable_execution(limits=ServiceLimits.DEFAULT)
    async def handler(event: object, ctx: DurableContext) -> int:
        return (await ctx.map(range(10_000), branch)).success_count

    with LocalRunner(handler, verify_replay=False) as runner:
        assert runner.run().value == 10_000
    assert most <= before + 1  # the sender


@pytest.mark.parametrize("flavour", ["async", "blocking"])
def test_a_map_that_the_quota_cannot_hold_is_refused_with_the_figures_and_before_its_first_item(flavour: str) -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> str:
        with pytest.raises(SizeLimitError) as refusal:
            await ctx.map(range(2_999), lambda inner, item, index: inner.step(int))
        return str(refusal.value)

    @durable_execution
    def handler_blocking(event: object, ctx: blocking.DurableContext) -> str:
        with pytest.raises(SizeLimitError) as refusal:
            ctx.map(range(2_999), lambda inner, item, index: inner.step(int))
        return str(refusal.value)

    with LocalRunner(handler if flavour == "async" else handler_blocking) as runner:
        result = runner.run()
    assert result.value
    assert [figure for figure in ("2999", "3000") if figure not in result.value] == []
    assert not result.operations


def test_the_context_of_the_handler_is_refused_in_a_branch() -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> list[str]:
        async def branch(inner: DurableContext, item: int, index: int) -> str:
            with pytest.raises(ContextMisuseError, match="use the context that was passed in") as refusal:
                await ctx.step(int)
            return str(refusal.value)[:4]

        return (await ctx.map([1], branch)).results

    @durable_execution
    def handler_blocking(event: object, ctx: blocking.DurableContext) -> list[str]:
        def branch(inner: blocking.DurableContext, item: int, index: int) -> str:
            with pytest.raises(ContextMisuseError, match="use the context that was passed in") as refusal:
                ctx.step(int)
            return str(refusal.value)[:4]

        return ctx.map([1], branch).results

    assert value_of(handler) == value_of(handler_blocking) == ["step"]


def test_a_heartbeat_that_is_longer_than_the_time_out_and_a_share_over_a_hundred_are_refused() -> None:
    with pytest.raises(ValidationError, match="must not be longer than its timeout"):
        CallbackConfig[Any](timeout=SECOND, heartbeat_timeout=Duration.from_minutes(1))
    with pytest.raises(ValidationError, match="from 0 to 100"):
        CompletionConfig(tolerated_failure_percentage=150)


def test_a_task_that_sleeps_beside_a_callback_is_not_suspended_before_its_step_ran() -> None:
    told: list[str] = []

    async def notify(ctx: DurableContext) -> None:
        await asyncio.sleep(0.02)
        await asyncio.to_thread(time.sleep, 0.02)
        await ctx.step(told.append, "told", name="notify")

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> str:
        callback = await ctx.create_callback(name="answer")
        answer, _ = await asyncio.gather(callback.result(), notify(ctx))
        return str(answer)

    with LocalRunner(handler, verify_replay=False) as runner:
        running = runner.start()
        running.settle()
        assert told == ["told"]
        running.wait_for_callback("answer").succeed("yes")
        assert running.result().value == "yes"
    assert told == ["told"]
