"""What steps and conditions have in common: a function of the user's that is tried until an outcome is recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from durable_core._core.failures import message_of
from durable_core._core.rebuilding import Family, rebuild
from durable_core._core.text import visible
from durable_core._runtime.attempt import Attempt, Call
from durable_core._runtime.kind import Kind
from durable_core._wire.shapes import TERMINAL, Operation, OperationType, OperationUpdate
from durable_core.duration import whole_seconds
from durable_core.errors import (
    ContextMisuseError,
    NonDeterministicExecutionError,
    OperationError,
    SerDesError,
    SizeLimitError,
    StepInterruptedError,
    ValidationError,
)
from durable_core.limits import MAX_WAIT_SECONDS
from durable_core.operations.functions import FunctionFacts
from durable_core.retry import NoRetry, RetryDecision, RetryStrategy
from durable_core.serdes import SerDes
from durable_core.step_context import StepContext

NEVER_RETRIED = (SerDesError, SizeLimitError, ValidationError, ContextMisuseError, NonDeterministicExecutionError)
_NOTHING: Any = object()


_Failure = type[OperationError]


class Attempts(Kind[Any]):
    """A STEP operation of either subtype."""

    __slots__ = ("_cause", "_facts", "_func", "_value")

    type: OperationType = "STEP"
    recorded = True
    failing: _Failure
    """What its failures are."""

    def __init__(self, func: Callable[..., Any], facts: FunctionFacts, name: str | None) -> None:
        self.name: str | None = name
        self._func = func
        self._facts = facts
        self._value = _NOTHING
        self._cause: BaseException | None = None

    def is_over(self, entry: Operation) -> bool:
        return entry["Status"] in TERMINAL

    def recall(self, entry: Operation) -> Any:
        if self._value is not _NOTHING:
            return self._value
        details = entry.get("StepDetails", {})
        if entry["Status"] == "SUCCEEDED":
            return self.read(self.serdes(), details.get("Result", "null"))
        raise rebuild(self.failing, details.get("Error", {}), entry, self.family()) from self._cause

    async def run(self, entry: Operation | None) -> Operation:
        driver = self.driver
        if entry is not None:
            await driver.caught_up()
            if self.execution.dry or self.lane.scope.over:
                await driver.forever()  # the workflow cancelled it on the first run
        while entry is None or entry["Status"] not in TERMINAL:
            if entry is not None and entry["Status"] == "PENDING":
                entry = await driver.park(self)
                continue
            number = 1 + (0 if entry is None else entry.get("StepDetails", {}).get("Attempt", 0))
            cut_off = entry is not None and entry["Status"] == "STARTED"
            result = self._known_beforehand(entry, number, cut_off)
            if result is None:
                if not driver.may_start():
                    await driver.give_back()
                if not cut_off and self.starts_durably:
                    await driver.put(self.update("START"))
                elif not cut_off:
                    driver.post(self.update("START"))
                call = self._call(number)
                result = await driver.call(call)
                if call.around is not None:  # where its time is up: it has not come to that itself
                    call.around.context.copy().run(call.around.end, result)
                if isinstance(result.error, KeyboardInterrupt) and self.execution.interrupt.pressed:
                    await driver.abort(result.error)
            outcome = self._outcome(result, number)
            try:
                if outcome["Action"] == "RETRY":
                    await driver.put(outcome)
                    entry = self.entry()
                else:
                    entry = await driver.conclude(outcome)
            except SizeLimitError as error:
                entry = await driver.conclude(self.failure(error))
        return entry

    # What the two kinds do each in its own way

    @property
    def starts_durably(self) -> bool:
        """Whether a START is recorded before the function is called."""
        return False

    @property
    def timeout(self) -> float | None:
        """Seconds that an attempt may take."""
        return None

    def arguments(self) -> tuple[Any, ...]:
        """What the function is called with."""
        raise NotImplementedError

    def serdes(self) -> SerDes[Any]:
        """How the result is written; ``SerDesError`` where its type shows that it cannot be."""
        raise NotImplementedError

    def family(self) -> Family:
        """The exception classes that a recorded failure may be of."""
        return Family(self.execution.settings.errors, self._facts.names)

    def strategy(self) -> RetryStrategy | None:
        """The retry strategy that the program gave."""
        raise NotImplementedError

    def prepare(self, entry: Operation | None) -> None:
        """Get ready for an attempt after what *entry* records; ``SerDesError`` if that cannot go well."""
        self.serdes()

    def after_success(self, value: Any, number: int) -> OperationUpdate:
        """What to record of an attempt that returned *value*."""
        raise NotImplementedError

    def after_failure(self, error: BaseException, number: int) -> OperationUpdate:
        """What to record of an attempt that raised *error*, which may be tried again."""
        raise NotImplementedError

    # What they do that with

    def success(self, payload: str, value: Any) -> OperationUpdate:
        """The outcome *value*, written as *payload*."""
        self._value = value
        return self.update("SUCCEED", Payload=payload)

    def failure(self, error: BaseException, cause: BaseException | None = None) -> OperationUpdate:
        """The outcome *error*, raised ``from`` *cause* on this run, or from itself."""
        self._value, self._cause = _NOTHING, cause or error
        return self.update("FAIL", Error=self.describe(error))

    def broken(self, what: str, trouble: Exception, error: BaseException | None) -> OperationUpdate:
        """The outcome where *what* raised *trouble* when it was asked about an attempt that failed with *error*."""
        text = f"its {what} failed with {type(trouble).__name__}: {visible(message_of(trouble))}"
        if error is not None:
            trouble.__context__ = error
            text += f"; the attempt had failed with {type(error).__name__}: {visible(message_of(error))}"
        return self.failure(self.failing(text), trouble)

    def written(self, value: Any) -> tuple[str, Any]:
        """*value* as text within the limit, and as a replay will read it; ``SerDesError`` or ``SizeLimitError``."""
        payload, seen = self.write(self.serdes(), value)
        self.check_size(payload, self.execution.settings.limits.payload_bytes)
        return payload, seen

    def _known_beforehand(self, entry: Operation | None, number: int, cut_off: bool) -> Attempt | None:
        """What comes of an attempt that need not, or must not, run."""
        try:
            self.prepare(entry)
        except SerDesError as error:
            return Attempt(error=error)
        if cut_off and self._counts_as_failure():
            return Attempt(error=StepInterruptedError(f"attempt {number} was cut off before its outcome was recorded"))
        return None

    def _counts_as_failure(self) -> bool:
        """Whether a STARTED that is seen on entry was an attempt."""
        if self.starts_durably:
            return True
        given = self.strategy()
        return given is not None and not isinstance(given, NoRetry)

    def _call(self, number: int) -> Call:
        hooks = self.execution.hooks
        around = None if hooks is None else hooks.around_attempt(self, number)
        return Call(self._func, self.arguments(), self._facts.is_async, self.timeout, StepContext(self, number), around)

    def _outcome(self, result: Attempt, number: int) -> OperationUpdate:
        """What to record of an attempt."""
        if result.error is not None and (result.unbound or isinstance(result.error, NEVER_RETRIED)):
            return self.failure(result.error)
        if result.error is not None:
            return self.after_failure(result.error, number)
        try:
            return self.after_success(result.value, number)
        except (SerDesError, SizeLimitError) as error:
            return self.failure(error)


def pause(strategy: RetryStrategy, error: BaseException, attempt: int) -> int | None:
    """Seconds until the next attempt, as *strategy* says after the failed *attempt*; ``None``: there is none."""
    decision = strategy(error, attempt)
    if not isinstance(decision, RetryDecision):
        raise ValidationError(f"a retry strategy returns a RetryDecision, got {decision!r}")
    if decision.delay is None:
        return None
    return whole_seconds(decision.delay, "a retry's delay", most=MAX_WAIT_SECONDS)
