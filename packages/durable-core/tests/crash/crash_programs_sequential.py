"""Programs that do one thing after another; each runs in both flavours."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from crash_program import program
from crash_world import World, do

from durable_core import (
    ChildConfig,
    DurableContext,
    Duration,
    FixedDelay,
    NoRetry,
    SizeLimitError,
    StepConfig,
    StepError,
    StepInterruptedError,
    StepSemantics,
    StepTimeoutError,
)

SECOND = Duration.from_seconds(1)
MINUTE = Duration.from_minutes(1)
ONCE = StepConfig(retry_strategy=NoRetry())
LARGE = 262_145
"""Bytes that do not fit into the payload of an operation."""


@dataclass
class Parcel:
    order_id: str
    weight: float


class PaymentDeclined(Exception):
    """An error with fields of its own."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"declined with {code}: {reason}")
        self.code = code
        self.reason = reason


@program(sequential=True)
async def order(ctx: DurableContext, world: World) -> Any:
    async def pack(order_id: str) -> Parcel:
        world.note("pack")
        return Parcel(order_id, 1.5)

    await do(ctx, world, "validate")
    payment = await do(ctx, world, "charge", {"payment": "pay_123", "amount": 9.99})
    await ctx.wait(MINUTE, name="settlement")
    parcel = await ctx.step(pack, "ORD-1")
    return {"payment": payment, "parcel": asdict(parcel)}


@program(sequential=True, stride=4)
async def thirty_steps(ctx: DurableContext, world: World) -> Any:
    total = 0
    for n in range(30):
        total += await do(ctx, world, f"step-{n}", n)
    return total


@program(sequential=True)
async def functions_of_every_kind(ctx: DurableContext, world: World) -> Any:
    def now(n: int) -> int:
        world.note(f"now-{n}")
        return n

    async def soon(n: int) -> int:
        world.note(f"soon-{n}")
        return n

    found = [await ctx.step(now, 1), await ctx.step(soon, 2), await ctx.step(partial(now, 3), name="partial")]
    await ctx.wait(SECOND)
    return [*found, await ctx.step(lambda: soon(4), name="lambda")]


@program(sequential=True)
async def six_waits(ctx: DurableContext, world: World) -> Any:
    months = []
    for n in range(6):
        await ctx.wait(SECOND)
        months.append(await do(ctx, world, f"bill-{n}", n))
    return months


@program(sequential=True)
async def third_time_lucky(ctx: DurableContext, world: World) -> Any:
    config = StepConfig(retry_strategy=FixedDelay(9, MINUTE))
    return await ctx.step(world.act_from, 3, "call", "answer", name="call", config=config)


@program(sequential=True)
async def third_time_lucky_by_default(ctx: DurableContext, world: World) -> Any:
    return await ctx.step(world.act_from, 3, "call", "answer", name="call")


@program(sequential=True, or_else=[["attempt 3 was cut off before its outcome was recorded", "sorry"]])
async def retries_exhausted_and_caught(ctx: DurableContext, world: World) -> Any:
    config = StepConfig(retry_strategy=FixedDelay(3, SECOND))
    said = ""
    try:
        await ctx.step(world.act_from, 99, "call", None, name="call", config=config)
    except (RuntimeError, StepInterruptedError) as error:
        said = str(error)
    return [said, await do(ctx, world, "apologise", "sorry")]


@program(sequential=True, at_most_once=["charge"])
async def at_most_once_is_tried_again(ctx: DurableContext, world: World) -> Any:
    config = StepConfig(retry_strategy=FixedDelay(9, SECOND), step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY)
    await do(ctx, world, "before")
    paid = await do(ctx, world, "charge", 7, config)
    return [paid, await do(ctx, world, "after", 8)]


@program(sequential=True, at_most_once=["charge"], or_else=[["unknown", "ask"]])
async def at_most_once_and_never_again(ctx: DurableContext, world: World) -> Any:
    config = StepConfig(retry_strategy=NoRetry(), step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY)
    try:
        paid = await do(ctx, world, "charge", "paid", config)
    except StepInterruptedError:
        paid = "unknown"
    await ctx.wait(SECOND)
    return [paid, await do(ctx, world, "notify", "ask")]


@program(sequential=True, or_else=["gave up"])
async def attempts_that_are_cut_off_count(ctx: DurableContext, world: World) -> Any:
    config = StepConfig(retry_strategy=FixedDelay(2, SECOND))
    try:
        return await do(ctx, world, "heavy", "done", config)
    except StepInterruptedError:
        return "gave up"


@program(sequential=True)
async def attempts_that_are_cut_off_do_not_count_without_retry(ctx: DurableContext, world: World) -> Any:
    return [await do(ctx, world, "light", 1, ONCE), await do(ctx, world, "lighter", 2, ONCE)]


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


@program(sequential=True, stride=2)
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


@program(sequential=True)
async def error_with_fields(ctx: DurableContext, world: World) -> Any:
    async def charge() -> Any:
        world.note("charge")
        raise PaymentDeclined(51, "no funds")

    try:
        found = [await ctx.step(charge, config=ONCE)]
    except PaymentDeclined as error:
        found = [error.code, error.reason, str(error), list(error.args), type(error).__name__]
    await ctx.wait(SECOND)
    return [*found, await do(ctx, world, "end", 1)]


@program(sequential=True)
async def compensation(ctx: DurableContext, world: World) -> Any:
    undo: list[str] = []
    try:
        for what in ("flight", "hotel", "car"):
            await do(ctx, world, f"book-{what}")
            undo.append(what)
            await ctx.wait(SECOND)
        await ctx.step(world.fail, "book-boat", lambda: ValueError("no boat"), name="book-boat", config=ONCE)
    except ValueError as error:
        undone = [await do(ctx, world, f"cancel-{what}", what) for what in reversed(undo)]
        return [str(error), undone]
    return "booked"


@program(sequential=True)
async def finally_at_the_logical_end(ctx: DurableContext, world: World) -> Any:
    try:
        await do(ctx, world, "open")
        await ctx.wait(SECOND)
        used = await do(ctx, world, "use", 1)
    finally:
        await ctx.wait(SECOND)
        await do(ctx, world, "close")
    await ctx.wait(SECOND)
    return [used, await do(ctx, world, "end", 2)]


@program(sequential=True)
async def except_base_exception_around_waits(ctx: DurableContext, world: World) -> Any:
    caught = 0
    for n in range(3):
        try:
            await ctx.wait(SECOND)
        except BaseException:
            caught += 1
        try:
            await do(ctx, world, f"step-{n}")
        except:
            caught += 1
    return caught


@program(sequential=True)
async def failing_workflow(ctx: DurableContext, world: World) -> Any:
    await do(ctx, world, "begin")
    await ctx.wait(SECOND)
    raise PaymentDeclined(7, "for good")


@program(sequential=True)
async def failing_step_that_nobody_catches(ctx: DurableContext, world: World) -> Any:
    await ctx.wait(SECOND)
    await ctx.step(world.fail, "call", lambda: LookupError("nothing there"), name="call", config=ONCE)


@program(sequential=True)
async def odd_errors_out_of_steps(ctx: DurableContext, world: World) -> Any:
    def now(name: str, make: Callable[[], BaseException]) -> None:
        world.note(name)
        raise make()

    found = []
    for make in (asyncio.CancelledError, GeneratorExit, SystemExit, KeyboardInterrupt, StopIteration):
        bodies: list[Callable[..., Any]] = [now, world.fail]
        for body in bodies[: 1 if make is StopIteration else 2]:  # Python turns it into RuntimeError in a coroutine
            name = f"{make.__name__}-{body.__name__}"
            try:
                await ctx.step(body, name, make, name=name, config=ONCE)
            except StepError as error:
                found.append(error.error_type)
    await ctx.wait(SECOND)
    return [*found, await do(ctx, world, "end", 1)]


COLOUR: contextvars.ContextVar[str] = contextvars.ContextVar("colour", default="none")


@program(sequential=True)
async def context_variable_set_in_a_step(ctx: DurableContext, world: World) -> Any:
    async def paint() -> str:
        world.note("paint")
        seen = COLOUR.get()
        COLOUR.set("red")
        return seen

    COLOUR.set("blue")
    found = [await ctx.step(paint), COLOUR.get()]
    await ctx.wait(SECOND)
    return [*found, COLOUR.get(), await do(ctx, world, "end", 1)]


@program(sequential=True, stride=3)
async def timeouts_of_steps(ctx: DurableContext, world: World) -> Any:
    async def hang() -> None:
        if world.note("hang") < 3:
            await asyncio.sleep(30)

    def drag() -> str:
        world.note("drag")
        time.sleep(0.05)
        return "in time"

    short = timedelta(seconds=0.02)
    await ctx.step(hang, config=StepConfig(timeout=short, retry_strategy=FixedDelay(9, SECOND)))
    try:
        found = await ctx.step(drag, config=StepConfig(timeout=short, retry_strategy=NoRetry()))
    except StepTimeoutError as error:
        found = str(error)
    await ctx.wait(SECOND)
    return [found, await do(ctx, world, "end", 1)]


@program(sequential=True)
async def result_too_large_for_a_step(ctx: DurableContext, world: World) -> Any:
    try:
        found = await do(ctx, world, "read", "x" * LARGE)
    except SizeLimitError:
        found = "too large"
    await ctx.wait(SECOND)
    return [found, await do(ctx, world, "end", 1)]


@program(sequential=True)
async def result_over_the_response_limit(ctx: DurableContext, world: World) -> Any:
    text = await do(ctx, world, "read", "é" * 1_000)
    await ctx.wait(SECOND)
    return text * 1_100
