"""The program is wrong: it catches, cleans up and goes on around a suspension."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest
from both_flavours import both_flavours, handler_of
from hazard_clients import Watched
from hazard_runs import Stage, failure_of

from durable_core import ChildConfig, DurableContext, Duration, InvocationError, Suspended, blocking, durable_execution
from durable_testing import LocalRunner

HOUR = Duration.from_hours(1)
PENDING = {"Status": "PENDING"}


@both_flavours
@pytest.mark.parametrize("swallow", [BaseException, (Suspended, asyncio.CancelledError, Exception)])
def test_except_base_exception_does_not_turn_a_suspension_into_a_result(flavour: str, swallow: Any) -> None:
    async def body(ctx: DurableContext) -> str:
        try:
            await ctx.wait(HOUR)
        except swallow:
            return "swallowed"
        return "waited"

    handler = handler_of(flavour, body)
    assert Stage(handler).invoke() == PENDING
    assert LocalRunner(handler).run().value == "waited"


@both_flavours
def test_an_exception_raised_in_place_of_a_suspension_does_not_fail_the_execution(flavour: str) -> None:
    async def body(ctx: DurableContext) -> str:
        try:
            await ctx.wait(HOUR)
        except:
            raise ValueError("the pause went wrong") from None
        return "waited"

    handler = handler_of(flavour, body)
    assert Stage(handler).invoke() == PENDING
    assert LocalRunner(handler).run().value == "waited"


@both_flavours
def test_an_operation_in_finally_runs_at_the_logical_end_and_not_at_a_suspension(flavour: str) -> None:
    ran: list[str] = []
    local: list[str] = []

    async def body(ctx: DurableContext) -> str:
        try:
            await ctx.wait(HOUR)
            return await ctx.step(str, "used", name="use")
        finally:
            local.append("closed")
            await ctx.step(ran.append, "cleaned", name="clean")

    stage = Stage(handler_of(flavour, body), client=Watched)
    assert stage.invoke() == PENDING
    assert (ran, local) == ([], ["closed"])
    assert isinstance(stage.client, Watched)
    assert [call.kinds for call in stage.client.calls] == [["WAIT START"]]
    stage.pass_time(HOUR)
    assert stage.invoke() == {"Status": "SUCCEEDED", "Result": '"used"'}
    assert (ran, local) == (["cleaned"], ["closed", "closed"])


@both_flavours
def test_no_operation_starts_while_unwinding_however_often_the_code_tries(flavour: str) -> None:
    ran: list[str] = []

    async def body(ctx: DurableContext) -> str:
        for number in range(50):
            try:
                await ctx.wait(HOUR, name="pause")
            except BaseException:
                try:
                    await ctx.step(ran.append, str(number), name="never")
                except BaseException:
                    pass
        return "through"

    stage = Stage(handler_of(flavour, body), client=Watched)
    assert stage.invoke() == PENDING
    assert stage.statuses == {"pause": "STARTED"}
    assert not ran


def test_no_recorded_outcome_is_seen_while_unwinding() -> None:
    """In real time: 0.3 seconds."""
    pauses = [0.0, 30.0]
    seen: list[str] = []

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        try:
            await asyncio.sleep(pauses.pop(0))
        except asyncio.CancelledError:
            pass
        seen.append(await ctx.step(str, "recorded"))
        await ctx.wait(HOUR)

    stage = Stage(handler)
    assert stage.invoke() == PENDING
    with pytest.raises(InvocationError, match="deadline"):
        stage.invoke(left=0.8)
    assert seen == ["recorded"]


@both_flavours
@pytest.mark.parametrize("trouble", [None, ValueError("in place of it")], ids=["swallowed", "replaced"])
def test_a_suspension_passes_through_children_that_catch_everything(flavour: str, trouble: Exception | None) -> None:
    async def body(ctx: DurableContext) -> str:
        async def child(inner: DurableContext) -> str:
            try:
                await inner.wait(HOUR, name="pause")
            except BaseException:
                if trouble is not None:
                    raise trouble from None
            return "child went on"

        try:
            return await ctx.run_in_child_context(child)
        except BaseException:
            return "swallowed"

    handler = handler_of(flavour, body)
    stage = Stage(handler)
    assert stage.invoke() == PENDING
    time.sleep(0.02)
    assert stage.statuses == {"child": "STARTED", "pause": "STARTED"}
    assert LocalRunner(handler).run().value == "child went on"


@both_flavours
def test_nothing_follows_a_virtual_child_that_swallows_its_suspension(flavour: str) -> None:
    went_on: list[str] = []

    async def body(ctx: DurableContext) -> None:
        async def child(inner: DurableContext) -> str:
            try:
                await inner.wait(HOUR)
            except BaseException:
                pass
            return "child went on"

        went_on.append(await ctx.run_in_child_context(child, config=ChildConfig(virtual=True)))

    assert Stage(handler_of(flavour, body)).invoke() == PENDING
    assert went_on == []


def test_gather_with_return_exceptions_does_not_turn_a_suspension_into_results() -> None:
    seen: list[list[Any]] = []

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> int:
        results = await asyncio.gather(ctx.wait(HOUR), ctx.step(str, "quick"), return_exceptions=True)
        seen.append([*results])
        return len(results)

    assert Stage(handler).invoke() == PENDING
    assert LocalRunner(handler).run().value == 2
    assert [None, "quick"] in seen


def test_a_task_group_that_is_suspended_does_not_fail_the_execution() -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> str:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(ctx.wait(HOUR))
                group.create_task(ctx.wait(2 * HOUR))
        except ExceptionGroup:
            return "failed"
        return "waited"

    assert Stage(handler).invoke() == PENDING
    assert LocalRunner(handler).run().value == "waited"


def test_async_code_that_swallows_every_suspension_for_ever_is_left_within_the_grace() -> None:
    """In real time: 1.1 seconds."""

    @durable_execution
    async def stubborn(event: object, ctx: DurableContext) -> None:
        while True:
            try:
                await ctx.wait(HOUR)
            except BaseException:
                pass

    @durable_execution
    async def plain(event: object, ctx: DurableContext) -> str:
        [result] = await asyncio.gather(ctx.step(str, "next"))
        return result

    began = time.monotonic()
    stage = Stage(stubborn)
    assert stage.invoke() == PENDING
    assert time.monotonic() - began < 2.5
    assert len(stage.operations) == 1
    assert Stage(plain).invoke() == {"Status": "SUCCEEDED", "Result": '"next"'}, "the process is not lost"


def test_async_code_that_hangs_while_it_cleans_up_is_left_within_the_grace() -> None:
    """In real time: 1.1 seconds."""

    @durable_execution
    async def stubborn(event: object, ctx: DurableContext) -> None:
        try:
            await ctx.wait(HOUR)
        finally:
            while True:
                try:
                    await asyncio.sleep(30)
                except asyncio.CancelledError:
                    pass

    began = time.monotonic()
    assert Stage(stubborn).invoke() == PENDING
    assert time.monotonic() - began < 2.5


def test_cleaning_up_local_resources_may_take_its_time() -> None:
    closed: list[str] = []

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        try:
            await ctx.wait(HOUR, name="pause")
        finally:
            await asyncio.sleep(0.05)
            closed.append("closed")

    stage = Stage(handler)
    assert stage.invoke() == PENDING
    assert closed == ["closed"]
    assert stage.statuses == {"pause": "STARTED"}, "it is not cancelled because its task is"


def test_blocking_code_that_swallows_every_suspension_for_ever_is_left_within_the_grace() -> None:
    @durable_execution
    def stubborn(event: object, ctx: blocking.DurableContext) -> None:
        def child(inner: blocking.DurableContext) -> None:
            while True:
                try:
                    inner.wait(HOUR)
                except BaseException:
                    pass

        while True:
            try:
                ctx.run_in_child_context(child)
            except BaseException:
                pass

    @durable_execution
    def plain(event: object, ctx: blocking.DurableContext) -> str:
        return ctx.step(str, "next")

    began = time.monotonic()
    stage = Stage(stubborn)
    assert stage.invoke() == PENDING
    assert time.monotonic() - began < 2.5
    assert Stage(plain).invoke() == {"Status": "SUCCEEDED", "Result": '"next"'}, "the process is not lost"


@pytest.mark.parametrize("pause", ["sleep", "to_thread", "run_in_executor", "call_later"])
def test_a_task_that_sleeps_or_uses_a_thread_before_its_step_is_not_suspended_before_the_step_ran(pause: str) -> None:
    ran: list[str] = []

    async def notify(ctx: DurableContext) -> None:
        loop = asyncio.get_running_loop()
        if pause == "sleep":
            await asyncio.sleep(0.03)
        elif pause == "to_thread":
            await asyncio.to_thread(time.sleep, 0.03)
        elif pause == "run_in_executor":
            await loop.run_in_executor(None, time.sleep, 0.03)
        else:
            called = loop.create_future()
            loop.call_later(0.03, called.set_result, None)
            await called
        await ctx.step(ran.append, "notified", name="notify")

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        await asyncio.gather(ctx.wait(HOUR), notify(ctx))

    assert Stage(handler).invoke() == PENDING
    assert ran == ["notified"]


def test_a_workflow_that_waits_for_an_event_nobody_sets_fails_at_once_in_a_runner_and_names_its_line() -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        async def waits_for_ever() -> None:
            await asyncio.Event().wait()

        await asyncio.create_task(waits_for_ever(), name="the-waiter")

    began = time.monotonic()
    answer = Stage(handler).invoke()
    assert time.monotonic() - began < 0.5
    assert answer["Status"] == "FAILED"
    message = failure_of(answer).get("ErrorMessage", "")
    assert "the-waiter" in message
    assert f"{__file__}:" in message
    assert "waits_for_ever" in message


def test_a_workflow_that_waits_for_an_event_nobody_sets_fails_before_the_deadline_in_lambda() -> None:
    """In real time: 0.3 seconds. Until then a thread that nobody knows of may still call in."""

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        await asyncio.Event().wait()

    began = time.monotonic()
    answer = Stage(handler).invoke(left=0.8, impatient=False)
    assert 0.2 < time.monotonic() - began < 0.7
    assert answer["Status"] == "FAILED"
    assert "waits for something" in failure_of(answer).get("ErrorMessage", "")


def test_a_foreign_thread_may_still_set_the_event_in_lambda() -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> str:
        loop, called = asyncio.get_running_loop(), asyncio.Event()
        threading.Timer(0.1, loop.call_soon_threadsafe, [called.set]).start()
        await called.wait()
        return await ctx.step(str, "called in")

    assert Stage(handler).invoke(left=20, impatient=False) == {"Status": "SUCCEEDED", "Result": '"called in"'}


def test_a_task_that_turns_on_the_spot_until_another_is_done_sees_it_done() -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> str:
        task = asyncio.create_task(ctx.step(str, "done"))
        patience = time.monotonic() + 10
        while time.monotonic() < patience:
            if task.done():
                return task.result()
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return "never done"

    assert Stage(handler).invoke() == {"Status": "SUCCEEDED", "Result": '"done"'}


def test_an_event_nobody_sets_beside_a_wait_is_an_error_only_once_the_wait_is_over() -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        await asyncio.gather(ctx.wait(HOUR), asyncio.Event().wait())

    stage = Stage(handler)
    assert stage.invoke() == PENDING
    stage.pass_time(HOUR)
    assert stage.invoke()["Status"] == "FAILED"
