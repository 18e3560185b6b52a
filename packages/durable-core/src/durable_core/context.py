"""``DurableContext``: what an ``async def`` workflow can call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Generator
from datetime import timedelta
from sys import _getframe  # pyright: ignore[reportPrivateUsage] (documented for CPython)
from types import FrameType
from typing import Any, Never, TypeVar, TypeVarTuple, overload

from durable_core._runtime.perform import Kind, perform
from durable_core._runtime.scope import Place
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

    __slots__ = ("_coroutine", "_kind", "place")

    is_durable_operation = True

    def __init__(self, place: Place, kind: Kind[T]) -> None:
        self.place: Place = place
        self._kind = kind
        self._coroutine: Coroutine[object, Never, T] | None = None
        place.lane.scope.placed.add(self)

    @property
    def name(self) -> str | None:
        """Its name, as it is recorded."""
        return self._kind.name

    @property
    def operation_id(self) -> str:
        """Its id, as it is recorded."""
        return self.place.id

    def _begun(self) -> Coroutine[object, Never, T]:
        if self._coroutine is not None:
            raise ContextMisuseError(f"{self} is awaited a second time; keep its result, or await one task twice")
        scope = self.place.lane.scope
        scope.placed.discard(self)
        self._coroutine = perform(scope.execution, self.place, self._kind)
        return self._coroutine

    def __await__(self) -> Generator[object, Never, T]:
        return self._begun().__await__()

    def send(self, value: Never) -> object:
        """For the event loop, as a coroutine's."""
        return (self._coroutine or self._begun()).send(value)

    def throw(self, *error: Any) -> object:
        """For the event loop, as a coroutine's."""
        return (self._coroutine or self._begun()).throw(*error)

    def close(self) -> None:
        """For the event loop, as a coroutine's."""
        if self._coroutine is None:
            self.place.lane.scope.placed.discard(self)
        else:
            self._coroutine.close()

    def __str__(self) -> str:
        return f"{self._kind} ({self.place.line})"

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
        return self._operation(Step(func, args, name, config), _getframe(1))

    def wait(self, duration: timedelta, *, name: str | None = None) -> Operation[None]:
        """Pause the workflow for *duration* without paying for compute.

        The invocation ends meanwhile if nothing else can run; a replay that finds the pause over returns at once.
        *duration* is rounded up to whole seconds, from 1 second to 366 days (``WaitSeconds`` in the Lambda API);
        outside that, ``ValidationError``. Cancelling the operation's task cancels the pause at the service.
        """
        return self._operation(Wait(duration, name), _getframe(1))

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
        return self._operation(Child(func, args, name, config, DurableContext), _getframe(1))

    def _operation(self, kind: Kind[T], frame: FrameType) -> Operation[T]:
        return Operation(self._place(kind, frame), kind)
