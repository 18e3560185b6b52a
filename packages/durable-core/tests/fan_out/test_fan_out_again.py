"""A blocking branch runs again within an invocation, once it has given its thread back: what it did by then is done."""

from __future__ import annotations

import pytest
from both_flavours import handler_of
from fan_out_clients import Ledger
from fan_out_runs import value_of

from durable_core import DurableContext, MapConfig, Nesting
from durable_core.spi import BotoClient
from durable_testing import DurableService


@pytest.mark.parametrize("nesting", Nesting)
def test_a_context_that_a_branch_began_before_it_gave_its_thread_back_is_begun_once(nesting: Nesting) -> None:
    """Its START may not be recorded yet."""
    ledger = Ledger()

    async def inner(ctx: DurableContext, item: int, index: int) -> int:
        return item

    async def outer(ctx: DurableContext, item: int, index: int) -> int:
        batch = await ctx.map([1, 2, 3], inner, name=f"inner {item}", config=MapConfig[int](nesting=Nesting.FLAT))
        return sum(batch.results)

    async def workflow(ctx: DurableContext) -> list[int]:
        return (await ctx.map(range(6), outer, config=MapConfig[int](nesting=nesting))).results

    assert value_of(handler_of("blocking", workflow), client=ledger) == [6] * 6
    begun = [each.get("Name", "") for each in ledger.updates if each["Action"] == "START"]
    assert sorted(name for name in begun if name.startswith("inner")) == [f"inner {each}" for each in range(6)]


def test_what_a_branch_has_seen_before_it_gave_its_thread_back_is_seen_once() -> None:
    seen: list[tuple[str, str]] = []

    async def inner(ctx: DurableContext, item: int, index: int) -> int:
        return await ctx.step(int, item, name="inner")

    async def branch(ctx: DurableContext, item: int, index: int) -> int:
        first = await ctx.step(int, item, name="first")
        return first + sum((await ctx.map([1, 2], inner)).results)

    async def workflow(ctx: DurableContext) -> list[int]:
        return (await ctx.map([1, 2], branch)).results

    service = DurableService()
    event = service.begin_invocation(service.start("seen", "null"))
    answer = handler_of("blocking", workflow).durable.invoke(
        event, None, client=BotoClient(service), see=lambda each: seen.append((each.operation_id, each.status))
    )
    assert answer == {"Status": "SUCCEEDED", "Result": "[4,5]"}
    assert len(seen) == len({*seen}) == 1 + 2 * (1 + 1 + 1 + 2 * 2)
