"""The program is wrong, or only concurrent: tasks that share work, cancel each other, or are left behind."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hazard_clients import Call, Watched
from hazard_runs import Stage, failure_of, id_at_root

from durable_core import ContextMisuseError, DurableContext, Duration, NoRetry, StepConfig, durable_execution
from durable_core.spi import CheckpointAnswer, DurableServiceClient
from durable_testing import LocalRunner
from durable_testing.faults import CrashingClient

HOUR = Duration.from_hours(1)
SECOND = Duration.from_seconds(1)
ONCE = StepConfig(retry_strategy=NoRetry())

Sharing = Callable[[DurableContext, list[str]], Awaitable[object]]


async def loiter(name: str) -> str:
    """A body whose length is another on every run."""
    for _ in range(random.randint(0, 5)):
        await asyncio.sleep(0)
    return name


async def workers_pop_one_list(ctx: DurableContext, seen: list[str]) -> None:
    items = [f"item {number}" for number in range(6)]

    async def worker(name: str) -> None:
        while items:
            item = items.pop(0)
            seen.append(f"{name} has {await ctx.step(loiter, item, name=item)}")

    await asyncio.gather(*(worker(name) for name in ("ann", "bob", "cid")))


async def a_queue(ctx: DurableContext, seen: list[str]) -> None:
    queue: asyncio.Queue[str] = asyncio.Queue()

    async def producer(name: str) -> None:
        for number in range(3):
            await queue.put(await ctx.step(loiter, f"{name} {number}", name=f"make {number}"))

    async def consumer() -> None:
        for _ in range(6):
            item = await queue.get()
            seen.append(await ctx.step(loiter, f"took {item}", name=f"take {item}"))

    await asyncio.gather(producer("a"), producer("b"), consumer())


async def a_semaphore(ctx: DurableContext, seen: list[str]) -> None:
    semaphore = asyncio.Semaphore(2)

    async def worker(name: str) -> None:
        await ctx.step(loiter, name, name="arrive")
        async with semaphore:
            seen.append(f"{name} in")
            await ctx.wait(SECOND)
            seen.append(f"{name} out")

    await asyncio.gather(*(worker(name) for name in "abcd"))


async def an_event(ctx: DurableContext, seen: list[str]) -> None:
    event = asyncio.Event()

    async def waiter(name: str) -> None:
        await event.wait()
        seen.append(await ctx.step(loiter, name, name="woken"))

    async def setter() -> None:
        await ctx.wait(SECOND)
        event.set()

    await asyncio.gather(waiter("a"), setter(), waiter("b"))


async def the_first_completed(ctx: DurableContext, seen: list[str]) -> None:
    left = [asyncio.create_task(ctx.step(loiter, f"step {number}", name=f"step {number}")) for number in range(5)]
    while left:
        done, _ = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
        seen.append(" and ".join(task.result() for task in left if task in done))
        left = [task for task in left if task not in done]
        await ctx.step(str, len(seen), name="note")


async def as_completed_over_tasks(ctx: DurableContext, seen: list[str]) -> None:
    tasks = [asyncio.create_task(ctx.step(loiter, f"step {number}", name=f"step {number}")) for number in range(5)]
    for each in asyncio.as_completed(tasks):
        seen.append(await each)
        await ctx.step(str, len(seen), name="note")


async def one_task_cancels_another(ctx: DurableContext, seen: list[str]) -> None:
    async def victim(name: str) -> None:
        try:
            for number in range(4):
                lived = await ctx.step(loiter, f"{name} {number}", name=f"live {number}")
                seen.append(lived)
        except asyncio.CancelledError:
            seen.append(f"{name} was cancelled")
            raise

    async def killer(target: asyncio.Task[None]) -> None:
        await ctx.step(loiter, "aim", name="aim")
        await ctx.step(loiter, "fire", name="fire")
        target.cancel()

    first = asyncio.create_task(victim("a"))
    second = asyncio.create_task(victim("b"))
    await asyncio.gather(killer(first), first, second, return_exceptions=True)


SHARINGS: list[Sharing] = [
    workers_pop_one_list, a_queue, a_semaphore, an_event, the_first_completed, as_completed_over_tasks,
    one_task_cancels_another,
]  # fmt: skip


@pytest.mark.parametrize("share", SHARINGS)
def test_work_that_tasks_share_by_order_of_arrival_replays_alike(share: Sharing) -> None:
    """Twenty runs, each with a wait at its end and a crash somewhere; the bodies take another time on every run."""
    for crash in range(1, 21):
        traces: list[list[str]] = []

        @durable_execution
        async def handler(event: object, ctx: DurableContext, traces: list[list[str]] = traces) -> None:
            seen: list[str] = []
            traces.append(seen)
            await share(ctx, seen)
            await ctx.wait(HOUR)

        def crashing(inner: DurableServiceClient, at: int = crash) -> CrashingClient:
            return CrashingClient(inner, at)

        assert LocalRunner(handler, client=crashing).run().status == "SUCCEEDED"
        full = traces[-1]
        assert full
        assert traces[-2] == full, "the verifying replay"
        assert [trace for trace in traces if trace != full[: len(trace)] and "cancelled" not in str(trace)] == []


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
                runner.clock.advance(HOUR)  # type: ignore[union-attr]  # pyright: ignore[reportAttributeAccessIssue]
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
