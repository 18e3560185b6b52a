"""What a step's function may know of itself."""

from __future__ import annotations

from typing import Any

from durable_core._core.identity import replay_key
from durable_core._runtime.attempt import CURRENT_STEP
from durable_core._runtime.kind import Kind
from durable_core.errors import ContextMisuseError
from durable_core.logger import DurableLogger, Subject


class StepContext:
    """The attempt that is running."""

    __slots__ = ("_operation", "attempt")

    def __init__(self, operation: Kind[Any], attempt: int) -> None:
        self._operation = operation
        self.attempt: int = attempt
        """From 1; attempts that were cut off count where they are known of."""

    @property
    def execution_arn(self) -> str:
        """The ARN of the execution."""
        return self._operation.execution.arn

    @property
    def operation_id(self) -> str:
        """The id of the step."""
        return self._operation.id

    @property
    def name(self) -> str | None:
        """The name of the step."""
        return self._operation.name

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt and every replay of this step, and unlike that of any other execution."""
        return replay_key(self.execution_arn, self.operation_id)

    @property
    def logger(self) -> DurableLogger:
        """A logger whose records name this step and attempt."""
        step = self._operation
        return DurableLogger(Subject(step.execution, step.lane.scope, step.id, step.name, self.attempt))

    def __repr__(self) -> str:
        return f"StepContext(operation_id={self.operation_id!r}, name={self.name!r}, attempt={self.attempt})"


def step_context() -> StepContext:
    """The ``StepContext`` of the step whose function calls this; ``ContextMisuseError`` outside a step."""
    found = CURRENT_STEP.get(None)
    if not isinstance(found, StepContext):
        raise ContextMisuseError(
            "step_context() tells a step's function about its attempt; outside a step there is none"
        )
    return found
