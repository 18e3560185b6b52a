"""Results of items in batches: their types, their sizes, and what the quota counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from batch_runs import HOUR, DeclinedError, each, mapping, run, shown, value_of
from both_flavours import both_flavours, handler_of

from durable_core import (
    CompletionConfig,
    DurableContext,
    ItemBatcher,
    MapConfig,
    Nesting,
    SerDesContext,
    ServiceLimits,
    SizeLimitError,
    ValidationError,
)

PAIRS = ItemBatcher(max_items=2)
EVERY = CompletionConfig.all_completed()

both_nestings = pytest.mark.parametrize("nesting", Nesting, ids=lambda nesting: nesting.value)


@both_nestings
@both_flavours
@pytest.mark.parametrize("size", [50_000, 200_000])
def test_results_too_large_to_record_come_from_the_items_again(flavour: str, nesting: Nesting, size: int) -> None:
    """Four of 50,000 bytes are too much for a batch of six, four of 200,000 for a pair."""
    ran: list[int] = []

    async def write(item: int) -> str:
        ran.append(item)
        return f"{item}" * size

    async def body(ctx: DurableContext, item: int, index: int) -> str:
        text = await ctx.step(write, item)
        if item == 3:
            raise DeclinedError(text[:5])
        return text

    async def workflow(ctx: DurableContext) -> list[Any]:
        config = MapConfig[str](batcher=ItemBatcher(max_items=6), nesting=nesting, completion=EVERY, max_concurrency=1)
        batch = await ctx.map(range(8), body, name="all", config=config)
        await ctx.wait(HOUR)
        return [[item.index, item.result and len(item.result), str(item.error)] for item in batch.items]

    result = run(handler_of(flavour, workflow))
    assert result.value == [[n, None, "33333"] if n == 3 else [n, size, "None"] for n in range(8)]
    assert sorted(ran) == list(range(8)), "no step ran twice"
    assert len(result.operation("all").payload or "") < 1_000


@pytest.mark.parametrize(
    "completion", [CompletionConfig(min_successful=3), CompletionConfig(tolerated_failure_count=0)]
)
@both_nestings
@both_flavours
def test_large_results_of_a_map_that_stopped_early_are_the_same_again(
    flavour: str, nesting: Nesting, completion: CompletionConfig
) -> None:
    seen: list[Any] = []

    async def body(ctx: DurableContext, item: int, index: int) -> str:
        if item == 5 and completion.min_successful is None:
            raise DeclinedError("five")
        if item == 6:
            await ctx.wait(HOUR)
        return await ctx.step(lambda: f"{item}" * 150_000, name="write")

    async def workflow(ctx: DurableContext) -> None:
        config = MapConfig[str](batcher=PAIRS, nesting=nesting, completion=completion, max_concurrency=1)
        batch = await ctx.map([6, 1, 2, 3, 4, 5, 7, 8], body, name="all", config=config)
        seen.append([[what if not isinstance(what, str) else what[:5] for what in one] for one in shown(batch)[1]])
        seen[-1].append(shown(batch)[0])
        await ctx.wait(HOUR)

    value_of(handler_of(flavour, workflow))
    assert len(seen) >= 2
    assert all(one == seen[0] for one in seen)


@dataclass
class Receipt:
    number: int


async def receipt(ctx: DurableContext, item: int, index: int) -> Receipt:
    return Receipt(item)


async def untyped(ctx: DurableContext, item: int, index: int):  # type: ignore[no-untyped-def]
    return Receipt(item)


class Marked:
    """A serializer that marks what it writes."""

    def serialize(self, value: str, context: SerDesContext) -> str:
        return f"marked:{value}"

    def deserialize(self, data: str, context: SerDesContext) -> str:
        return data.removeprefix("marked:")


@both_nestings
@both_flavours
@pytest.mark.parametrize("func", [receipt, untyped], ids=["annotation", "returns"])
def test_results_of_items_have_the_type_that_is_declared(flavour: str, nesting: Nesting, func: Any) -> None:
    async def body(ctx: DurableContext) -> list[str]:
        returns = Receipt if func is untyped else None
        batch = await ctx.map([1, 2, 3], func, config=MapConfig(batcher=PAIRS, nesting=nesting, returns=returns))
        await ctx.wait(HOUR)
        return [repr(found) for found in batch.results]

    assert value_of(handler_of(flavour, body)) == [f"Receipt(number={n})" for n in (1, 2, 3)]


@both_nestings
@both_flavours
def test_results_of_items_are_written_by_their_own_serializer(flavour: str, nesting: Nesting) -> None:
    async def upper(ctx: DurableContext, item: str, index: int) -> str:
        return item.upper()

    config = MapConfig[str](batcher=PAIRS, nesting=nesting, item_serdes=Marked())
    result = run(mapping(flavour, ["x", "y", "z"], config, upper))
    assert [found for _, _, found in result.value[1]] == ["X", "Y", "Z"]
    assert "marked:X" in (result.operation("all" if nesting is Nesting.FLAT else "map-items-0-1").payload or "")


@both_flavours
def test_an_item_whose_result_cannot_be_written_fails_without_the_others(flavour: str) -> None:
    async def odd(ctx: DurableContext, item: int, index: int):  # type: ignore[no-untyped-def]
        return {item} if item == 2 else item

    config = MapConfig[Any](batcher=ItemBatcher(max_items=3), completion=EVERY)
    alone = value_of(mapping(flavour, [1, 2, 3, 4], replace(config, batcher=None), odd))
    together = value_of(mapping(flavour, [1, 2, 3, 4], config, odd))
    assert [one[:2] for one in alone[1]] == [[0, "S"], [1, "F"], [2, "S"], [3, "S"]]
    assert [one[:2] for one in together[1]] == [one[:2] for one in alone[1]]


@both_nestings
@both_flavours
def test_the_quota_counts_batches(flavour: str, nesting: Nesting) -> None:
    async def nothing(ctx: DurableContext, item: int, index: int) -> None: ...

    async def body(ctx: DurableContext) -> list[int]:
        config = MapConfig[None](batcher=ItemBatcher(max_items=100), nesting=nesting)
        return [(await ctx.map(range(3_100), nothing, config=config)).success_count]

    assert value_of(handler_of(flavour, body, limits=ServiceLimits.CURRENT)) == [3_100]


@both_flavours
def test_more_batches_than_the_quota_leaves_room_for_are_refused_before_the_first(flavour: str) -> None:
    async def body(ctx: DurableContext) -> str:
        try:
            await ctx.map(range(6_000), each, name="too many", config=MapConfig(batcher=PAIRS))
        except SizeLimitError as error:
            return str(error)
        return "mapped"

    result = run(handler_of(flavour, body, limits=ServiceLimits.CURRENT))
    assert "3000 branches" in result.value
    assert not result.operations


@both_flavours
def test_items_without_json_cannot_be_measured(flavour: str) -> None:
    async def body(ctx: DurableContext) -> str:
        try:
            items: list[Any] = [1, object()]
            await ctx.map(items, each, config=MapConfig(batcher=ItemBatcher(max_bytes=10)))
        except ValidationError as error:
            return str(error)
        return "mapped"

    result = run(handler_of(flavour, body))
    assert "item 1 has none" in result.value
    assert "max_items" in result.value
    assert not result.operations


@both_nestings
@both_flavours
def test_items_without_json_can_be_counted(flavour: str, nesting: Nesting) -> None:
    async def name(ctx: DurableContext, item: type, index: int) -> str:
        return item.__name__

    config = MapConfig[str](batcher=PAIRS, nesting=nesting)
    found = value_of(mapping(flavour, [int, str, object], config, name))
    assert [result for _, _, result in found[1]] == ["int", "str", "object"]


WRONG: dict[str, Callable[[], object]] = {
    "neither": ItemBatcher,
    "no items": lambda: ItemBatcher(max_items=0),
    "less than none": lambda: ItemBatcher(max_items=-1),
    "no bytes": lambda: ItemBatcher(max_bytes=0),
    "a truth": lambda: ItemBatcher(max_items=True),
    "a part of one": lambda: ItemBatcher(max_items=1.5),  # type: ignore[arg-type]
    "text": lambda: ItemBatcher(max_bytes="10"),  # type: ignore[arg-type]
    "a number for a batcher": lambda: MapConfig(batcher=10),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_batcher_that_makes_no_sense_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError, match=r"ItemBatcher|batcher"):
        WRONG[wrong]()
