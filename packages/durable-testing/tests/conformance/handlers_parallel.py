"""Handlers of the suite ``parallel``."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypedDict, TypeVar

from conformance_handlers import Suite
from handlers_batches import (
    A_QUARTER_MAY_FAIL,
    FAIL_FAST,
    ONE_MAY_FAIL,
    TWO_SUFFICE,
    Counts,
    Outcome,
    Successes,
    counts,
    outcome,
    successes,
)

from durable_core import (
    BatchResult,
    CompletionConfig,
    DurableContext,
    Nesting,
    ParallelBranch,
    ParallelConfig,
    SerDesContext,
    blocking,
    durable_execution,
)

T = TypeVar("T")

SUITE = Suite()

ONE_AT_A_TIME = ParallelConfig(max_concurrency=1)


def same(text: str) -> str:
    return text


def step(text: str) -> Callable[[DurableContext], Awaitable[str]]:
    """A branch of one step."""

    async def branch(ctx: DurableContext) -> str:
        return await ctx.step(same, text)

    return branch


def step_blocking(text: str) -> Callable[[blocking.DurableContext], str]:
    """A branch of one step."""

    def branch(ctx: blocking.DurableContext) -> str:
        return ctx.step(same, text)

    return branch


def just(value: T) -> Callable[[DurableContext], Awaitable[T]]:
    """A branch without operations."""

    async def branch(ctx: DurableContext) -> T:
        return value

    return branch


def just_blocking(value: T) -> Callable[[blocking.DurableContext], T]:
    """A branch without operations."""

    def branch(ctx: blocking.DurableContext) -> T:
        return value

    return branch


async def fail(ctx: DurableContext) -> str:
    raise RuntimeError("the branch fails")


def fail_blocking(ctx: blocking.DurableContext) -> str:
    raise RuntimeError("the branch fails")


@SUITE.plays("8-1")
@durable_execution
async def a_step_in_each_branch(event: object, ctx: DurableContext) -> list[str]:
    batch = await ctx.parallel([step("task-1"), step("task-2")], name="parallel", config=ONE_AT_A_TIME)
    return batch.results


@SUITE.plays("8-1")
@durable_execution
def a_step_in_each_branch_blocking(event: object, ctx: blocking.DurableContext) -> list[str]:
    batch = ctx.parallel([step_blocking("task-1"), step_blocking("task-2")], name="parallel", config=ONE_AT_A_TIME)
    return batch.results


@SUITE.plays("8-2")
@durable_execution
async def a_parallel_without_a_name(event: object, ctx: DurableContext) -> list[str]:
    batch = await ctx.parallel([just("alpha"), just("beta")], config=ONE_AT_A_TIME)
    return batch.results


@SUITE.plays("8-2")
@durable_execution
def a_parallel_without_a_name_blocking(event: object, ctx: blocking.DurableContext) -> list[str]:
    batch = ctx.parallel([just_blocking("alpha"), just_blocking("beta")], config=ONE_AT_A_TIME)
    return batch.results


@SUITE.plays("8-3")
@durable_execution
async def named_branches(event: object, ctx: DurableContext) -> list[str]:
    branches = [ParallelBranch(just("one"), "first"), ParallelBranch(just("two"), "second")]
    batch = await ctx.parallel(branches, name="named", config=ONE_AT_A_TIME)
    return batch.results


@SUITE.plays("8-3")
@durable_execution
def named_branches_blocking(event: object, ctx: blocking.DurableContext) -> list[str]:
    branches = [ParallelBranch(just_blocking("one"), "first"), ParallelBranch(just_blocking("two"), "second")]
    batch = ctx.parallel(branches, name="named", config=ONE_AT_A_TIME)
    return batch.results


@SUITE.plays("8-4")
@durable_execution
async def results_of_different_types(event: object, ctx: DurableContext) -> list[Any]:
    branches = [just("hello"), just(42), just({"k": "v"})]
    batch = await ctx.parallel(branches, name="hetero", config=ONE_AT_A_TIME)
    return batch.results


@SUITE.plays("8-4")
@durable_execution
def results_of_different_types_blocking(event: object, ctx: blocking.DurableContext) -> list[Any]:
    branches = [just_blocking("hello"), just_blocking(42), just_blocking({"k": "v"})]
    batch = ctx.parallel(branches, name="hetero", config=ONE_AT_A_TIME)
    return batch.results


@SUITE.plays("8-5")
@durable_execution
async def no_branches(event: object, ctx: DurableContext) -> list[str]:
    batch = await ctx.parallel([], name="empty")
    return batch.results


@SUITE.plays("8-5")
@durable_execution
def no_branches_blocking(event: object, ctx: blocking.DurableContext) -> list[str]:
    batch = ctx.parallel([], name="empty")
    return batch.results


UNTIL_ONE_FAILS = ParallelConfig(max_concurrency=1, completion=FAIL_FAST)


@SUITE.plays("8-6")
@durable_execution
async def a_failure_that_stops(event: object, ctx: DurableContext) -> Outcome:
    return outcome(await ctx.parallel([just("ok"), fail, just("never")], name="failfast", config=UNTIL_ONE_FAILS))


@SUITE.plays("8-6")
@durable_execution
def a_failure_that_stops_blocking(event: object, ctx: blocking.DurableContext) -> Outcome:
    branches = [just_blocking("ok"), fail_blocking, just_blocking("never")]
    return outcome(ctx.parallel(branches, name="failfast", config=UNTIL_ONE_FAILS))


UNTIL_TWO_SUCCEED = ParallelConfig(max_concurrency=1, completion=TWO_SUFFICE)


@SUITE.plays("8-8")
@durable_execution
async def enough_successes(event: object, ctx: DurableContext) -> Successes:
    branches = [just("a"), just("b"), just("never"), just("never")]
    return successes(await ctx.parallel(branches, name="min-successful", config=UNTIL_TWO_SUCCEED))


@SUITE.plays("8-8")
@durable_execution
def enough_successes_blocking(event: object, ctx: blocking.DurableContext) -> Successes:
    branches = [just_blocking(text) for text in ("a", "b", "never", "never")]
    return successes(ctx.parallel(branches, name="min-successful", config=UNTIL_TWO_SUCCEED))


UNTIL_TWO_FAIL = ParallelConfig(max_concurrency=1, completion=ONE_MAY_FAIL)


@SUITE.plays("8-9")
@durable_execution
async def a_failure_that_is_tolerated(event: object, ctx: DurableContext) -> Outcome:
    return outcome(await ctx.parallel([just("a"), fail, just("b")], name="tolerated", config=UNTIL_TWO_FAIL))


@SUITE.plays("8-9")
@durable_execution
def a_failure_that_is_tolerated_blocking(event: object, ctx: blocking.DurableContext) -> Outcome:
    branches = [just_blocking("a"), fail_blocking, just_blocking("b")]
    return outcome(ctx.parallel(branches, name="tolerated", config=UNTIL_TWO_FAIL))


@SUITE.plays("8-10")
@durable_execution
async def too_many_failures(event: object, ctx: DurableContext) -> Counts:
    return counts(await ctx.parallel([fail, fail, just("never")], name="tolerated-exceeded", config=UNTIL_TWO_FAIL))


@SUITE.plays("8-10")
@durable_execution
def too_many_failures_blocking(event: object, ctx: blocking.DurableContext) -> Counts:
    branches = [fail_blocking, fail_blocking, just_blocking("never")]
    return counts(ctx.parallel(branches, name="tolerated-exceeded", config=UNTIL_TWO_FAIL))


TWO_AT_A_TIME = ParallelConfig(max_concurrency=2)


@SUITE.plays("8-11")
@durable_execution
async def two_at_a_time(event: object, ctx: DurableContext) -> list[str]:
    batch = await ctx.parallel([just("r0"), just("r1"), just("r2")], name="concurrent", config=TWO_AT_A_TIME)
    return batch.results


@SUITE.plays("8-11")
@durable_execution
def two_at_a_time_blocking(event: object, ctx: blocking.DurableContext) -> list[str]:
    branches = [just_blocking(text) for text in ("r0", "r1", "r2")]
    batch = ctx.parallel(branches, name="concurrent", config=TWO_AT_A_TIME)
    return batch.results


FLAT = ParallelConfig(max_concurrency=1, nesting=Nesting.FLAT)


@SUITE.plays("8-12")
@durable_execution
async def flat_branches(event: object, ctx: DurableContext) -> list[str]:
    batch = await ctx.parallel([step("fa"), step("fb")], name="flat", config=FLAT)
    return batch.results


@SUITE.plays("8-12")
@durable_execution
def flat_branches_blocking(event: object, ctx: blocking.DurableContext) -> list[str]:
    batch = ctx.parallel([step_blocking("fa"), step_blocking("fb")], name="flat", config=FLAT)
    return batch.results


UNTIL_A_QUARTER_FAILS = ParallelConfig(max_concurrency=1, completion=A_QUARTER_MAY_FAIL)


@SUITE.plays("8-13")
@durable_execution
async def too_large_a_share_of_failures(event: object, ctx: DurableContext) -> Counts:
    branches = [fail, fail, just("never"), just("never")]
    return counts(await ctx.parallel(branches, name="tolerated-pct", config=UNTIL_A_QUARTER_FAILS))


@SUITE.plays("8-13")
@durable_execution
def too_large_a_share_of_failures_blocking(event: object, ctx: blocking.DurableContext) -> Counts:
    branches = [fail_blocking, fail_blocking, just_blocking("never"), just_blocking("never")]
    return counts(ctx.parallel(branches, name="tolerated-pct", config=UNTIL_A_QUARTER_FAILS))


class Wrapped:
    """Records the result of a branch in an envelope."""

    def serialize(self, value: str, context: SerDesContext) -> str:
        return json.dumps({"wrapped": value})

    def deserialize(self, data: str, context: SerDesContext) -> str:
        return str(json.loads(data)["wrapped"])


BRANCHES_WRAPPED = ParallelConfig(max_concurrency=1, item_serdes=Wrapped())


@SUITE.plays("8-15")
@durable_execution
async def a_serdes_for_branches(event: object, ctx: DurableContext) -> list[str]:
    batch = await ctx.parallel([just("x"), just("y")], name="serde", config=BRANCHES_WRAPPED)
    return batch.results


@SUITE.plays("8-15")
@durable_execution
def a_serdes_for_branches_blocking(event: object, ctx: blocking.DurableContext) -> list[str]:
    batch = ctx.parallel([just_blocking("x"), just_blocking("y")], name="serde", config=BRANCHES_WRAPPED)
    return batch.results


UNTIL_FOUR_FAIL = ParallelConfig(max_concurrency=1, completion=CompletionConfig(tolerated_failure_count=3))


@SUITE.plays("8-16")
@durable_execution
async def nothing_but_failures(event: object, ctx: DurableContext) -> Outcome:
    return outcome(await ctx.parallel([fail, fail, fail], name="all-fail", config=UNTIL_FOUR_FAIL))


@SUITE.plays("8-16")
@durable_execution
def nothing_but_failures_blocking(event: object, ctx: blocking.DurableContext) -> Outcome:
    return outcome(ctx.parallel([fail_blocking] * 3, name="all-fail", config=UNTIL_FOUR_FAIL))


@SUITE.plays("8-19")
@durable_execution
async def none_at_a_time(event: object, ctx: DurableContext) -> list[str]:
    config = ParallelConfig(max_concurrency=0)
    batch = await ctx.parallel([just("a"), just("b")], name="bad-concurrency", config=config)
    return batch.results


@SUITE.plays("8-19")
@durable_execution
def none_at_a_time_blocking(event: object, ctx: blocking.DurableContext) -> list[str]:
    config = ParallelConfig(max_concurrency=0)
    batch = ctx.parallel([just_blocking("a"), just_blocking("b")], name="bad-concurrency", config=config)
    return batch.results


class Lengths(TypedDict):
    hasFailure: bool
    successCount: int
    failureCount: int
    errorCount: int


def lengths(batch: BatchResult[Any]) -> Lengths:
    """What the lists of a batch say."""
    return {
        "hasFailure": batch.has_failures,
        "successCount": len(batch.succeeded),
        "failureCount": len(batch.failed),
        "errorCount": len(batch.errors),
    }


@SUITE.plays("8-20")
@durable_execution
async def the_lists_of_a_batch(event: object, ctx: DurableContext) -> Lengths:
    return lengths(await ctx.parallel([just("a"), fail, just("b")], name="accessors", config=UNTIL_TWO_FAIL))


@SUITE.plays("8-20")
@durable_execution
def the_lists_of_a_batch_blocking(event: object, ctx: blocking.DurableContext) -> Lengths:
    branches = [just_blocking("a"), fail_blocking, just_blocking("b")]
    return lengths(ctx.parallel(branches, name="accessors", config=UNTIL_TWO_FAIL))
