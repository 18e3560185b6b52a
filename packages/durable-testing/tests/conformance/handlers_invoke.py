"""Handlers of the suite ``invoke``, and the functions that they invoke."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from conformance_handlers import Suite

from durable_core import (
    DurableContext,
    Duration,
    InvokeConfig,
    InvokeError,
    SerDesContext,
    blocking,
    durable_execution,
)


@durable_execution
async def echo(event: Any, ctx: DurableContext) -> Any:
    return event


@durable_execution
async def measure(text: str, ctx: DurableContext) -> int:
    return len(text)


@durable_execution
def fail(event: object, ctx: blocking.DurableContext) -> str:
    raise RuntimeError("the invoked function fails")


SUITE = Suite({"echo": echo, "measure": measure, "fail": fail})

TEXT = InvokeConfig(returns=str)
NUMBER = InvokeConfig(returns=int)


@SUITE.plays("5-1")
@durable_execution
async def an_echo(text: str, ctx: DurableContext) -> str:
    return await ctx.invoke("echo", text, config=TEXT)


@SUITE.plays("5-1")
@durable_execution
def an_echo_blocking(text: str, ctx: blocking.DurableContext) -> str:
    return ctx.invoke("echo", text, config=TEXT)


@dataclass
class Letter:
    name: str
    payload: str


@SUITE.plays("5-2")
@durable_execution
async def a_named_invocation(letter: Letter, ctx: DurableContext) -> str:
    return await ctx.invoke("echo", letter.payload, name=letter.name, config=TEXT)


@SUITE.plays("5-2")
@durable_execution
def a_named_invocation_blocking(letter: Letter, ctx: blocking.DurableContext) -> str:
    return ctx.invoke("echo", letter.payload, name=letter.name, config=TEXT)


@dataclass
class Nested:
    key: str
    items: list[int]


@dataclass
class Parcel:
    nested: Nested
    source: str


PARCEL = InvokeConfig(returns=Parcel)


@SUITE.plays("5-3")
@durable_execution
async def an_echo_with_members(parcel: Parcel, ctx: DurableContext) -> Parcel:
    return await ctx.invoke("echo", parcel, config=PARCEL)


@SUITE.plays("5-3")
@durable_execution
def an_echo_with_members_blocking(parcel: Parcel, ctx: blocking.DurableContext) -> Parcel:
    return ctx.invoke("echo", parcel, config=PARCEL)


@SUITE.plays("5-5")
@durable_execution
async def a_failure(event: object, ctx: DurableContext) -> str:
    return await ctx.invoke("fail", config=TEXT)


@SUITE.plays("5-5")
@durable_execution
def a_failure_blocking(event: object, ctx: blocking.DurableContext) -> str:
    return ctx.invoke("fail", config=TEXT)


@SUITE.plays("5-6")
@durable_execution
async def a_failure_that_is_caught(event: object, ctx: DurableContext) -> str:
    try:
        return await ctx.invoke("fail", config=TEXT)
    except InvokeError:
        return "recovered"


@SUITE.plays("5-6")
@durable_execution
def a_failure_that_is_caught_blocking(event: object, ctx: blocking.DurableContext) -> str:
    try:
        return ctx.invoke("fail", config=TEXT)
    except InvokeError:
        return "recovered"


LONG = "x" * 200 * 1024


@SUITE.plays("5-7")
@durable_execution
async def a_large_payload(event: object, ctx: DurableContext) -> int:
    return await ctx.invoke("measure", LONG, config=NUMBER)


@SUITE.plays("5-7")
@durable_execution
def a_large_payload_blocking(event: object, ctx: blocking.DurableContext) -> int:
    return ctx.invoke("measure", LONG, config=NUMBER)


@dataclass
class Order:
    tenantId: str  # noqa: N815 (as the requirement's input has it)
    payload: str


@SUITE.plays("5-8")
@durable_execution
async def a_tenant(order: Order, ctx: DurableContext) -> str:
    return await ctx.invoke("echo", order.payload, config=InvokeConfig(tenant_id=order.tenantId, returns=str))


@SUITE.plays("5-8")
@durable_execution
def a_tenant_blocking(order: Order, ctx: blocking.DurableContext) -> str:
    return ctx.invoke("echo", order.payload, config=InvokeConfig(tenant_id=order.tenantId, returns=str))


@SUITE.plays("5-9")
@durable_execution
async def an_echo_before_a_wait(event: object, ctx: DurableContext) -> str:
    text = await ctx.invoke("echo", "hello", config=TEXT)
    await ctx.wait(Duration.from_seconds(1))
    return text


@SUITE.plays("5-9")
@durable_execution
def an_echo_before_a_wait_blocking(event: object, ctx: blocking.DurableContext) -> str:
    text = ctx.invoke("echo", "hello", config=TEXT)
    ctx.wait(Duration.from_seconds(1))
    return text


def greet(name: str) -> str:
    return f"Hello, {name}!"


@SUITE.plays("5-11")
@durable_execution
async def a_step_before_an_echo(event: object, ctx: DurableContext) -> str:
    return await ctx.invoke("echo", await ctx.step(greet, "Ann"), config=TEXT)


@SUITE.plays("5-11")
@durable_execution
def a_step_before_an_echo_blocking(event: object, ctx: blocking.DurableContext) -> str:
    return ctx.invoke("echo", ctx.step(greet, "Ann"), config=TEXT)


@SUITE.plays("5-12")
@durable_execution
async def a_step_after_an_echo(event: object, ctx: DurableContext) -> str:
    return await ctx.step(greet, await ctx.invoke("echo", "Ann", config=TEXT))


@SUITE.plays("5-12")
@durable_execution
def a_step_after_an_echo_blocking(event: object, ctx: blocking.DurableContext) -> str:
    return ctx.step(greet, ctx.invoke("echo", "Ann", config=TEXT))


@SUITE.plays("5-14")
@durable_execution
async def invocations_in_sequence(event: object, ctx: DurableContext) -> int:
    return await ctx.invoke("measure", await ctx.invoke("echo", "hello", config=TEXT), config=NUMBER)


@SUITE.plays("5-14")
@durable_execution
def invocations_in_sequence_blocking(event: object, ctx: blocking.DurableContext) -> int:
    return ctx.invoke("measure", ctx.invoke("echo", "hello", config=TEXT), config=NUMBER)


@dataclass
class Message:
    data: str


class UpperCase:
    """Sends text in capitals."""

    def serialize(self, value: str, context: SerDesContext) -> str:
        return json.dumps(value.upper())

    def deserialize(self, data: str, context: SerDesContext) -> str:
        raise NotImplementedError("a payload is only written")


IN_CAPITALS = InvokeConfig(payload_serdes=UpperCase(), returns=str)


@SUITE.plays("5-15")
@durable_execution
async def a_serdes_of_ones_own(message: Message, ctx: DurableContext) -> str:
    return await ctx.invoke("echo", message.data, config=IN_CAPITALS)


@SUITE.plays("5-15")
@durable_execution
def a_serdes_of_ones_own_blocking(message: Message, ctx: blocking.DurableContext) -> str:
    return ctx.invoke("echo", message.data, config=IN_CAPITALS)
