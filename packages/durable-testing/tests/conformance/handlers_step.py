"""Handlers of the suite ``step``."""

from __future__ import annotations

import json
from dataclasses import dataclass

from conformance_handlers import Suite

from durable_core import (
    DurableContext,
    Duration,
    FixedDelay,
    NoRetry,
    RetryDecision,
    RetryPresets,
    SerDesContext,
    StepConfig,
    StepError,
    StepSemantics,
    blocking,
    durable_execution,
    step_context,
)
from durable_core.spi import DurableServiceClient
from durable_testing.faults import CrashingClient

SUITE = Suite()

SECOND = Duration.from_seconds(1)


async def greet(name: str) -> str:
    return f"Hello, {name}!"


@SUITE.plays("1-1")
@durable_execution
async def a_step(name: str, ctx: DurableContext) -> str:
    return await ctx.step(greet, name)


@SUITE.plays("1-1")
@durable_execution
def a_step_blocking(name: str, ctx: blocking.DurableContext) -> str:
    return ctx.step(greet, name)


@SUITE.plays("1-2")
@durable_execution
async def a_named_step(name: str, ctx: DurableContext) -> str:
    return await ctx.step(greet, name, name="custom_step_name")


@SUITE.plays("1-2")
@durable_execution
def a_named_step_blocking(name: str, ctx: blocking.DurableContext) -> str:
    return ctx.step(greet, name, name="custom_step_name")


async def first() -> str:
    return "first"


async def second(before: str) -> str:
    return f"{before}_second"


@SUITE.plays("1-3")
@durable_execution
async def steps_in_sequence(event: object, ctx: DurableContext) -> str:
    return await ctx.step(second, await ctx.step(first))


@SUITE.plays("1-3")
@durable_execution
def steps_in_sequence_blocking(event: object, ctx: blocking.DurableContext) -> str:
    return ctx.step(second, ctx.step(first))


@dataclass
class User:
    name: str
    tags: list[str]


@dataclass
class Profile:
    user: User
    count: int


def profile(user: User) -> Profile:
    return Profile(user, len(user.tags))


@SUITE.plays("1-4")
@durable_execution
async def a_nested_result(user: User, ctx: DurableContext) -> Profile:
    return await ctx.step(profile, user)


@SUITE.plays("1-4")
@durable_execution
def a_nested_result_blocking(user: User, ctx: blocking.DurableContext) -> Profile:
    return ctx.step(profile, user)


def do_nothing() -> None:
    pass


@SUITE.plays("1-5")
@durable_execution
async def no_result(event: object, ctx: DurableContext) -> None:
    return await ctx.step(do_nothing)


@SUITE.plays("1-5")
@durable_execution
def no_result_blocking(event: object, ctx: blocking.DurableContext) -> None:
    return ctx.step(do_nothing)


class UpperCase:
    """Records text in capitals."""

    def serialize(self, value: str, context: SerDesContext) -> str:
        return json.dumps(value.upper())

    def deserialize(self, data: str, context: SerDesContext) -> str:
        return str(json.loads(data))


IN_CAPITALS = StepConfig(serdes=UpperCase())


def unchanged(text: str) -> str:
    return text


@SUITE.plays("1-6")
@durable_execution
async def a_serdes_of_ones_own(text: str, ctx: DurableContext) -> str:
    return await ctx.step(unchanged, text, config=IN_CAPITALS)


@SUITE.plays("1-6")
@durable_execution
def a_serdes_of_ones_own_blocking(text: str, ctx: blocking.DurableContext) -> str:
    return ctx.step(unchanged, text, config=IN_CAPITALS)


def greet_and_tell(name: str) -> str:
    logger = step_context().logger
    logger.info("Greeting step started for: %s", name)
    greeting = f"Hello, {name}!"
    logger.info("Greeting step completed with: %s", greeting)
    return greeting


@SUITE.plays("1-7")
@durable_execution
async def a_step_that_logs(name: str, ctx: DurableContext) -> str:
    return await ctx.step(greet_and_tell, name)


@SUITE.plays("1-7")
@durable_execution
def a_step_that_logs_blocking(name: str, ctx: blocking.DurableContext) -> str:
    return ctx.step(greet_and_tell, name)


def compute() -> str:
    return "computed"


@SUITE.plays("1-8")
@durable_execution
async def a_step_before_a_wait(event: object, ctx: DurableContext) -> str:
    result = await ctx.step(compute)
    await ctx.wait(Duration.from_seconds(2))
    return result


@SUITE.plays("1-8")
@durable_execution
def a_step_before_a_wait_blocking(event: object, ctx: blocking.DurableContext) -> str:
    result = ctx.step(compute)
    ctx.wait(Duration.from_seconds(2))
    return result


def compute_and_tell() -> str:
    step_context().logger.info("step executed")
    return "cached_value"


@SUITE.plays("1-9")
@durable_execution
async def a_step_that_is_not_repeated(event: object, ctx: DurableContext) -> str:
    result = await ctx.step(compute_and_tell)
    await ctx.wait(SECOND)
    return result


@SUITE.plays("1-9")
@durable_execution
def a_step_that_is_not_repeated_blocking(event: object, ctx: blocking.DurableContext) -> str:
    result = ctx.step(compute_and_tell)
    ctx.wait(SECOND)
    return result


async def fail_once() -> str:
    if step_context().attempt == 1:
        raise RuntimeError("the first attempt fails")
    return "Operation succeeded"


TWICE = StepConfig(retry_strategy=FixedDelay(2, SECOND))


@SUITE.plays("1-11")
@durable_execution
async def a_retry(event: object, ctx: DurableContext) -> str:
    return await ctx.step(fail_once, config=TWICE)


@SUITE.plays("1-11")
@durable_execution
def a_retry_blocking(event: object, ctx: blocking.DurableContext) -> str:
    return ctx.step(fail_once, config=TWICE)


async def fail() -> str:
    raise RuntimeError("every attempt fails")


FOUR_TIMES = StepConfig(retry_strategy=FixedDelay(4, SECOND))


@SUITE.plays("1-12")
@durable_execution
async def too_many_failures(event: object, ctx: DurableContext) -> str:
    return await ctx.step(fail, config=FOUR_TIMES)


@SUITE.plays("1-12")
@durable_execution
def too_many_failures_blocking(event: object, ctx: blocking.DurableContext) -> str:
    return ctx.step(fail, config=FOUR_TIMES)


class TransientError(Exception):
    pass


def if_transient(error: BaseException, attempt: int) -> RetryDecision:
    return RetryDecision.retry_after(SECOND) if isinstance(error, TransientError) else RetryDecision.stop()


def fail_transiently() -> str:
    if step_context().attempt == 1:
        raise TransientError("busy")
    return "done"


@SUITE.plays("1-15")
@durable_execution
async def a_retry_of_one_error(event: object, ctx: DurableContext) -> str:
    return await ctx.step(fail_transiently, config=StepConfig(retry_strategy=if_transient))


@SUITE.plays("1-15")
@durable_execution
def a_retry_of_one_error_blocking(event: object, ctx: blocking.DurableContext) -> str:
    return ctx.step(fail_transiently, config=StepConfig(retry_strategy=if_transient))


AT_MOST_ONCE = StepConfig(retry_strategy=NoRetry(), step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY)


def tell(text: str) -> None:
    step_context().logger.info(text)


def dies_in_the_step(client: DurableServiceClient) -> DurableServiceClient:
    """The first checkpoint is the step's START; the sandbox does not live to send its outcome."""
    return CrashingClient(client, at=2)


@SUITE.plays("1-17", client=dies_in_the_step)
@durable_execution
async def a_step_that_kills_its_sandbox(text: str, ctx: DurableContext) -> None:
    await ctx.step(tell, text, name="at_most_once_flaky_step", config=AT_MOST_ONCE)


@SUITE.plays("1-17", client=dies_in_the_step)
@durable_execution
def a_step_that_kills_its_sandbox_blocking(text: str, ctx: blocking.DurableContext) -> None:
    ctx.step(tell, text, name="at_most_once_flaky_step", config=AT_MOST_ONCE)


ONCE = StepConfig(retry_strategy=RetryPresets.NONE)


@SUITE.plays("1-19")
@durable_execution
async def a_failure(event: object, ctx: DurableContext) -> str:
    return await ctx.step(fail, config=ONCE)


@SUITE.plays("1-19")
@durable_execution
def a_failure_blocking(event: object, ctx: blocking.DurableContext) -> str:
    return ctx.step(fail, config=ONCE)


def result_of(kind: str) -> str:
    return f"{kind}_result"


@SUITE.plays("1-20")
@durable_execution
async def a_failure_that_is_caught(event: object, ctx: DurableContext) -> str:
    try:
        kind = await ctx.step(fail, config=ONCE)
    except StepError:
        kind = "fallback"
    return await ctx.step(result_of, kind)


@SUITE.plays("1-20")
@durable_execution
def a_failure_that_is_caught_blocking(event: object, ctx: blocking.DurableContext) -> str:
    try:
        kind = ctx.step(fail, config=ONCE)
    except StepError:
        kind = "fallback"
    return ctx.step(result_of, kind)
