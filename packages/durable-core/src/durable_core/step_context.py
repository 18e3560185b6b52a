"""What a step's function may know of itself."""

from __future__ import annotations

from durable_core._core.identity import replay_key
from durable_core._runtime.attempt import CURRENT_STEP
from durable_core.errors import ContextMisuseError
from durable_core.logger import DurableLogger, Subject


class StepContext:
    """The attempt that is running."""

    __slots__ = ("_subject", "attempt", "execution_arn", "name", "operation_id")

    def __init__(self, subject: Subject, execution_arn: str, operation_id: str, name: str | None, attempt: int) -> None:
        self._subject = subject
        self.execution_arn: str = execution_arn
        self.operation_id: str = operation_id
        self.name: str | None = name
        self.attempt: int = attempt
        """From 1; attempts that were cut off count where they are known of."""

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt and every replay of this step, and unlike that of any other execution."""
        return replay_key(self.execution_arn, self.operation_id)

    @property
    def logger(self) -> DurableLogger:
        """A logger whose records name this step and attempt."""
        return DurableLogger(self._subject._replace(operation_id=self.operation_id, attempt=self.attempt))

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
