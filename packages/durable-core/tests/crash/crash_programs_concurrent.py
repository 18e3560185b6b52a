"""Programs that start tasks: what they share and wait for must come out alike, wherever they are cut off."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from crash_program import program
from crash_world import ONCE, World, do, seconds

from durable_core import DurableContext, FixedDelay, StepConfig, StepSemantics


@program()
async def gather_of_steps(ctx: DurableContext, world: World) -> Any:
    first = await asyncio.gather(*(do(ctx, world, f"fetch-{n}", n) for n in range(4)))
    return [*first, await do(ctx, world, "sum", sum(first))]


@program(stride=5)
async def gather_of_twenty_branches(ctx: DurableContext, world: World) -> Any:
    async def branch(n: int) -> int:
        first: int = await do(ctx, world, f"first-{n}", n)
        await ctx.wait(seconds(1 + n % 3))
        second: int = await do(ctx, world, f"second-{n}", 1)
        return first + second

    return sum(await asyncio.gather(*(branch(n) for n in range(20))))


@program()
async def operations_placed_early(ctx: DurableContext, world: World) -> Any:
    first, pause, second = do(ctx, world, "first", 1), ctx.wait(seconds(5)), do(ctx, world, "second", 2)
    found = [await second]
    await pause
    return [*found, await first]


@program()
async def workers_popping_one_list(ctx: DurableContext, world: World) -> Any:
    items = list(range(7))
    done: list[int] = []

    async def worker() -> None:
        while items:
            item = items.pop()
            done.append(await do(ctx, world, f"item-{item}", item * item))
            if item % 2:
                await ctx.wait(seconds(item + 1))

    await asyncio.gather(*(worker() for _ in range(3)))
    return sorted(done)


@program()
async def queue_of_a_producer_and_consumers(ctx: DurableContext, world: World) -> Any:
    queue: asyncio.Queue[int | None] = asyncio.Queue(maxsize=2)
    got: list[int] = []

    async def produce() -> None:
        for n in range(6):
            await queue.put(await do(ctx, world, f"make-{n}", n))
            if n == 3:
                await ctx.wait(seconds(3))
        for _ in range(2):
            await queue.put(None)

    async def consume() -> None:
        while (item := await queue.get()) is not None:
            got.append(await do(ctx, world, f"take-{item}", item * 2))
            await ctx.wait(seconds(2))

    await asyncio.gather(produce(), consume(), consume())
    return sorted(got)


@program()
async def semaphore_over_five_branches(ctx: DurableContext, world: World) -> Any:
    room = asyncio.Semaphore(2)
    inside, most = 0, 0

    async def branch(n: int) -> int:
        nonlocal inside, most
        async with room:
            inside += 1
            most = max(most, inside)
            got: int = await do(ctx, world, f"use-{n}", n)
            await ctx.wait(seconds(n + 1))
            await do(ctx, world, f"leave-{n}")
            inside -= 1
        return got

    return [await asyncio.gather(*(branch(n) for n in range(5))), most]


@program()
async def lock_and_condition(ctx: DurableContext, world: World) -> Any:
    stock, ready = [0], asyncio.Condition()

    async def deliver() -> None:
        for n in range(3):
            await ctx.wait(seconds(10))
            amount = await do(ctx, world, f"deliver-{n}", 2)
            async with ready:
                stock[0] += amount
                ready.notify_all()

    async def buy(n: int) -> None:
        async with ready:
            await ready.wait_for(lambda: stock[0] >= n)
            stock[0] -= n
            await do(ctx, world, f"buy-{n}")

    await asyncio.gather(deliver(), buy(1), buy(2), buy(3))
    return stock


@program()
async def event_set_by_one_and_awaited_by_others(ctx: DurableContext, world: World) -> Any:
    opened = asyncio.Event()

    async def opener() -> None:
        await do(ctx, world, "unlock")
        await ctx.wait(seconds(5))
        opened.set()
        await do(ctx, world, "report")

    async def visitor(n: int) -> int:
        await do(ctx, world, f"arrive-{n}")
        await opened.wait()
        got: int = await do(ctx, world, f"enter-{n}", n)
        return got

    return await asyncio.gather(visitor(1), opener(), visitor(2))


@program()
async def wait_beside_a_step_with_retries(ctx: DurableContext, world: World) -> Any:
    config = StepConfig(retry_strategy=FixedDelay(9, seconds(20)))

    async def pause() -> int:
        await ctx.wait(seconds(30))
        got: int = await do(ctx, world, "rested", 2)
        return got

    call = ctx.step(world.act_from, 3, "call", 1, name="call", config=config)
    return await asyncio.gather(call, pause(), do(ctx, world, "third", 3))


@program()
async def gather_with_return_exceptions_around_a_suspension(ctx: DurableContext, world: World) -> Any:
    async def late() -> None:
        await ctx.wait(seconds(10))
        raise ValueError("late")

    fail = ctx.step(world.fail, "fail", lambda: ValueError("early"), name="fail", config=ONCE)
    found = await asyncio.gather(ctx.wait(seconds(5)), fail, late(), do(ctx, world, "fine", 1), return_exceptions=True)
    shown = [str(each) if isinstance(each, Exception) else each for each in found]
    return [shown, await do(ctx, world, "end", 1)]


@program()
async def step_body_that_gathers(ctx: DurableContext, world: World) -> Any:
    async def crawl(n: int) -> int:
        world.note(f"crawl-{n}")

        async def page(m: int) -> int:
            await asyncio.sleep(0)
            return m

        return sum(await asyncio.gather(*(asyncio.create_task(page(m)) for m in range(n))))

    async def branch(n: int) -> int:
        got = await ctx.step(crawl, n, name=f"crawl-{n}")
        await ctx.wait(seconds(n))
        more: int = await do(ctx, world, f"store-{n}", got)
        return more

    first = await ctx.step(crawl, 9, name="crawl-9")
    found = await asyncio.gather(branch(1), branch(2), branch(3))
    return [first, *found, await ctx.step(crawl, 4, name="crawl-4")]


@program()
async def plain_functions_on_threads(ctx: DurableContext, world: World) -> Any:
    def body(n: int) -> int:
        world.note(f"thread-{n}")
        time.sleep(0.001 * n)
        return n

    found = await asyncio.gather(*(ctx.step(body, n, name=f"thread-{n}") for n in range(5)))
    await ctx.wait(seconds(5))
    return [*found, await ctx.step(world.act_now, "end", 1, name="end")]


@program()
async def slow_bodies(ctx: DurableContext, world: World) -> Any:
    # So slow that the START of each is sent by itself, from the sender's thread, while the body runs.
    async def slow(name: str, n: int) -> int:
        world.note(name)
        await asyncio.sleep(0.008)
        return n

    first = await asyncio.gather(ctx.step(slow, "one", 1, name="one"), ctx.step(slow, "two", 2, name="two"))
    await ctx.wait(seconds(5))
    return [*first, await ctx.step(slow, "three", 3, name="three")]


@program()
async def sleep_before_a_step_beside_a_wait(ctx: DurableContext, world: World) -> Any:
    async def notify() -> int:
        await asyncio.sleep(0.003)
        got: int = await do(ctx, world, "notify", 1)
        return got

    found = await asyncio.gather(ctx.wait(seconds(5)), notify())
    return [*found, await do(ctx, world, "end", 3)]


@program()
async def thread_before_a_step_beside_a_wait(ctx: DurableContext, world: World) -> Any:
    def work() -> int:
        time.sleep(0.003)
        return 2

    async def compute() -> int:
        n = await asyncio.to_thread(work)
        got: int = await do(ctx, world, "compute", n)
        return got

    found = await asyncio.gather(ctx.wait(seconds(5)), compute())
    return [*found, await do(ctx, world, "end", 3)]


@program()
async def as_completed_over_tasks(ctx: DurableContext, world: World) -> Any:
    async def branch(n: int) -> int:
        await ctx.wait(seconds(n * 100))
        got: int = await do(ctx, world, f"branch-{n}", n)
        return got

    tasks = [asyncio.create_task(branch(n)) for n in (3, 1, 2)]
    found = []
    for next_one in asyncio.as_completed(tasks):
        found.append(await next_one)
        await do(ctx, world, f"after-{found[-1]}")
    return found


@program()
async def tasks_that_start_tasks(ctx: DurableContext, world: World) -> Any:
    async def visit(name: str, depth: int) -> int:
        width = await do(ctx, world, f"visit-{name}", 2 if depth else 0)
        below = [asyncio.create_task(visit(f"{name}{n}", depth - 1)) for n in range(width)]
        if depth == 1:
            await ctx.wait(seconds(len(name)))
        return 1 + sum([await task for task in below])

    return await visit("r", 2)


@program()
async def two_that_await_one_task(ctx: DurableContext, world: World) -> Any:
    async def shared() -> int:
        await ctx.wait(seconds(3))
        got: int = await do(ctx, world, "shared", 7)
        return got

    task = asyncio.create_task(shared())

    async def user(n: int) -> int:
        await do(ctx, world, f"before-{n}")
        got: int = await do(ctx, world, f"use-{n}", n * await task)
        return got

    return await asyncio.gather(user(1), user(2))


@program()
async def finally_in_tasks(ctx: DurableContext, world: World) -> Any:
    async def session(n: int) -> int:
        await do(ctx, world, f"open-{n}")
        try:
            await ctx.wait(seconds(n))
            got: int = await do(ctx, world, f"use-{n}", n)
        finally:
            await ctx.wait(seconds(n))
            await do(ctx, world, f"close-{n}")
        return got

    return await asyncio.gather(session(1), session(2), session(3))


@program()
async def barrier_between_three(ctx: DurableContext, world: World) -> Any:
    barrier = asyncio.Barrier(3)

    async def runner(n: int) -> int:
        await ctx.wait(seconds(n))
        await do(ctx, world, f"ready-{n}")
        await barrier.wait()
        got: int = await do(ctx, world, f"go-{n}", n)
        return got

    return await asyncio.gather(runner(3), runner(1), runner(2))


@program(at_most_once=["pay-0", "pay-1", "pay-2"])
async def at_most_once_side_by_side(ctx: DurableContext, world: World) -> Any:
    config = StepConfig(retry_strategy=FixedDelay(9, seconds(1)), step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY)
    paid = await asyncio.gather(*(do(ctx, world, f"pay-{n}", n, config) for n in range(3)))
    await ctx.wait(seconds(1))
    return [*paid, await do(ctx, world, "end", 1)]
