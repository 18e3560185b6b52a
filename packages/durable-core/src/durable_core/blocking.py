"""``DurableContext`` for plain ``def`` workflows: the same operations, which block instead of being awaited."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
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
    StepConfig,
    WaitForCallbackConfig,
    WaitForConditionConfig,
)
from durable_core.context_facts import ContextFacts
from durable_core.operations.callback import (
    CallbackFacts,
    CallbackResult,
    CreateCallback,
    WaitForCallback,
    ask,
    asked,
)
from durable_core.operations.child import Child
from durable_core.operations.condition import Condition
from durable_core.operations.invoke import Invoke
from durable_core.operations.step import Step
from durable_core.operations.wait import Wait

__all__ = ["Callback", "DurableContext"]

S = TypeVar("S")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")


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
