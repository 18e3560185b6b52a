"""Workflows that the tests of the runner run."""

from __future__ import annotations

from typing import Any

from durable_core import CallbackConfig, DurableContext, Duration, blocking, durable_execution

MINUTE = Duration.from_minutes(1)
HOUR = Duration.from_hours(1)


@durable_execution
async def ask(event: Any, ctx: DurableContext) -> Any:
    """Ask for an approval, and return the answer."""
    return await (await ctx.create_callback(name="approval")).result()


@durable_execution
def ask_blocking(event: Any, ctx: blocking.DurableContext) -> Any:
    """The same."""
    return ctx.create_callback(name="approval").result()


@durable_execution
async def ask_in_time(event: Any, ctx: DurableContext) -> Any:
    """The same, with an hour for the answer and a minute for each heartbeat."""
    config: CallbackConfig[Any] = CallbackConfig(timeout=HOUR, heartbeat_timeout=MINUTE)
    return await (await ctx.create_callback(name="approval", config=config)).result()


@durable_execution
async def ask_later(event: Any, ctx: DurableContext) -> list[Any]:
    """Ask for an approval after an hour, twice, and once for nothing in particular."""
    found = []
    for name in ("approval", "approval", None):
        await ctx.wait(HOUR)
        found.append(await (await ctx.create_callback(name=name)).result())
    return found


@durable_execution
async def call(event: Any, ctx: DurableContext) -> Any:
    """Invoke the function ``other`` with the event."""
    return await ctx.invoke("other", event, name="call")


@durable_execution
async def pause(event: Any, ctx: DurableContext) -> Any:
    """Wait for an hour, and return the event."""
    await ctx.wait(HOUR, name="pause")
    return event
