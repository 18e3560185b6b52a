"""The program is concurrent: its tasks share work by order of arrival, which chance decided the first time."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

import pytest
from hazard_runs import Stage

from durable_core import DurableContext, Duration, ServiceLimits, durable_execution
from durable_core.spi import DurableServiceClient
from durable_testing import LocalRunner
from durable_testing.faults import CrashingClient

HOUR = Duration.from_hours(1)
SECOND = Duration.from_seconds(1)

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


Branch = Callable[[DurableContext, str, list[str]], Awaitable[object]]


async def a_step(ctx: DurableContext, name: str, seen: list[str]) -> None:
    await ctx.step(asyncio.sleep, 0)


async def a_wait(ctx: DurableContext, name: str, seen: list[str]) -> None:
    await ctx.wait(HOUR)


async def a_child(ctx: DurableContext, name: str, seen: list[str]) -> None:
    async def child(inner: DurableContext) -> None:
        await inner.step(asyncio.sleep, 0)

    await ctx.run_in_child_context(child)


async def a_child_with_a_large_result(ctx: DurableContext, name: str, seen: list[str]) -> None:
    async def child(inner: DurableContext) -> str:
        await inner.wait(HOUR)
        seen.append(f"{name} has waited")
        return "x" * ServiceLimits.DEFAULT.payload_bytes

    await ctx.run_in_child_context(child)


@pytest.mark.parametrize(
    ("operation", "recorded"), [(a_step, 3), (a_wait, 3), (a_child, 5), (a_child_with_a_large_result, 5)]
)
def test_outcomes_that_come_together_are_seen_one_after_the_other(operation: Branch, recorded: int) -> None:
    """What one of them sets going is done before the next is seen, the first time as on a replay."""
    traces: list[list[str]] = []

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        seen: list[str] = []
        traces.append(seen)

        async def branch(name: str) -> None:
            await operation(ctx, name, seen)
            seen.append(f"{name} goes on")
            await asyncio.sleep(0)
            seen.append(f"{name} is done")

        def let_an_hour_pass() -> None:
            patience = time.monotonic() + 10
            while len(stage.operations) < recorded and time.monotonic() < patience:
                time.sleep(0.005)
            stage.pass_time(HOUR)

        async def pause() -> None:
            await ctx.step(let_an_hour_pass)
            seen.append("an hour has passed")

        await asyncio.gather(branch("a"), branch("b"), pause())
        await ctx.wait(HOUR)

    stage = Stage(handler)
    assert stage.invoke() == {"Status": "PENDING"}
    stage.pass_time(HOUR)
    assert stage.invoke()["Status"] == "SUCCEEDED"
    first, replay = traces
    assert replay == first
    for name in ("a", "b"):
        assert first[first.index(f"{name} goes on") + 1] == f"{name} is done"
