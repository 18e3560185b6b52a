"""The program is wrong, or only concurrent: tasks that share work, cancel each other, or are left behind."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from hazard_clients import Call, Watched
from hazard_runs import Stage, failure_of, id_at_root

from durable_core import (
    ContextMisuseError,
    DurableContext,
    Duration,
    NoRetry,
    StepConfig,
    durable_execution,
    step_context,
)
from durable_core.spi import CheckpointAnswer
from durable_testing import LocalRunner

HOUR = Duration.from_hours(1)
SECOND = Duration.from_seconds(1)
ONCE = StepConfig(retry_strategy=NoRetry())


def test_a_task_left_running_in_a_child_context_is_an_error_that_names_its_operation() -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> list[str]:
        async def child(inner: DurableContext) -> str:
            asyncio.create_task(inner.wait(HOUR, name="left behind"))  # noqa: RUF006 (that is the mistake)
            await inner.step(str, "else", name="else")
            return "returned"

        try:
            return [await ctx.run_in_child_context(child)]
        except ContextMisuseError as error:
            return [str(error), await ctx.step(str, "after", name="after")]

    result = LocalRunner(handler).run()
    assert 'wait "left behind" (test_hazards_tasks.py:' in result.value[0]
    assert "was still running when" in result.value[0]
    assert result.value[1] == "after"
    assert result.operation("child").status == "FAILED"


def test_a_task_left_running_at_the_end_of_the_handler_is_an_error_too() -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> str:
        async def background() -> None:
            await ctx.step(asyncio.sleep, 0)
            await ctx.wait(HOUR, name="left behind")

        asyncio.create_task(background())  # noqa: RUF006 (that is the mistake)
        await ctx.step(asyncio.sleep, 0.01, name="else")
        return "returned"

    answer = Stage(handler).invoke()
    assert answer["Status"] == "FAILED"
    assert "was still running when this execution returned" in failure_of(answer).get("ErrorMessage", "")


@pytest.mark.parametrize("ending", ["returns", "fails"])
def test_no_update_follows_the_end_of_a_child_context(ending: str) -> None:
    """Its tasks end with it: one in a step's body, one in a retry's pause, one parked, one that swallows its end."""

    async def slow() -> str:
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            return "late"
        return "slow"

    def slow_thread() -> str:
        time.sleep(0.1)
        return "late"

    async def flaky() -> None:
        raise ConnectionError("not yet")

    async def stubborn(inner: DurableContext) -> None:
        while True:
            try:
                await inner.step(str, "once more", name="never")
                await inner.wait(HOUR, name="pause")
            except asyncio.CancelledError:
                pass

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> str:
        async def child(inner: DurableContext) -> str:
            tasks = [
                asyncio.create_task(inner.step(slow)),
                asyncio.create_task(inner.step(slow_thread)),
                asyncio.create_task(inner.step(flaky)),
                asyncio.create_task(inner.wait(HOUR)),
            ]
            await inner.step(asyncio.sleep, 0.02, name="work")
            if ending == "fails":
                raise LookupError("failed")
            return f"left {len(tasks)}"

        message = "no error"
        try:
            await ctx.run_in_child_context(child)
        except (ContextMisuseError, LookupError) as error:
            message = str(error)
        await ctx.step(asyncio.sleep, 0.15, name="after")
        return message

    stage = Stage(handler, client=Watched)
    assert stage.invoke()["Status"] == "SUCCEEDED", "the service refuses updates under a context that is over"
    assert isinstance(stage.client, Watched)
    updates = [update for call in stage.client.calls for update in call.updates]
    child = next(update["Id"] for update in updates if update["Type"] == "CONTEXT")
    ends = [number for number, update in enumerate(updates) if update["Id"] == child]
    assert len(ends) == 2
    assert [update for update in updates[ends[1] :] if update.get("ParentId") == child] == []


async def gathers() -> int:
    return sum(await asyncio.gather(*(asyncio.sleep(0, number) for number in range(3))))


async def makes_tasks() -> int:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(asyncio.sleep(0, 3))
    return await task


async def plain() -> int:
    return 3


class TaskMakingSerDes:
    """A serializer that starts tasks."""

    def serialize(self, value: Any, context: object) -> str:
        task = asyncio.ensure_future(asyncio.sleep(0))
        task.cancel()
        return str(value)

    def deserialize(self, data: str, context: object) -> Any:
        return int(data)


@pytest.mark.parametrize(
    ("body", "config"),
    [
        (plain, StepConfig()),
        (gathers, StepConfig()),
        (makes_tasks, StepConfig()),
        (plain, StepConfig(serdes=TaskMakingSerDes())),
    ],
)
def test_what_a_step_or_a_serializer_does_moves_no_lane_of_the_workflow(body: Any, config: StepConfig) -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> list[str]:
        async def branch() -> str:
            first = ctx.step(str, "in a task")
            await first
            return first.operation_id

        await ctx.step(body, name="body", config=config)
        return [*await asyncio.gather(branch(), branch())]

    result = LocalRunner(handler).run()
    assert result.value == [id_at_root("t1.1"), id_at_root("t2.1")]


async def waits_a_turn() -> object:
    await asyncio.sleep(0)
    return asyncio.current_task(), step_context().attempt


async def ends_at_once() -> object:
    return asyncio.current_task(), step_context().attempt


@pytest.mark.parametrize("body", [waits_a_turn, ends_at_once])
def test_a_body_runs_in_a_task_of_its_own_that_knows_the_step_and_its_serializer_in_the_workflows(body: Any) -> None:
    found: list[object] = []

    class Looking:
        def serialize(self, value: Any, context: object) -> str:
            found.extend([*value, asyncio.current_task()])
            return "1"

        def deserialize(self, data: str, context: object) -> Any:
            return data

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> bool:
        await ctx.step(body, config=StepConfig(serdes=Looking()))
        own, attempt, around = found
        return attempt == 1 and around is asyncio.current_task() is not own

    assert Stage(handler).invoke() == {"Status": "SUCCEEDED", "Result": "true"}


def test_a_task_around_a_single_operation_takes_no_number() -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> list[str]:
        async def branch() -> str:
            operation = ctx.step(str, "in a task")
            await operation
            return operation.operation_id

        single = ctx.step(str, "single")
        await asyncio.create_task(single)
        await asyncio.gather(ctx.step(str, "two"), ctx.step(str, "three"))
        return [single.operation_id, await asyncio.create_task(branch())]

    assert LocalRunner(handler).run().value == [id_at_root("1"), id_at_root("t1.1")]


def test_a_task_group_in_which_one_fails_after_a_sibling_recorded_steps_replays() -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> list[str]:
        found: list[str] = []

        async def sibling() -> None:
            for number in range(3):
                done = await ctx.step(str, f"sibling {number}", name=f"sibling {number}")
                found.append(done)
            await ctx.wait(HOUR, name="endless")

        def decline() -> None:
            raise ValueError("declined")

        async def failing() -> None:
            await ctx.wait(SECOND, name="short")
            await ctx.step(decline, config=ONCE)

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(sibling())
                group.create_task(failing())
        except* ValueError as errors:
            found.append(str(errors.exceptions[0]))
        await ctx.wait(HOUR, name="after")
        return found

    result = LocalRunner(handler).run()
    assert result.value == ["sibling 0", "sibling 1", "sibling 2", "declined"]
    assert result.operation("endless").status == "CANCELLED"


def test_a_wait_that_was_cancelled_takes_the_same_branch_on_every_replay() -> None:
    branches: list[str] = []

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> str:
        pause = asyncio.create_task(ctx.wait(HOUR, name="pause"))
        answer = asyncio.create_task(ctx.step(str, "answer", name="answer"))
        await asyncio.wait([pause, answer], return_when=asyncio.FIRST_COMPLETED)
        pause.cancel()
        try:
            await pause
            branch = "waited"
        except asyncio.CancelledError:
            branch = "answered"
        branches.append(branch)
        await ctx.step(str, branch, name=branch)
        for _ in range(3):
            await ctx.wait(2 * HOUR)
        return branch

    result = LocalRunner(handler).run()
    assert result.value == "answered"
    assert set(branches) == {"answered"}
    assert len(result.invocations) == 4
    assert result.operation("pause").status == "CANCELLED"


def test_a_wait_that_was_cancelled_and_that_the_code_cancels_no_more_is_an_error_and_no_hang() -> None:
    cancels = [True, False]

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        pause = asyncio.create_task(ctx.wait(HOUR, name="pause"))
        await ctx.step(str, "between")
        if not cancels or cancels.pop(0):
            pause.cancel()
        await asyncio.wait([pause])
        await ctx.wait(HOUR)

    stage = Stage(handler)
    assert stage.invoke() == {"Status": "PENDING"}
    stage.pass_time(2 * HOUR)
    answer = stage.invoke()
    assert answer["Status"] == "FAILED"


@pytest.mark.parametrize("others", [0, 3])
def test_a_cancel_that_meets_a_timer_which_has_fired_loses_nothing(others: int) -> None:
    """The wait is over; what travels at the same time is recorded, and a replay sees the same."""

    class Late(Watched):
        def checkpointed(self, arn: str, call: Call) -> CheckpointAnswer:
            if "WAIT CANCEL" in call.kinds:
                runner.clock.advance(HOUR)
            return super().checkpointed(arn, call)

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> list[object]:
        pause = asyncio.create_task(ctx.wait(HOUR, name="pause"))
        await ctx.step(str, "between")
        pause.cancel()
        steps = [ctx.step(str, number, name=f"step {number}") for number in range(others)]
        found = await asyncio.gather(*steps, pause, return_exceptions=True)
        await ctx.wait(HOUR, name="after")
        return [repr(each) for each in found]

    runner = LocalRunner(handler, client=Late)
    result = runner.run()
    assert result.status == "SUCCEEDED"
    assert result.operation("pause").status == "SUCCEEDED"
    assert result.value == [*(f"'{number}'" for number in range(others)), "CancelledError('')"]
