"""``MapConfig(batcher=ItemBatcher(…))``: a branch for each batch of items, a result for each item."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from batch_runs import HOUR, DeclinedError, double, each, mapping, operation_id, run, value_of
from both_flavours import both_flavours, handler_of
from hypothesis import given, settings, strategies as st

from durable_core import (
    ChildContextError,
    CompletionConfig,
    DurableContext,
    ItemBatcher,
    MapConfig,
    Nesting,
)
from durable_core.operations.branch import Given, in_batches
from durable_core.spi import encode_json
from durable_testing.faults import CrashingClient, Side

PAIRS = ItemBatcher(max_items=2)
EVERY = CompletionConfig.all_completed()

both_nestings = pytest.mark.parametrize("nesting", Nesting, ids=lambda nesting: nesting.value)
json_values = st.recursive(st.none() | st.integers() | st.text(max_size=20), st.lists, max_leaves=5)


@given(
    items=st.lists(json_values, max_size=40),
    most=st.none() | st.integers(1, 10),
    size=st.none() | st.integers(1, 60),
)
@settings(max_examples=100, deadline=None)
def test_batches_keep_the_order_lose_nothing_and_are_as_large_as_they_may_be(
    items: list[Any], most: int | None, size: int | None
) -> None:
    if most is None and size is None:
        most = 3
    every = [Given(index, "name", item) for index, item in enumerate(items)]
    batches = in_batches(every, ItemBatcher(max_items=most, max_bytes=size))

    def taken(batch: tuple[Given, ...]) -> int:
        return sum(len(encode_json(one.item).encode()) for one in batch)

    assert [one for batch in batches for one in batch] == every
    assert all(batches)
    assert all(len(batch) <= (most or len(batch)) for batch in batches)
    assert all(len(batch) == 1 or taken(batch) <= (size or taken(batch)) for batch in batches)
    for batch, after in pairwise(batches):
        full = most is not None and len(batch) == most
        assert full or (size is not None and taken(batch) + taken(after[:1]) > size), "the next would have fitted"


CASES: dict[str, tuple[list[int], MapConfig[int], list[Any]]] = {
    "all succeed": (
        [1, 2, 3, 4, 5],
        MapConfig(batcher=PAIRS),
        ["ALL_COMPLETED", [[0, "S", 2], [1, "S", 5], [2, "S", 8], [3, "S", 11], [4, "S", 14]]],
    ),
    "by bytes": (
        [1, 2, 300, 4],
        MapConfig(batcher=ItemBatcher(max_bytes=2), completion=EVERY),
        ["ALL_COMPLETED", [[0, "S", 2], [1, "S", 5], [2, "F", "DeclinedError: 300 is too much"], [3, "S", 11]]],
    ),
    "no items": ([], MapConfig(batcher=PAIRS), ["ALL_COMPLETED", []]),
    "one batch for all": (
        [1, 2],
        MapConfig(batcher=ItemBatcher(max_items=100)),
        ["ALL_COMPLETED", [[0, "S", 2], [1, "S", 5]]],
    ),
    "waits in items": (
        [11, 1, 12, 2],
        MapConfig(batcher=PAIRS),
        ["ALL_COMPLETED", [[0, "S", 22], [1, "S", 3], [2, "S", 26], [3, "S", 7]]],
    ),
    "failures keep the others": (
        [1, 101, 102, 2],
        MapConfig(batcher=PAIRS, completion=EVERY),
        [
            "ALL_COMPLETED",
            [[0, "S", 2], [1, "F", "DeclinedError: 101 is too much"], [2, "F", "DeclinedError: 102 is too much"],
             [3, "S", 7]],
        ],
    ),
    "the first failure stops its batch, and the map": (
        [1, 101, 2, 3, 4],
        MapConfig(batcher=ItemBatcher(max_items=3), max_concurrency=1),
        ["FAILURE_TOLERANCE_EXCEEDED", [[0, "S", 2], [1, "F", "DeclinedError: 101 is too much"]]],
    ),
    "a tolerated failure": (
        [101, 1, 102, 2, 3],
        MapConfig(batcher=PAIRS, max_concurrency=1, completion=CompletionConfig(tolerated_failure_count=1)),
        [
            "FAILURE_TOLERANCE_EXCEEDED",
            [[0, "F", "DeclinedError: 101 is too much"], [1, "S", 3], [2, "F", "DeclinedError: 102 is too much"],
             [3, "S", 7]],
        ],
    ),
    "half of them may fail": (
        [101, 102, 103, 1],
        MapConfig(batcher=PAIRS, max_concurrency=1, completion=CompletionConfig(tolerated_failure_percentage=50)),
        [
            "ALL_COMPLETED",
            [[0, "F", "DeclinedError: 101 is too much"], [1, "F", "DeclinedError: 102 is too much"],
             [2, "F", "DeclinedError: 103 is too much"], [3, "S", 5]],
        ],
    ),
    "the first success stops": (
        [12, 14, 11, 13],
        MapConfig(batcher=PAIRS, completion=CompletionConfig.first_successful()),
        ["MIN_SUCCESSFUL_REACHED", [[0, "STARTED", None], [1, "STARTED", None], [2, "S", 24]]],
    ),
    "three successes, over two batches": (
        [1, 2, 3, 4, 5, 6],
        MapConfig(batcher=PAIRS, max_concurrency=1, completion=CompletionConfig(min_successful=3)),
        ["MIN_SUCCESSFUL_REACHED", [[0, "S", 2], [1, "S", 5], [2, "S", 8], [3, "S", 11]]],
    ),
    "a predicate stops": (
        [1, 2, 3, 4, 5, 6],
        MapConfig(
            batcher=PAIRS,
            max_concurrency=1,
            completion=CompletionConfig(should_complete=lambda status: status.success_count >= 3),
        ),
        ["CUSTOM", [[0, "S", 2], [1, "S", 5], [2, "S", 8], [3, "S", 11]]],
    ),
}  # fmt: skip

every_case = pytest.mark.parametrize("case", CASES)


@both_nestings
@both_flavours
@every_case
def test_each_item_has_a_result_and_the_map_completes_as_it_is_told(case: str, flavour: str, nesting: Nesting) -> None:
    items, config, expected = CASES[case]
    assert value_of(mapping(flavour, items, replace(config, nesting=nesting))) == expected


@pytest.mark.parametrize("updates", [250, 1], ids=["batches", "single"])
@pytest.mark.parametrize("side", Side, ids=lambda side: side.value)
@both_nestings
@both_flavours
@every_case
@pytest.mark.exhaustive
def test_a_crash_beside_any_checkpoint_does_not_show(
    case: str, flavour: str, nesting: Nesting, side: Side, updates: int
) -> None:
    items, config, expected = CASES[case]
    handler = mapping(flavour, items, replace(config, nesting=nesting))
    at = 1
    while True:
        clients: list[CrashingClient] = []

        def crashing(inner: Any, at: int = at, clients: list[CrashingClient] = clients) -> CrashingClient:
            clients.append(CrashingClient(inner, at, side))
            return clients[-1]

        assert value_of(handler, client=crashing, batch_updates=updates) == expected, f"died at {at}"
        if clients[0].calls < at:
            return
        at += 1


@both_nestings
def test_both_flavours_leave_the_same_history(nesting: Nesting) -> None:
    def history(flavour: str) -> list[str]:
        result = run(mapping(flavour, [1, 101, 12, 2, 3], MapConfig(batcher=PAIRS, completion=EVERY, nesting=nesting)))
        kept = ("EventType", "Id", "Name", "SubType", "ParentId")
        return sorted(
            json.dumps([event.get(key) for key in kept] + [_details(event)])
            for event in result.history
            if not event["EventType"].startswith(("Execution", "Invocation"))
        )

    assert history("async") == history("blocking")


def _details(event: dict[str, Any]) -> Any:
    details = event.get(f"{event['EventType']}Details", {})
    return {key: value for key, value in details.items() if "Timestamp" not in key}


@both_flavours
def test_ids_come_from_the_indexes_of_batches(flavour: str) -> None:
    """Golden values: those that the official SDK gives to branches."""
    result = run(mapping(flavour, [1, 2, 3], MapConfig(batcher=PAIRS)))
    whole = operation_id("1")
    batches = [operation_id(f"{whole}-0"), operation_id(f"{whole}-1")]
    assert result.operation("all").id == whole
    assert {one.id for one in result.children(result.operation("all"))} == set(batches)
    assert [result.operation(f"map-items-{span}").id for span in ("0-1", "2-2")] == batches
    steps = {one.id for one in result.operations if one.type == "STEP"}
    assert steps == {operation_id(f"{batches[0]}-{n}") for n in (1, 2)} | {operation_id(f"{batches[1]}-1")}


@both_flavours
def test_flat_batches_leave_only_the_operations_of_items(flavour: str) -> None:
    result = run(mapping(flavour, [1, 2, 3], MapConfig(batcher=PAIRS, nesting=Nesting.FLAT)))
    parent = result.operation("all")
    assert [(one.subtype, one.parent_id) for one in result.children(parent)] == [("Step", parent.id)] * 3
    prefix = [operation_id(f"{parent.id}-{n}") for n in (0, 1)]
    expected = {operation_id(f"{prefix[0]}-1"), operation_id(f"{prefix[0]}-2"), operation_id(f"{prefix[1]}-1")}
    assert {one.id for one in result.children(parent)} == expected


@both_nestings
@both_flavours
def test_items_have_names_of_their_own(flavour: str, nesting: Nesting) -> None:
    async def body(ctx: DurableContext) -> list[Any]:
        config = MapConfig[int](
            batcher=PAIRS, nesting=nesting, completion=EVERY, item_namer=lambda item, index: f"order-{item}"
        )
        batch = await ctx.map([7, 101, 9], each, config=config)
        await ctx.wait(HOUR)
        return [[item.name for item in batch.items], [error.name for error in batch.errors]]

    assert value_of(handler_of(flavour, body)) == [["order-7", "order-101", "order-9"], ["order-101"]]


@both_nestings
@both_flavours
def test_the_error_of_an_item_is_the_same_on_the_first_run_and_on_a_replay(flavour: str, nesting: Nesting) -> None:
    seen: list[Any] = []

    async def body(ctx: DurableContext) -> None:
        config = MapConfig[int](batcher=PAIRS, nesting=nesting, completion=EVERY)
        (error,) = (await ctx.map([1, 101], each, config=config)).errors
        assert {DeclinedError, ChildContextError} <= set(type(error).__mro__)
        seen.append((type(error).__name__, str(error), error.args, error.operation_id, error.name, error.error_type))
        await ctx.wait(HOUR)

    value_of(handler_of(flavour, body))
    assert len(seen) == 3
    assert len(set(seen)) == 1


@both_nestings
@both_flavours
def test_items_of_a_batch_run_one_after_the_other_and_as_many_batches_as_allowed(
    flavour: str, nesting: Nesting
) -> None:
    lock, running, most, order = threading.Lock(), 0, 0, list[int]()

    async def busy(item: int) -> None:
        nonlocal running, most
        with lock:
            running, most = running + 1, max(most, running + 1)
            order.append(item)
        await asyncio.sleep(0.001)
        with lock:
            running -= 1

    async def body(ctx: DurableContext, item: int, index: int) -> int:
        await ctx.step(busy, item)
        return index

    config = MapConfig[int](batcher=ItemBatcher(max_items=3), max_concurrency=2, nesting=nesting)
    assert value_of(mapping(flavour, range(12), config, body))[1] == [[n, "S", n] for n in range(12)]
    assert most <= 2
    for first in range(0, 12, 3):
        assert [item for item in order if first <= item < first + 3] == [first, first + 1, first + 2]


@both_nestings
@both_flavours
def test_items_may_hold_children_and_maps_of_their_own(flavour: str, nesting: Nesting) -> None:
    async def child(ctx: DurableContext, item: int) -> int:
        await ctx.wait(HOUR)
        return await ctx.step(double, item)

    async def body(ctx: DurableContext, item: int, index: int) -> list[int]:
        first = await ctx.run_in_child_context(child, item)
        inner = await ctx.map([item, item + 1, item + 2], each, config=MapConfig(batcher=PAIRS, nesting=nesting))
        return [first, *inner.results]

    found = value_of(mapping(flavour, [1, 2, 3], MapConfig(batcher=PAIRS, nesting=nesting), body))
    assert [result for _, _, result in found[1]] == [[2, 2, 5, 8], [4, 4, 7, 10], [6, 6, 9, 12]]


@both_nestings
@both_flavours
def test_a_step_of_an_item_is_tried_again_and_no_other_item_with_it(flavour: str, nesting: Nesting) -> None:
    ran: list[int] = []

    async def flaky(item: int) -> int:
        ran.append(item)
        if ran.count(item) < 3 and item == 2:
            raise DeclinedError("not yet")
        return item

    async def body(ctx: DurableContext, item: int, index: int) -> int:
        return await ctx.step(flaky, item)

    found = value_of(mapping(flavour, [1, 2, 3, 4], MapConfig(batcher=PAIRS, nesting=nesting), body))
    assert [result for _, _, result in found[1]] == [1, 2, 3, 4]
    assert sorted(ran) == [1, 2, 2, 2, 3, 4]
