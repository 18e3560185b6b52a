"""Handlers of the suite ``map``."""

from __future__ import annotations

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
    BatchItem,
    BatchResult,
    CompletionReason,
    DurableContext,
    Duration,
    ItemStatus,
    MapConfig,
    SerDesContext,
    blocking,
    durable_execution,
)

SUITE = Suite()

SECOND = Duration.from_seconds(1)
ONE_AT_A_TIME = MapConfig(max_concurrency=1)


def greeting(name: str) -> str:
    return f"Hello, {name}!"


async def greet(ctx: DurableContext, name: str, index: int) -> str:
    return await ctx.step(greeting, name)


def greet_blocking(ctx: blocking.DurableContext, name: str, index: int) -> str:
    return ctx.step(greeting, name)


@SUITE.plays("9-1")
@durable_execution
async def a_step_for_each_item(names: list[str], ctx: DurableContext) -> list[str]:
    batch = await ctx.map(names, greet, name="map", config=ONE_AT_A_TIME)
    return batch.results


@SUITE.plays("9-1")
@durable_execution
def a_step_for_each_item_blocking(names: list[str], ctx: blocking.DurableContext) -> list[str]:
    batch = ctx.map(names, greet_blocking, name="map", config=ONE_AT_A_TIME)
    return batch.results


async def doubled(ctx: DurableContext, number: int, index: int) -> int:
    return 2 * number


def doubled_blocking(ctx: blocking.DurableContext, number: int, index: int) -> int:
    return 2 * number


@SUITE.plays("9-2")
@durable_execution
async def a_map_without_a_name(numbers: list[int], ctx: DurableContext) -> list[int]:
    batch = await ctx.map(numbers, doubled, config=ONE_AT_A_TIME)
    return batch.results


@SUITE.plays("9-2")
@durable_execution
def a_map_without_a_name_blocking(numbers: list[int], ctx: blocking.DurableContext) -> list[int]:
    batch = ctx.map(numbers, doubled_blocking, config=ONE_AT_A_TIME)
    return batch.results


async def plus_index(ctx: DurableContext, number: int, index: int) -> int:
    return number + index


def plus_index_blocking(ctx: blocking.DurableContext, number: int, index: int) -> int:
    return number + index


@SUITE.plays("9-3")
@durable_execution
async def items_and_their_indexes(numbers: list[int], ctx: DurableContext) -> list[int]:
    batch = await ctx.map(numbers, plus_index, name="indexed", config=ONE_AT_A_TIME)
    return batch.results


@SUITE.plays("9-3")
@durable_execution
def items_and_their_indexes_blocking(numbers: list[int], ctx: blocking.DurableContext) -> list[int]:
    batch = ctx.map(numbers, plus_index_blocking, name="indexed", config=ONE_AT_A_TIME)
    return batch.results


@SUITE.plays("9-4")
@durable_execution
async def no_items(names: list[str], ctx: DurableContext) -> list[str]:
    batch = await ctx.map(names, greet, name="empty")
    return batch.results


@SUITE.plays("9-4")
@durable_execution
def no_items_blocking(names: list[str], ctx: blocking.DurableContext) -> list[str]:
    batch = ctx.map(names, greet_blocking, name="empty")
    return batch.results


async def unless_bad(ctx: DurableContext, item: str, index: int) -> str:
    if item == "bad":
        raise RuntimeError("the item is bad")
    return item


def unless_bad_blocking(ctx: blocking.DurableContext, item: str, index: int) -> str:
    if item == "bad":
        raise RuntimeError("the item is bad")
    return item


UNTIL_ONE_FAILS = MapConfig(max_concurrency=1, completion=FAIL_FAST)


@SUITE.plays("9-5")
@durable_execution
async def a_failure_that_stops(event: object, ctx: DurableContext) -> Outcome:
    return outcome(await ctx.map(["ok", "bad", "never"], unless_bad, name="failfast", config=UNTIL_ONE_FAILS))


@SUITE.plays("9-5")
@durable_execution
def a_failure_that_stops_blocking(event: object, ctx: blocking.DurableContext) -> Outcome:
    return outcome(ctx.map(["ok", "bad", "never"], unless_bad_blocking, name="failfast", config=UNTIL_ONE_FAILS))


@SUITE.plays("9-6")
@durable_execution
async def a_failure_that_is_raised(event: object, ctx: DurableContext) -> list[str]:
    batch = await ctx.map(["bad", "never"], unless_bad, name="throwing", config=UNTIL_ONE_FAILS)
    batch.raise_if_failed()
    return batch.results


@SUITE.plays("9-6")
@durable_execution
def a_failure_that_is_raised_blocking(event: object, ctx: blocking.DurableContext) -> list[str]:
    batch = ctx.map(["bad", "never"], unless_bad_blocking, name="throwing", config=UNTIL_ONE_FAILS)
    batch.raise_if_failed()
    return batch.results


UNTIL_TWO_SUCCEED = MapConfig(max_concurrency=1, completion=TWO_SUFFICE)


@SUITE.plays("9-7")
@durable_execution
async def enough_successes(event: object, ctx: DurableContext) -> Successes:
    items = ["a", "b", "never", "never"]
    return successes(await ctx.map(items, unless_bad, name="min-successful", config=UNTIL_TWO_SUCCEED))


@SUITE.plays("9-7")
@durable_execution
def enough_successes_blocking(event: object, ctx: blocking.DurableContext) -> Successes:
    items = ["a", "b", "never", "never"]
    return successes(ctx.map(items, unless_bad_blocking, name="min-successful", config=UNTIL_TWO_SUCCEED))


UNTIL_TWO_FAIL = MapConfig(max_concurrency=1, completion=ONE_MAY_FAIL)


@SUITE.plays("9-8")
@durable_execution
async def a_failure_that_is_tolerated(event: object, ctx: DurableContext) -> Outcome:
    return outcome(await ctx.map(["ok", "bad", "ok"], unless_bad, name="tolerated", config=UNTIL_TWO_FAIL))


@SUITE.plays("9-8")
@durable_execution
def a_failure_that_is_tolerated_blocking(event: object, ctx: blocking.DurableContext) -> Outcome:
    return outcome(ctx.map(["ok", "bad", "ok"], unless_bad_blocking, name="tolerated", config=UNTIL_TWO_FAIL))


@SUITE.plays("9-9")
@durable_execution
async def too_many_failures(event: object, ctx: DurableContext) -> Counts:
    return counts(await ctx.map(["bad", "bad", "never"], unless_bad, name="tolerated-exceeded", config=UNTIL_TWO_FAIL))


@SUITE.plays("9-9")
@durable_execution
def too_many_failures_blocking(event: object, ctx: blocking.DurableContext) -> Counts:
    batch = ctx.map(["bad", "bad", "never"], unless_bad_blocking, name="tolerated-exceeded", config=UNTIL_TWO_FAIL)
    return counts(batch)


UNTIL_A_QUARTER_FAILS = MapConfig(max_concurrency=1, completion=A_QUARTER_MAY_FAIL)


@SUITE.plays("9-10")
@durable_execution
async def too_large_a_share_of_failures(event: object, ctx: DurableContext) -> Counts:
    items = ["bad", "bad", "never", "never"]
    return counts(await ctx.map(items, unless_bad, name="tolerated-pct", config=UNTIL_A_QUARTER_FAILS))


@SUITE.plays("9-10")
@durable_execution
def too_large_a_share_of_failures_blocking(event: object, ctx: blocking.DurableContext) -> Counts:
    items = ["bad", "bad", "never", "never"]
    return counts(ctx.map(items, unless_bad_blocking, name="tolerated-pct", config=UNTIL_A_QUARTER_FAILS))


TWO_AT_A_TIME = MapConfig(max_concurrency=2)


@SUITE.plays("9-11")
@durable_execution
async def two_at_a_time(event: object, ctx: DurableContext) -> list[str]:
    batch = await ctx.map(["r0", "r1", "r2"], unless_bad, name="concurrent", config=TWO_AT_A_TIME)
    return batch.results


@SUITE.plays("9-11")
@durable_execution
def two_at_a_time_blocking(event: object, ctx: blocking.DurableContext) -> list[str]:
    batch = ctx.map(["r0", "r1", "r2"], unless_bad_blocking, name="concurrent", config=TWO_AT_A_TIME)
    return batch.results


async def in_capitals(ctx: DurableContext, text: str, index: int) -> str:
    return text.upper()


def in_capitals_blocking(ctx: blocking.DurableContext, text: str, index: int) -> str:
    return text.upper()


class Wrapped:
    """Records the text of an item as no JSON."""

    def serialize(self, value: str, context: SerDesContext) -> str:
        return f"wrapped:{value}"

    def deserialize(self, data: str, context: SerDesContext) -> str:
        return data.removeprefix("wrapped:")


ITEMS_WRAPPED = MapConfig(max_concurrency=1, item_serdes=Wrapped())


@SUITE.plays("9-14")
@durable_execution
async def a_serdes_for_items(event: object, ctx: DurableContext) -> list[str]:
    batch = await ctx.map(["x", "y"], in_capitals, name="serdes", config=ITEMS_WRAPPED)
    return batch.results


@SUITE.plays("9-14")
@durable_execution
def a_serdes_for_items_blocking(event: object, ctx: blocking.DurableContext) -> list[str]:
    batch = ctx.map(["x", "y"], in_capitals_blocking, name="serdes", config=ITEMS_WRAPPED)
    return batch.results


def same(text: str) -> str:
    return text


async def later(ctx: DurableContext, text: str, index: int) -> str:
    """Every item but the first waits before its step."""
    if index > 0:
        await ctx.wait(SECOND)
    return await ctx.step(same, text)


def later_blocking(ctx: blocking.DurableContext, text: str, index: int) -> str:
    """Every item but the first waits before its step."""
    if index > 0:
        ctx.wait(SECOND)
    return ctx.step(same, text)


@SUITE.plays("9-15")
@durable_execution
async def a_wait_for_an_item(event: object, ctx: DurableContext) -> list[str]:
    batch = await ctx.map(["r0", "r1"], later, name="suspend", config=ONE_AT_A_TIME)
    return batch.results


@SUITE.plays("9-15")
@durable_execution
def a_wait_for_an_item_blocking(event: object, ctx: blocking.DurableContext) -> list[str]:
    batch = ctx.map(["r0", "r1"], later_blocking, name="suspend", config=ONE_AT_A_TIME)
    return batch.results


@SUITE.plays("9-17")
@durable_execution
async def a_map_before_a_wait(event: object, ctx: DurableContext) -> list[str]:
    batch = await ctx.map(["a", "b"], in_capitals, name="then-wait", config=ONE_AT_A_TIME)
    await ctx.wait(SECOND)
    return batch.results


@SUITE.plays("9-17")
@durable_execution
def a_map_before_a_wait_blocking(event: object, ctx: blocking.DurableContext) -> list[str]:
    batch = ctx.map(["a", "b"], in_capitals_blocking, name="then-wait", config=ONE_AT_A_TIME)
    ctx.wait(SECOND)
    return batch.results


class Joined:
    """Records a whole batch of texts as one."""

    def serialize(self, value: BatchResult[str], context: SerDesContext) -> str:
        return "OPSERDE:" + ",".join(value.results)

    def deserialize(self, data: str, context: SerDesContext) -> BatchResult[str]:
        texts = data.removeprefix("OPSERDE:").split(",")
        items = [BatchItem(index, None, ItemStatus.SUCCEEDED, text) for index, text in enumerate(texts)]
        return BatchResult(items, CompletionReason.ALL_COMPLETED)


ALL_JOINED = MapConfig(max_concurrency=1, serdes=Joined())


@SUITE.plays("9-19")
@durable_execution
async def a_serdes_for_the_batch(event: object, ctx: DurableContext) -> list[str]:
    batch = await ctx.map(["x", "y"], in_capitals, name="op-serde", config=ALL_JOINED)
    return batch.results


@SUITE.plays("9-19")
@durable_execution
def a_serdes_for_the_batch_blocking(event: object, ctx: blocking.DurableContext) -> list[str]:
    batch = ctx.map(["x", "y"], in_capitals_blocking, name="op-serde", config=ALL_JOINED)
    return batch.results
