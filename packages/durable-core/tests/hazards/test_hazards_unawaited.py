"""The program is wrong: it places an operation and never awaits it, or awaits it twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hazard_runs import Stage, failure_of

from durable_core import ContextMisuseError, DurableContext, Duration, NoRetry, StepConfig, durable_execution
from durable_testing import LocalRunner

ONCE = StepConfig(retry_strategy=NoRetry())
HOUR = Duration.from_hours(1)


def test_an_operation_that_nobody_awaits_fails_the_handler_and_is_named_with_its_line() -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> str:
        await ctx.step(str, 1, name="first")
        ctx.step(str, 2, name="forgotten")  # pyright: ignore[reportUnusedCoroutine]
        return "done"

    stage = Stage(handler)
    message = failure_of(stage.invoke()).get("ErrorMessage", "")
    assert 'step "forgotten" (test_hazards_unawaited.py:' in message
    line = int(message.partition("test_hazards_unawaited.py:")[2].partition(")")[0])
    assert "ctx.step(str, 2" in Path(__file__).read_text().splitlines()[line - 1]
    assert "forgotten" not in stage.statuses


def test_an_operation_that_nobody_awaits_fails_its_child_context() -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> str:
        async def child(inner: DurableContext) -> str:
            inner.wait(HOUR, name="forgotten")  # pyright: ignore[reportUnusedCoroutine]
            return "done"

        try:
            return await ctx.run_in_child_context(child)
        except ContextMisuseError as error:
            return str(error)

    result = LocalRunner(handler).run()
    assert 'wait "forgotten" (test_hazards_unawaited.py:' in result.value
    assert 'child context "child"' in result.value


@pytest.mark.parametrize("ending", ["fails", "suspends"])
def test_an_operation_that_nobody_awaits_is_no_error_where_the_handler_fails_or_suspends(ending: str) -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> str:
        operation = ctx.step(str, "late")
        if ending == "fails":
            raise LookupError("something else")
        await ctx.wait(HOUR)
        return await operation

    answer = Stage(handler).invoke()
    if ending == "fails":
        assert failure_of(answer).get("ErrorMessage") == "something else"
    else:
        assert answer == {"Status": "PENDING"}
        assert LocalRunner(handler).run().value == "late"


@pytest.mark.parametrize("ending", ["cancelled", "failed"])
def test_an_operation_that_nobody_awaits_is_no_error_where_its_task_was_cancelled_or_failed(ending: str) -> None:
    def decline() -> None:
        raise ValueError("declined")

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> str:
        async def sibling() -> None:
            first = ctx.wait(HOUR, name="first") if ending == "cancelled" else ctx.step(decline, config=ONCE)
            second = ctx.step(str, "second", name="second")
            await first
            await second

        async def failing() -> None:
            await ctx.step(decline, config=ONCE)

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(sibling())
                group.create_task(failing())
        except* ValueError:
            await ctx.wait(HOUR, name="compensation")
        return "compensated"

    assert LocalRunner(handler).run().value == "compensated"


def test_an_operation_that_is_awaited_twice_is_refused_the_second_time() -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> str:
        operation = ctx.step(str, "once", name="once")
        assert await operation == "once"
        try:
            return await operation
        except ContextMisuseError as error:
            return str(error)

    result = LocalRunner(handler).run()
    assert 'step "once" (test_hazards_unawaited.py:' in result.value
    assert "awaited a second time" in result.value
    assert len(result.operations) == 1
