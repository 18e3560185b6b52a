"""Programs that start tasks: what they share and wait for must come out alike, wherever they are cut off."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from crash_program import program
from crash_world import World, do

from durable_core import ChildConfig, DurableContext, Duration, FixedDelay, NoRetry, StepConfig, StepSemantics

LARGE = 262_145
ONCE = StepConfig(retry_strategy=NoRetry())


def seconds(n: int) -> Duration:
    return Duration.from_seconds(n)


@program()
async def gather_of_steps(ctx: DurableContext, world: World) -> Any:
    first = await asyncio.gather(*(do(ctx, world, f"fetch-{n}", n) for n in range(4)))
    return [*first, await do(ctx, world, "sum", sum(first))]


@program(stride=9)
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
async def task_group_in_which_one_fails(ctx: DurableContext, world: World) -> Any:
    log: list[Any] = []

    async def sibling() -> None:
        log.append(await do(ctx, world, "a", 1))
        log.append(await do(ctx, world, "b", 2))
        await ctx.wait(seconds(600), name="long")
        log.append(await do(ctx, world, "never", 3))

    async def failing() -> None:
        await ctx.wait(seconds(20), name="short")
        await ctx.step(world.fail, "c", lambda: ValueError("no"), name="c", config=ONCE)

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(sibling())
            group.create_task(failing())
    except* ValueError as errors:
        log.append([str(error) for error in errors.exceptions])
    log.append(await do(ctx, world, "d", 4))
    await ctx.wait(seconds(20))
    log.append(await do(ctx, world, "e", 5))
    return log


@program(left=["endless"])
async def task_group_that_cancels_a_running_step(ctx: DurableContext, world: World) -> Any:
    async def endless() -> None:
        world.note("endless")
        await asyncio.Event().wait()

    async def failing() -> None:
        await do(ctx, world, "a")
        raise ValueError("no")

    log: list[Any] = []
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(ctx.step(endless))
            group.create_task(failing())
    except* ValueError:
        log.append("failed")
    await ctx.wait(seconds(20))
    return [*log, await do(ctx, world, "b", 5)]


@program()
async def task_group_that_fails_in_a_child(ctx: DurableContext, world: World) -> Any:
    async def child(own: DurableContext) -> None:
        async def failing() -> None:
            await own.wait(seconds(5))
            raise ValueError("inside")

        async with asyncio.TaskGroup() as group:
            group.create_task(do(own, world, "x"))
            group.create_task(own.wait(seconds(500)))
            group.create_task(failing())

    said = ""
    try:
        await ctx.run_in_child_context(child)
    except Exception as error:
        said = str(error)
    await ctx.wait(seconds(5))
    return [said, await do(ctx, world, "end", 1)]


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


@program(stride=2)
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


@program(stride=2)
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


@program(stride=2)
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
async def first_completed_of_three_waits(ctx: DurableContext, world: World) -> Any:
    waits = [asyncio.create_task(ctx.wait(seconds(n * 100), name=f"wait-{n}")) for n in (3, 1, 2)]
    done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    won = [waits.index(each) for each in done]
    for each in pending:
        each.cancel()
    await do(ctx, world, "after")
    await ctx.wait(seconds(1000))
    return [won, [each.cancelled() for each in waits], await do(ctx, world, "end", 1)]


@program()
async def first_completed_between_a_step_and_waits(ctx: DurableContext, world: World) -> Any:
    racers = [
        asyncio.create_task(ctx.wait(seconds(60))),
        asyncio.create_task(do(ctx, world, "fast", "won")),
        asyncio.create_task(ctx.wait(seconds(90))),
    ]
    done, _ = await asyncio.wait(racers, return_when=asyncio.FIRST_COMPLETED)
    won = [racers.index(each) for each in done]
    for each in racers:
        each.cancel()
    if won == [1]:
        await do(ctx, world, "as-it-should")
    await ctx.wait(seconds(200))
    return [won, [each.cancelled() for each in racers], await do(ctx, world, "end", 1)]


@program()
async def one_task_cancels_another_in_its_wait(ctx: DurableContext, world: World) -> Any:
    async def patient() -> str:
        await do(ctx, world, "settle")
        try:
            await ctx.wait(seconds(600))
        except asyncio.CancelledError:
            await do(ctx, world, "disturbed")
            raise
        return "in peace"

    async def impatient(task: asyncio.Task[str]) -> None:
        await ctx.wait(seconds(10))
        await do(ctx, world, "shout")
        task.cancel()

    task = asyncio.create_task(patient())
    await asyncio.create_task(impatient(task))
    await asyncio.wait([task])
    branch = "cancelled" if task.cancelled() else "undisturbed"
    await do(ctx, world, branch)
    await ctx.wait(seconds(1000))
    return [branch, await do(ctx, world, "end", 1)]


@program(or_else=[["slept", 1]])
async def wait_that_is_cancelled_after_a_step(ctx: DurableContext, world: World) -> Any:
    task = asyncio.create_task(ctx.wait(seconds(1), name="second"))
    await do(ctx, world, "work")
    task.cancel()
    try:
        await task
        branch = "slept"
    except asyncio.CancelledError:
        branch = "cancelled"
    await do(ctx, world, "branch", branch)
    await ctx.wait(seconds(5))
    return [branch, await do(ctx, world, "end", 1)]


@program()
async def wait_that_is_cancelled_by_a_timer(ctx: DurableContext, world: World) -> Any:
    task = asyncio.create_task(ctx.wait(seconds(600)))
    await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.wait([task])
    await do(ctx, world, "on")
    await ctx.wait(seconds(1000))
    return [task.cancelled(), await do(ctx, world, "end", 1)]


@program()
async def wait_that_is_cancelled_at_once(ctx: DurableContext, world: World) -> Any:
    task = asyncio.create_task(ctx.wait(seconds(60)))
    task.cancel()
    await asyncio.wait([task])
    await do(ctx, world, "on")
    await ctx.wait(seconds(5))
    return [task.cancelled(), await do(ctx, world, "end", 1)]


@program(left=["call"])
async def step_that_is_cancelled_in_the_pause_of_its_retry(ctx: DurableContext, world: World) -> Any:
    config = StepConfig(retry_strategy=FixedDelay(9, seconds(600)))
    task = asyncio.create_task(ctx.step(world.act_from, 99, "call", None, name="call", config=config))
    await ctx.wait(seconds(60))
    task.cancel()
    await asyncio.wait([task])
    await do(ctx, world, "gave-up")
    await ctx.wait(seconds(6000))
    return [task.cancelled(), await do(ctx, world, "end", 1)]


@program(left=["ask-0", "ask-1"])
async def first_answer_cancels_the_other(ctx: DurableContext, world: World) -> Any:
    tasks: list[asyncio.Task[None]] = []

    async def ask(n: int) -> None:
        await do(ctx, world, f"ask-{n}")
        tasks[1 - n].cancel()

    tasks += [asyncio.create_task(ask(n)) for n in range(2)]
    await asyncio.wait(tasks)
    await ctx.wait(seconds(5))
    return [sum(task.cancelled() for task in tasks), await do(ctx, world, "end", 1)]


@program(left=["journey", "stage", "call"])
async def child_that_is_cancelled(ctx: DurableContext, world: World) -> Any:
    config = StepConfig(retry_strategy=FixedDelay(9, seconds(100)))

    async def stage(child: DurableContext) -> None:
        call = child.step(world.act_from, 99, "call", None, name="call", config=config)
        await asyncio.gather(child.wait(seconds(600)), call)

    async def journey(child: DurableContext) -> None:
        await do(child, world, "leave")
        await child.run_in_child_context(stage)
        await do(child, world, "arrive")

    task = asyncio.create_task(ctx.run_in_child_context(journey))
    await ctx.wait(seconds(30))
    task.cancel()
    await asyncio.wait([task])
    await do(ctx, world, "call-back")
    await ctx.wait(seconds(1000))
    return [task.cancelled(), await do(ctx, world, "end", 1)]


@program(left=["slow"], or_else=[[False, True, 1]])
async def large_child_that_cancels_a_step(ctx: DurableContext, world: World) -> Any:
    async def slow() -> None:
        if world.note("slow") and world.invocation == 1:
            await asyncio.Event().wait()

    async def report(child: DurableContext) -> list[Any]:
        loser = asyncio.create_task(child.step(slow))
        pause = asyncio.create_task(child.wait(seconds(600)))
        await do(child, world, "fast")
        loser.cancel()
        pause.cancel()
        await asyncio.wait([loser, pause])
        return [loser.cancelled(), pause.cancelled(), "x" * LARGE]

    cancelled = (await ctx.run_in_child_context(report))[:2]
    await ctx.wait(seconds(5))
    return [*cancelled, await do(ctx, world, "end", 1)]


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


@program(stride=2)
async def children_side_by_side(ctx: DurableContext, world: World) -> Any:
    async def child(own: DurableContext, n: int) -> str:
        await do(own, world, f"begin-{n}")
        await asyncio.gather(own.wait(seconds(n)), do(own, world, f"beside-{n}"))
        letter = await do(own, world, f"end-{n}", "abc"[n - 1])
        return str(letter) * (LARGE if n == 2 else 1)

    found = await asyncio.gather(*(ctx.run_in_child_context(child, n, name=f"child-{n}") for n in (1, 2, 3)))
    await ctx.wait(seconds(5))
    return [[each[0] for each in found], await do(ctx, world, "all", 1)]


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
async def uncaught_failure_in_a_task_group(ctx: DurableContext, world: World) -> Any:
    async def failing() -> None:
        await ctx.wait(seconds(5))
        raise ValueError("no")

    async with asyncio.TaskGroup() as group:
        group.create_task(do(ctx, world, "a"))
        group.create_task(failing())
        group.create_task(ctx.wait(seconds(50)))


@program()
async def gather_that_fails_and_leaves_a_task_behind(ctx: DurableContext, world: World) -> Any:
    late: list[int] = []
    said = ""

    async def straggler() -> None:
        await ctx.wait(seconds(20))
        late.append(await do(ctx, world, "late", 2))

    try:
        await asyncio.gather(
            straggler(), ctx.step(world.fail, "fail", lambda: ValueError("no"), name="fail", config=ONCE)
        )
    except ValueError as error:
        said = str(error)
    await do(ctx, world, "meanwhile")
    await ctx.wait(seconds(60))
    return [said, *late]


@program()
async def task_group_that_is_cancelled(ctx: DurableContext, world: World) -> Any:
    log: list[str] = []

    async def part(n: int) -> None:
        try:
            await ctx.wait(seconds(100 * n))
            await do(ctx, world, f"part-{n}")
        finally:
            log.append(await do(ctx, world, f"tidy-{n}", f"tidied-{n}"))

    async def crew() -> None:
        async with asyncio.TaskGroup() as group:
            for n in (1, 5, 6):
                group.create_task(part(n))

    task = asyncio.create_task(crew())
    await ctx.wait(seconds(300))
    task.cancel()
    await asyncio.wait([task])
    return [sorted(log), task.cancelled(), await do(ctx, world, "end", 1)]


@program(stride=2)
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


@program()
async def virtual_children_side_by_side(ctx: DurableContext, world: World) -> Any:
    async def group(child: DurableContext, n: int) -> int:
        async def part(m: int) -> int:
            got: int = await do(child, world, f"part-{n}-{m}", m)
            await child.wait(seconds(m))
            return got

        await do(child, world, f"group-{n}")
        return n * sum(await asyncio.gather(part(1), part(2)))

    virtual = ChildConfig(virtual=True)
    groups = [ctx.run_in_child_context(group, n, name=f"group-{n}", config=virtual) for n in (1, 2)]
    found = await asyncio.gather(*groups, ctx.wait(seconds(1)))
    return [*found, await do(ctx, world, "end", 1)]


@program(at_most_once=["pay-0", "pay-1", "pay-2"])
async def at_most_once_side_by_side(ctx: DurableContext, world: World) -> Any:
    config = StepConfig(retry_strategy=FixedDelay(9, seconds(1)), step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY)
    paid = await asyncio.gather(*(do(ctx, world, f"pay-{n}", n, config) for n in range(3)))
    await ctx.wait(seconds(1))
    return [*paid, await do(ctx, world, "end", 1)]
