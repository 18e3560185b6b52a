"""``DurableContext`` for plain ``def`` workflows: the same operations, which block instead of being awaited."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from sys import _getframe  # pyright: ignore[reportPrivateUsage] (documented for CPython)
from types import FrameType
from typing import Any, TypeVar, TypeVarTuple, overload

from durable_core._runtime.blocking_driver import drive
from durable_core._runtime.kind import Kind
from durable_core._runtime.perform import NOT_AT_HAND, perform, recall
from durable_core.config import ChildConfig, StepConfig
from durable_core.context_facts import ContextFacts
from durable_core.operations.child import Child
from durable_core.operations.step import Step
from durable_core.operations.wait import Wait

__all__ = ["DurableContext"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


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
        result = recall(self._place(kind, frame))
        return drive(perform(kind)) if result is NOT_AT_HAND else result
