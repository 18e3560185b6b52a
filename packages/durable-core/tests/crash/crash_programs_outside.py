"""Programs that ask the world outside: conditions, callbacks and their answers, functions that they invoke."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from crash_program import program
from crash_world import MINUTE, SECOND, PaymentDeclined, World, do, seconds

from durable_core import (
    Callback,
    CallbackConfig,
    CallbackTimeoutError,
    ConditionNotMetError,
    DurableContext,
    FixedDelay,
    NoRetry,
    StepSemantics,
    WaitForCallbackConfig,
    WaitForConditionConfig,
    poll_every,
)


def polling(enough: int, most: int = 60, **more: Any) -> WaitForConditionConfig[int]:
    """Look every second until the count is *enough*."""
    return WaitForConditionConfig(wait_strategy=poll_every(SECOND, until=enough.__le__, max_attempts=most), **more)


def counting(world: World, name: str) -> Callable[[int], int]:
    """A check that counts."""

    def check(state: int) -> int:
        world.note(name)
        return state + 1

    return check


def telling(world: World, name: str) -> Callable[[str], None]:
    """A submitter that tells somebody."""

    def tell(callback_id: str) -> None:
        world.note(name)

    return tell


@dataclass
class Stock:
    article: str
    left: int


@program(sequential=True)
async def condition_that_is_met_at_last(ctx: DurableContext, world: World) -> Any:
    async def restock(stock: Stock) -> Stock:
        world.note("look")
        return Stock(stock.article, stock.left + 10)

    config: WaitForConditionConfig[Stock] = WaitForConditionConfig(
        wait_strategy=poll_every(MINUTE, until=lambda stock: stock.left >= 30)
    )
    await do(ctx, world, "before")
    stock = await ctx.wait_for_condition(restock, initial_state=Stock("tea", 0), name="look", config=config)
    await ctx.wait(SECOND)
    return [asdict(stock), await do(ctx, world, "after", 1)]


@program(sequential=True)
async def condition_with_looks_that_fail(ctx: DurableContext, world: World) -> Any:
    def check(state: int) -> int:
        if world.note("look") in (2, 3):
            raise ConnectionError("not now")
        return state + 1

    config = polling(3, retry_strategy=FixedDelay(9, SECOND))
    found = await ctx.wait_for_condition(check, initial_state=0, name="look", config=config)
    return [found, await do(ctx, world, "after", 1)]


@program(sequential=True)
async def condition_that_is_never_met(ctx: DurableContext, world: World) -> Any:
    try:
        await ctx.wait_for_condition(counting(world, "look"), initial_state=0, name="look", config=polling(9, 3))
    except ConditionNotMetError as error:
        await ctx.wait(SECOND)
        return [str(error), await do(ctx, world, "after", 1)]


@program(sequential=True)
async def approval(ctx: DurableContext, world: World) -> Any:
    callback = await ctx.create_callback(name="approval")
    await do(ctx, world, "tell", len(callback.callback_id) > 0)
    await ctx.wait(SECOND)
    answer = await callback.result()
    charged = await ctx.invoke("double", 21, name="charge")
    await ctx.wait(SECOND)
    return [answer, charged, await callback.result(), await do(ctx, world, "after", 1)]


@program(sequential=True)
async def answers_that_are_no(ctx: DurableContext, world: World) -> Any:
    bad = await ctx.create_callback(name="bad idea")
    silent = await ctx.create_callback(name="silent", config=CallbackConfig(timeout=MINUTE, returns=str))
    found: list[Any] = []
    for callback in (bad, silent):
        try:
            await callback.result()
        except CallbackTimeoutError:
            found.append("nobody answered")
        except LookupError as error:
            found.append(str(error))
        await do(ctx, world, f"after-{len(found)}")
    try:
        await ctx.invoke("refuse", 3)
    except LookupError as error:
        found.append(str(error))
    return [*found, await do(ctx, world, "end", 1)]


@program(sequential=True)
async def question_that_is_told_at_the_third_attempt(ctx: DurableContext, world: World) -> Any:
    async def tell(callback_id: str) -> None:
        await world.act_from(3, "tell", None)

    config: WaitForCallbackConfig[str] = WaitForCallbackConfig(retry_strategy=FixedDelay(9, SECOND), returns=str)
    answer = await ctx.wait_for_callback(tell, name="question", config=config)
    await ctx.wait(SECOND)
    return [answer, await do(ctx, world, "after", 1)]


@program(sequential=True, left=["silent question"])
async def question_that_cannot_be_told(ctx: DurableContext, world: World) -> Any:
    def tell(callback_id: str) -> None:
        world.note("tell")
        raise PaymentDeclined(5, "nobody there")

    config: WaitForCallbackConfig[str] = WaitForCallbackConfig(retry_strategy=NoRetry())
    found: list[Any]
    try:
        found = [await ctx.wait_for_callback(tell, name="silent question", config=config)]
    except PaymentDeclined as error:
        found = [error.code, error.reason]
    return [*found, await do(ctx, world, "after", 1)]


@program(sequential=True, at_most_once=["tell"])
async def question_that_is_told_at_most_once_an_attempt(ctx: DurableContext, world: World) -> Any:
    config: WaitForCallbackConfig[str] = WaitForCallbackConfig(
        retry_strategy=FixedDelay(9, SECOND), step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY
    )
    answer = await ctx.wait_for_callback(telling(world, "tell"), name="question", config=config)
    return [answer, await do(ctx, world, "after", 1)]


@program(sequential=True)
async def questions_in_children(ctx: DurableContext, world: World) -> Any:
    async def inner(child: DurableContext, n: int) -> Any:
        callback = await child.create_callback(name=f"inner-{n}")
        await do(child, world, f"tell-{n}")
        looked = await child.wait_for_condition(
            counting(world, f"look-{n}"), initial_state=0, name=f"look-{n}", config=polling(2)
        )
        return [looked, await callback.result()]

    async def outer(child: DurableContext) -> Any:
        found = [await child.run_in_child_context(inner, n, name=f"child-{n}") for n in (1, 2)]
        asked = await child.wait_for_callback(telling(world, "ask"), name="outer")
        return [*found, asked, await child.invoke("double", 4)]

    found = await ctx.run_in_child_context(outer)
    await ctx.wait(SECOND)
    return [found, await do(ctx, world, "after", 1)]


@program()
async def all_questions_at_once(ctx: DurableContext, world: World) -> Any:
    async def approve(n: int) -> Any:
        callback = await ctx.create_callback(name=f"approval-{n}")
        answer = await callback.result()
        return await do(ctx, world, f"approved-{n}", answer)

    found = await asyncio.gather(
        approve(1),
        ctx.wait_for_callback(telling(world, "tell"), name="question"),
        ctx.invoke("double", 5),
        ctx.wait_for_condition(counting(world, "look"), initial_state=0, name="look", config=polling(3)),
        ctx.wait(seconds(2)),
        approve(2),
    )
    return [*found, await do(ctx, world, "after", 1)]


@program()
async def answers_shared_by_a_list(ctx: DurableContext, world: World) -> Any:
    places = ["first", "second", "third"]

    async def ask(n: int) -> str:
        await ctx.wait_for_callback(telling(world, f"tell-{n}"), name=f"question-{n}")
        place: str = await do(ctx, world, f"{places[0]}", places.pop(0))
        await ctx.wait(seconds(n))
        return place

    found = await asyncio.gather(*(ask(n) for n in (1, 2, 3)))
    return [sorted(found), await do(ctx, world, "after", 1)]


@program()
async def callbacks_created_early_and_asked_for_by_tasks(ctx: DurableContext, world: World) -> Any:
    callbacks = await asyncio.gather(*(ctx.create_callback(name=f"early-{n}") for n in range(4)))

    async def use(n: int, callback: Callback[Any]) -> Any:
        await ctx.wait(seconds(4 - n))
        return await do(ctx, world, f"use-{n}", await callback.result())

    found = await asyncio.gather(*(use(n, callback) for n, callback in enumerate(callbacks)))
    return [*found, await do(ctx, world, "after", 1)]


@program(left=["silent"])
async def answer_that_loses_a_race(ctx: DurableContext, world: World) -> Any:
    callback = await ctx.create_callback(name="silent")
    answer, pause = asyncio.create_task(callback.result()), asyncio.create_task(ctx.wait(MINUTE))
    done, _ = await asyncio.wait([answer, pause], return_when=asyncio.FIRST_COMPLETED)
    answer.cancel()
    await ctx.wait(SECOND)
    return [pause in done, await do(ctx, world, "after", 1)]
