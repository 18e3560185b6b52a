"""``ctx.step``: a function of the user's whose outcome is recorded, so that it is not run again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from durable_core._core.rebuilding import Family
from durable_core._wire.shapes import OperationUpdate
from durable_core.config import StepConfig, StepSemantics
from durable_core.errors import OperationError, StepError, ValidationError
from durable_core.operations.attempts import Attempts, pause
from durable_core.operations.functions import checked_name, facts_of, serdes_of
from durable_core.retry import RetryPresets, RetryStrategy
from durable_core.serdes import SerDes

F = TypeVar("F", bound=Callable[..., Any])

_DEFAULT = StepConfig()


class Step(Attempts):
    """A STEP operation that runs a function."""

    __slots__ = ("_args", "config")

    subtype = "Step"
    failing: type[OperationError] = StepError

    def __init__(
        self, func: Callable[..., Any], args: tuple[Any, ...], name: str | None, config: StepConfig | None
    ) -> None:
        facts = facts_of(func)
        given_name, given_config = facts.step
        if name is None:
            name = given_name
        Attempts.__init__(self, func, facts, facts.name if name is None else checked_name(name))
        self._args = args
        self.config: StepConfig = config if config is not None else given_config or _DEFAULT
        if not isinstance(self.config, StepConfig):
            raise ValidationError(f"step takes a StepConfig as its config, got {self.config!r}")

    def __str__(self) -> str:
        return f'step "{self.name}"' if self.name else "a step"

    @property
    def starts_durably(self) -> bool:
        return self.config.step_semantics is StepSemantics.AT_MOST_ONCE_PER_RETRY

    @property
    def timeout(self) -> float | None:
        return None if self.config.timeout is None else self.config.timeout.total_seconds()

    def arguments(self) -> tuple[Any, ...]:
        return self._args

    def serdes(self) -> SerDes[Any]:
        return serdes_of(self.config, self.execution.settings, self._facts)

    def family(self) -> Family:
        return Family((*self.config.errors, *self.execution.settings.errors), self._facts.names)

    def strategy(self) -> RetryStrategy | None:
        return self.config.retry_strategy or self.execution.settings.retry_strategy

    def after_success(self, value: Any, number: int) -> OperationUpdate:
        return self.success(*self.written(value))

    def after_failure(self, error: BaseException, number: int) -> OperationUpdate:
        try:
            seconds = pause(self.strategy() or RetryPresets.DEFAULT, error, number)
        except Exception as trouble:
            return self.broken("retry strategy", trouble, error)
        if seconds is None:
            return self.failure(error)
        return self.update("RETRY", Error=self.describe(error), StepOptions={"NextAttemptDelaySeconds": seconds})


@overload
def durable_step(func: F, /) -> F: ...


@overload
def durable_step(*, name: str | None = None, config: StepConfig | None = None) -> Callable[[F], F]: ...


def durable_step(
    func: Callable[..., Any] | None = None, /, *, name: str | None = None, config: StepConfig | None = None
) -> Any:
    """Give a function its defaults as a step: ``ctx.step(func)`` uses *name* and *config* unless it is told otherwise.

    The function stays callable as it was.
    """
    checked_name(name)

    def decorate(decorated: Callable[..., Any]) -> Callable[..., Any]:
        decorated.__durable_step__ = (name, config)  # type: ignore[attr-defined]
        return decorated

    return decorate if func is None else decorate(func)
