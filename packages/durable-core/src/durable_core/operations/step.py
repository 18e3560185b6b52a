"""``ctx.step``: a function of the user's whose outcome is recorded, so that it is not run again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Never, TypeVar, overload

from durable_core._core.failures import message_of
from durable_core._core.rebuilding import Family, rebuild
from durable_core._core.text import visible
from durable_core._runtime.attempt import Attempt, Call
from durable_core._runtime.kind import Kind
from durable_core._wire.shapes import TERMINAL, Operation, OperationType
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
        try:
            serdes = self._serdes()
        except SerDesError as error:
            return await self._fail(error)
        if entry is not None:
            await self.driver.caught_up()
            if self.execution.dry or self.lane.scope.over:
                await self.driver.forever()  # the workflow cancelled it on the first run
        while entry is None or entry["Status"] not in TERMINAL:
            entry = await self._attempt(entry, serdes)
        return entry

    async def _attempt(self, entry: Operation | None, serdes: SerDes[Any]) -> Operation:
        """One attempt, from its start to what is recorded of it, and the pause after it."""
        if entry is not None and entry["Status"] == "PENDING":
            return await self.driver.park(self.id)
        number = 1 + (0 if entry is None else entry.get("StepDetails", {}).get("Attempt", 0))
        cut_off = entry is not None and entry["Status"] == "STARTED"
        if cut_off and self._counts_as_failure():
            error = StepInterruptedError(f"attempt {number} was cut off before its outcome was recorded")
            return await self._after_failure(Attempt(error=error), number)
        driver = self.driver
        await driver.before_start()
        if not cut_off:
            start = self.update("START")
            if self.config.step_semantics is StepSemantics.AT_MOST_ONCE_PER_RETRY:
                await driver.put(start)
            else:
                driver.post(start)
        result = await driver.call(self._call(number))
        if isinstance(result.error, KeyboardInterrupt) and self.execution.interrupt.pressed:
            await driver.abort(result.error)
        if result.error is not None:
            return await self._after_failure(result, number)
        return await self._succeed(result.value, serdes)

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

    async def _succeed(self, value: Any, serdes: SerDes[Any]) -> Operation:
        try:
            payload, seen = self.write(serdes, value)
            self.check_size(payload, self.execution.settings.limits.payload_bytes)
            entry = await self.conclude(self.update("SUCCEED", Payload=payload))
        except (SerDesError, SizeLimitError) as error:
            return await self._fail(error)
        self._value = seen
        return entry

    async def _after_failure(self, result: Attempt, number: int) -> Operation:
        assert result.error is not None
        if result.unbound or isinstance(result.error, _NEVER_RETRIED):
            return await self._fail(result.error)
        try:
            seconds = self._pause(result.error, number)
        except Exception as trouble:
            trouble.__context__ = result.error
            error = StepError(
                f"its retry strategy failed with {type(trouble).__name__}: {visible(message_of(trouble))}; the attempt "
                f"had failed with {type(result.error).__name__}: {visible(message_of(result.error))}"
            )
            return await self._fail(error, trouble)
        if seconds is None:
            return await self._fail(result.error)
        retry = self.update(
            "RETRY", Error=self.describe(result.error), StepOptions={"NextAttemptDelaySeconds": seconds}
        )
        await self.driver.put(retry)
        return self.entry()

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

    async def _fail(self, error: BaseException, cause: BaseException | None = None) -> Operation:
        self._cause = cause or error
        return await self.conclude(self.update("FAIL", Error=self.describe(error)))

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
