"""Maps over items in batches, written once for both flavours."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Final

from both_flavours import handler_of
from watchdog import watchdog

from durable_core import (
    BatchResult,
    DurableContext,
    DurableFunction,
    Duration,
    ItemStatus,
    MapConfig,
)
from durable_testing import LocalRunner, TestResult

HOUR: Final = Duration.from_hours(1)


class DeclinedError(Exception):
    """Raised for items."""


async def double(number: int) -> int:
    return 2 * number


async def each(ctx: DurableContext, number: int, index: int) -> int:
    """Those over 100 are declined, those over 10 take as many hours."""
    doubled = await ctx.step(double, number)
    if number > 100:
        raise DeclinedError(f"{number} is too much")
    if number > 10:
        await ctx.wait(Duration.from_hours(number))
    return doubled + index


def mapping(
    flavour: str, items: Sequence[Any], config: MapConfig[Any], func: Callable[..., Any] = each
) -> DurableFunction[Any]:
    """A handler that maps *items*, and shows the result as it is after a replay."""

    async def body(ctx: DurableContext) -> Any:
        batch = await ctx.map(items, func, name="all", config=config)
        await ctx.wait(HOUR)
        return shown(batch)

    return handler_of(flavour, body)


def shown(batch: BatchResult[Any]) -> list[Any]:
    """All of *batch* as JSON: why it ended, and for each item its index, what became of it, and what it gave."""
    return [
        str(batch.completion_reason),
        [[item.index, _LETTERS.get(item.status, str(item.status)), _gave(item)] for item in batch.items],
    ]


_LETTERS = {ItemStatus.SUCCEEDED: "S", ItemStatus.FAILED: "F"}


def _gave(item: Any) -> Any:
    return item.result if item.error is None else f"{type(item.error).__name__}: {item.error}"


def run(handler: DurableFunction[Any], **options: Any) -> TestResult[Any]:
    """What came of one execution, replayed once more at its end."""
    with watchdog(), LocalRunner(handler, **options) as runner:
        return runner.run()


def value_of(handler: DurableFunction[Any], **options: Any) -> Any:
    """What one execution returned."""
    result = run(handler, **options)
    assert result.status == "SUCCEEDED", result.error
    return result.value


def operation_id(text: str) -> str:
    """As the official Python SDK derives it."""
    return hashlib.blake2b(text.encode()).hexdigest()[:64]
