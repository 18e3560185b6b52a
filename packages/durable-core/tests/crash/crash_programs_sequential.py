"""Programs that do one thing after another; each runs in both flavours."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from crash_program import program
from crash_world import LARGE, MINUTE, ONCE, SECOND, PaymentDeclined, World, do

from durable_core import (
    DurableContext,
    FixedDelay,
    NoRetry,
    SizeLimitError,
    StepConfig,
    StepError,
    StepInterruptedError,
    StepSemantics,
    StepTimeoutError,
)


@dataclass
class Parcel:
    order_id: str
    weight: float


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


@program(sequential=True)
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

    class Later:
        def __await__(self) -> Generator[Any, Any, int]:
            return soon(4).__await__()

    def later() -> Any:
        return Later()

    found = [await ctx.step(now, 1), await ctx.step(soon, 2), await ctx.step(partial(now, 3), name="partial")]
    await ctx.wait(SECOND)
    return [*found, await ctx.step(later)]


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
        time.sleep(0.2)
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
