"""Programs that ask several questions at a time, side by side and inside one another."""

from __future__ import annotations

from typing import Any

from crash_program import program
from crash_programs_outside import telling
from crash_world import World, do, seconds

from durable_core import DurableContext


@program(branching=True)
async def map_whose_branches_ask(ctx: DurableContext, world: World) -> Any:
    async def branch(child: DurableContext, n: int, index: int) -> Any:
        callback = await child.create_callback(name=f"branch-{n}")
        await do(child, world, f"tell-{n}")
        return await do(child, world, f"heard-{n}", await callback.result())

    batch = await ctx.map(range(3), branch, name="ask")
    await ctx.wait(seconds(1))
    return [*batch.results, await do(ctx, world, "after", 1)]


@program(branching=True)
async def questions_under_a_combinator(ctx: DurableContext, world: World) -> Any:
    async def ask(child: DurableContext, name: str) -> Any:
        answer = await child.wait_for_callback(telling(world, f"tell-{name}"), name=name)
        return await do(child, world, f"heard-{name}", answer)

    found = await ctx.all([lambda child: ask(child, "left"), lambda child: ask(child, "right")], name="both")
    return [*found, await do(ctx, world, "after", 1)]


@program(branching=True)
async def question_beside_a_pause_and_a_function(ctx: DurableContext, world: World) -> Any:
    async def ask(child: DurableContext, name: str) -> Any:
        answer = await child.wait_for_callback(telling(world, f"tell-{name}"), name=name)
        await child.wait(seconds(3))
        return await do(child, world, f"heard-{name}", answer)

    async def pause(child: DurableContext) -> Any:
        await child.wait(seconds(15))
        return await do(child, world, "rested", "rested")

    async def call(child: DurableContext) -> Any:
        return await do(child, world, "called", await child.invoke("double", 21))

    branches = [lambda child: ask(child, "first"), pause, call, lambda child: ask(child, "second")]
    batch = await ctx.parallel(branches, name="all kinds")
    return [*batch.results, await do(ctx, world, "after", 1)]


@program(branching=True)
async def children_of_branches_that_ask_again_and_again(ctx: DurableContext, world: World) -> Any:
    async def inner(child: DurableContext, name: str) -> Any:
        callback = await child.create_callback(name=name)
        await child.wait(seconds(4))
        return await do(child, world, f"heard-{name}", await callback.result())

    async def branch(child: DurableContext, n: int, index: int) -> Any:
        return [
            await child.run_in_child_context(inner, f"early-{n}", name="early"),
            await child.run_in_child_context(inner, f"late-{n}", name="late"),
        ]

    batch = await ctx.map(range(2), branch, name="ask")
    return [*batch.results, await do(ctx, world, "after", 1)]


@program(left=["one", "two", "three", "four"])
async def race_of_answers(ctx: DurableContext, world: World) -> Any:
    callbacks = [await ctx.create_callback(name=name) for name in ("one", "two", "three", "four")]
    winner = await ctx.race([callback.result() for callback in callbacks], name="first")
    await ctx.wait(seconds(1))
    return [winner, await do(ctx, world, "after", 1)]
