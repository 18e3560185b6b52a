"""Handlers of the suite ``wait``."""

from __future__ import annotations

from conformance_handlers import Suite

from durable_core import DurableContext, Duration, blocking, durable_execution

SUITE = Suite()


@SUITE.plays("2-1")
@durable_execution
async def a_wait(event: object, ctx: DurableContext) -> str:
    await ctx.wait(Duration.from_seconds(2))
    return "waited"


@SUITE.plays("2-1")
@durable_execution
def a_wait_blocking(event: object, ctx: blocking.DurableContext) -> str:
    ctx.wait(Duration.from_seconds(2))
    return "waited"


@SUITE.plays("2-2")
@durable_execution
async def a_named_wait(event: object, ctx: DurableContext) -> str:
    await ctx.wait(Duration.from_seconds(2), name="custom_wait_name")
    return "waited"


@SUITE.plays("2-2")
@durable_execution
def a_named_wait_blocking(event: object, ctx: blocking.DurableContext) -> str:
    ctx.wait(Duration.from_seconds(2), name="custom_wait_name")
    return "waited"


@SUITE.plays("2-4")
@durable_execution
async def a_wait_in_minutes(event: object, ctx: DurableContext) -> str:
    await ctx.wait(Duration.from_minutes(1))
    return "waited"


@SUITE.plays("2-4")
@durable_execution
def a_wait_in_minutes_blocking(event: object, ctx: blocking.DurableContext) -> str:
    ctx.wait(Duration.from_minutes(1))
    return "waited"


@SUITE.plays("2-5")
@durable_execution
async def a_wait_in_hours(event: object, ctx: DurableContext) -> str:
    await ctx.wait(Duration.from_hours(1))
    return "waited"


@SUITE.plays("2-5")
@durable_execution
def a_wait_in_hours_blocking(event: object, ctx: blocking.DurableContext) -> str:
    ctx.wait(Duration.from_hours(1))
    return "waited"
