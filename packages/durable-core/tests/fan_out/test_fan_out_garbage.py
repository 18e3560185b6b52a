"""Garbage collection while very many branches are alive: less to look at, and nothing changed afterwards."""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator
from typing import Any

import pytest

from durable_core import CompletionConfig, DurableContext, Duration, MapConfig, ServiceLimits, durable_execution
from durable_testing import LocalRunner

MANY = 1_100
FEW = 400


@pytest.fixture(autouse=True)
def as_it_was() -> Generator[None]:
    """The collector works, and nothing is frozen, before and after each test."""
    gc.enable()
    gc.unfreeze()
    yield
    gc.enable()
    gc.unfreeze()


def frozen_in_branches(items: int, last: Callable[[DurableContext], Any], config: MapConfig[Any] | None = None) -> int:
    """How many objects are frozen while a map of so many *items* runs, seen in the step of its last branch."""
    seen: list[int] = []

    async def look() -> None:
        seen.append(gc.get_freeze_count())

    async def branch(ctx: DurableContext, item: int, index: int) -> None:
        await ctx.step(str, name="first")
        if item == items - 1:
            await ctx.step(look)
            await last(ctx)

    @durable_execution(limits=ServiceLimits.CURRENT)
    async def workflow(event: object, ctx: DurableContext) -> None:
        try:
            await ctx.map(range(items), branch, config=config)
        except LookupError:
            pass

    with LocalRunner(workflow, verify_replay=False) as runner:
        result = runner.run()
    assert result.status == "SUCCEEDED", result.error
    return max(seen)


async def ends(ctx: DurableContext) -> None:
    pass


async def fails(ctx: DurableContext) -> None:
    raise LookupError("it fails")


async def waits(ctx: DurableContext) -> None:
    await ctx.wait(Duration.from_hours(1))


def refuses(status: object) -> bool:
    raise LookupError("it is refused")


@pytest.mark.parametrize("last", [ends, fails, waits])
def test_what_lives_in_a_large_map_is_spared_until_it_ends(last: Callable[[DurableContext], Any]) -> None:
    assert frozen_in_branches(MANY, last) > 10 * MANY
    assert gc.get_freeze_count() == 0
    assert gc.isenabled()


def test_it_is_spared_no_longer_where_the_map_fails_by_itself() -> None:
    config = MapConfig[Any](completion=CompletionConfig(should_complete=refuses))
    with pytest.raises(ValueError, match="empty"):  # no second step is reached
        frozen_in_branches(MANY, ends, config)
    assert gc.get_freeze_count() == 0


def test_a_small_map_spares_nothing() -> None:
    assert frozen_in_branches(FEW, ends) == 0


def test_what_the_program_has_frozen_stays_so() -> None:
    gc.freeze()
    before = gc.get_freeze_count()
    during = frozen_in_branches(MANY, ends)
    assert 0 < during <= before
    assert 0 < gc.get_freeze_count() <= before


def test_a_collector_that_is_off_is_left_alone() -> None:
    gc.disable()
    assert frozen_in_branches(MANY, ends) == 0
    assert not gc.isenabled()


def test_two_large_maps_beside_each_other_spare_until_the_last_one_ends() -> None:
    seen: list[int] = []

    async def branch(ctx: DurableContext, item: int, index: int) -> None:
        await ctx.wait(Duration.from_seconds(1))

    async def look() -> None:
        seen.append(gc.get_freeze_count())

    async def slow_branch(ctx: DurableContext, item: int, index: int) -> None:
        await ctx.wait(Duration.from_hours(1))
        if item == 0:
            await ctx.step(look)

    @durable_execution(limits=ServiceLimits.CURRENT)
    async def workflow(event: object, ctx: DurableContext) -> None:
        await ctx.all([ctx.map(range(MANY), branch), ctx.map(range(MANY), slow_branch)])
        await ctx.step(look, name="look again")

    with LocalRunner(workflow, verify_replay=False) as runner:
        assert runner.run().status == "SUCCEEDED"
    assert seen[0] > 0
    assert seen[1:] == [0]
