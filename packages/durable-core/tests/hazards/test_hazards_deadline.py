"""The world fails: the invocation's time runs out. Each test takes a second or so of real time."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from both_flavours import both_flavours, handler_of
from hazard_clients import Call, Watched
from hazard_runs import Stage

from durable_core import (
    CheckpointError,
    DurableContext,
    Duration,
    InvocationError,
    NoRetry,
    ServiceError,
    StepConfig,
    StepSemantics,
    StepTimeoutError,
    durable_execution,
)
from durable_core.spi import CheckpointAnswer

AT_MOST_ONCE = StepConfig(step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY, retry_strategy=NoRetry())


def work(seconds: float) -> str:
    time.sleep(seconds)
    return "worked"


@both_flavours
def test_no_step_starts_in_the_last_second_and_what_was_done_is_recorded(flavour: str) -> None:
    ran: list[int] = []

    async def body(ctx: DurableContext) -> None:
        def numbered(number: int) -> str:
            ran.append(number)
            return work(0.6)

        for number in range(9):
            await ctx.step(numbered, number, name=f"step {number}")

    stage = Stage(handler_of(flavour, body))
    with pytest.raises(InvocationError, match="deadline"):
        stage.invoke(left=2.0)
    assert ran == [0, 1]
    assert [each["Status"] for each in stage.operations][:2] == ["SUCCEEDED", "SUCCEEDED"]


@both_flavours
@pytest.mark.parametrize("config", [StepConfig(), AT_MOST_ONCE], ids=["at-least-once", "at-most-once"])
def test_a_step_that_is_too_late_to_start_is_not_recorded_as_started(flavour: str, config: StepConfig) -> None:
    async def body(ctx: DurableContext) -> str:
        await ctx.step(work, 0.2)
        return await ctx.step(str, "late", name="late", config=config)

    stage = Stage(handler_of(flavour, body))
    with pytest.raises(InvocationError, match="deadline"):
        stage.invoke(left=1.1)
    stage.pass_time(Duration.from_hours(1))
    assert stage.invoke() == {"Status": "SUCCEEDED", "Result": '"late"'}
    assert [each["Status"] for each in stage.operations] == ["SUCCEEDED", "SUCCEEDED"]


def test_what_is_queued_when_the_deadline_is_near_is_recorded() -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        await asyncio.gather(ctx.wait(Duration.from_hours(1), name="pause"), ctx.step(str, "late", name="late"))

    stage = Stage(handler)
    with pytest.raises(InvocationError, match="deadline"):
        stage.invoke(left=0.9)
    assert stage.statuses == {"pause": "STARTED"}


def test_an_async_step_is_cancelled_unrecorded_and_what_is_queued_is_flushed() -> None:
    ended: list[str] = []

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("endless")

    async def quick() -> None:
        await asyncio.sleep(0.1)

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(ctx.step(endless))
            group.create_task(ctx.step(quick))
            group.create_task(ctx.wait(Duration.from_hours(1), name="pause"))

    stage = Stage(handler)
    began = time.monotonic()
    with pytest.raises(InvocationError, match="deadline"):
        stage.invoke(left=1.3)
    assert 0.7 < time.monotonic() - began < 1.2
    assert ended == ["endless"]
    assert stage.statuses == {"endless": "STARTED", "quick": "SUCCEEDED", "pause": "STARTED"}


def test_a_thread_that_cannot_be_cancelled_does_not_hold_the_invocation_beyond_its_deadline() -> None:
    released = threading.Event()

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        await ctx.step(released.wait, 10, name="stubborn")

    stage = Stage(handler)
    began = time.monotonic()
    with pytest.raises(InvocationError, match="deadline"):
        stage.invoke(left=1.2)
    assert time.monotonic() - began < 1.2
    released.set()
    assert stage.statuses == {"stubborn": "STARTED"}


@both_flavours
@pytest.mark.parametrize("ending", ["returns", "suspends"])
def test_a_body_that_timed_out_and_runs_on_does_not_hold_the_invocation_beyond_its_deadline(
    flavour: str, ending: str
) -> None:
    released = threading.Event()

    async def body(ctx: DurableContext) -> str:
        config = StepConfig(timeout=timedelta(seconds=0.02), retry_strategy=NoRetry())
        try:
            await ctx.step(released.wait, 10, name="stubborn", config=config)
        except StepTimeoutError:
            if ending == "suspends":
                await ctx.wait(Duration.from_hours(1))
        return "done"

    stage = Stage(handler_of(flavour, body))
    began = time.monotonic()
    with pytest.raises(InvocationError, match="deadline"):
        stage.invoke(left=1.2)
    assert time.monotonic() - began < 1.2
    released.set()
    assert stage.statuses["stubborn"] == "FAILED"


@both_flavours
def test_a_body_that_timed_out_is_waited_for_before_the_answer(flavour: str) -> None:
    ended: list[str] = []

    def slow() -> None:
        time.sleep(0.2)
        ended.append("slow")

    async def body(ctx: DurableContext) -> str:
        config = StepConfig(timeout=timedelta(seconds=0.02), retry_strategy=NoRetry())
        try:
            await ctx.step(slow, config=config)
        except StepTimeoutError:
            return "timed out"
        return "done"

    assert Stage(handler_of(flavour, body)).invoke() == {"Status": "SUCCEEDED", "Result": '"timed out"'}
    assert ended == ["slow"]


def test_what_a_thread_returns_after_the_end_runs_in_no_later_invocation() -> None:
    ran: list[str] = []
    released = threading.Event()

    async def charge() -> None:
        ran.append("charge")

    def stubborn() -> Any:
        released.wait(10)
        coroutine = charge()
        returned.append(coroutine)
        return coroutine

    returned: list[Any] = []

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        await ctx.step(stubborn)

    @durable_execution
    async def next_handler(event: object, ctx: DurableContext) -> None:
        released.set()
        await ctx.step(asyncio.sleep, 0.1)

    with pytest.raises(InvocationError, match="deadline"):
        Stage(handler).invoke(left=1.1)
    assert Stage(next_handler).invoke()["Status"] == "SUCCEEDED"
    assert not ran
    for coroutine in returned:
        coroutine.close()


def test_what_the_thread_of_a_cancelled_step_returns_is_not_awaited() -> None:
    ran: list[str] = []
    started, released = threading.Event(), threading.Event()

    async def charge() -> None:
        ran.append("charge")

    def stubborn() -> Any:
        started.set()
        released.wait(10)
        return charge()

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        loser = asyncio.create_task(ctx.step(stubborn))
        await ctx.step(started.wait, 10)
        loser.cancel()
        await asyncio.wait([loser])
        released.set()

    assert Stage(handler).invoke()["Status"] == "SUCCEEDED"
    assert not ran


def test_blocking_work_of_a_loser_is_waited_for_before_the_answer() -> None:
    ended: list[str] = []

    def slow() -> None:
        time.sleep(0.2)
        ended.append("slow")

    async def decline() -> None:
        raise ValueError("declined")

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        await asyncio.gather(ctx.step(slow), ctx.step(decline, config=StepConfig(retry_strategy=NoRetry())))

    answer = Stage(handler).invoke()
    assert answer["Status"] == "FAILED"
    assert ended == ["slow"]


class Hanging(Watched):
    """A service that answers nothing: each call ends when its time is up."""

    def checkpointed(self, arn: str, call: Call) -> CheckpointAnswer:
        assert call.timeout is not None
        time.sleep(call.timeout)
        raise ServiceError("ConnectionError", "read timed out")


@both_flavours
def test_no_call_outlives_the_deadline(flavour: str) -> None:
    async def body(ctx: DurableContext) -> None:
        await ctx.step(str, 1)

    stage = Stage(handler_of(flavour, body), client=Hanging)
    began = time.monotonic()
    with pytest.raises(CheckpointError, match="read timed out"):
        stage.invoke(left=1.1)
    assert time.monotonic() - began < 1.1
    assert isinstance(stage.client, Watched)
    assert all(call.timeout is not None and call.timeout < 1.1 for call in stage.client.calls)


def test_no_call_outlives_the_deadline_beside_a_running_step() -> None:
    async def endless() -> None:
        await asyncio.Event().wait()

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        await asyncio.gather(ctx.step(endless), ctx.step(str, 1))

    began = time.monotonic()
    with pytest.raises(InvocationError):
        Stage(handler, client=Hanging).invoke(left=1.1)
    assert time.monotonic() - began < 1.1


@both_flavours
def test_a_call_is_bounded_where_lambda_does_not_say_how_much_time_is_left(flavour: str) -> None:
    async def body(ctx: DurableContext) -> None:
        await ctx.step(str, 1)

    stage = Stage(handler_of(flavour, body), client=Watched)
    stage.invoke()
    assert isinstance(stage.client, Watched)
    assert all(call.timeout is not None and call.timeout <= 60 for call in stage.client.calls)
