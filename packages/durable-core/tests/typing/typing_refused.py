"""Lines that must not type-check. Both checkers honour the ignores, and refuse one that is not needed."""

# mypy: warn-unused-ignores
# pyright: reportUnnecessaryTypeIgnoreComment=true
from __future__ import annotations

import asyncio
from datetime import timedelta

from typing_functions import Receipt, count, fetch, is_ten, mail, more, more_later, send

from durable_core import (
    CallbackConfig,
    DurableContext,
    Duration,
    FixedDelay,
    InvokeConfig,
    ServiceLimits,
    StepConfig,
    WaitDecision,
    WaitForCallbackConfig,
    WaitForConditionConfig,
    blocking,
    durable_execution,
    durable_step,
    poll_every,
    poll_with_backoff,
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


UNTIL_TEN: WaitForConditionConfig[int] = WaitForConditionConfig(wait_strategy=poll_every(timedelta(1), until=is_ten))


async def conditions(ctx: DurableContext, waiting: blocking.DurableContext) -> None:
    """Check, state and strategy agree on one type."""
    await ctx.wait_for_condition(more, initial_state="0", config=UNTIL_TEN)  # type: ignore[misc]
    await ctx.wait_for_condition(more_later, initial_state=0, config=UNTIL_TEN)  # type: ignore[arg-type]
    await ctx.wait_for_condition(more, initial_state=0)  # type: ignore[call-arg]
    await ctx.wait_for_condition(more, 0, config=UNTIL_TEN)  # type: ignore[call-arg]
    await ctx.wait_for_condition(more, initial_state=0, config=StepConfig())  # type: ignore[arg-type]
    await ctx.wait_for_condition(more, initial_state=0, config=poll_every(timedelta(1), until=is_ten))  # type: ignore[arg-type]
    _text: str = await ctx.wait_for_condition(more, initial_state=0, config=UNTIL_TEN)  # type: ignore[arg-type]
    waiting.wait_for_condition(more, initial_state="0", config=UNTIL_TEN)  # type: ignore[misc]
    waiting.wait_for_condition(count, initial_state=0, config=UNTIL_TEN)  # type: ignore[arg-type]
    poll_every(5, until=is_ten)  # type: ignore[arg-type]
    poll_every(timedelta(1))  # type: ignore[call-arg]
    poll_every(timedelta(1), is_ten)  # type: ignore[call-arg]
    poll_with_backoff(until=is_ten, initial_delay=5)  # type: ignore[arg-type]
    WaitDecision.continue_after(5)  # type: ignore[arg-type]
    WaitForConditionConfig()  # type: ignore[call-arg]


async def callbacks(ctx: DurableContext, waiting: blocking.DurableContext) -> None:
    """A callback's configuration is its own, and its result of the type that it names."""
    await ctx.create_callback("approval")  # type: ignore[call-overload]
    await ctx.create_callback(config=StepConfig())  # type: ignore[call-overload]
    await ctx.create_callback(config=InvokeConfig())  # type: ignore[call-overload]
    callback = await ctx.create_callback(config=CallbackConfig(returns=Receipt))
    _text: str = await callback.result()  # type: ignore[assignment]
    _receipt: Receipt = callback.result()  # type: ignore[assignment]
    callback.callback_id = "another"  # type: ignore[misc]
    await waiting.create_callback(config=CallbackConfig(returns=Receipt)).result()  # type: ignore[misc]
    CallbackConfig(timeout=30)  # type: ignore[arg-type]
    CallbackConfig(timedelta(1))  # type: ignore[call-arg]
    CallbackConfig(returns=3)  # type: ignore[arg-type]
    CallbackConfig(returns=int).returns = str  # type: ignore[assignment,misc]


async def questions(ctx: DurableContext, waiting: blocking.DurableContext) -> None:
    """A submitter takes the id, and then the arguments that it is given."""
    await ctx.wait_for_callback(count)  # type: ignore[arg-type,call-arg]
    await ctx.wait_for_callback(mail)  # type: ignore[arg-type,call-arg]
    await ctx.wait_for_callback(mail, 3)  # type: ignore[arg-type]
    await ctx.wait_for_callback(send, config=CallbackConfig())  # type: ignore[call-arg,call-overload]
    waiting.wait_for_callback(mail, 3)  # type: ignore[arg-type]
    WaitForCallbackConfig(retry_strategy=3)  # type: ignore[arg-type]


async def invocations(ctx: DurableContext, waiting: blocking.DurableContext) -> None:
    """A function is invoked by its name."""
    await ctx.invoke(send)  # type: ignore[call-overload]
    await ctx.invoke("orders", 1, "name")  # type: ignore[call-overload]
    await ctx.invoke("orders", config=CallbackConfig())  # type: ignore[call-overload]
    _number: int = await ctx.invoke("orders", config=InvokeConfig(returns=Receipt))  # type: ignore[arg-type]
    waiting.invoke("orders", name=3)  # type: ignore[call-overload]
    InvokeConfig(tenant_id=3)  # type: ignore[arg-type]


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
