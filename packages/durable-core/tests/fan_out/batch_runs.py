"""Maps over items in batches, written once for both flavours."""

from __future__ import annotations

import faulthandler
import functools
import hashlib
import sys
from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import contextmanager
from typing import Any, Final, cast

import pytest

from durable_core import (
    BatchResult,
    DurableContext,
    DurableFunction,
    Duration,
    ItemStatus,
    MapConfig,
    blocking,
    durable_execution,
)
from durable_testing import LocalRunner, TestResult

Body = Callable[[DurableContext], Coroutine[Any, Any, Any]]

HOUR: Final = Duration.from_hours(1)
both_flavours: Final = pytest.mark.parametrize("flavour", ["async", "blocking"])


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


def handler_of(flavour: str, body: Body, **settings: Any) -> DurableFunction[Any]:
    """A handler that runs *body*, which awaits nothing but operations, in this flavour."""
    if flavour == "async":

        async def handler(event: object, ctx: DurableContext) -> Any:
            return await body(ctx)

        return durable_execution(**settings)(handler)

    def blocking_handler(event: object, ctx: blocking.DurableContext) -> Any:
        return _finished(body(_awaitable(ctx)))

    blocking_handler.__name__ = "handler"
    return durable_execution(**settings)(blocking_handler)


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


@contextmanager
def watchdog(seconds: float = 60) -> Generator[None]:
    """What hangs prints where every thread stands, and ends the run."""
    faulthandler.dump_traceback_later(seconds, exit=True, file=sys.__stderr__ or sys.stderr)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


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


class _Awaitable:
    """The blocking context under the names of the async one: an operation is over when it has been awaited."""

    def __init__(self, ctx: blocking.DurableContext) -> None:
        self._ctx: Any = ctx

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ctx, name)

    async def step(self, func: Callable[..., Any], /, *args: Any, **options: Any) -> Any:
        return self._ctx.step(func, *args, **options)

    async def wait(self, duration: Any, **options: Any) -> None:
        self._ctx.wait(duration, **options)

    async def run_in_child_context(self, func: Callable[..., Any], /, *args: Any, **options: Any) -> Any:
        return self._ctx.run_in_child_context(_in_a_thread(func), *args, **options)

    async def map(self, items: Any, func: Callable[..., Any], /, **options: Any) -> Any:
        return self._ctx.map(items, _in_a_thread(func), **options)


def _in_a_thread(func: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(func)
    def body(ctx: blocking.DurableContext, *rest: Any) -> Any:
        return _finished(func(_awaitable(ctx), *rest))

    return body


def _awaitable(ctx: blocking.DurableContext) -> DurableContext:
    return cast("DurableContext", _Awaitable(ctx))


def _finished(coroutine: Coroutine[Any, Any, Any]) -> Any:
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("a body for both flavours awaits nothing but operations")
