"""``DurableContext`` for plain ``def`` workflows: the same operations, which block instead of being awaited."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from sys import _getframe  # pyright: ignore[reportPrivateUsage] (documented for CPython)
from types import FrameType
from typing import Any, Generic, TypeVar, TypeVarTuple, overload

from durable_core._runtime.blocking_driver import drive
from durable_core._runtime.kind import Kind
from durable_core._runtime.perform import NOT_AT_HAND, perform, recall
from durable_core.config import (
    CallbackConfig,
    ChildConfig,
    InvokeConfig,
    MapConfig,
    ParallelConfig,
    StepConfig,
    WaitForCallbackConfig,
    WaitForConditionConfig,
)
from durable_core.context_facts import ContextFacts
from durable_core.errors import ValidationError
from durable_core.operations.callback import (
    CallbackFacts,
    CallbackResult,
    CreateCallback,
    WaitForCallback,
    ask,
    asked,
)
from durable_core.operations.child import Child
from durable_core.operations.combinators import All, AllSettled, Any_, Combinator, Race
from durable_core.operations.condition import Condition
from durable_core.operations.fan_out import Branches, FanOut, mapped, paralleled
from durable_core.operations.functions import checked_name
from durable_core.operations.invoke import Invoke
from durable_core.operations.step import Step
from durable_core.operations.wait import Wait
from durable_core.results import BatchResult

__all__ = ["Callback", "DurableContext"]

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
Item = TypeVar("Item")
S = TypeVar("S")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

Operand = Callable[["DurableContext"], T]
"""What the combinators take: a function of a child context."""


class Callback(CallbackFacts, Generic[T]):
    """A callback that was created, as ``durable_core.Callback``."""

    __slots__ = ()

    def result(self) -> T:
        """The answer, once it is there, as ``durable_core.Callback.result``."""
        result: T = performed(self._place(CallbackResult(self._operation), _getframe(1)))
        return result


class DurableContext(ContextFacts):
    """The operations of a ``def`` workflow, or of a part of it; each returns its value."""

    __slots__ = ()

    @overload
    def step(
        self,
        func: Callable[[*Ts], Awaitable[T]],
        /,
        *args: *Ts,
        name: str | None = None,
        config: StepConfig | None = None,
    ) -> T: ...

    @overload
    def step(
        self, func: Callable[[*Ts], T], /, *args: *Ts, name: str | None = None, config: StepConfig | None = None
    ) -> T: ...

    def step(  # type: ignore[misc]  # mypy does not see that this takes every *Ts
        self, func: Callable[..., Any], /, *args: Any, name: str | None = None, config: StepConfig | None = None
    ) -> Any:
        """Run ``func(*args)`` on this thread and return its recorded outcome; ``async def`` by ``asyncio.run``.

        As ``durable_core.DurableContext.step``.
        """
        return self._perform(Step(func, args, name, config), _getframe(1))

    def wait(self, duration: timedelta, *, name: str | None = None) -> None:
        """Pause the workflow for *duration*, as ``durable_core.DurableContext.wait``."""
        self._perform(Wait(duration, name), _getframe(1))

    def wait_for_condition(
        self,
        check: Callable[[S], Awaitable[S] | S],
        /,
        *,
        initial_state: S,
        name: str | None = None,
        config: WaitForConditionConfig[S],
    ) -> S:
        """Call ``check(state)`` now and then, as ``durable_core.DurableContext.wait_for_condition``."""
        result: S = self._perform(Condition(check, initial_state, name, config), _getframe(1))
        return result

    @overload
    def create_callback(self, *, name: str | None = None, config: CallbackConfig[T]) -> Callback[T]: ...

    @overload
    def create_callback(self, *, name: str | None = None, config: None = None) -> Callback[Any]: ...

    def create_callback(self, *, name: str | None = None, config: CallbackConfig[Any] | None = None) -> Callback[Any]:
        """Create a callback that somebody outside answers, as ``durable_core.DurableContext.create_callback``."""
        result: Callback[Any] = self._perform(CreateCallback(name, config, self._callback), _getframe(1))
        return result

    def _callback(self, operation: CreateCallback, id: str) -> Callback[Any]:
        return Callback(operation, id, self._place)

    @overload
    def wait_for_callback(
        self,
        submitter: Callable[[str, *Ts], Any],
        /,
        *args: *Ts,
        name: str | None = None,
        config: WaitForCallbackConfig[T],
    ) -> T: ...

    @overload
    def wait_for_callback(
        self, submitter: Callable[[str, *Ts], Any], /, *args: *Ts, name: str | None = None, config: None = None
    ) -> Any: ...

    def wait_for_callback(  # type: ignore[misc]  # mypy does not see that this takes every *Ts
        self,
        submitter: Callable[..., Any],
        /,
        *args: Any,
        name: str | None = None,
        config: WaitForCallbackConfig[Any] | None = None,
    ) -> Any:
        """Create a callback, tell somebody its id, and wait, as ``durable_core.DurableContext.wait_for_callback``."""
        how = asked(config)

        def body(context: DurableContext):  # type: ignore[no-untyped-def]  # its result has the type of *config*
            return drive(ask(context._place, submitter, args, name, how))

        return self._perform(WaitForCallback(body, submitter, name, how, DurableContext), _getframe(1))

    @overload
    def invoke(
        self, function_name: str, payload: object = None, /, *, name: str | None = None, config: InvokeConfig[T]
    ) -> T: ...

    @overload
    def invoke(
        self, function_name: str, payload: object = None, /, *, name: str | None = None, config: None = None
    ) -> Any: ...

    def invoke(
        self,
        function_name: str,
        payload: object = None,
        /,
        *,
        name: str | None = None,
        config: InvokeConfig[Any] | None = None,
    ) -> Any:
        """Invoke another Lambda function and return its result, as ``durable_core.DurableContext.invoke``."""
        return self._perform(Invoke(function_name, payload, name, config), _getframe(1))

    @overload
    def all(  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload] (a tuple gives a tuple)
        self, operands: tuple[Operand[A], Operand[B]], /, *, name: str | None = None
    ) -> tuple[A, B]: ...

    @overload
    def all(  # type: ignore[overload-overlap]
        self, operands: tuple[Operand[A], Operand[B], Operand[C]], /, *, name: str | None = None
    ) -> tuple[A, B, C]: ...

    @overload
    def all(self, operands: Iterable[Operand[T]], /, *, name: str | None = None) -> list[T]: ...

    def all(self, operands: Iterable[Operand[Any]], /, *, name: str | None = None) -> Any:
        """The results of all *operands*, functions of a child context, as ``durable_core.DurableContext.all``."""
        return self._combined(All, operands, name)

    def any(self, operands: Iterable[Operand[T]], /, *, name: str | None = None) -> T:
        """The first result of any of *operands*, as ``durable_core.DurableContext.any``."""
        result: T = self._combined(Any_, operands, name)
        return result

    def race(self, operands: Iterable[Operand[T]], /, *, name: str | None = None) -> T:
        """The first result or error of any of *operands*, as ``durable_core.DurableContext.race``."""
        result: T = self._combined(Race, operands, name)
        return result

    def all_settled(self, operands: Iterable[Operand[T]], /, *, name: str | None = None) -> BatchResult[T]:
        """What became of each of *operands*, as ``durable_core.DurableContext.all_settled``."""
        result: BatchResult[T] = self._combined(AllSettled, operands, name)
        return result

    def _combined(self, kind: type[Combinator], operands: Iterable[Operand[Any]], name: str | None) -> Any:
        frame = _getframe(2)
        checked_name(name)  # before any operand has a place
        given: object = operands
        if not isinstance(given, Iterable) or isinstance(given, str | bytes):
            raise ValidationError(f"{kind.called} takes functions of a child context, got {given!r}")
        functions = list(operands)
        for each in functions:
            if not callable(each):
                raise ValidationError(f"{kind.called} takes functions of a child context, got {each!r}")
        children = [self._place(Child(each, (), None, None, DurableContext), frame) for each in functions]
        combinator = kind(children, name)
        combinator.shape = tuple if isinstance(operands, tuple) else list
        return self._perform(combinator, frame)

    def map(
        self,
        items: Iterable[Item],
        func: Callable[[DurableContext, Item, int], T],
        /,
        *,
        name: str | None = None,
        config: MapConfig[T] | None = None,
    ) -> BatchResult[T]:
        """Run ``func(ctx, item, index)`` for each of *items* side by side, as ``durable_core.DurableContext.map``.

        The branches run on at most 32 threads. One that waits for anything but its own step gives its thread back: it
        runs again from the top when what it waits for is over, as a replay does.
        """
        batch = FanOut(*mapped(items, func, config, drive), name, DurableContext)
        result: BatchResult[T] = self._perform(batch, _getframe(1))
        return result

    def parallel(
        self,
        branches: Branches[Callable[[DurableContext], Any]],
        /,
        *,
        name: str | None = None,
        config: ParallelConfig[Any] | None = None,
    ) -> BatchResult[Any]:
        """Run *branches* side by side, as ``durable_core.DurableContext.parallel``, and on threads as ``map``."""
        batch = FanOut(*paralleled(branches, config), name, DurableContext)
        result: BatchResult[Any] = self._perform(batch, _getframe(1))
        return result

    def run_in_child_context(
        self,
        func: Callable[[DurableContext, *Ts], T],
        /,
        *args: *Ts,
        name: str | None = None,
        config: ChildConfig | None = None,
    ) -> T:
        """Run ``func(child, *args)`` with a context of its own, and record its outcome as one.

        As ``durable_core.DurableContext.run_in_child_context``.
        """
        result: T = self._perform(Child(func, args, name, config, DurableContext), _getframe(1))
        return result

    def _perform(self, kind: Kind[T], frame: FrameType) -> T:
        return performed(self._place(kind, frame))


def performed(kind: Kind[T]) -> T:
    """The result of an operation at its place."""
    result = recall(kind)
    return drive(perform(kind)) if result is NOT_AT_HAND else result
