"""Workflows written once for both flavours, with maps and combinators in them, and what came of their runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, cast

import pytest

from durable_core import DurableContext, DurableFunction, ParallelBranch, blocking, durable_execution
from durable_testing import LocalRunner, TestResult
from durable_testing.faults import CrashingClient, Side

Body = Callable[..., Coroutine[Any, Any, Any]]

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


def run(handler: DurableFunction[Any], **options: Any) -> TestResult[Any]:
    """The result of one execution, replayed once more at its end."""
    with LocalRunner(handler, **options) as runner:
        return runner.run()


def value_of(handler: DurableFunction[Any], **options: Any) -> Any:
    """What one execution, which succeeds, returned."""
    result = run(handler, **options)
    assert result.status == "SUCCEEDED", result.error
    return result.value


def check_every_crash(handler: DurableFunction[Any], expected: Any, side: Side, updates: int) -> None:
    """Run *handler* once for each of its checkpoints, with a crash there; each run returns what is *expected*."""
    at = 1
    while True:
        clients: list[CrashingClient] = []

        def crashing(inner: Any, at: int = at, clients: list[CrashingClient] = clients) -> CrashingClient:
            clients.append(CrashingClient(inner, at, side))
            return clients[-1]

        assert value_of(handler, client=crashing, batch_updates=updates) == expected
        if clients[0].calls < at:
            return
        at += 1


def records(result: TestResult[Any]) -> list[tuple[Any, ...]]:
    """All that is recorded of the operations but times, in the order of their ids.

    Whether a wait that nobody waits for any more is cancelled, is for tests of its own.
    """
    given_up = {("WAIT", "STARTED"), ("WAIT", "CANCELLED")}
    return sorted(
        (
            *(each.id, each.type, each.subtype, each.name or "", each.parent_id or "", each.payload or ""),
            "given up" if (each.type, each.status) in given_up else each.status,
            (each.error or {}).get("ErrorType", ""),
        )
        for each in result.operations
    )


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
        self.blocking = ctx

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.blocking, name)
        return _later(found) if name in _OPERATIONS else found

    async def create_callback(self, **options: Any) -> Any:
        return _AwaitableCallback(self.blocking.create_callback(**options))

    async def run_in_child_context(self, func: Body, /, *args: Any, **options: Any) -> Any:
        plain: Any = self.blocking.run_in_child_context
        return plain(_plain(func), *args, **options)

    def map(self, items: Any, func: Any, /, **options: Any) -> Any:
        batch = self.blocking.map(items, _plain(func) if callable(func) else func, **options)
        return _given(batch)

    def parallel(self, branches: Any, /, **options: Any) -> Any:
        if isinstance(branches, Mapping):
            branches = {name: _plain(func) for name, func in branches.items()}
        elif isinstance(branches, list | tuple):
            branches = [_plain_branch(each) for each in branches]
        return _given(self.blocking.parallel(branches, **options))


class _AwaitableCallback:
    def __init__(self, callback: blocking.Callback[Any]) -> None:
        self.callback_id = callback.callback_id
        self.result = _later(callback.result)


_OPERATIONS = frozenset({"step", "wait", "wait_for_condition", "wait_for_callback", "invoke"})


def _combinator(name: str) -> Callable[..., Any]:
    def combined(self: _Awaitable, operands: Any, /, **options: Any) -> Any:
        return _given(getattr(self.blocking, name)(type(operands)(map(_plain, operands)), **options))

    return combined


for _name in ("all", "any", "race", "all_settled"):
    setattr(_Awaitable, _name, _combinator(_name))


def _plain(func: Any) -> Any:
    """*func*, whose context is async, for a blocking context."""

    @functools.wraps(func)
    def body(child: blocking.DurableContext, *rest: Any) -> Any:
        return finished(func(awaitable(child), *rest))

    return body


def _plain_branch(branch: Any) -> Any:
    return ParallelBranch(_plain(branch.func), branch.name) if isinstance(branch, ParallelBranch) else _plain(branch)


def _later(call: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
    async def called(*args: Any, **options: Any) -> Any:
        return call(*args, **options)

    return called


async def _given(value: Any) -> Any:
    return value
