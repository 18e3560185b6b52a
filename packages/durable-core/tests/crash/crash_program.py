"""What a program is: an ordinary workflow, written once, that runs in both flavours where it starts no tasks."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine, Iterable
from datetime import timedelta
from typing import Any, NamedTuple, cast

from crash_world import World

from durable_core import (
    Checkpointing,
    ChildConfig,
    DurableContext,
    DurableFunction,
    StepConfig,
    blocking,
    durable_execution,
)

Run = Callable[[DurableContext, World], Coroutine[Any, Any, Any]]


class Program(NamedTuple):
    """A workflow, and what a crash may change of it."""

    name: str
    run: Run
    sequential: bool
    """It starts no tasks: so it runs in the blocking flavour too, and its effects have one order."""
    or_else: tuple[Any, ...]
    """Values that it may also give after a crash: an attempt was cut off that may not run again, or time has passed."""
    at_most_once: frozenset[str]
    """Steps whose body never runs twice within an attempt."""
    left: frozenset[str]
    """Operations that it cancels, or does not wait for, and that therefore may stay without an end."""
    stride: int
    """Every how many checkpoints it crashes: 1 unless a run is slow."""

    @property
    def flavours(self) -> tuple[str, ...]:
        return ("async", "blocking") if self.sequential else ("async",)


def program(
    *,
    sequential: bool = False,
    or_else: Iterable[Any] = (),
    at_most_once: Iterable[str] = (),
    left: Iterable[str] = (),
    stride: int = 1,
) -> Callable[[Run], Program]:
    """Make the decorated workflow a program of its name."""

    def made(run: Run) -> Program:
        return Program(run.__name__, run, sequential, tuple(or_else), frozenset(at_most_once), frozenset(left), stride)

    return made


def handler_of(
    each: Program, flavour: str, make_world: Callable[[], World], checkpointing: Checkpointing = Checkpointing.EAGER
) -> DurableFunction[Any]:
    """A Lambda handler that runs the program; each invocation has a world of its own."""
    if flavour == "async":

        async def handler(event: object, ctx: DurableContext) -> Any:
            return await each.run(ctx, make_world())

        return durable_execution(checkpointing=checkpointing)(handler)

    def blocking_handler(event: object, ctx: blocking.DurableContext) -> Any:
        return _run(each.run(_as_async(ctx), make_world()))

    return durable_execution(checkpointing=checkpointing)(blocking_handler)


class _Awaitable:
    """The blocking context under the names of the async one: what is awaited is over by then."""

    def __init__(self, ctx: blocking.DurableContext) -> None:
        self._ctx = ctx

    async def step(
        self, func: Callable[..., Any], /, *args: Any, name: str | None = None, config: StepConfig | None = None
    ) -> Any:
        return self._ctx.step(func, *args, name=name, config=config)

    async def wait(self, duration: timedelta, *, name: str | None = None) -> None:
        self._ctx.wait(duration, name=name)

    async def create_callback(self, **options: Any) -> Any:
        return _AwaitableCallback(self._ctx.create_callback(**options))

    async def wait_for_callback(self, submitter: Any, /, *args: Any, **options: Any) -> Any:
        ask: Any = self._ctx.wait_for_callback
        return ask(submitter, *args, **options)

    async def wait_for_condition(self, check: Callable[[Any], Any], /, **options: Any) -> Any:
        return self._ctx.wait_for_condition(check, **options)

    async def invoke(self, function_name: str, payload: object = None, /, **options: Any) -> Any:
        return self._ctx.invoke(function_name, payload, **options)

    async def run_in_child_context(
        self, func: Callable[..., Any], /, *args: Any, name: str | None = None, config: ChildConfig | None = None
    ) -> Any:
        @functools.wraps(func)
        def body(child: blocking.DurableContext, *rest: Any) -> Any:
            return _run(func(_as_async(child), *rest))

        return self._ctx.run_in_child_context(body, *args, name=name, config=config)


class _AwaitableCallback:
    def __init__(self, callback: blocking.Callback[Any]) -> None:
        self._callback = callback
        self.callback_id = callback.callback_id

    async def result(self) -> Any:
        return self._callback.result()


def _as_async(ctx: blocking.DurableContext) -> DurableContext:
    return cast("DurableContext", _Awaitable(ctx))


def _run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("a sequential program awaits nothing but operations")
