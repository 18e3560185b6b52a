"""The hooks of batches, of combinators, and of what stands in them."""

from __future__ import annotations

import pytest
from both_flavours import Body, both_flavours
from plugin_runs import HOUR, ONCE, SECOND, run, told_of

from durable_core import DurableContext, MapConfig


def fail() -> str:
    raise LookupError("no")


@both_flavours
def test_a_batch_ends_as_succeeded_though_branches_failed_and_those_not_begun_have_no_hooks(flavour: str) -> None:
    async def branch(ctx: DurableContext, item: str, index: int) -> str:
        return await ctx.step(fail, config=ONCE)

    async def body(ctx: DurableContext) -> int:
        config = MapConfig[str](max_concurrency=1, item_namer=lambda item, index: item)
        return (await ctx.map(["a", "b"], branch, name="all", config=config)).failure_count

    story, result = run(flavour, body)
    assert result.value == 1
    assert story.of("all") == ["operation_start Map all", "operation_end Map all SUCCEEDED"]
    assert story.of("a") == [
        "operation_start MapIteration a",
        "attempt_start MapIteration a",
        "attempt_end MapIteration a FAILED LookupError",
        "operation_end MapIteration a FAILED",
    ]
    assert story.of("b") == []


async def quick(ctx: DurableContext) -> str:
    return await ctx.step(str, name="quick")


async def slow(ctx: DurableContext) -> None:
    await ctx.wait(HOUR, name="an hour")


async def failing(ctx: DurableContext) -> str:
    return await ctx.step(fail, config=ONCE)


COMBINED: dict[str, Body] = {
    "all": lambda ctx: ctx.all([quick, quick], name="some"),
    "any": lambda ctx: ctx.any([quick, slow], name="some"),
    "race": lambda ctx: ctx.race([quick, slow], name="some"),
    "all_settled": lambda ctx: ctx.all_settled([failing, quick], name="some"),
}


@both_flavours
@pytest.mark.parametrize("combinator", COMBINED)
def test_a_combinator_starts_before_its_operands_and_ends_once(flavour: str, combinator: str) -> None:
    async def body(ctx: DurableContext) -> None:
        await COMBINED[combinator](ctx)

    story = told_of(flavour, body, verify=False)
    assert story.of("some") == ["operation_start Combinator some", "operation_end Combinator some SUCCEEDED"]
    assert story.lines("operation_start")[0] == "operation_start Combinator some"


@both_flavours
def test_a_combinator_that_is_resumed_has_started_before(flavour: str) -> None:
    async def body(ctx: DurableContext) -> None:
        await ctx.all([quick, slow], name="some")

    story = told_of(flavour, body, verify=False)
    assert [each.is_replayed for each in story.infos("operation_start", "some")] == [False, True]


@both_flavours
def test_an_operand_that_failed_before_the_winner_ends_as_failed(flavour: str) -> None:
    async def later(ctx: DurableContext) -> str:
        await ctx.wait(SECOND)
        return await ctx.step(str, name="won")

    async def body(ctx: DurableContext) -> None:
        await ctx.any([failing, later], name="some")

    story = told_of(flavour, body, verify=False)
    assert story.of("fail")[-1] == "operation_end Step fail FAILED"
    assert len(story.infos("operation_end", "failing")) == 1
    assert story.of("some")[-1] == "operation_end Combinator some SUCCEEDED"


@both_flavours
def test_a_wait_that_lost_a_race_ends_once_as_cancelled(flavour: str) -> None:
    async def body(ctx: DurableContext) -> None:
        await ctx.race([quick, slow])
        await ctx.step(str, name="after")
        await ctx.wait(SECOND)
        await ctx.wait(SECOND)

    story = told_of(flavour, body, verify=False)
    assert story.of("an hour") == ["operation_start Wait an hour", "operation_end Wait an hour CANCELLED"]
    assert not story.infos("attempt_end", "slow")
