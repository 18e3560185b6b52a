"""The world fails: tokens that are withheld, stale or another invocation's, and invocations that come twice."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from both_flavours import both_flavours, handler_of
from hazard_clients import Watched, Withholding
from hazard_runs import Stage

from durable_core import (
    CheckpointError,
    DurableContext,
    Duration,
    NoRetry,
    StepConfig,
    StepSemantics,
    durable_execution,
)
from durable_core.spi import InvocationAnswer

AT_MOST_ONCE = StepConfig(step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY, retry_strategy=NoRetry())
MINUTE = Duration.from_minutes(1)


def noting(ran: list[str]) -> Callable[[str], str]:
    """A body that notes what it is given, and gives it back."""

    def note(what: str) -> str:
        ran.append(what)
        return what

    return note


@both_flavours
def test_no_result_is_returned_after_a_token_was_withheld(flavour: str) -> None:
    later: list[str] = []

    async def body(ctx: DurableContext) -> str:
        await ctx.step(str, "first")
        later.append("went on")
        return "done"

    stage = Stage(handler_of(flavour, body), client=Withholding)
    assert stage.invoke() == {"Status": "PENDING"}
    assert not later


@both_flavours
def test_code_that_swallows_the_end_records_nothing_after_a_token_was_withheld(flavour: str) -> None:
    async def body(ctx: DurableContext) -> str:
        for _ in range(3):
            try:
                await ctx.step(str, "first")
            except BaseException:
                pass
        return "done"

    stage = Stage(handler_of(flavour, body), client=Withholding)
    assert stage.invoke() == {"Status": "PENDING"}
    assert isinstance(stage.client, Watched)
    assert len(stage.client.calls) == 1


@both_flavours
def test_a_pause_ends_the_invocation_and_nothing_is_redone_after_it(flavour: str) -> None:
    ran: list[str] = []

    async def body(ctx: DurableContext) -> list[str]:
        def pausing() -> str:
            ran.append("pausing")
            stage.service.pause_durable_execution(DurableExecutionArn=stage.arn)
            return "paused"

        return [await ctx.step(pausing), await ctx.step(noting(ran), "after")]

    stage = Stage(handler_of(flavour, body))
    assert stage.invoke() == {"Status": "PENDING"}
    assert ran == ["pausing"]
    stage.service.resume_durable_execution(DurableExecutionArn=stage.arn)
    assert stage.invoke() == {"Status": "SUCCEEDED", "Result": '["paused","after"]'}
    assert ran == ["pausing", "after"]


def test_a_failure_of_the_handler_is_no_answer_either_after_a_token_was_withheld() -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        asyncio.create_task(ctx.wait(MINUTE))  # noqa: RUF006 (the root outlives it)
        await asyncio.sleep(0)
        raise ValueError("while the START of the wait is in the queue")

    assert Stage(handler, client=Withholding).invoke() == {"Status": "PENDING"}


def test_the_result_of_a_handler_is_no_answer_where_its_last_flush_gets_no_token() -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> str:
        task = asyncio.create_task(ctx.wait(MINUTE))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return "done"

    assert Stage(handler, client=Withholding).invoke() == {"Status": "PENDING"}


@both_flavours
def test_a_stale_token_leaves_the_handler_so_that_lambda_calls_again(flavour: str) -> None:
    async def body(ctx: DurableContext) -> str:
        return await ctx.step(str, "first")

    stage = Stage(handler_of(flavour, body))
    event = stage.begin()
    stage.begin()
    with pytest.raises(CheckpointError, match="Invalid checkpoint token"):
        stage.invoke(event)
    assert not stage.operations


@both_flavours
def test_an_invocation_that_comes_twice_runs_its_at_most_once_steps_once(flavour: str) -> None:
    ran: list[str] = []

    async def body(ctx: DurableContext) -> str:
        return await ctx.step(noting(ran), "charged", name="charge", config=AT_MOST_ONCE)

    stage = Stage(handler_of(flavour, body))
    event = stage.begin()
    assert stage.invoke(event)["Status"] == "SUCCEEDED"
    with pytest.raises(CheckpointError, match="Invalid checkpoint token"):
        stage.handler.durable.invoke(event, None, client=stage.client)
    assert ran == ["charged"]


@both_flavours
def test_an_invocation_that_comes_twice_at_the_same_time_runs_its_at_most_once_steps_once(flavour: str) -> None:
    ran: list[str] = []
    barrier = threading.Barrier(2, timeout=10)

    async def body(ctx: DurableContext) -> str:
        barrier.wait()
        return await ctx.step(noting(ran), "charged", name="charge", config=AT_MOST_ONCE)

    stage = Stage(handler_of(flavour, body))
    event = stage.begin()
    outcomes: list[InvocationAnswer | BaseException] = []

    def deliver() -> None:
        try:
            outcomes.append(stage.handler.durable.invoke(event, None, client=stage.client))
        except BaseException as error:
            outcomes.append(error)

    threads = [threading.Thread(target=deliver) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ran == ["charged"]
    assert sorted(type(each).__name__ for each in outcomes) == ["CheckpointError", "dict"]


@both_flavours
def test_an_invocation_that_was_superseded_in_the_middle_reports_nothing(flavour: str) -> None:
    """The service gives up on an invocation whose sandbox still runs, and begins another."""

    async def body(ctx: DurableContext) -> Any:
        await ctx.step(str, "first")
        if len(begun) == 1:
            begun.append(stage.begin())
        return await ctx.step(str, "second", name="second")

    stage = Stage(handler_of(flavour, body))
    begun = [stage.begin()]
    with pytest.raises(CheckpointError, match="Invalid checkpoint token"):
        stage.handler.durable.invoke(begun[0], None, client=stage.client)
    assert stage.statuses == {"str": "SUCCEEDED"}
    assert stage.invoke(begun[1]) == {"Status": "SUCCEEDED", "Result": '"second"'}
