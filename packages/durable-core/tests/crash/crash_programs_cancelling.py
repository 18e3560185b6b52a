"""Programs in which tasks fail and are cancelled: whoever was cut off stays so, and the others go on."""

from __future__ import annotations

import asyncio
from typing import Any

from crash_program import program
from crash_world import LARGE, ONCE, World, do, seconds

from durable_core import DurableContext, FixedDelay, StepConfig


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
async def wait_that_is_cancelled_at_once(ctx: DurableContext, world: World) -> Any:
    task = asyncio.create_task(ctx.wait(seconds(60)))
    task.cancel()
    await asyncio.wait([task])
    await do(ctx, world, "on")
    await ctx.wait(seconds(5))
    return [task.cancelled(), await do(ctx, world, "end", 1)]


@program()
async def wait_that_is_cancelled_by_a_timer(ctx: DurableContext, world: World) -> Any:
    task = asyncio.create_task(ctx.wait(seconds(600)))
    await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.wait([task])
    await do(ctx, world, "on")
    await ctx.wait(seconds(1000))
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
