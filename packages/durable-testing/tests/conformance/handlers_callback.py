"""Handlers of the suite ``callback``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from conformance_handlers import Suite

from durable_core import (
    CallbackConfig,
    CallbackTimeoutError,
    DurableContext,
    Duration,
    SerDesContext,
    blocking,
    durable_execution,
)

SUITE = Suite()

TEXT = CallbackConfig(returns=str)
WITHIN_THREE_SECONDS = CallbackConfig(timeout=Duration.from_seconds(3), returns=str)
WITHIN_FIVE_SECONDS = CallbackConfig(timeout=Duration.from_seconds(5), returns=str)
A_BEAT_IN_FIVE_SECONDS = CallbackConfig(heartbeat_timeout=Duration.from_seconds(5), returns=str)
A_BEAT_IN_TEN_SECONDS = CallbackConfig(heartbeat_timeout=Duration.from_seconds(10), returns=str)


@SUITE.plays("4-1")
@durable_execution
async def a_callback(name: str, ctx: DurableContext) -> str:
    callback = await ctx.create_callback(name=name, config=TEXT)
    return await callback.result()


@SUITE.plays("4-1")
@durable_execution
def a_callback_blocking(name: str, ctx: blocking.DurableContext) -> str:
    return ctx.create_callback(name=name, config=TEXT).result()


@SUITE.plays("4-2")
@durable_execution
async def a_callback_called_approval(event: object, ctx: DurableContext) -> str:
    callback = await ctx.create_callback(name="approval", config=TEXT)
    return await callback.result()


@SUITE.plays("4-2")
@durable_execution
def a_callback_called_approval_blocking(event: object, ctx: blocking.DurableContext) -> str:
    return ctx.create_callback(name="approval", config=TEXT).result()


@SUITE.plays("4-3")
@durable_execution
async def a_timeout(name: str, ctx: DurableContext) -> str:
    callback = await ctx.create_callback(name=name, config=WITHIN_FIVE_SECONDS)
    return await callback.result()


@SUITE.plays("4-3")
@durable_execution
def a_timeout_blocking(name: str, ctx: blocking.DurableContext) -> str:
    return ctx.create_callback(name=name, config=WITHIN_FIVE_SECONDS).result()


@SUITE.plays("4-4")
@durable_execution
async def no_heartbeat(name: str, ctx: DurableContext) -> str:
    callback = await ctx.create_callback(name=name, config=A_BEAT_IN_FIVE_SECONDS)
    return await callback.result()


@SUITE.plays("4-4")
@durable_execution
def no_heartbeat_blocking(name: str, ctx: blocking.DurableContext) -> str:
    return ctx.create_callback(name=name, config=A_BEAT_IN_FIVE_SECONDS).result()


@SUITE.plays("4-5")
@durable_execution
async def a_heartbeat(name: str, ctx: DurableContext) -> str:
    callback = await ctx.create_callback(name=name, config=A_BEAT_IN_TEN_SECONDS)
    return await callback.result()


@SUITE.plays("4-5")
@durable_execution
def a_heartbeat_blocking(name: str, ctx: blocking.DurableContext) -> str:
    return ctx.create_callback(name=name, config=A_BEAT_IN_TEN_SECONDS).result()


@SUITE.plays("4-6")
@durable_execution
async def a_failure(name: str, ctx: DurableContext) -> str:
    callback = await ctx.create_callback(name=name, config=TEXT)
    return await callback.result()


@SUITE.plays("4-6")
@durable_execution
def a_failure_blocking(name: str, ctx: blocking.DurableContext) -> str:
    return ctx.create_callback(name=name, config=TEXT).result()


def work() -> str:
    return "worked"


@SUITE.plays("4-7")
@durable_execution
async def a_failure_after_a_step(name: str, ctx: DurableContext) -> str:
    callback = await ctx.create_callback(name=name, config=TEXT)
    await ctx.step(work)
    return await callback.result()


@SUITE.plays("4-7")
@durable_execution
def a_failure_after_a_step_blocking(name: str, ctx: blocking.DurableContext) -> str:
    callback = ctx.create_callback(name=name, config=TEXT)
    ctx.step(work)
    return callback.result()


@SUITE.plays("4-8")
@durable_execution
async def a_timeout_after_a_step(name: str, ctx: DurableContext) -> str:
    callback = await ctx.create_callback(name=name, config=WITHIN_FIVE_SECONDS)
    await ctx.step(work)
    return await callback.result()


@SUITE.plays("4-8")
@durable_execution
def a_timeout_after_a_step_blocking(name: str, ctx: blocking.DurableContext) -> str:
    callback = ctx.create_callback(name=name, config=WITHIN_FIVE_SECONDS)
    ctx.step(work)
    return callback.result()


@SUITE.plays("4-9")
@durable_execution
async def an_answer_during_a_wait(name: str, ctx: DurableContext) -> str:
    callback = await ctx.create_callback(name=name, config=TEXT)
    await ctx.wait(Duration.from_seconds(5))
    return await callback.result()


@SUITE.plays("4-9")
@durable_execution
def an_answer_during_a_wait_blocking(name: str, ctx: blocking.DurableContext) -> str:
    callback = ctx.create_callback(name=name, config=TEXT)
    ctx.wait(Duration.from_seconds(5))
    return callback.result()


@SUITE.plays("4-12")
@durable_execution
async def a_wait_after_the_answer(name: str, ctx: DurableContext) -> str:
    callback = await ctx.create_callback(name=name, config=TEXT)
    answer = await callback.result()
    await ctx.wait(Duration.from_seconds(2))
    return answer


@SUITE.plays("4-12")
@durable_execution
def a_wait_after_the_answer_blocking(name: str, ctx: blocking.DurableContext) -> str:
    answer = ctx.create_callback(name=name, config=TEXT).result()
    ctx.wait(Duration.from_seconds(2))
    return answer


@SUITE.plays("4-14")
@durable_execution
async def a_timeout_that_is_caught(name: str, ctx: DurableContext) -> str:
    callback = await ctx.create_callback(name=name, config=WITHIN_THREE_SECONDS)
    try:
        answer = await callback.result()
    except CallbackTimeoutError as error:
        answer = f"no answer: {error.error_type}"
    await ctx.wait(Duration.from_seconds(2))
    return answer


@SUITE.plays("4-14")
@durable_execution
def a_timeout_that_is_caught_blocking(name: str, ctx: blocking.DurableContext) -> str:
    callback = ctx.create_callback(name=name, config=WITHIN_THREE_SECONDS)
    try:
        answer = callback.result()
    except CallbackTimeoutError as error:
        answer = f"no answer: {error.error_type}"
    ctx.wait(Duration.from_seconds(2))
    return answer


@dataclass
class Message:
    id: str
    message: str
    timestamp: int
    """In seconds since the epoch."""


class Timed:
    """Reads a message whose time stands as text."""

    def serialize(self, value: Message, context: SerDesContext) -> str:
        raise NotImplementedError("a callback's result is only read")

    def deserialize(self, data: str, context: SerDesContext) -> Message:
        members = json.loads(data)
        moment = datetime.fromisoformat(members["timestamp"])
        return Message(members["id"], members["message"], int(moment.timestamp()))


TIMED = CallbackConfig(serdes=Timed())


@SUITE.plays("4-15")
@durable_execution
async def a_serdes_of_ones_own(name: str, ctx: DurableContext) -> dict[str, Message]:
    callback = await ctx.create_callback(name=name, config=TIMED)
    return {"received": await callback.result()}


@SUITE.plays("4-15")
@durable_execution
def a_serdes_of_ones_own_blocking(name: str, ctx: blocking.DurableContext) -> dict[str, Message]:
    return {"received": ctx.create_callback(name=name, config=TIMED).result()}


@SUITE.plays("4-17")
@durable_execution
async def callbacks_in_sequence(names: list[str], ctx: DurableContext) -> list[str]:
    return [await (await ctx.create_callback(name=name, config=TEXT)).result() for name in names]


@SUITE.plays("4-17")
@durable_execution
def callbacks_in_sequence_blocking(names: list[str], ctx: blocking.DurableContext) -> list[str]:
    return [ctx.create_callback(name=name, config=TEXT).result() for name in names]


@SUITE.plays("4-18")
@durable_execution
async def callbacks_at_once(names: list[str], ctx: DurableContext) -> list[str]:
    callbacks = [await ctx.create_callback(name=name, config=TEXT) for name in names]
    return [await callback.result() for callback in callbacks]


@SUITE.plays("4-18")
@durable_execution
def callbacks_at_once_blocking(names: list[str], ctx: blocking.DurableContext) -> list[str]:
    callbacks = [ctx.create_callback(name=name, config=TEXT) for name in names]
    return [callback.result() for callback in callbacks]
