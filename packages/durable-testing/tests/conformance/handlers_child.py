"""Handlers of the suite ``child``."""

from __future__ import annotations

from dataclasses import dataclass

from conformance_handlers import Suite

from durable_core import (
    ChildContextError,
    DurableContext,
    Duration,
    FixedDelay,
    NoRetry,
    ReplayLogging,
    StepConfig,
    blocking,
    durable_execution,
    step_context,
)

SUITE = Suite()

SECOND = Duration.from_seconds(1)
ONCE = StepConfig(retry_strategy=NoRetry())
TWICE = StepConfig(retry_strategy=FixedDelay(2, SECOND))


def same(text: str) -> str:
    return text


def fail() -> str:
    raise RuntimeError("the step fails")


async def same_on_second_attempt(text: str) -> str:
    if step_context().attempt == 1:
        raise RuntimeError("the first attempt fails")
    return text


async def one_step(child: DurableContext, text: str) -> str:
    return await child.step(same, text)


def one_step_blocking(child: blocking.DurableContext, text: str) -> str:
    return child.step(same, text)


@SUITE.plays("3-1")
@durable_execution
async def a_child(text: str, ctx: DurableContext) -> str:
    return await ctx.run_in_child_context(one_step, text)


@SUITE.plays("3-1")
@durable_execution
def a_child_blocking(text: str, ctx: blocking.DurableContext) -> str:
    return ctx.run_in_child_context(one_step_blocking, text)


@dataclass
class Order:
    name: str
    value: str


@SUITE.plays("3-2")
@durable_execution
async def a_child_named_by_the_input(order: Order, ctx: DurableContext) -> str:
    return await ctx.run_in_child_context(one_step, order.value, name=order.name)


@SUITE.plays("3-2")
@durable_execution
def a_child_named_by_the_input_blocking(order: Order, ctx: blocking.DurableContext) -> str:
    return ctx.run_in_child_context(one_step_blocking, order.value, name=order.name)


async def two_steps(child: DurableContext, text: str) -> str:
    return await child.step(same, await child.step(same, text, name="first"), name="second")


def two_steps_blocking(child: blocking.DurableContext, text: str) -> str:
    return child.step(same, child.step(same, text, name="first"), name="second")


@SUITE.plays("3-3")
@durable_execution
async def a_child_of_two_steps(text: str, ctx: DurableContext) -> str:
    return await ctx.run_in_child_context(two_steps, text, name="steps")


@SUITE.plays("3-3")
@durable_execution
def a_child_of_two_steps_blocking(text: str, ctx: blocking.DurableContext) -> str:
    return ctx.run_in_child_context(two_steps_blocking, text, name="steps")


async def failing_step(child: DurableContext) -> str:
    return await child.step(fail, config=ONCE)


def failing_step_blocking(child: blocking.DurableContext) -> str:
    return child.step(fail, config=ONCE)


@SUITE.plays("3-4")
@durable_execution
async def a_child_that_fails(event: object, ctx: DurableContext) -> str:
    return await ctx.run_in_child_context(failing_step, name="failing")


@SUITE.plays("3-4")
@durable_execution
def a_child_that_fails_blocking(event: object, ctx: blocking.DurableContext) -> str:
    return ctx.run_in_child_context(failing_step_blocking, name="failing")


@SUITE.plays("3-5")
@durable_execution
async def a_child_whose_failure_is_caught(text: str, ctx: DurableContext) -> str:
    try:
        return await ctx.run_in_child_context(failing_step)
    except ChildContextError:
        return await ctx.step(same, text, name="recovery")


@SUITE.plays("3-5")
@durable_execution
def a_child_whose_failure_is_caught_blocking(text: str, ctx: blocking.DurableContext) -> str:
    try:
        return ctx.run_in_child_context(failing_step_blocking)
    except ChildContextError:
        return ctx.step(same, text, name="recovery")


async def a_step_and_a_child(child: DurableContext, text: str) -> str:
    return await child.run_in_child_context(one_step, await child.step(same, text), name="inner")


def a_step_and_a_child_blocking(child: blocking.DurableContext, text: str) -> str:
    return child.run_in_child_context(one_step_blocking, child.step(same, text), name="inner")


@SUITE.plays("3-6")
@durable_execution
async def a_child_in_a_child(text: str, ctx: DurableContext) -> str:
    return await ctx.run_in_child_context(a_step_and_a_child, text, name="outer")


@SUITE.plays("3-6")
@durable_execution
def a_child_in_a_child_blocking(text: str, ctx: blocking.DurableContext) -> str:
    return ctx.run_in_child_context(a_step_and_a_child_blocking, text, name="outer")


async def retried_step(child: DurableContext, text: str) -> str:
    return await child.step(same_on_second_attempt, text, config=TWICE)


def retried_step_blocking(child: blocking.DurableContext, text: str) -> str:
    return child.step(same_on_second_attempt, text, config=TWICE)


@SUITE.plays("3-7")
@durable_execution
async def a_retry_in_a_child(text: str, ctx: DurableContext) -> str:
    return await ctx.run_in_child_context(retried_step, text, name="retrying")


@SUITE.plays("3-7")
@durable_execution
def a_retry_in_a_child_blocking(text: str, ctx: blocking.DurableContext) -> str:
    return ctx.run_in_child_context(retried_step_blocking, text, name="retrying")


@SUITE.plays("3-9")
@durable_execution
async def a_child_before_a_wait(text: str, ctx: DurableContext) -> str:
    result = await ctx.run_in_child_context(one_step, text)
    await ctx.wait(SECOND)
    return result


@SUITE.plays("3-9")
@durable_execution
def a_child_before_a_wait_blocking(text: str, ctx: blocking.DurableContext) -> str:
    result = ctx.run_in_child_context(one_step_blocking, text)
    ctx.wait(SECOND)
    return result


async def a_step_and_a_wait(child: DurableContext, text: str) -> str:
    result = await child.step(same, text)
    await child.wait(SECOND)
    return result


def a_step_and_a_wait_blocking(child: blocking.DurableContext, text: str) -> str:
    result = child.step(same, text)
    child.wait(SECOND)
    return result


@SUITE.plays("3-10")
@durable_execution
async def a_step_and_a_wait_in_a_child(text: str, ctx: DurableContext) -> str:
    return await ctx.run_in_child_context(a_step_and_a_wait, text, name="mixed")


@SUITE.plays("3-10")
@durable_execution
def a_step_and_a_wait_in_a_child_blocking(text: str, ctx: blocking.DurableContext) -> str:
    return ctx.run_in_child_context(a_step_and_a_wait_blocking, text, name="mixed")


async def one_wait(child: DurableContext, text: str) -> str:
    await child.wait(SECOND)
    return text


def one_wait_blocking(child: blocking.DurableContext, text: str) -> str:
    child.wait(SECOND)
    return text


@SUITE.plays("3-13")
@durable_execution
async def a_wait_in_a_child(text: str, ctx: DurableContext) -> str:
    return await ctx.step(same, await ctx.run_in_child_context(one_wait, text, name="waiting"))


@SUITE.plays("3-13")
@durable_execution
def a_wait_in_a_child_blocking(text: str, ctx: blocking.DurableContext) -> str:
    return ctx.step(same, ctx.run_in_child_context(one_wait_blocking, text, name="waiting"))


async def raise_at_once(child: DurableContext) -> str:
    raise RuntimeError("the child fails")


def raise_at_once_blocking(child: blocking.DurableContext) -> str:
    raise RuntimeError("the child fails")


@SUITE.plays("3-15")
@durable_execution
async def a_child_that_raises_by_itself(event: object, ctx: DurableContext) -> str:
    return await ctx.run_in_child_context(raise_at_once, name="raising")


@SUITE.plays("3-15")
@durable_execution
def a_child_that_raises_by_itself_blocking(event: object, ctx: blocking.DurableContext) -> str:
    return ctx.run_in_child_context(raise_at_once_blocking, name="raising")


async def return_nothing(child: DurableContext) -> None:
    pass


def return_nothing_blocking(child: blocking.DurableContext) -> None:
    pass


@SUITE.plays("3-16")
@durable_execution
async def a_child_without_a_result(event: object, ctx: DurableContext) -> None:
    return await ctx.run_in_child_context(return_nothing, name="empty")


@SUITE.plays("3-16")
@durable_execution
def a_child_without_a_result_blocking(event: object, ctx: blocking.DurableContext) -> None:
    return ctx.run_in_child_context(return_nothing_blocking, name="empty")


async def tell(child: DurableContext, text: str) -> str:
    child.logger.info(text)
    return text


def tell_blocking(child: blocking.DurableContext, text: str) -> str:
    child.logger.info(text)
    return text


@SUITE.plays("3-17")
@durable_execution(replay_logging=ReplayLogging.ALLOW_ALL)
async def a_child_that_only_logs(text: str, ctx: DurableContext) -> str:
    result = await ctx.run_in_child_context(tell, text, name="telling")
    await ctx.wait(SECOND)
    return result


@SUITE.plays("3-17")
@durable_execution(replay_logging=ReplayLogging.ALLOW_ALL)
def a_child_that_only_logs_blocking(text: str, ctx: blocking.DurableContext) -> str:
    result = ctx.run_in_child_context(tell_blocking, text, name="telling")
    ctx.wait(SECOND)
    return result
