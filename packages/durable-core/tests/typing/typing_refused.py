"""Lines that must not type-check. Both checkers honour the ignores, and refuse one that is not needed."""

# mypy: warn-unused-ignores
# pyright: reportUnnecessaryTypeIgnoreComment=true
from __future__ import annotations

import asyncio
from datetime import timedelta

from typing_functions import Receipt, count, fetch

from durable_core import (
    DurableContext,
    Duration,
    FixedDelay,
    ServiceLimits,
    StepConfig,
    blocking,
    durable_execution,
    durable_step,
)


async def durations(ctx: DurableContext, waiting: blocking.DurableContext) -> None:
    """A bare number is not a duration."""
    await ctx.wait(5)  # type: ignore[arg-type]
    await ctx.wait(5.0)  # type: ignore[arg-type]
    waiting.wait("5 s")  # type: ignore[arg-type]
    Duration.from_seconds("5")  # type: ignore[arg-type]
    FixedDelay(3, 5)  # type: ignore[arg-type]
    StepConfig(timeout=30)  # type: ignore[arg-type]
    StepConfig(retry_strategy=3)  # type: ignore[arg-type]
    StepConfig(FixedDelay(3))  # type: ignore[call-arg]


async def calls(ctx: DurableContext) -> None:
    """A function is given by its name, and named by a keyword."""
    await ctx.step(count())  # type: ignore[call-overload]
    await ctx.step(fetch, url="")  # type: ignore[call-overload]
    await ctx.step(count, config=FixedDelay(3))  # type: ignore[call-overload,call-arg]
    await ctx.wait(timedelta(1), "a name")  # type: ignore[call-arg]


async def arguments(ctx: DurableContext, waiting: blocking.DurableContext) -> None:
    """Arguments are those of the function."""
    await ctx.step(fetch, 3)  # type: ignore[arg-type]
    await ctx.step(fetch)  # type: ignore[arg-type,call-arg]
    await ctx.step(count, 3)  # type: ignore[arg-type]
    waiting.step(fetch, 3)  # type: ignore[arg-type]


async def child(ctx: DurableContext, amount: int) -> int:
    return amount


def waiting_child(ctx: blocking.DurableContext, amount: int) -> int:
    return amount


async def children(ctx: DurableContext, waiting: blocking.DurableContext) -> None:
    """A child's body takes a context of the same flavour, and the arguments."""
    await ctx.run_in_child_context(waiting_child, 3)  # type: ignore[arg-type]
    await ctx.run_in_child_context(child, "3")  # type: ignore[arg-type]
    await ctx.run_in_child_context(child)  # type: ignore[arg-type,call-arg]
    waiting.run_in_child_context(child, 3)  # type: ignore[arg-type,unused-coroutine]


async def results(ctx: DurableContext, waiting: blocking.DurableContext) -> None:
    """An operation is not its result until it is awaited, and a blocking one is never awaited."""
    _number: int = ctx.step(count)  # type: ignore[assignment]
    _text: str = await ctx.step(count)  # type: ignore[arg-type,call-arg]
    _receipt: Receipt = await waiting.step(count)  # type: ignore[arg-type,call-arg]
    await waiting.wait(timedelta(1))  # type: ignore[func-returns-value,misc]
    await asyncio.create_task(waiting.step(count))  # type: ignore[arg-type]


@durable_execution(retries=3)  # type: ignore[call-overload,untyped-decorator]
async def unknown_setting(event: str, ctx: DurableContext) -> None: ...


@durable_execution(limits=250)  # type: ignore[call-overload,untyped-decorator]
async def limits_by_number(event: str, ctx: DurableContext) -> None: ...


@durable_step(name=3)  # type: ignore[call-overload,untyped-decorator]
def numbered() -> None: ...


@durable_execution  # type: ignore[type-var]
async def without_context(event: str) -> None: ...


@durable_execution  # type: ignore[type-var]
async def with_more(event: str, ctx: DurableContext, more: int) -> None: ...


@durable_execution  # type: ignore[type-var]
def of_the_other_flavour(event: str, ctx: DurableContext) -> None: ...


@durable_execution()  # type: ignore[type-var]
def of_the_other_flavour_with_settings(event: str, ctx: DurableContext) -> None: ...


@durable_execution
async def handler(event: str, ctx: DurableContext) -> int:
    return len(event)


async def handlers(ctx: DurableContext, waiting: blocking.DurableContext) -> None:
    """The undecorated function keeps its types; a frozen setting stays as it is."""
    await handler.__wrapped__(3, ctx)  # type: ignore[arg-type]
    await handler.__wrapped__("", waiting)  # type: ignore[arg-type]
    await handler({}, None)  # type: ignore[misc]
    ServiceLimits.CURRENT.payload_bytes = 3  # type: ignore[misc]
