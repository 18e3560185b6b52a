"""Handlers of the suite ``wait_for_condition``."""

from __future__ import annotations

from dataclasses import dataclass

from conformance_handlers import Suite

from durable_core import (
    ConditionNotMetError,
    DurableContext,
    Duration,
    SerDesContext,
    WaitForConditionConfig,
    blocking,
    durable_execution,
    poll_every,
)

SUITE = Suite()

SECOND = Duration.from_seconds(1)


def until_at_least(threshold: int) -> WaitForConditionConfig[int]:
    return WaitForConditionConfig(wait_strategy=poll_every(SECOND, until=lambda number: number >= threshold))


def one_more(number: int) -> int:
    return number + 1


@SUITE.plays("6-1")
@durable_execution
async def a_counter(threshold: int, ctx: DurableContext) -> int:
    return await ctx.wait_for_condition(one_more, initial_state=0, config=until_at_least(threshold))


@SUITE.plays("6-1")
@durable_execution
def a_counter_blocking(threshold: int, ctx: blocking.DurableContext) -> int:
    return ctx.wait_for_condition(one_more, initial_state=0, config=until_at_least(threshold))


def unchanged(number: int) -> int:
    return number


@SUITE.plays("6-2")
@durable_execution
async def a_condition_that_holds(threshold: int, ctx: DurableContext) -> int:
    return await ctx.wait_for_condition(unchanged, initial_state=5, config=until_at_least(threshold))


@SUITE.plays("6-2")
@durable_execution
def a_condition_that_holds_blocking(threshold: int, ctx: blocking.DurableContext) -> int:
    return ctx.wait_for_condition(unchanged, initial_state=5, config=until_at_least(threshold))


@SUITE.plays("6-3")
@durable_execution
async def a_named_condition(threshold: int, ctx: DurableContext) -> int:
    config = until_at_least(threshold)
    return await ctx.wait_for_condition(one_more, initial_state=0, name="poll-status", config=config)


@SUITE.plays("6-3")
@durable_execution
def a_named_condition_blocking(threshold: int, ctx: blocking.DurableContext) -> int:
    config = until_at_least(threshold)
    return ctx.wait_for_condition(one_more, initial_state=0, name="poll-status", config=config)


@SUITE.plays("6-4")
@durable_execution
async def a_counter_from_five(threshold: int, ctx: DurableContext) -> int:
    return await ctx.wait_for_condition(one_more, initial_state=5, config=until_at_least(threshold))


@SUITE.plays("6-4")
@durable_execution
def a_counter_from_five_blocking(threshold: int, ctx: blocking.DurableContext) -> int:
    return ctx.wait_for_condition(one_more, initial_state=5, config=until_at_least(threshold))


async def fail(number: int) -> int:
    raise RuntimeError("the check fails")


def fail_blocking(number: int) -> int:
    raise RuntimeError("the check fails")


@SUITE.plays("6-7")
@durable_execution
async def a_check_that_fails(event: object, ctx: DurableContext) -> int:
    return await ctx.wait_for_condition(fail, initial_state=0, config=until_at_least(1))


@SUITE.plays("6-7")
@durable_execution
def a_check_that_fails_blocking(event: object, ctx: blocking.DurableContext) -> int:
    return ctx.wait_for_condition(fail_blocking, initial_state=0, config=until_at_least(1))


@SUITE.plays("6-8")
@durable_execution
async def a_check_whose_failure_is_caught(event: object, ctx: DurableContext) -> int | str:
    try:
        return await ctx.wait_for_condition(fail, initial_state=0, config=until_at_least(1))
    except ConditionNotMetError:
        return "recovered"


@SUITE.plays("6-8")
@durable_execution
def a_check_whose_failure_is_caught_blocking(event: object, ctx: blocking.DurableContext) -> int | str:
    try:
        return ctx.wait_for_condition(fail_blocking, initial_state=0, config=until_at_least(1))
    except ConditionNotMetError:
        return "recovered"


@dataclass
class Job:
    status: str
    attempts: int


def look_at(job: Job) -> Job:
    attempts = job.attempts + 1
    return Job("DONE" if attempts == 2 else "PENDING", attempts)


PENDING = Job("PENDING", 0)
UNTIL_DONE: WaitForConditionConfig[Job] = WaitForConditionConfig(
    wait_strategy=poll_every(SECOND, until=lambda job: job.status == "DONE")
)


@SUITE.plays("6-9")
@durable_execution
async def a_state_with_members(event: object, ctx: DurableContext) -> Job:
    return await ctx.wait_for_condition(look_at, initial_state=PENDING, config=UNTIL_DONE)


@SUITE.plays("6-9")
@durable_execution
def a_state_with_members_blocking(event: object, ctx: blocking.DurableContext) -> Job:
    return ctx.wait_for_condition(look_at, initial_state=PENDING, config=UNTIL_DONE)


def nothing(state: None) -> None:
    pass


AT_ONCE: WaitForConditionConfig[None] = WaitForConditionConfig(
    wait_strategy=poll_every(SECOND, until=lambda state: True)
)


@SUITE.plays("6-10")
@durable_execution
async def no_state(event: object, ctx: DurableContext) -> None:
    return await ctx.wait_for_condition(nothing, initial_state=None, config=AT_ONCE)


@SUITE.plays("6-10")
@durable_execution
def no_state_blocking(event: object, ctx: blocking.DurableContext) -> None:
    return ctx.wait_for_condition(nothing, initial_state=None, config=AT_ONCE)


class Hexadecimal:
    """Records text by the numbers of its bytes."""

    def serialize(self, value: str, context: SerDesContext) -> str:
        return value.encode().hex()

    def deserialize(self, data: str, context: SerDesContext) -> str:
        return bytes.fromhex(data).decode()


def one_x_more(text: str) -> str:
    return text + "x"


UNTIL_TWO_LONG: WaitForConditionConfig[str] = WaitForConditionConfig(
    wait_strategy=poll_every(SECOND, until=lambda text: len(text) == 2), serdes=Hexadecimal()
)


@SUITE.plays("6-11")
@durable_execution
async def a_serdes_of_ones_own(event: object, ctx: DurableContext) -> str:
    return await ctx.wait_for_condition(one_x_more, initial_state="", config=UNTIL_TWO_LONG)


@SUITE.plays("6-11")
@durable_execution
def a_serdes_of_ones_own_blocking(event: object, ctx: blocking.DurableContext) -> str:
    return ctx.wait_for_condition(one_x_more, initial_state="", config=UNTIL_TWO_LONG)


def times_ten(number: int) -> int:
    return number * 10


@SUITE.plays("6-12")
@durable_execution
async def a_condition_before_a_step(threshold: int, ctx: DurableContext) -> int:
    number = await ctx.wait_for_condition(one_more, initial_state=0, config=until_at_least(threshold))
    return await ctx.step(times_ten, number)


@SUITE.plays("6-12")
@durable_execution
def a_condition_before_a_step_blocking(threshold: int, ctx: blocking.DurableContext) -> int:
    number = ctx.wait_for_condition(one_more, initial_state=0, config=until_at_least(threshold))
    return ctx.step(times_ten, number)
