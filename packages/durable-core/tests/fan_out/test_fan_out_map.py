"""``ctx.map`` and ``ctx.parallel`` in async workflows."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from durable_core import (
    BatchError,
    BatchResult,
    ChildContextError,
    CompletionConfig,
    CompletionReason,
    DurableContext,
    DurableFunction,
    Duration,
    MapConfig,
    Nesting,
    ParallelBranch,
    ParallelConfig,
    SerDesContext,
    ServiceLimits,
    SizeLimitError,
    ValidationError,
    durable_execution,
)
from durable_testing import LocalRunner, TestResult
from durable_testing.faults import CrashingClient, Side

HOUR = Duration.from_hours(1)
BOTH_NESTINGS = pytest.mark.parametrize("nesting", Nesting)


@dataclass
class Receipt:
    number: int


class DeclinedError(Exception):
    """Raised by branches."""


async def double(number: int) -> int:
    return 2 * number


async def branch(ctx: DurableContext, number: int, index: int) -> Receipt:
    """Items over 100 are declined, those over 10 take as many hours."""
    doubled = await ctx.step(double, number)
    if number > 100:
        raise DeclinedError(f"{number} is too much")
    if number > 10:
        await ctx.wait(Duration.from_hours(number))
    return Receipt(doubled + index)


def handler_of(items: list[int], config: MapConfig[Receipt] | None = None) -> DurableFunction[Any]:
    """A handler that maps *items* and looks at the result twice: at once, and after a replay."""

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> list[Any]:
        batch = await ctx.map(items, branch, name="receipts", config=config)
        await ctx.wait(HOUR)
        return shown(batch)

    return handler


def shown(batch: BatchResult[Receipt]) -> list[Any]:
    """All of *batch* as JSON."""
    items = [[item.index, str(item.status), item.result and item.result.number] for item in batch.items]
    return [str(batch.completion_reason), items, [type(error).__name__ for error in batch.errors]]


def run(handler: DurableFunction[Any], **options: Any) -> TestResult[Any]:
    """The result of one execution, replayed once more at its end."""
    with LocalRunner(handler, **options) as runner:
        return runner.run()


def operation_id(text: str) -> str:
    """As the official Python SDK derives it."""
    return hashlib.blake2b(text.encode()).hexdigest()[:64]


CASES: dict[str, tuple[list[int], MapConfig[Receipt], list[Any]]] = {
    "all succeed": ([1, 2], MapConfig(), ["ALL_COMPLETED", [[0, "SUCCEEDED", 2], [1, "SUCCEEDED", 5]], []]),
    "no items": ([], MapConfig(), ["ALL_COMPLETED", [], []]),
    "a wait among them": ([11, 1], MapConfig(), ["ALL_COMPLETED", [[0, "SUCCEEDED", 22], [1, "SUCCEEDED", 3]], []]),
    "the first failure stops": (
        [1, 101, 11, 2],
        MapConfig(max_concurrency=1),
        ["FAILURE_TOLERANCE_EXCEEDED", [[0, "SUCCEEDED", 2], [1, "FAILED", None]], ["DeclinedError"]],
    ),
    "a tolerated failure": (
        [101, 1, 2],
        MapConfig(max_concurrency=1, completion=CompletionConfig(tolerated_failure_count=1)),
        [
            "ALL_COMPLETED",
            [[0, "FAILED", None], [1, "SUCCEEDED", 3], [2, "SUCCEEDED", 6]],
            ["DeclinedError"],
        ],
    ),
    "half of them may fail": (
        [101, 102, 103, 1],
        MapConfig(max_concurrency=1, completion=CompletionConfig(tolerated_failure_percentage=50)),
        [
            "FAILURE_TOLERANCE_EXCEEDED",
            [[0, "FAILED", None], [1, "FAILED", None], [2, "FAILED", None]],
            ["DeclinedError"] * 3,
        ],
    ),
    "the first success stops": (
        [12, 11, 13],
        MapConfig(completion=CompletionConfig.first_successful()),
        ["MIN_SUCCESSFUL_REACHED", [[0, "STARTED", None], [1, "SUCCEEDED", 23], [2, "STARTED", None]], []],
    ),
    "a predicate stops": (
        [11, 12, 13],
        MapConfig(completion=CompletionConfig(should_complete=lambda status: status.success_count == 2)),
        ["CUSTOM", [[0, "SUCCEEDED", 22], [1, "SUCCEEDED", 25], [2, "STARTED", None]], []],
    ),
}


@BOTH_NESTINGS
@pytest.mark.parametrize("case", CASES)
def test_a_batch_completes_as_it_is_told_and_a_replay_gives_the_same(case: str, nesting: Nesting) -> None:
    items, config, expected = CASES[case]
    config = MapConfig(max_concurrency=config.max_concurrency, completion=config.completion, nesting=nesting)
    assert run(handler_of(items, config)).value == expected


@BOTH_NESTINGS
@pytest.mark.parametrize("updates", [250, 1], ids=["batches", "single"])
@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("case", CASES)
def test_a_crash_beside_any_checkpoint_does_not_show(case: str, side: Side, updates: int, nesting: Nesting) -> None:
    items, config, expected = CASES[case]
    config = MapConfig(max_concurrency=config.max_concurrency, completion=config.completion, nesting=nesting)
    handler = handler_of(items, config)
    at = 1
    while True:
        clients: list[CrashingClient] = []

        def crashing(inner: Any, at: int = at, clients: list[CrashingClient] = clients) -> CrashingClient:
            clients.append(CrashingClient(inner, at, side))
            return clients[-1]

        assert run(handler, client=crashing, batch_updates=updates).value == expected
        if clients[0].calls < at:
            return
        at += 1


def test_ids_come_from_indexes() -> None:
    """Golden values: those of the official SDK."""
    result = run(handler_of([1, 2]))
    batch = operation_id("1")
    first = operation_id(f"{batch}-0")
    assert result.operation("receipts").id == batch
    assert [each.id for each in result.children(result.operation("receipts"))] == [first, operation_id(f"{batch}-1")]
    assert {each.id for each in result.operations} >= {operation_id(f"{first}-1")}


def test_flat_branches_leave_only_their_operations() -> None:
    result = run(handler_of([1, 2], MapConfig(nesting=Nesting.FLAT)))
    parent = result.operation("receipts")
    assert [(each.subtype, each.parent_id) for each in result.children(parent)] == [("Step", parent.id)] * 2


def test_losers_are_cancelled_at_the_service() -> None:
    result = run(handler_of([12, 11], MapConfig(completion=CompletionConfig.first_successful())))
    assert sorted(each.status for each in result.operations if each.type == "WAIT") == [
        "CANCELLED",
        "SUCCEEDED",
        "SUCCEEDED",
    ]
    assert [each["EventType"] for each in result.history].count("WaitCancelled") == 1


def test_no_more_branches_run_at_a_time_than_are_allowed() -> None:
    running, most = 0, 0

    async def busy() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    async def body(ctx: DurableContext, item: int, index: int) -> None:
        await ctx.step(busy)

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> int:
        return (await ctx.map(range(10), body, config=MapConfig(max_concurrency=3))).success_count

    assert run(handler).value == 10
    assert most == 3


def test_what_a_branch_raised_is_its_error_on_the_first_run_and_on_a_replay() -> None:
    seen: list[Any] = []

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> str:
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

    assert run(handler).value == "DeclinedError: 101 is too much"
    assert len(set(seen)) == 1
    assert len(seen) == 3


@BOTH_NESTINGS
@pytest.mark.parametrize("completion", [CompletionConfig.all_completed(), CompletionConfig(min_successful=7)])
def test_results_that_are_too_large_together_come_from_the_branches(
    completion: CompletionConfig, nesting: Nesting
) -> None:
    async def large(ctx: DurableContext, item: int, index: int) -> str:
        if item == 0:
            await ctx.wait(HOUR)
        return await ctx.step(lambda: f"{item}" * 50_000, name="large")

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> list[Any]:
        config = MapConfig[str](completion=completion, nesting=nesting)
        batch = await ctx.map(range(8), large, name="all", config=config)
        await ctx.wait(HOUR)
        return [str(batch.completion_reason), [[text[0], len(text)] for text in batch.results]]

    result = run(handler)
    first = 0 if completion.min_successful is None else 1
    reason = CompletionReason.ALL_COMPLETED if first == 0 else CompletionReason.MIN_SUCCESSFUL_REACHED
    assert result.value == [str(reason), [[str(item), 50_000] for item in range(first, 8)]]
    assert len(result.operation("all").payload or "") < 1_000


def test_a_summary_of_the_programs_stands_for_what_is_too_large() -> None:
    async def large(ctx: DurableContext, item: int, index: int) -> str:
        return "x" * 200_000

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> int:
        config = MapConfig[str](summary_generator=lambda batch: f"{batch.success_count} files")
        batch = await ctx.map(range(3), large, name="all", config=config)
        await ctx.wait(HOUR)
        return sum(map(len, batch.results))

    result = run(handler)
    assert (result.value, result.operation("all").payload) == (600_000, "3 files")


def test_maps_nest() -> None:
    async def inner(ctx: DurableContext, item: int, index: int) -> int:
        await ctx.wait(Duration.from_hours(1 + item))
        return await ctx.step(double, item)

    async def outer(ctx: DurableContext, item: int, index: int) -> int:
        return sum((await ctx.map(range(item), inner)).results)

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> list[int]:
        return (await ctx.map([1, 2, 3], outer)).results

    assert run(handler).value == [0, 2, 6]


class Wrapped:
    """A serializer that marks what it writes."""

    def serialize(self, value: str, context: SerDesContext) -> str:
        return f"wrapped:{value}"

    def deserialize(self, data: str, context: SerDesContext) -> str:
        return data.removeprefix("wrapped:")


def test_items_have_a_serializer_of_their_own() -> None:
    async def upper(ctx: DurableContext, item: str, index: int) -> str:
        return item.upper()

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> list[str]:
        config = MapConfig[str](item_serdes=Wrapped(), item_namer=lambda item, index: f"{item}-{index}")
        batch = await ctx.map(["x", "y"], upper, config=config)
        await ctx.wait(HOUR)
        return batch.results

    result = run(handler)
    assert result.value == ["X", "Y"]
    assert result.operation("x-0").payload == "wrapped:X"


def test_branches_of_parallel_differ_in_type_and_may_have_names() -> None:
    async def number(ctx: DurableContext) -> int:
        return await ctx.step(double, 1)

    async def receipt(ctx: DurableContext) -> Receipt:
        return Receipt(7)

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> list[Any]:
        first = await ctx.parallel([number, ParallelBranch(receipt, "seventh")])
        second = await ctx.parallel({"a": receipt, "b": number}, name="named", config=ParallelConfig(max_concurrency=1))
        await ctx.wait(HOUR)
        assert isinstance(first.results[1], Receipt)
        return [[item.name for item in batch.items] for batch in (first, second)]

    assert run(handler).value == [["parallel-branch-0", "seventh"], ["a", "b"]]


def test_a_map_that_the_quota_cannot_hold_is_refused_before_its_first_item() -> None:
    @durable_execution(limits=ServiceLimits.CURRENT)
    async def handler(event: object, ctx: DurableContext) -> str:
        try:
            await ctx.map(range(2_999), branch, name="too many")
        except SizeLimitError as error:
            return str(error)
        return "mapped"

    result = run(handler)
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


@pytest.mark.parametrize("wrong", WRONG)
def test_bad_input_is_refused_before_any_effect(wrong: str) -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> str:
        with pytest.raises(ValidationError):
            WRONG[wrong](ctx)
        return "refused"

    result = run(handler)
    assert (result.value, list(result.operations)) == ("refused", [])
