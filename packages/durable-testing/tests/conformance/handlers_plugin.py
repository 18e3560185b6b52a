"""Handlers of the suite ``plugin``."""

from __future__ import annotations

from conformance_handlers import Suite
from conformance_plugins import (
    AttemptFields,
    Attempts,
    AttemptsAndEnds,
    Branches,
    ChangeFields,
    Changes,
    Faulty,
    FirstOfTwo,
    InvocationFields,
    Invocations,
    OperationFields,
    SecondOfTwo,
    Steps,
    UpdatedWaits,
    Waits,
)

from durable_core import (
    DurableContext,
    Duration,
    FixedDelay,
    NoRetry,
    ParallelConfig,
    StepConfig,
    blocking,
    durable_execution,
    step_context,
)

SUITE = Suite()

SECOND = Duration.from_seconds(1)
TWO_SECONDS = Duration.from_seconds(2)
ONCE = StepConfig(retry_strategy=NoRetry())
TWICE = StepConfig(retry_strategy=FixedDelay(2, SECOND))
ONE_BY_ONE = ParallelConfig(max_concurrency=1)


def greet(name: str) -> str:
    return f"Hello, {name}!"


async def greet_and_tell(name: str) -> str:
    step_context().logger.info("Greeting step running for: %s", name)
    return greet(name)


async def fail_once() -> str:
    if step_context().attempt == 1:
        raise RuntimeError("the first attempt fails")
    return "Operation succeeded"


def fail() -> str:
    raise RuntimeError("every attempt fails")


@SUITE.plays("10-1")
@durable_execution(plugins=[Invocations])
async def an_invocation(name: str, ctx: DurableContext) -> str:
    return await ctx.step(greet_and_tell, name)


@SUITE.plays("10-1")
@durable_execution(plugins=[Invocations])
def an_invocation_blocking(name: str, ctx: blocking.DurableContext) -> str:
    return ctx.step(greet_and_tell, name)


@SUITE.plays("10-2")
@durable_execution(plugins=[Steps])
async def an_operation(name: str, ctx: DurableContext) -> str:
    return await ctx.step(greet, name)


@SUITE.plays("10-2")
@durable_execution(plugins=[Steps])
def an_operation_blocking(name: str, ctx: blocking.DurableContext) -> str:
    return ctx.step(greet, name)


@SUITE.plays("10-3")
@durable_execution(plugins=[Attempts])
async def two_attempts(event: object, ctx: DurableContext) -> str:
    return await ctx.step(fail_once, config=TWICE)


@SUITE.plays("10-3")
@durable_execution(plugins=[Attempts])
def two_attempts_blocking(event: object, ctx: blocking.DurableContext) -> str:
    return ctx.step(fail_once, config=TWICE)


@SUITE.plays("10-4")
@durable_execution(plugins=[Faulty])
async def hooks_that_fail(name: str, ctx: DurableContext) -> str:
    return await ctx.step(greet, name)


@SUITE.plays("10-4")
@durable_execution(plugins=[Faulty])
def hooks_that_fail_blocking(name: str, ctx: blocking.DurableContext) -> str:
    return ctx.step(greet, name)


@SUITE.plays("10-5")
@durable_execution(plugins=[FirstOfTwo, SecondOfTwo])
async def two_plugins(name: str, ctx: DurableContext) -> str:
    return await ctx.step(greet, name)


@SUITE.plays("10-5")
@durable_execution(plugins=[FirstOfTwo, SecondOfTwo])
def two_plugins_blocking(name: str, ctx: blocking.DurableContext) -> str:
    return ctx.step(greet, name)


@SUITE.plays("10-6")
@durable_execution(plugins=[Invocations])
async def two_invocations(event: object, ctx: DurableContext) -> None:
    await ctx.wait(TWO_SECONDS)


@SUITE.plays("10-6")
@durable_execution(plugins=[Invocations])
def two_invocations_blocking(event: object, ctx: blocking.DurableContext) -> None:
    ctx.wait(TWO_SECONDS)


@SUITE.plays("10-7")
@durable_execution(plugins=[Invocations])
async def a_failure(event: object, ctx: DurableContext) -> str:
    return await ctx.step(fail, config=ONCE)


@SUITE.plays("10-7")
@durable_execution(plugins=[Invocations])
def a_failure_blocking(event: object, ctx: blocking.DurableContext) -> str:
    return ctx.step(fail, config=ONCE)


@SUITE.plays("10-8")
@durable_execution(plugins=[Changes])
async def a_change(name: str, ctx: DurableContext) -> str:
    return await ctx.step(greet, name)


@SUITE.plays("10-8")
@durable_execution(plugins=[Changes])
def a_change_blocking(name: str, ctx: blocking.DurableContext) -> str:
    return ctx.step(greet, name)


@SUITE.plays("10-9")
@durable_execution(plugins=[UpdatedWaits])
async def a_change_meanwhile(event: object, ctx: DurableContext) -> None:
    await ctx.wait(TWO_SECONDS)


@SUITE.plays("10-9")
@durable_execution(plugins=[UpdatedWaits])
def a_change_meanwhile_blocking(event: object, ctx: blocking.DurableContext) -> None:
    ctx.wait(TWO_SECONDS)


@SUITE.plays("10-10")
@durable_execution(plugins=[Waits])
async def a_wait(event: object, ctx: DurableContext) -> None:
    await ctx.wait(TWO_SECONDS)


@SUITE.plays("10-10")
@durable_execution(plugins=[Waits])
def a_wait_blocking(event: object, ctx: blocking.DurableContext) -> None:
    ctx.wait(TWO_SECONDS)


async def first_task(ctx: DurableContext) -> str:
    return "task-1"


async def second_task(ctx: DurableContext) -> str:
    return "task-2"


@SUITE.plays("10-12")
@durable_execution(plugins=[Branches])
async def two_branches(event: object, ctx: DurableContext) -> list[str]:
    return (await ctx.parallel([first_task, second_task], name="parallel", config=ONE_BY_ONE)).results


def first_task_blocking(ctx: blocking.DurableContext) -> str:
    return "task-1"


def second_task_blocking(ctx: blocking.DurableContext) -> str:
    return "task-2"


@SUITE.plays("10-12")
@durable_execution(plugins=[Branches])
def two_branches_blocking(event: object, ctx: blocking.DurableContext) -> list[str]:
    return ctx.parallel([first_task_blocking, second_task_blocking], name="parallel", config=ONE_BY_ONE).results


@SUITE.plays("10-13")
@durable_execution(plugins=[Steps])
async def a_replay(event: object, ctx: DurableContext) -> str:
    await ctx.step(greet, "A", name="A")
    return await ctx.step(fail_once, name="B", config=TWICE)


@SUITE.plays("10-13")
@durable_execution(plugins=[Steps])
def a_replay_blocking(event: object, ctx: blocking.DurableContext) -> str:
    ctx.step(greet, "A", name="A")
    return ctx.step(fail_once, name="B", config=TWICE)


@SUITE.plays("10-15")
@durable_execution(plugins=[AttemptsAndEnds])
async def too_many_failures(event: object, ctx: DurableContext) -> str:
    return await ctx.step(fail, config=TWICE)


@SUITE.plays("10-15")
@durable_execution(plugins=[AttemptsAndEnds])
def too_many_failures_blocking(event: object, ctx: blocking.DurableContext) -> str:
    return ctx.step(fail, config=TWICE)


@SUITE.plays("10-19")
@durable_execution(plugins=[InvocationFields])
async def all_of_an_invocation(text: str, ctx: DurableContext) -> str:
    await ctx.wait(TWO_SECONDS)
    return f"done-{text}"


@SUITE.plays("10-19")
@durable_execution(plugins=[InvocationFields])
def all_of_an_invocation_blocking(text: str, ctx: blocking.DurableContext) -> str:
    ctx.wait(TWO_SECONDS)
    return f"done-{text}"


def task_a() -> str:
    return "task-a"


@SUITE.plays("10-20")
@durable_execution(plugins=[OperationFields])
async def all_of_an_operation(event: object, ctx: DurableContext) -> str:
    return await ctx.step(task_a, name="greet")


@SUITE.plays("10-20")
@durable_execution(plugins=[OperationFields])
def all_of_an_operation_blocking(event: object, ctx: blocking.DurableContext) -> str:
    return ctx.step(task_a, name="greet")


def flaky() -> str:
    if step_context().attempt == 1:
        raise RuntimeError("the first attempt fails")
    return "ok"


@SUITE.plays("10-21")
@durable_execution(plugins=[AttemptFields])
async def all_of_an_attempt(event: object, ctx: DurableContext) -> str:
    return await ctx.step(flaky, config=TWICE)


@SUITE.plays("10-21")
@durable_execution(plugins=[AttemptFields])
def all_of_an_attempt_blocking(event: object, ctx: blocking.DurableContext) -> str:
    return ctx.step(flaky, config=TWICE)


@SUITE.plays("10-22")
@durable_execution(plugins=[ChangeFields])
async def all_of_a_change(event: object, ctx: DurableContext) -> str:
    return await ctx.step(task_a, name="greet")


@SUITE.plays("10-22")
@durable_execution(plugins=[ChangeFields])
def all_of_a_change_blocking(event: object, ctx: blocking.DurableContext) -> str:
    return ctx.step(task_a, name="greet")
