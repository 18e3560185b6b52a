"""``ctx.step``: a function of the user's whose outcome is recorded, so that it is not run again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Never, TypeVar, overload

from durable_core._core.failures import message_of
from durable_core._core.rebuilding import Family, rebuild
from durable_core._core.text import visible
from durable_core._runtime.attempt import Attempt, Call
from durable_core._runtime.kind import Kind
from durable_core._wire.shapes import TERMINAL, Operation, OperationType, OperationUpdate
from durable_core.config import StepConfig, StepSemantics
from durable_core.duration import whole_seconds
from durable_core.errors import (
    ContextMisuseError,
    NonDeterministicExecutionError,
    SerDesError,
    SizeLimitError,
    StepError,
    StepInterruptedError,
    ValidationError,
)
from durable_core.limits import MAX_WAIT_SECONDS
from durable_core.operations.functions import checked_name, facts_of, serdes_of
from durable_core.retry import NoRetry, RetryDecision, RetryPresets, RetryStrategy
from durable_core.serdes import SerDes
from durable_core.step_context import StepContext

F = TypeVar("F", bound=Callable[..., Any])

_DEFAULT = StepConfig()
_NEVER_RETRIED = (SerDesError, SizeLimitError, ValidationError, ContextMisuseError, NonDeterministicExecutionError)
_NOTHING: Any = object()


class Step(Kind[Any]):
    """A STEP operation."""

    __slots__ = ("_args", "_cause", "_facts", "_func", "_value", "config")

    type: OperationType = "STEP"
    subtype = "Step"
    recorded = True

    def __init__(
        self, func: Callable[..., Any], args: tuple[Any, ...], name: str | None, config: StepConfig | None
    ) -> None:
        facts = facts_of(func)
        given_name, given_config = facts.step
        if name is None:
            name = given_name
        self.name: str | None = facts.name if name is None else checked_name(name)
        self._func = func
        self._args = args
        self._facts = facts
        self.config: StepConfig = config or given_config or _DEFAULT
        if not isinstance(self.config, StepConfig):
            raise ValidationError(f"step takes a StepConfig as its config, got {self.config!r}")
        self._value = _NOTHING
        self._cause: BaseException | None = None

    def __str__(self) -> str:
        return f'step "{self.name}"' if self.name else "a step"

    def is_over(self, entry: Operation) -> bool:
        return entry["Status"] in TERMINAL

    async def run_unrecorded(self) -> Never:
        raise AssertionError("it is always recorded")

    def recall(self, entry: Operation) -> Any:
        if self._value is not _NOTHING:
            return self._value
        details = entry.get("StepDetails", {})
        if entry["Status"] == "SUCCEEDED":
            return self.read(self._serdes(), details.get("Result", "null"))
        family = Family((*self.config.errors, *self.execution.settings.errors), self._facts.names)
        raise rebuild(StepError, details.get("Error", {}), entry, family) from self._cause

    async def run(self, entry: Operation | None) -> Operation:
        driver = self.driver
        if entry is not None:
            await driver.caught_up()
            if self.execution.dry or self.lane.scope.over:
                await driver.forever()  # the workflow cancelled it on the first run
        while entry is None or entry["Status"] not in TERMINAL:
            if entry is not None and entry["Status"] == "PENDING":
                entry = await driver.park(self.id)
                continue
            number = 1 + (0 if entry is None else entry.get("StepDetails", {}).get("Attempt", 0))
            cut_off = entry is not None and entry["Status"] == "STARTED"
            result = self._known_beforehand(number, cut_off)
            if result is None:
                if not driver.may_start():
                    await driver.give_back()
                if not cut_off and self.config.step_semantics is StepSemantics.AT_MOST_ONCE_PER_RETRY:
                    await driver.put(self.update("START"))
                elif not cut_off:
                    driver.post(self.update("START"))
                result = await driver.call(self._call(number))
                if isinstance(result.error, KeyboardInterrupt) and self.execution.interrupt.pressed:
                    await driver.abort(result.error)
            outcome = self._outcome(result, number)
            try:
                await (driver.put if outcome["Action"] == "RETRY" else driver.conclude)(outcome)
            except SizeLimitError as error:
                await driver.conclude(self._failure(error))
            entry = self.entry()
        return entry

    def _known_beforehand(self, number: int, cut_off: bool) -> Attempt | None:
        """What comes of an attempt that need not, or must not, run."""
        try:
            self._serdes()
        except SerDesError as error:
            return Attempt(error=error)
        if cut_off and self._counts_as_failure():
            return Attempt(error=StepInterruptedError(f"attempt {number} was cut off before its outcome was recorded"))
        return None

    def _counts_as_failure(self) -> bool:
        """Whether a STARTED that is seen on entry was an attempt."""
        if self.config.step_semantics is StepSemantics.AT_MOST_ONCE_PER_RETRY:
            return True
        given = self._given_strategy()
        return given is not None and not isinstance(given, NoRetry)

    def _call(self, number: int) -> Call:
        timeout = self.config.timeout
        seconds = None if timeout is None else timeout.total_seconds()
        return Call(self._func, self._args, self._facts.is_async, seconds, StepContext(self, number))

    def _outcome(self, result: Attempt, number: int) -> OperationUpdate:
        """What to record of an attempt."""
        error = result.error
        if error is None:
            return self._success(result.value)
        if result.unbound or isinstance(error, _NEVER_RETRIED):
            return self._failure(error)
        try:
            seconds = self._pause(error, number)
        except Exception as trouble:
            trouble.__context__ = error
            failure = StepError(
                f"its retry strategy failed with {type(trouble).__name__}: {visible(message_of(trouble))}; the attempt "
                f"had failed with {type(error).__name__}: {visible(message_of(error))}"
            )
            return self._failure(failure, trouble)
        if seconds is None:
            return self._failure(error)
        return self.update("RETRY", Error=self.describe(error), StepOptions={"NextAttemptDelaySeconds": seconds})

    def _success(self, value: Any) -> OperationUpdate:
        try:
            payload, seen = self.write(self._serdes(), value)
            self.check_size(payload, self.execution.settings.limits.payload_bytes)
        except (SerDesError, SizeLimitError) as error:
            return self._failure(error)
        self._value = seen
        return self.update("SUCCEED", Payload=payload)

    def _failure(self, error: BaseException, cause: BaseException | None = None) -> OperationUpdate:
        self._value, self._cause = _NOTHING, cause or error
        return self.update("FAIL", Error=self.describe(error))

    def _pause(self, error: BaseException, number: int) -> int | None:
        """Seconds until the next attempt; ``None``: there is none."""
        strategy = self._given_strategy() or RetryPresets.DEFAULT
        decision = strategy(error, number)
        if not isinstance(decision, RetryDecision):
            raise ValidationError(f"a retry strategy returns a RetryDecision, got {decision!r}")
        if decision.delay is None:
            return None
        return whole_seconds(decision.delay, "a retry's delay", most=MAX_WAIT_SECONDS)

    def _given_strategy(self) -> RetryStrategy | None:
        return self.config.retry_strategy or self.execution.settings.retry_strategy

    def _serdes(self) -> SerDes[Any]:
        return serdes_of(self.config, self.execution.settings, self._facts)


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
