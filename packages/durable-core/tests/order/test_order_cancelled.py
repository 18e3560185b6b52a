"""What is cancelled, or late, at the moment at which it ends."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

from durable_core import DurableContext, NoRetry, StepConfig, durable_execution
from durable_testing import LocalRunner


def test_the_clock_of_a_step_starts_before_its_body() -> None:
    async def slow_to_begin() -> None:
        time.sleep(0.3)
        await asyncio.sleep(5)

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        config = StepConfig(timeout=timedelta(seconds=0.25), retry_strategy=NoRetry())
        await ctx.step(slow_to_begin, config=config)

    with LocalRunner(handler) as runner:
        result = runner.run()
    assert result.error is not None
    assert result.error.get("ErrorType") == "durable_core.StepTimeoutError"


def test_an_operation_whose_task_was_cancelled_before_it_began_is_used_up() -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> str:
        operation = ctx.step(str, "x")
        task = asyncio.create_task(operation)
        task.cancel()
        await asyncio.wait([task])
        return await operation

    with LocalRunner(handler) as runner:
        result = runner.run()
    assert result.error is not None
    assert "awaited a second time" in result.error.get("ErrorMessage", "")
