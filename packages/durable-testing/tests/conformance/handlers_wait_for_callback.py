"""Handlers of the suite ``wait_for_callback``."""

from __future__ import annotations

from dataclasses import dataclass

from conformance_handlers import Suite

from durable_core import (
    CallbackError,
    CallbackTimeoutError,
    DurableContext,
    Duration,
    WaitForCallbackConfig,
    blocking,
    durable_execution,
)

SUITE = Suite()

TEXT = WaitForCallbackConfig(returns=str)
WITHIN_THREE_SECONDS = WaitForCallbackConfig(timeout=Duration.from_seconds(3), returns=str)
A_BEAT_IN_TEN_SECONDS = WaitForCallbackConfig(heartbeat_timeout=Duration.from_seconds(10), returns=str)


async def submit(callback_id: str) -> None:
    pass  # whoever answers finds the callback by itself


@SUITE.plays("7-1")
@durable_execution
async def an_answer(name: str, ctx: DurableContext) -> str:
    return await ctx.wait_for_callback(submit, name=name, config=TEXT)


@SUITE.plays("7-1")
@durable_execution
def an_answer_blocking(name: str, ctx: blocking.DurableContext) -> str:
    return ctx.wait_for_callback(submit, name=name, config=TEXT)


@SUITE.plays("7-2")
@durable_execution
async def an_approval(event: object, ctx: DurableContext) -> str:
    return await ctx.wait_for_callback(submit, name="approval", config=TEXT)


@SUITE.plays("7-2")
@durable_execution
def an_approval_blocking(event: object, ctx: blocking.DurableContext) -> str:
    return ctx.wait_for_callback(submit, name="approval", config=TEXT)


@SUITE.plays("7-3")
@durable_execution
async def no_name(event: object, ctx: DurableContext) -> str:
    return await ctx.wait_for_callback(lambda callback_id: None, config=TEXT)


@SUITE.plays("7-3")
@durable_execution
def no_name_blocking(event: object, ctx: blocking.DurableContext) -> str:
    return ctx.wait_for_callback(lambda callback_id: None, config=TEXT)


@SUITE.plays("7-4")
@durable_execution
async def a_failure(name: str, ctx: DurableContext) -> str:
    return await ctx.wait_for_callback(submit, name=name, config=TEXT)


@SUITE.plays("7-4")
@durable_execution
def a_failure_blocking(name: str, ctx: blocking.DurableContext) -> str:
    return ctx.wait_for_callback(submit, name=name, config=TEXT)


@SUITE.plays("7-5")
@durable_execution
async def a_timeout(name: str, ctx: DurableContext) -> str:
    return await ctx.wait_for_callback(submit, name=name, config=WITHIN_THREE_SECONDS)


@SUITE.plays("7-5")
@durable_execution
def a_timeout_blocking(name: str, ctx: blocking.DurableContext) -> str:
    return ctx.wait_for_callback(submit, name=name, config=WITHIN_THREE_SECONDS)


@SUITE.plays("7-6")
@durable_execution
async def a_failure_that_is_caught(name: str, ctx: DurableContext) -> str:
    try:
        return await ctx.wait_for_callback(submit, name=name, config=TEXT)
    except CallbackError:
        return "recovered"


@SUITE.plays("7-6")
@durable_execution
def a_failure_that_is_caught_blocking(name: str, ctx: blocking.DurableContext) -> str:
    try:
        return ctx.wait_for_callback(submit, name=name, config=TEXT)
    except CallbackError:
        return "recovered"


@SUITE.plays("7-9")
@durable_execution
async def answers_in_sequence(event: object, ctx: DurableContext) -> str:
    await ctx.wait_for_callback(submit, name="first", config=TEXT)
    return await ctx.wait_for_callback(submit, name="second", config=TEXT)


@SUITE.plays("7-9")
@durable_execution
def answers_in_sequence_blocking(event: object, ctx: blocking.DurableContext) -> str:
    ctx.wait_for_callback(submit, name="first", config=TEXT)
    return ctx.wait_for_callback(submit, name="second", config=TEXT)


def work() -> str:
    return "worked"


@SUITE.plays("7-10")
@durable_execution
async def an_answer_after_a_wait_and_a_step(name: str, ctx: DurableContext) -> str:
    await ctx.wait(Duration.from_seconds(1))
    await ctx.step(work)
    return await ctx.wait_for_callback(submit, name=name, config=TEXT)


@SUITE.plays("7-10")
@durable_execution
def an_answer_after_a_wait_and_a_step_blocking(name: str, ctx: blocking.DurableContext) -> str:
    ctx.wait(Duration.from_seconds(1))
    ctx.step(work)
    return ctx.wait_for_callback(submit, name=name, config=TEXT)


@dataclass
class Review:
    status: str


REVIEW = WaitForCallbackConfig(returns=Review)


@SUITE.plays("7-11")
@durable_execution
async def an_answer_with_members(name: str, ctx: DurableContext) -> str:
    review = await ctx.wait_for_callback(submit, name=name, config=REVIEW)
    return review.status


@SUITE.plays("7-11")
@durable_execution
def an_answer_with_members_blocking(name: str, ctx: blocking.DurableContext) -> str:
    return ctx.wait_for_callback(submit, name=name, config=REVIEW).status


@SUITE.plays("7-13")
@durable_execution
async def a_heartbeat(name: str, ctx: DurableContext) -> str:
    return await ctx.wait_for_callback(submit, name=name, config=A_BEAT_IN_TEN_SECONDS)


@SUITE.plays("7-13")
@durable_execution
def a_heartbeat_blocking(name: str, ctx: blocking.DurableContext) -> str:
    return ctx.wait_for_callback(submit, name=name, config=A_BEAT_IN_TEN_SECONDS)


@SUITE.plays("7-14")
@durable_execution
async def a_timeout_that_is_caught(name: str, ctx: DurableContext) -> str:
    try:
        return await ctx.wait_for_callback(submit, name=name, config=WITHIN_THREE_SECONDS)
    except CallbackTimeoutError:
        return "timed-out-handled"


@SUITE.plays("7-14")
@durable_execution
def a_timeout_that_is_caught_blocking(name: str, ctx: blocking.DurableContext) -> str:
    try:
        return ctx.wait_for_callback(submit, name=name, config=WITHIN_THREE_SECONDS)
    except CallbackTimeoutError:
        return "timed-out-handled"
