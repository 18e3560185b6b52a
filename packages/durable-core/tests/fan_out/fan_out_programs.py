"""Maps and combinators for both flavours, and what they give."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pytest
from both_flavours import FLAVOURS
from fan_out_runs import Body

from durable_core import (
    AllFailedError,
    BatchResult,
    ChildContextError,
    CompletionConfig,
    DurableContext,
    Duration,
    MapConfig,
    Nesting,
    NoRetry,
    StepConfig,
)

HOUR: Final = Duration.from_hours(1)
ONCE: Final = StepConfig(retry_strategy=NoRetry())


async def double(number: int) -> int:
    return 2 * number


async def fail(text: str) -> int:
    raise LookupError(text)


# Maps


@dataclass
class Receipt:
    number: int


class DeclinedError(Exception):
    """Raised by branches."""


async def branch(ctx: DurableContext, number: int, index: int) -> Receipt:
    """Items over 100 are declined, those over 10 take as many hours."""
    doubled = await ctx.step(double, number)
    if number > 100:
        raise DeclinedError(f"{number} is too much")
    if number > 10:
        await ctx.wait(Duration.from_hours(number))
    return Receipt(doubled + index)


def mapping(items: list[int], config: MapConfig[Receipt] | None = None) -> Body:
    """A workflow that maps *items* and looks at the result twice: at once, and after a replay."""

    async def body(ctx: DurableContext) -> list[Any]:
        batch = await ctx.map(items, branch, name="receipts", config=config)
        await ctx.wait(HOUR)
        return shown(batch)

    return body


def shown(batch: BatchResult[Receipt]) -> list[Any]:
    """All of *batch* as JSON."""
    items = [[item.index, str(item.status), item.result and item.result.number] for item in batch.items]
    return [str(batch.completion_reason), items, [type(error).__name__ for error in batch.errors]]


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
        [13, 11, 14],
        MapConfig(completion=CompletionConfig.first_successful()),
        ["MIN_SUCCESSFUL_REACHED", [[0, "STARTED", None], [1, "SUCCEEDED", 23], [2, "STARTED", None]], []],
    ),
    "a predicate stops": (
        [11, 12, 14],
        MapConfig(completion=CompletionConfig(should_complete=lambda status: status.success_count == 2)),
        ["CUSTOM", [[0, "SUCCEEDED", 22], [1, "SUCCEEDED", 25], [2, "STARTED", None]], []],
    ),
    "waits two at a time": (
        [13, 11, 12, 1],
        MapConfig(max_concurrency=2, completion=CompletionConfig(min_successful=3)),
        [
            "MIN_SUCCESSFUL_REACHED",
            [[0, "SUCCEEDED", 26], [1, "SUCCEEDED", 23], [2, "STARTED", None], [3, "SUCCEEDED", 5]],
            [],
        ],
    ),
    "whatever fails": (
        [101, 11, 102],
        MapConfig(completion=CompletionConfig.all_completed()),
        [
            "ALL_COMPLETED",
            [[0, "FAILED", None], [1, "SUCCEEDED", 23], [2, "FAILED", None]],
            ["DeclinedError"] * 2,
        ],
    ),
}


def case_of(case: str, nesting: Nesting) -> tuple[Body, list[Any]]:
    """The workflow of a *case* with this *nesting*, and what it gives."""
    items, config, expected = CASES[case]
    config = MapConfig(max_concurrency=config.max_concurrency, completion=config.completion, nesting=nesting)
    return mapping(items, config), expected


# Combinators


async def later(ctx: DurableContext, hours: int, value: int) -> int:
    """Two operations in a context of their own."""
    await ctx.wait(Duration.from_hours(hours))
    return await ctx.step(double, value)


async def failing_later(ctx: DurableContext, hours: int, text: str) -> int:
    await ctx.wait(Duration.from_hours(hours))
    return await ctx.step(fail, text, config=ONCE)


async def at_once(ctx: DurableContext, value: int) -> int:
    return await ctx.step(double, value)


async def failing(ctx: DurableContext, text: str) -> int:
    return await ctx.step(fail, text, config=ONCE)


async def time_limit(ctx: DurableContext) -> None:
    await ctx.wait(HOUR, name="limit")


def operand(func: Body, *args: Any) -> Callable[[DurableContext], Any]:
    """``func(ctx, *args)`` as combinators of both flavours take it."""

    @functools.wraps(func)
    async def body(ctx: DurableContext) -> Any:
        return await func(ctx, *args)

    return body


async def all_of_them(ctx: DurableContext) -> Any:
    return await ctx.all([operand(at_once, 5), operand(later, 2, 20), operand(later, 1, 10)])


async def all_with_a_failure(ctx: DurableContext) -> Any:
    try:
        await ctx.all([operand(later, 3, 1), operand(failing_later, 1, "gone"), operand(later, 2, 2)])
    except LookupError as error:
        return [str(error), isinstance(error, ChildContextError)]


async def race_of_waits(ctx: DurableContext) -> Any:
    return await ctx.race([operand(later, 3, 1), operand(later, 1, 2), operand(later, 2, 3)])


async def race_with_a_time_limit(ctx: DurableContext) -> Any:
    return await ctx.race([time_limit, operand(later, 3, 1)])


async def race_that_fails(ctx: DurableContext) -> Any:
    try:
        await ctx.race([operand(later, 2, 1), operand(failing_later, 1, "first")])
    except LookupError as error:
        return str(error)


async def any_after_a_failure(ctx: DurableContext) -> Any:
    return await ctx.any([operand(failing_later, 1, "no"), operand(later, 2, 4), operand(later, 3, 5)])


async def any_of_failures(ctx: DurableContext) -> Any:
    try:
        await ctx.any([operand(failing, "one"), operand(failing_later, 1, "two")], name="either")
    except AllFailedError as error:
        return [str(error), error.name]


async def settled(ctx: DurableContext) -> Any:
    batch = await ctx.all_settled([operand(later, 1, 1), operand(failing, "no")])
    return [[str(each.status), each.result, str(each.error)] for each in batch.items]


async def nothing_at_all(ctx: DurableContext) -> Any:
    return [await ctx.all([]), (await ctx.all_settled([])).total_count]


async def both_later(ctx: DurableContext) -> Any:
    return await ctx.all([operand(later, 1, 1), operand(later, 2, 2)])


async def nested(ctx: DurableContext) -> Any:
    return await ctx.race([both_later, operand(later, 4, 3)])


async def nested_loser(ctx: DurableContext) -> Any:
    """The one that loses has branches of its own, which wait."""

    async def both_too_late(ctx: DurableContext) -> Any:
        return await ctx.all([operand(later, 3, 1), operand(later, 4, 2)])

    return await ctx.race([both_too_late, operand(later, 1, 3)])


async def one_after_another(ctx: DurableContext) -> Any:
    return [await race_of_waits(ctx), await all_of_them(ctx), await any_after_a_failure(ctx)]


PROGRAMS: dict[Body, Any] = {
    all_of_them: [10, 40, 20],
    all_with_a_failure: ["gone", True],
    race_of_waits: 4,
    race_with_a_time_limit: None,
    race_that_fails: "first",
    any_after_a_failure: 8,
    any_of_failures: ["none of 2 operations succeeded: LookupError: one; LookupError: two", "either"],
    settled: [["SUCCEEDED", 2, "None"], ["FAILED", None, "no"]],
    nothing_at_all: [[], 0],
    nested: [2, 4],
    nested_loser: 6,
    one_after_another: [4, [10, 40, 20], 8],
}


each_program: Final = pytest.mark.parametrize(
    ("flavour", "body"),
    [pytest.param(flavour, body, id=f"{flavour}-{body.__name__}") for flavour in FLAVOURS for body in PROGRAMS],
)


def seen_twice(body: Body) -> Body:
    """*body*, replayed once more after it is over."""

    async def workflow(ctx: DurableContext) -> Any:
        result = await body(ctx)
        await ctx.wait(HOUR)
        return await ctx.step(lambda: result, name="seen")

    return workflow
