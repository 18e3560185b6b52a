"""Programs with child contexts: nested, failing, too large to record, virtual, side by side."""

from __future__ import annotations

import asyncio
from typing import Any

from crash_program import program
from crash_world import LARGE, MINUTE, ONCE, SECOND, PaymentDeclined, World, do, seconds

from durable_core import ChildConfig, DurableContext


@program(sequential=True)
async def nested_children(ctx: DurableContext, world: World) -> Any:
    async def inner(child: DurableContext, n: int) -> int:
        await child.wait(SECOND)
        got: int = await do(child, world, f"inner-{n}", n)
        await child.wait(MINUTE)
        return got * 10

    async def outer(child: DurableContext) -> list[int]:
        await do(child, world, "outer-begin")
        found = [await child.run_in_child_context(inner, n, name=f"inner-{n}") for n in (1, 2)]
        await child.wait(SECOND)
        return [*found, await do(child, world, "outer-end", 3)]

    await do(ctx, world, "begin")
    found = await ctx.run_in_child_context(outer)
    await ctx.wait(SECOND)
    return [*found, await do(ctx, world, "end", 4)]


@program(sequential=True)
async def failed_child_and_recovery(ctx: DurableContext, world: World) -> Any:
    async def decline() -> None:
        world.note("decline")
        raise PaymentDeclined(51, "no funds")

    async def payment(child: DurableContext) -> str:
        await do(child, world, "reserve")
        await child.wait(SECOND)
        await child.step(decline, config=ONCE)
        return "paid"

    async def checkout(child: DurableContext) -> str:
        await do(child, world, "open")
        return await child.run_in_child_context(payment)

    try:
        got = await ctx.run_in_child_context(checkout)
    except PaymentDeclined as error:
        got = f"{error} ({error.code}, {error.reason})"
    await do(ctx, world, "release")
    await ctx.wait(SECOND)
    return [got, await do(ctx, world, "mail", "sent")]


@program(sequential=True)
async def large_child(ctx: DurableContext, world: World) -> Any:
    async def report(child: DurableContext) -> str:
        head = await do(child, world, "head", "h")
        await child.wait(SECOND)
        tail = await do(child, world, "tail", "t")
        await child.wait(SECOND)
        return str(head + "x" * LARGE + tail)

    text = await ctx.run_in_child_context(report)
    await ctx.wait(SECOND)
    await do(ctx, world, "send", len(text))
    await ctx.wait(SECOND)
    return [len(text), text[0], text[-1], await do(ctx, world, "file", 1)]


@program(sequential=True)
async def large_child_in_large_child(ctx: DurableContext, world: World) -> Any:
    async def part(child: DurableContext, letter: str) -> str:
        got = await do(child, world, f"part-{letter}", letter)
        await child.wait(SECOND)
        return str(got * LARGE)

    async def small(child: DurableContext) -> int:
        got: int = await do(child, world, "small", 1)
        await child.wait(SECOND)
        return got

    async def whole(child: DurableContext) -> str:
        first = await child.run_in_child_context(part, "a", name="a")
        n = await child.run_in_child_context(small)
        second = await child.run_in_child_context(part, "b", name="b")
        return first + str(n) + second

    text = await ctx.run_in_child_context(whole)
    await ctx.wait(SECOND)
    return [len(text), await do(ctx, world, "end", text[-1])]


@program(sequential=True)
async def virtual_child(ctx: DurableContext, world: World) -> Any:
    async def group(child: DurableContext) -> int:
        await do(child, world, "one")
        await child.wait(SECOND)
        got: int = await do(child, world, "two", 2)
        return got

    async def broken(child: DurableContext) -> Any:
        await do(child, world, "three")
        await child.wait(SECOND)
        raise PaymentDeclined(5, "not so")

    virtual = ChildConfig(virtual=True)
    found = [await ctx.run_in_child_context(group, config=virtual), await do(ctx, world, "between", 0)]
    try:
        await ctx.run_in_child_context(broken, config=virtual)
    except PaymentDeclined as error:
        found.append(error.code)
    await ctx.wait(SECOND)
    return [*found, await do(ctx, world, "end", 1)]


@program(sequential=True)
async def error_mapper(ctx: DurableContext, world: World) -> Any:
    async def broken(child: DurableContext) -> Any:
        await do(child, world, "try")
        await child.wait(SECOND)
        raise KeyError("stock")

    config = ChildConfig(error_mapper=lambda error: PaymentDeclined(404, f"mapped {type(error).__name__}"))
    try:
        found = [await ctx.run_in_child_context(broken, config=config)]
    except PaymentDeclined as error:
        found = [error.code, error.reason]
    await ctx.wait(SECOND)
    return [*found, await do(ctx, world, "end", 1)]


@program()
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
