"""``ctx.map`` and ``ctx.parallel``, in both flavours."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Callable
from typing import Any

import pytest
from both_flavours import both_flavours, handler_of
from fan_out_programs import CASES, HOUR, DeclinedError, Receipt, branch, case_of, double, mapping
from fan_out_runs import check_every_crash, run, value_of

from durable_core import (
    BatchError,
    ChildContextError,
    CompletionConfig,
    CompletionReason,
    DurableContext,
    Duration,
    MapConfig,
    Nesting,
    ParallelBranch,
    ParallelConfig,
    SerDesContext,
    SizeLimitError,
    ValidationError,
    blocking,
    durable_execution,
)
from durable_testing import LocalRunner
from durable_testing.faults import Side

both_nestings = pytest.mark.parametrize("nesting", Nesting)


def operation_id(text: str) -> str:
    """As the official Python SDK derives it."""
    return hashlib.blake2b(text.encode()).hexdigest()[:64]


@both_flavours
@both_nestings
@pytest.mark.parametrize("case", CASES)
def test_a_batch_completes_as_it_is_told_and_a_replay_gives_the_same(flavour: str, case: str, nesting: Nesting) -> None:
    body, expected = case_of(case, nesting)
    assert value_of(handler_of(flavour, body)) == expected


@both_flavours
@both_nestings
@pytest.mark.parametrize("updates", [250, 1], ids=["batches", "single"])
@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.exhaustive
def test_a_crash_beside_any_checkpoint_does_not_show(
    flavour: str, case: str, side: Side, updates: int, nesting: Nesting
) -> None:
    body, expected = case_of(case, nesting)
    check_every_crash(handler_of(flavour, body), expected, side, updates)


@both_flavours
def test_ids_come_from_indexes(flavour: str) -> None:
    """Golden values: those of the official SDK."""
    result = run(handler_of(flavour, mapping([1, 2])))
    batch = operation_id("1")
    first = operation_id(f"{batch}-0")
    assert result.operation("receipts").id == batch
    assert [each.id for each in result.children(result.operation("receipts"))] == [first, operation_id(f"{batch}-1")]
    assert {each.id for each in result.operations} >= {operation_id(f"{first}-1")}


@both_flavours
def test_flat_branches_leave_only_their_operations(flavour: str) -> None:
    result = run(handler_of(flavour, mapping([1, 2], MapConfig(nesting=Nesting.FLAT))))
    parent = result.operation("receipts")
    assert [(each.subtype, each.parent_id) for each in result.children(parent)] == [("Step", parent.id)] * 2


@both_flavours
def test_losers_are_cancelled_at_the_service(flavour: str) -> None:
    result = run(handler_of(flavour, mapping([12, 11], MapConfig(completion=CompletionConfig.first_successful()))))
    assert sorted(each.status for each in result.operations if each.type == "WAIT") == [
        "CANCELLED",
        "SUCCEEDED",
        "SUCCEEDED",
    ]
    assert [each["EventType"] for each in result.history].count("WaitCancelled") == 1


@both_flavours
def test_no_more_branches_run_at_a_time_than_are_allowed(flavour: str) -> None:
    lock, running, most = threading.Lock(), 0, 0

    async def busy() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        await asyncio.sleep(0.01)
        with lock:
            running -= 1

    async def body(ctx: DurableContext, item: int, index: int) -> None:
        await ctx.step(busy)

    async def workflow(ctx: DurableContext) -> int:
        return (await ctx.map(range(10), body, config=MapConfig(max_concurrency=3))).success_count

    assert value_of(handler_of(flavour, workflow)) == 10
    assert most == 3


@both_flavours
def test_what_a_branch_raised_is_its_error_on_the_first_run_and_on_a_replay(flavour: str) -> None:
    seen: list[Any] = []

    async def workflow(ctx: DurableContext) -> str:
        batch = await ctx.map([101], branch)
        error = batch.errors[0]
        seen.append((type(error).__name__, str(error), error.operation_id, error.name, error.error_type))
        assert {DeclinedError, ChildContextError} <= set(type(error).__mro__)
        await ctx.wait(HOUR)
        try:
            batch.raise_if_failed()
        except BatchError as failed:
            return f"{failed.error_type.rpartition('.')[2]}: {failed}"
        return "nothing"

    assert value_of(handler_of(flavour, workflow)) == "DeclinedError: 101 is too much"
    assert len(set(seen)) == 1
    assert len(seen) == 3


@both_flavours
@both_nestings
@pytest.mark.parametrize("completion", [CompletionConfig.all_completed(), CompletionConfig(min_successful=7)])
def test_results_that_are_too_large_together_come_from_the_branches(
    flavour: str, completion: CompletionConfig, nesting: Nesting
) -> None:
    async def large(ctx: DurableContext, item: int, index: int) -> str:
        if item == 0:
            await ctx.wait(HOUR)
        return await ctx.step(lambda: f"{item}" * 50_000, name="large")

    async def workflow(ctx: DurableContext) -> list[Any]:
        config = MapConfig[str](completion=completion, nesting=nesting)
        batch = await ctx.map(range(8), large, name="all", config=config)
        await ctx.wait(HOUR)
        return [str(batch.completion_reason), [[text[0], len(text)] for text in batch.results]]

    result = run(handler_of(flavour, workflow))
    first = 0 if completion.min_successful is None else 1
    reason = CompletionReason.ALL_COMPLETED if first == 0 else CompletionReason.MIN_SUCCESSFUL_REACHED
    assert result.value == [str(reason), [[str(item), 50_000] for item in range(first, 8)]]
    assert len(result.operation("all").payload or "") < 1_000


@both_flavours
def test_a_summary_of_the_programs_stands_for_what_is_too_large(flavour: str) -> None:
    async def large(ctx: DurableContext, item: int, index: int) -> str:
        return "x" * 200_000

    async def workflow(ctx: DurableContext) -> int:
        config = MapConfig[str](summary_generator=lambda batch: f"{batch.success_count} files")
        batch = await ctx.map(range(3), large, name="all", config=config)
        await ctx.wait(HOUR)
        return sum(map(len, batch.results))

    result = run(handler_of(flavour, workflow))
    assert (result.value, result.operation("all").payload) == (600_000, "3 files")


@both_flavours
def test_maps_nest(flavour: str) -> None:
    async def inner(ctx: DurableContext, item: int, index: int) -> int:
        await ctx.wait(Duration.from_hours(1 + item))
        return await ctx.step(double, item)

    async def outer(ctx: DurableContext, item: int, index: int) -> int:
        return sum((await ctx.map(range(item), inner)).results)

    async def workflow(ctx: DurableContext) -> list[int]:
        return (await ctx.map([1, 2, 3], outer)).results

    assert value_of(handler_of(flavour, workflow)) == [0, 2, 6]


class Wrapped:
    """A serializer that marks what it writes."""

    def serialize(self, value: str, context: SerDesContext) -> str:
        return f"wrapped:{value}"

    def deserialize(self, data: str, context: SerDesContext) -> str:
        return data.removeprefix("wrapped:")


@both_flavours
def test_items_have_a_serializer_of_their_own(flavour: str) -> None:
    async def upper(ctx: DurableContext, item: str, index: int) -> str:
        return item.upper()

    async def workflow(ctx: DurableContext) -> list[str]:
        config = MapConfig[str](item_serdes=Wrapped(), item_namer=lambda item, index: f"{item}-{index}")
        batch = await ctx.map(["x", "y"], upper, config=config)
        await ctx.wait(HOUR)
        return batch.results

    result = run(handler_of(flavour, workflow))
    assert result.value == ["X", "Y"]
    assert result.operation("x-0").payload == "wrapped:X"


@both_flavours
def test_a_result_is_written_once_though_it_stands_in_two_records(flavour: str) -> None:
    """Its branch's, and that of the whole map."""
    written: list[str] = []

    class Noting(Wrapped):
        def serialize(self, value: str, context: SerDesContext) -> str:
            written.append(value)
            return super().serialize(value, context)

    async def upper(ctx: DurableContext, item: str, index: int) -> str:
        return item.upper()

    async def workflow(ctx: DurableContext) -> list[str]:
        return (await ctx.map(["x", "y"], upper, config=MapConfig[str](item_serdes=Noting()))).results

    with LocalRunner(handler_of(flavour, workflow), verify_replay=False) as runner:
        assert runner.run().value == ["X", "Y"]
    assert sorted(written) == ["X", "Y"]


@both_flavours
def test_branches_of_parallel_differ_in_type_and_may_have_names(flavour: str) -> None:
    async def number(ctx: DurableContext) -> int:
        return await ctx.step(double, 1)

    async def receipt(ctx: DurableContext) -> Receipt:
        return Receipt(7)

    async def workflow(ctx: DurableContext) -> list[Any]:
        first = await ctx.parallel([number, ParallelBranch(receipt, "seventh")])
        second = await ctx.parallel({"a": receipt, "b": number}, name="named", config=ParallelConfig(max_concurrency=1))
        await ctx.wait(HOUR)
        assert isinstance(first.results[1], Receipt)
        return [[item.name for item in batch.items] for batch in (first, second)]

    assert value_of(handler_of(flavour, workflow)) == [["parallel-branch-0", "seventh"], ["a", "b"]]


@both_flavours
def test_a_map_that_the_quota_cannot_hold_is_refused_before_its_first_item(flavour: str) -> None:
    async def workflow(ctx: DurableContext) -> str:
        try:
            await ctx.map(range(2_999), branch, name="too many")
        except SizeLimitError as error:
            return str(error)
        return "mapped"

    result = run(handler_of(flavour, workflow))
    assert "2999 branches" in result.value
    assert "3000" in result.value
    assert not result.operations


WRONG: dict[str, Callable[[DurableContext], Any]] = {
    "a string of items": lambda ctx: ctx.map("abc", branch),  # type: ignore[arg-type]
    "no function": lambda ctx: ctx.map([1], 7),  # type: ignore[call-overload]
    "another config": lambda ctx: ctx.map([1], branch, config=ParallelConfig()),  # type: ignore[call-overload]
    "a bad name of an item": lambda ctx: ctx.map([1], branch, config=MapConfig(item_namer=lambda item, index: "ü")),
    "no branches at all": lambda ctx: ctx.parallel(7),  # type: ignore[arg-type]
    "an empty name": lambda ctx: ctx.parallel({"": branch}),  # type: ignore[dict-item]
    "no concurrency": lambda ctx: ctx.map([1], branch, config=MapConfig(max_concurrency=0)),
    "a share over 100": lambda ctx: CompletionConfig(tolerated_failure_percentage=150),
    "no success asked for": lambda ctx: CompletionConfig(min_successful=0),
    "two kinds of completion": lambda ctx: CompletionConfig(min_successful=1, should_complete=lambda status: True),
    "a summary of flat branches": lambda ctx: MapConfig(nesting=Nesting.FLAT, summary_generator=str),
}


@both_flavours
@pytest.mark.parametrize("wrong", WRONG)
def test_bad_input_is_refused_before_any_effect(flavour: str, wrong: str) -> None:
    async def workflow(ctx: DurableContext) -> str:
        with pytest.raises(ValidationError):
            WRONG[wrong](ctx)
        return "refused"

    result = run(handler_of(flavour, workflow))
    assert (result.value, list(result.operations)) == ("refused", [])


def test_flat_branches_end_on_a_replay_in_the_order_in_which_they_ended_first() -> None:
    """One failed in the second invocation; in the third its code is the slower one."""
    runs, ended = list[int](), threading.Event()

    def part(ctx: blocking.DurableContext, item: int, index: int) -> int:
        runs.append(item)
        if item == 1:
            if runs.count(1) == 3:
                ended.wait(5)
                threading.Event().wait(0.05)
            ctx.wait(HOUR)
            raise DeclinedError("declined")
        ctx.wait(Duration.from_hours(2))
        ended.set()
        return item

    @durable_execution
    def handler(event: object, ctx: blocking.DurableContext) -> list[Any]:
        config = MapConfig[int](completion=CompletionConfig.first_successful(), nesting=Nesting.FLAT)
        batch = ctx.map([0, 1], part, config=config)
        return [str(batch.completion_reason), *(str(item.status) for item in batch.items)]

    assert run(handler, verify_replay=False).value == ["ALL_COMPLETED", "SUCCEEDED", "FAILED"]
