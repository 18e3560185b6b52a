"""A workflow is the same in both flavours: what one has begun, the other could go on with."""

from __future__ import annotations

from typing import Any

import pytest
from both_flavours import FLAVOURS, handler_of
from fan_out_programs import CASES, HOUR, PROGRAMS, branch, case_of, double, later, operand
from fan_out_runs import Body, records, run

from durable_core import CompletionConfig, DurableContext, Duration, FixedDelay, MapConfig, Nesting, StepConfig

both_nestings = pytest.mark.parametrize("nesting", Nesting)


def check_same(body: Body) -> None:
    """The flavours record the same of *body*, and give the same; what losers have done by their end is left out."""
    results = [run(handler_of(flavour, body), verify_replay=False) for flavour in FLAVOURS]
    assert results[0].value == results[1].value
    assert records(results[0]) == records(results[1])


@both_nestings
@pytest.mark.parametrize("case", CASES)
def test_a_map_records_the_same_in_both_flavours(case: str, nesting: Nesting) -> None:
    check_same(case_of(case, nesting)[0])


@pytest.mark.parametrize("body", PROGRAMS, ids=lambda body: body.__name__)
def test_a_combinator_records_the_same_in_both_flavours(body: Body) -> None:
    check_same(body)


async def map_of_maps(ctx: DurableContext) -> Any:
    async def inner(ctx: DurableContext, item: int, index: int) -> int:
        await ctx.wait(Duration.from_hours(1 + item))
        return await ctx.step(double, item)

    async def outer(ctx: DurableContext, item: int, index: int) -> int:
        return sum((await ctx.map(range(item), inner)).results)

    return (await ctx.map([1, 3, 2], outer)).results


async def a_race_in_each_branch(ctx: DurableContext) -> Any:
    async def raced(ctx: DurableContext, item: int, index: int) -> int:
        return await ctx.race([operand(later, 3, item), operand(later, 1 + item, 2 * item), operand(later, 9, 3)])

    return (await ctx.map([0, 1, 4], raced)).results


async def a_map_in_each_operand(ctx: DurableContext) -> Any:
    async def mapped(ctx: DurableContext, first: int) -> list[int]:
        batch = await ctx.map([first, first + 1], branch, config=MapConfig(max_concurrency=1))
        return [each.number for each in batch.results]

    return await ctx.all([operand(mapped, 11), operand(mapped, 1)])


async def children_and_parallel(ctx: DurableContext) -> Any:
    async def inside(ctx: DurableContext) -> int:
        await ctx.wait(HOUR)
        return await ctx.step(double, 8)

    async def outside(ctx: DurableContext) -> int:
        return await ctx.run_in_child_context(inside, name="inside")

    batch = await ctx.parallel({"a": outside, "b": inside, "c": outside}, name="three")
    return batch.results


async def retries(ctx: DurableContext) -> Any:
    async def stubborn(ctx: DurableContext, item: int, index: int) -> int:
        tries: list[int] = []

        async def attempt() -> int:
            tries.append(1)
            raise LookupError(f"{item} not yet")

        try:
            return await ctx.step(attempt, config=StepConfig(retry_strategy=FixedDelay(2 + item, HOUR)))
        except LookupError:
            return await ctx.step(double, item)

    return (await ctx.map([0, 1, 2], stubborn)).results


async def first_of_nested_batches(ctx: DurableContext) -> Any:
    """Losers that are batches, whose branches wait."""

    async def batch(ctx: DurableContext, hours: int, index: int) -> int:
        return sum((await ctx.map([hours, hours + 1], later)).results)

    done = await ctx.map([3, 1, 5], batch, config=MapConfig(completion=CompletionConfig.first_successful()))
    return [str(item.status) for item in done.items]


DEEPER = [
    map_of_maps,
    a_race_in_each_branch,
    a_map_in_each_operand,
    children_and_parallel,
    retries,
    first_of_nested_batches,
]


@pytest.mark.parametrize("body", DEEPER, ids=lambda body: body.__name__)
def test_nested_fan_outs_record_the_same_in_both_flavours(body: Body) -> None:
    check_same(body)
