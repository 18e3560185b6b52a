"""``DurableContext``: what an ``async def`` workflow can call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Generator
from datetime import timedelta
from sys import _getframe  # pyright: ignore[reportPrivateUsage] (documented for CPython)
from typing import Any, Never, TypeVar, TypeVarTuple, overload

from durable_core._runtime.kind import Kind
from durable_core._runtime.perform import NOT_AT_HAND, perform, recall
from durable_core.config import ChildConfig, StepConfig
from durable_core.context_facts import ContextFacts
from durable_core.errors import ContextMisuseError
from durable_core.operations.child import Child
from durable_core.operations.step import Step
from durable_core.operations.wait import Wait

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Operation(Coroutine[object, Never, T]):
    """An operation that has taken its place and waits to be awaited, once.

    ``await`` it, or give it to ``asyncio.gather``, ``asyncio.create_task`` or ``TaskGroup.create_task``.
    """

    __slots__ = ("_awaited", "_kind", "_work")

    is_durable_operation = True

    def __init__(self, kind: Kind[T]) -> None:
        self._kind = kind
        self._awaited = False
        self._work: Generator[object, Never, T] | None = None
        kind.lane.scope.placed.add(kind)

    @property
    def name(self) -> str | None:
        """Its name, as it is recorded."""
        return self._kind.name

    @property
    def operation_id(self) -> str:
        """Its id, as it is recorded."""
        return self._kind.id

    def __await__(self) -> Generator[object, Never, T]:
        if self._awaited:
            raise ContextMisuseError(f"{self} is awaited a second time; keep its result, or await one task twice")
        self._awaited = True
        kind = self._kind
        kind.lane.scope.placed.discard(kind)
        result = recall(kind)
        return (yield from perform(kind).__await__()) if result is NOT_AT_HAND else result

    def send(self, value: Never) -> object:
        """For the event loop, as a coroutine's."""
        return self._working().send(value)

    def throw(self, *error: Any) -> object:
        """For the event loop, as a coroutine's."""
        return self._working().throw(*error)

    def close(self) -> None:
        """For the event loop, as a coroutine's."""
        self._kind.lane.scope.placed.discard(self._kind)
        if self._work is not None:
            self._work.close()

    def _working(self) -> Generator[object, Never, T]:
        if self._work is None:
            self._kind.lane.scope.placed.discard(self._kind)  # a generator that is thrown into at first never runs
            self._work = self.__await__()
        return self._work

    def __str__(self) -> str:
        return f"{self._kind} ({self._kind.line})"

    def __repr__(self) -> str:
        return f"<Operation {self} {self.operation_id}>"


class DurableContext(ContextFacts):
    """The operations of an ``async def`` workflow, or of a part of it.

    Each method takes its place in the order when it is called, and returns an ``Operation`` to be awaited once.
    """

    __slots__ = ()

    @overload
    def step(
        self,
        func: Callable[[*Ts], Awaitable[T]],
        /,
        *args: *Ts,
        name: str | None = None,
        config: StepConfig | None = None,
    ) -> Operation[T]: ...

    @overload
    def step(
        self, func: Callable[[*Ts], T], /, *args: *Ts, name: str | None = None, config: StepConfig | None = None
    ) -> Operation[T]: ...

    def step(  # type: ignore[misc]  # mypy does not see that this takes every *Ts
        self, func: Callable[..., Any], /, *args: Any, name: str | None = None, config: StepConfig | None = None
    ) -> Operation[Any]:
        """Run ``func(*args)`` and record its outcome, so that it is not run again; the result is what it returned.

        *func* is ``async def``, or ``def``: then it runs on a thread. A failed attempt is tried again as the retry
        strategy says, without paying for the pause; the last failure is raised as a ``StepError`` that is also of the
        class that *func* raised. Keyword arguments go through ``functools.partial``. *name* defaults to the
        function's name.
        """
        return Operation(self._place(Step(func, args, name, config), _getframe(1)))

    def wait(self, duration: timedelta, *, name: str | None = None) -> Operation[None]:
        """Pause the workflow for *duration* without paying for compute.

        The invocation ends meanwhile if nothing else can run; a replay that finds the pause over returns at once.
        *duration* is rounded up to whole seconds, from 1 second to 366 days (``WaitSeconds`` in the Lambda API);
        outside that, ``ValidationError``. Cancelling the operation's task cancels the pause at the service.
        """
        return Operation(self._place(Wait(duration, name), _getframe(1)))

    @overload
    def run_in_child_context(
        self,
        func: Callable[[DurableContext, *Ts], Awaitable[T]],
        /,
        *args: *Ts,
        name: str | None = None,
        config: ChildConfig | None = None,
    ) -> Operation[T]: ...

    @overload
    def run_in_child_context(
        self,
        func: Callable[[DurableContext, *Ts], T],
        /,
        *args: *Ts,
        name: str | None = None,
        config: ChildConfig | None = None,
    ) -> Operation[T]: ...

    def run_in_child_context(  # type: ignore[misc]  # as above
        self, func: Callable[..., Any], /, *args: Any, name: str | None = None, config: ChildConfig | None = None
    ) -> Operation[Any]:
        """Run ``func(child, *args)`` with a context of its own, and record its outcome as one.

        A replay that finds it over does not run it again, unless its result was too large to record: then its
        operations give it again. What it raises is raised as a ``ChildContextError`` that is also of that class.
        """
        return Operation(self._place(Child(func, args, name, config, DurableContext), _getframe(1)))
