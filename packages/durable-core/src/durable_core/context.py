"""``DurableContext``: what an ``async def`` workflow can call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from sys import _getframe  # pyright: ignore[reportPrivateUsage] (documented for CPython)
from types import FrameType
from typing import Any, Generic, TypeVar, TypeVarTuple, overload

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
from durable_core.operation import Operation
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

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
Item = TypeVar("Item")
S = TypeVar("S")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")


Operand = Awaitable[T] | Callable[["DurableContext"], Awaitable[T]]
"""What the combinators take: an operation, a task, a coroutine, or a function of a child context."""


class Callback(CallbackFacts, Generic[T]):
    """A callback that was created: ``callback_id`` for whoever is to answer, and ``result()`` for the answer."""

    __slots__ = ()

    def result(self) -> Operation[T]:
        """The answer: what it was given, or a ``CallbackError``; ``None`` where it came without a payload.

        To be awaited in the context that created the callback, as often as you like.
        """
        return Operation(self._place(CallbackResult(self._operation), _getframe(1)))


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

    def wait_for_condition(
        self,
        check: Callable[[S], Awaitable[S] | S],
        /,
        *,
        initial_state: S,
        name: str | None = None,
        config: WaitForConditionConfig[S],
    ) -> Operation[S]:
        """Call ``check(state)`` now and then, without paying for the pauses, until it is as it should be.

        *check* returns the new state, and the strategy in *config* decides about it; the last state is the result. It
        starts from *initial_state*. ``ConditionNotMetError`` if the strategy gives up, ``ConditionTimeoutError`` if the
        time is up; what *check* raises is raised as a ``ConditionNotMetError`` that is also of that class.
        """
        return Operation(self._place(Condition(check, initial_state, name, config), _getframe(1)))

    @overload
    def create_callback(self, *, name: str | None = None, config: CallbackConfig[T]) -> Operation[Callback[T]]: ...

    @overload
    def create_callback(self, *, name: str | None = None, config: None = None) -> Operation[Callback[Any]]: ...

    def create_callback(
        self, *, name: str | None = None, config: CallbackConfig[Any] | None = None
    ) -> Operation[Callback[Any]]:
        """Create a callback that somebody outside answers, through the Lambda API, by its ``callback_id``.

        Give the id away in a step, and await ``result()`` of what this returns.
        """
        return Operation(self._place(CreateCallback(name, config, self._callback), _getframe(1)))

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
    ) -> Operation[T]: ...

    @overload
    def wait_for_callback(
        self, submitter: Callable[[str, *Ts], Any], /, *args: *Ts, name: str | None = None, config: None = None
    ) -> Operation[Any]: ...

    def wait_for_callback(  # type: ignore[misc]  # as above
        self,
        submitter: Callable[..., Any],
        /,
        *args: Any,
        name: str | None = None,
        config: WaitForCallbackConfig[Any] | None = None,
    ) -> Operation[Any]:
        """Create a callback, run ``submitter(callback_id, *args)`` as a step, and wait for the answer.

        A submitter that fails for good is a ``CallbackSubmitterError``, an answer that is a failure a
        ``CallbackError``, none in time a ``CallbackTimeoutError``.
        """
        how = asked(config)

        async def body(context: DurableContext):  # type: ignore[no-untyped-def]  # its result has the type of *config*
            return await ask(context._place, submitter, args, name, how)

        return Operation(self._place(WaitForCallback(body, submitter, name, how, DurableContext), _getframe(1)))

    @overload
    def invoke(
        self, function_name: str, payload: object = None, /, *, name: str | None = None, config: InvokeConfig[T]
    ) -> Operation[T]: ...

    @overload
    def invoke(
        self, function_name: str, payload: object = None, /, *, name: str | None = None, config: None = None
    ) -> Operation[Any]: ...

    def invoke(
        self,
        function_name: str,
        payload: object = None,
        /,
        *,
        name: str | None = None,
        config: InvokeConfig[Any] | None = None,
    ) -> Operation[Any]:
        """Invoke another Lambda function, durable or not, by its name or ARN, and wait for its result without paying.

        *payload* is written as JSON. A function that fails is an ``InvokeError``, one that times out or is stopped an
        ``InvokeTimeoutError`` or ``InvokeStoppedError``.
        """
        return Operation(self._place(Invoke(function_name, payload, name, config), _getframe(1)))

    @overload
    def all(  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload] (a tuple gives a tuple)
        self, operands: tuple[Operand[A], Operand[B]], /, *, name: str | None = None
    ) -> Operation[tuple[A, B]]: ...

    @overload
    def all(  # type: ignore[overload-overlap]
        self, operands: tuple[Operand[A], Operand[B], Operand[C]], /, *, name: str | None = None
    ) -> Operation[tuple[A, B, C]]: ...

    @overload
    def all(self, operands: Iterable[Operand[T]], /, *, name: str | None = None) -> Operation[list[T]]: ...

    def all(self, operands: Iterable[Operand[Any]], /, *, name: str | None = None) -> Operation[Any]:
        """The results of all *operands*, in their order; the first error is raised, and the others are cancelled.

        An operand is an operation, a task, a coroutine, or a function of a child context. Which of them decided is
        recorded, so that a replay takes the same. A tuple gives a tuple, anything else a list.
        """
        return self._combined(All, operands, name)

    def any(self, operands: Iterable[Operand[T]], /, *, name: str | None = None) -> Operation[T]:
        """The first result of any of *operands*, as ``all``; ``AllFailedError`` if all of them fail."""
        return self._combined(Any_, operands, name)

    def race(self, operands: Iterable[Operand[T]], /, *, name: str | None = None) -> Operation[T]:
        """The first result or error of any of *operands*, as ``all``."""
        return self._combined(Race, operands, name)

    def all_settled(self, operands: Iterable[Operand[T]], /, *, name: str | None = None) -> Operation[BatchResult[T]]:
        """What became of each of *operands*, as ``all``; nothing of it is raised."""
        return self._combined(AllSettled, operands, name)

    def _combined(self, kind: type[Combinator], operands: Iterable[Operand[Any]], name: str | None) -> Operation[Any]:
        frame = _getframe(2)
        checked_name(name)  # before any operand has a place
        given: object = operands
        if not isinstance(given, Iterable) or isinstance(given, str | bytes):
            raise ValidationError(f"{kind.called} takes operations, tasks, coroutines or functions, got {given!r}")
        combinator = kind([self._operand(each, frame) for each in operands], name)
        combinator.shape = tuple if isinstance(operands, tuple) else list
        return Operation(self._place(combinator, frame))

    def _operand(self, given: object, frame: FrameType) -> Operation[Any] | asyncio.Future[Any]:
        if isinstance(given, Operation | asyncio.Future):
            return given
        if asyncio.iscoroutine(given):
            return asyncio.get_running_loop().create_task(given)
        if callable(given):
            return Operation(self._place(Child(given, (), None, None, DurableContext), frame))
        raise ValidationError(
            f"an operation, a task, a coroutine or a function of a context is expected, got {given!r}"
        )

    @overload
    def map(
        self,
        items: Iterable[Item],
        func: Callable[[DurableContext, Item, int], Awaitable[T]],
        /,
        *,
        name: str | None = None,
        config: MapConfig[T] | None = None,
    ) -> Operation[BatchResult[T]]: ...

    @overload
    def map(
        self,
        items: Iterable[Item],
        func: Callable[[DurableContext, Item, int], T],
        /,
        *,
        name: str | None = None,
        config: MapConfig[T] | None = None,
    ) -> Operation[BatchResult[T]]: ...

    def map(
        self,
        items: Iterable[Any],
        func: Callable[..., Any],
        /,
        *,
        name: str | None = None,
        config: MapConfig[Any] | None = None,
    ) -> Operation[BatchResult[Any]]:
        """Run ``func(ctx, item, index)`` for each of *items* side by side, each with a context of its own.

        What the branches return and raise stands in the result; nothing of it is raised (``raise_if_failed`` does).
        Unless *config* says otherwise the first failure ends the batch.
        """
        batch = FanOut(*mapped(items, func, config, _itself), name, DurableContext)
        return Operation(self._place(batch, _getframe(1)))

    def parallel(
        self,
        branches: Branches[Callable[[DurableContext], Any]],
        /,
        *,
        name: str | None = None,
        config: ParallelConfig[Any] | None = None,
    ) -> Operation[BatchResult[Any]]:
        """Run *branches* side by side, each with a context of its own: ``func(ctx)``, or named ones.

        Give a sequence of functions or ``ParallelBranch(func, name)``, or a mapping from names to functions. As
        ``map`` otherwise.
        """
        batch = FanOut(*paralleled(branches, config), name, DurableContext)
        return Operation(self._place(batch, _getframe(1)))

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


def _itself(coroutine: T) -> T:
    """A branch awaits the coroutine that its function returns."""
    return coroutine
