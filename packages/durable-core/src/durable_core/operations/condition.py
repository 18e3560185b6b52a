"""``ctx.wait_for_condition``: look at something now and then until it is as it should be.

One STEP operation. Each check's state travels in the payload of a RETRY; the last one is the result. A check that
raised is recorded with its error, beside which the state of the check before it is kept.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from typing import Any

from durable_core._core.clock import millis
from durable_core._core.failures import size_of
from durable_core._wire.shapes import ErrorObject, Operation, OperationUpdate
from durable_core.config import WaitForConditionConfig
from durable_core.duration import whole_seconds
from durable_core.errors import (
    ConditionNotMetError,
    ConditionTimeoutError,
    OperationError,
    StepTimeoutError,
    ValidationError,
)
from durable_core.limits import MAX_WAIT_SECONDS, error_limit
from durable_core.operations.attempts import Attempts, pause
from durable_core.operations.functions import checked_name, facts_of, serdes_of
from durable_core.polling import WaitDecision
from durable_core.retry import RetryStrategy
from durable_core.serdes import SerDes

_LAST_LOOK = 10.0
"""Seconds that the check has which is made when the time is up."""
_LEAST_ERROR = 1_024
"""Bytes that are left for the error of a check beside the state that is kept; a larger state cannot be kept there."""


class Condition(Attempts):
    """A STEP operation that polls."""

    __slots__ = ("_begun", "_failures", "_initial", "_state", "_waited", "config")

    subtype = "WaitForCondition"
    failing: type[OperationError] = ConditionNotMetError

    def __init__(
        self, check: Callable[..., Any], initial_state: Any, name: str | None, config: WaitForConditionConfig[Any]
    ) -> None:
        facts = facts_of(check)
        Attempts.__init__(self, check, facts, facts.name if name is None else checked_name(name))
        given: object = config
        if not isinstance(given, WaitForConditionConfig):
            raise ValidationError(f"wait_for_condition takes a WaitForConditionConfig as its config, got {given!r}")
        self.config: WaitForConditionConfig[Any] = config
        self._initial = initial_state
        self._state: str | None = None
        """The state that the last check returned, as it is recorded; ``None``: none did."""
        self._failures = 0
        """How many checks in a row have raised."""
        self._waited = 0.0
        """Seconds since the first check, when the attempt began."""
        self._begun = 0.0

    def __str__(self) -> str:
        return f'condition "{self.name}"' if self.name else "a condition"

    @property
    def timeout(self) -> float | None:
        left = self._left()
        return _LAST_LOOK if left is not None and left <= 0 else left

    def arguments(self) -> tuple[Any, ...]:
        return (self._initial if self._state is None else self.read(self.serdes(), self._state),)

    def serdes(self) -> SerDes[Any]:
        return serdes_of(self.config, self.execution.settings, self._facts)

    def strategy(self) -> RetryStrategy | None:
        return self.config.retry_strategy

    def prepare(self, entry: Operation | None) -> None:
        self._begun = time.monotonic()
        if entry is not None:
            self._waited = max(0, self.execution.now() - millis(entry["StartTimestamp"])) / 1000
            self._remember(entry)
        self.arguments()

    def after_success(self, value: Any, number: int) -> OperationUpdate:
        payload, seen = self.written(value)
        try:
            decision = self._decide(seen, number)
        except Exception as trouble:
            return self.broken("wait strategy", trouble, None)
        if decision.is_done:
            return self.success(payload, seen)
        if decision.delay is None:
            return self.failure(ConditionNotMetError(f"the condition was not met after {number} checks"))
        return self._again(whole_seconds(decision.delay, "a delay", most=MAX_WAIT_SECONDS), number, Payload=payload)

    def after_failure(self, error: BaseException, number: int) -> OperationUpdate:
        if isinstance(error, StepTimeoutError) and self._is_late():
            return self._timed_out(number)
        failures = self._failures + 1
        try:
            seconds = None if self.config.retry_strategy is None else pause(self.config.retry_strategy, error, failures)
        except Exception as trouble:
            return self.broken("retry strategy", trouble, error)
        kept: ErrorObject = {"ErrorData": json.dumps({"attempt": number, "failures": failures, "state": self._state})}
        taken = size_of(kept)
        if seconds is None or taken > error_limit(self.execution.settings.limits) - _LEAST_ERROR:
            return self.failure(error)
        return self._again(seconds, number, Error={**self.describe(error, spare=taken), **kept})

    def _decide(self, state: Any, number: int) -> WaitDecision:
        decision = self.config.wait_strategy(state, number)
        given: object = decision
        if not isinstance(given, WaitDecision):
            raise ValidationError(f"a wait strategy returns a WaitDecision, got {given!r}")
        if decision.delay is not None:
            whole_seconds(decision.delay, "a delay between checks", most=MAX_WAIT_SECONDS)
        return decision

    def _again(self, seconds: int, number: int, **fields: Any) -> OperationUpdate:
        """Look again after *seconds*, or when the time is up; not at all if that is now."""
        if self._is_late():
            return self._timed_out(number)
        if (left := self._left()) is not None:
            seconds = min(seconds, math.ceil(left))
        return self.update("RETRY", StepOptions={"NextAttemptDelaySeconds": seconds}, **fields)

    def _left(self) -> float | None:
        """Seconds until the time is up."""
        if self.config.timeout is None:
            return None
        return self.config.timeout.total_seconds() - self._waited - (time.monotonic() - self._begun)

    def _is_late(self) -> bool:
        left = self._left()
        return left is not None and left <= 0

    def _timed_out(self, number: int) -> OperationUpdate:
        text = f"the condition was not met within {self.config.timeout}, after {number} checks"
        return self.failure(ConditionTimeoutError(text))

    def _remember(self, entry: Operation) -> None:
        """Take over the state, and the count of failures, that the last attempt left."""
        details = entry.get("StepDetails", {})
        if not (attempts := details.get("Attempt", 0)):
            return
        kept = _kept(details.get("Error", {}).get("ErrorData"))
        if kept.get("attempt") == attempts:
            self._state, self._failures = kept.get("state"), kept.get("failures", 0)
        else:
            self._state, self._failures = details.get("Result"), 0


def _kept(data: str | None) -> dict[str, Any]:
    try:
        kept = json.loads(data) if data else {}
    except ValueError:
        return {}
    return kept if isinstance(kept, dict) else {}
