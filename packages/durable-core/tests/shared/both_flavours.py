"""Workflows written once for both flavours: the blocking context under the names of the async one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, cast

import pytest

from durable_core import DurableContext, DurableFunction, ParallelBranch, blocking, durable_execution

Body = Callable[[DurableContext], Coroutine[Any, Any, Any]]
"""A workflow, under the names of the async context."""

FLAVOURS: Final = ("async", "blocking")
both_flavours: Final = pytest.mark.parametrize("flavour", FLAVOURS)


def handler_of(flavour: str, body: Body, **settings: Any) -> DurableFunction[Any]:
    """A handler that runs *body*, which awaits nothing but operations, in this flavour."""
    if flavour == "async":

        async def handler(event: object, ctx: DurableContext) -> Any:
            return await body(ctx)

        return durable_execution(**settings)(handler)

    def handler_(event: object, ctx: blocking.DurableContext) -> Any:
        return finished(body(awaitable(ctx)))

    handler_.__name__ = "handler"
    return durable_execution(**settings)(handler_)


def awaitable(ctx: blocking.DurableContext) -> DurableContext:
    """*ctx* under the names of the async context: an operation is over when it has been awaited."""
    return cast("DurableContext", _Awaitable(ctx))


def finished(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What *coroutine*, which awaits nothing but operations, returns."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("a body for both flavours awaits nothing but operations")


class _Awaitable:
    def __init__(self, ctx: blocking.DurableContext) -> None:
        self._ctx = ctx

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._ctx, name)
        return _later(found) if name in _OPERATIONS else found

    async def create_callback(self, **options: Any) -> Any:
        return _AwaitableCallback(self._ctx.create_callback(**options))

    async def run_in_child_context(self, func: Callable[..., Any], /, *args: Any, **options: Any) -> Any:
        plain: Any = self._ctx.run_in_child_context
        return plain(_plain(func), *args, **options)

    def map(self, items: Any, func: Any, /, **options: Any) -> Any:
        batch = self._ctx.map(items, _plain(func) if callable(func) else func, **options)
        return _given(batch)

    def parallel(self, branches: Any, /, **options: Any) -> Any:
        if isinstance(branches, Mapping):
            branches = {name: _plain(func) for name, func in branches.items()}
        elif isinstance(branches, list | tuple):
            branches = [_plain_branch(each) for each in branches]
        return _given(self._ctx.parallel(branches, **options))

    def all(self, operands: Any, /, **options: Any) -> Any:
        return _given(self._ctx.all(_plain_operands(operands), **options))

    def any(self, operands: Any, /, **options: Any) -> Any:
        return _given(self._ctx.any(_plain_operands(operands), **options))

    def race(self, operands: Any, /, **options: Any) -> Any:
        return _given(self._ctx.race(_plain_operands(operands), **options))

    def all_settled(self, operands: Any, /, **options: Any) -> Any:
        return _given(self._ctx.all_settled(_plain_operands(operands), **options))


class _AwaitableCallback:
    def __init__(self, callback: blocking.Callback[Any]) -> None:
        self._callback = callback
        self.result = _later(callback.result)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._callback, name)

    def __repr__(self) -> str:
        return repr(self._callback)


_OPERATIONS = frozenset({"step", "wait", "wait_for_condition", "wait_for_callback", "invoke"})


def _plain(func: Callable[..., Any]) -> Callable[..., Any]:
    """*func*, whose context is async, for a blocking context."""

    @functools.wraps(func)
    def body(child: blocking.DurableContext, *rest: Any) -> Any:
        return finished(func(awaitable(child), *rest))

    return body


def _plain_branch(branch: Any) -> Any:
    return ParallelBranch(_plain(branch.func), branch.name) if isinstance(branch, ParallelBranch) else _plain(branch)


def _plain_operands(operands: Any) -> Any:
    return type(operands)(map(_plain, operands))


def _later(call: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
    async def called(*args: Any, **options: Any) -> Any:
        return call(*args, **options)

    return called


async def _given(value: Any) -> Any:
    return value
