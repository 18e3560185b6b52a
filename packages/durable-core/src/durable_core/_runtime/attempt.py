"""Running a function of the user's, and keeping whatever comes out of it."""

from __future__ import annotations

import contextvars
import inspect
from collections.abc import Callable
from types import GeneratorType
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from durable_core._runtime.hooks import Around

CURRENT_STEP: contextvars.ContextVar[Any] = contextvars.ContextVar("durable_core.step")
"""The ``StepContext`` of the step whose body runs here."""


class Attempt(Struct, frozen=True):
    """What came out: a value, or an error of any kind."""

    value: Any = None
    error: BaseException | None = None
    unbound: bool = False
    """The arguments did not fit the function, so that its body never ran."""


class Call(Struct, frozen=True):
    """A step's function, about to run."""

    func: Callable[..., Any]
    args: tuple[Any, ...]
    is_async: bool
    timeout: float | None
    """Seconds."""
    facts: Any
    """The ``StepContext`` of this attempt."""
    around: Around | None = None
    """What plugins are told of it."""

    def context(self) -> contextvars.Context:
        """A copy of the caller's context variables, in which the body knows its step."""
        context = contextvars.copy_context()
        context.run(CURRENT_STEP.set, self.facts)
        return context

    def run(self) -> Attempt:
        """Call the function; what comes out is an awaitable, or final."""
        if self.around is None:
            return attempt(self.func, self.args)
        self.around.start()
        result = attempt(self.func, self.args)
        if result.error is not None or not is_awaitable(result.value):
            self.around.end(result)
        return result


def is_awaitable(value: object) -> bool:
    """As ``inspect.isawaitable``, which asks a slow abstract class."""
    return hasattr(type(value), "__await__") or (isinstance(value, GeneratorType) and inspect.isawaitable(value))


async def called(func: Callable[..., Any], args: tuple[Any, ...]) -> Attempt:
    """Call *func*, await what it returns if that can be awaited, and keep what comes out."""
    try:
        result = func(*args)
        return Attempt(await result if is_awaitable(result) else result)
    except BaseException as error:
        return Attempt(error=error)


def attempt(func: Callable[..., Any], args: tuple[Any, ...]) -> Attempt:
    """Call it; what it raises, StopIteration included, is kept and not raised."""
    try:
        return Attempt(func(*args))
    except BaseException as error:
        trace = error.__traceback__  # a TypeError that passed through no frame but this one is of the call itself
        return Attempt(error=error, unbound=type(error) is TypeError and trace is not None and trace.tb_next is None)
