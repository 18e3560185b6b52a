"""What every context knows, whatever the flavour of its workflow."""

from __future__ import annotations

from datetime import datetime
from types import FrameType
from typing import Any, TypeVar

from durable_core._core.identity import replay_key
from durable_core._runtime.attempt import CURRENT_STEP
from durable_core._runtime.kind import Kind
from durable_core._runtime.scope import Scope
from durable_core._runtime.whose import current_lane
from durable_core.errors import ContextMisuseError
from durable_core.logger import DurableLogger, Subject

T = TypeVar("T")


class ContextFacts:
    """Facts of a context, and its logger."""

    __slots__ = ("_scope",)

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    @property
    def logger(self) -> DurableLogger:
        """Writes to the standard logger ``durable``; silent while the workflow replays."""
        scope = self._scope
        return DurableLogger(Subject(scope.execution, scope, scope.id, scope.name))

    @property
    def execution_arn(self) -> str:
        """The ARN of the execution."""
        return self._scope.execution.arn

    @property
    def execution_name(self) -> str:
        """The name of the execution: given when it was started, or made by the service."""
        return self._scope.execution.name

    @property
    def operation_id(self) -> str | None:
        """The id of this context; ``None`` at the root."""
        return self._scope.id

    @property
    def replay_key(self) -> str:
        """A key of this context that is the same on every replay, and unlike that of any other execution."""
        return replay_key(self.execution_arn, self._scope.id or "")

    @property
    def parent_id(self) -> str | None:
        """The id of the recorded context that this one stands under; ``None`` at the root and directly under it."""
        return self._scope.above

    @property
    def started_at(self) -> datetime:
        """When the execution started, by the service's clock, in UTC."""
        return self._scope.execution.start

    @property
    def is_replaying(self) -> bool:
        """Whether the code that runs now repeats what an earlier invocation did."""
        lane = current_lane()
        return lane is not None and lane.replaying

    @property
    def lambda_context(self) -> Any:
        """The context object that Lambda gave this invocation."""
        return self._scope.execution.lambda_context

    def log_debug(self, message: str, /, **fields: Any) -> None:
        """Write to ``logger``, at level DEBUG."""
        self.logger.debug(message, **_one_up(fields))

    def log_info(self, message: str, /, **fields: Any) -> None:
        """Write to ``logger``, at level INFO."""
        self.logger.info(message, **_one_up(fields))

    def log_warning(self, message: str, /, **fields: Any) -> None:
        """Write to ``logger``, at level WARNING."""
        self.logger.warning(message, **_one_up(fields))

    def log_error(self, message: str, /, **fields: Any) -> None:
        """Write to ``logger``, at level ERROR."""
        self.logger.error(message, **_one_up(fields))

    def _place(self, operation: Kind[T], frame: FrameType) -> Kind[T]:
        """*operation*, at its place in the order; ``ContextMisuseError`` where it does not belong."""
        scope = self._scope
        lane = scope.driver.lane_here()
        if lane is None or lane.scope is not scope or scope.ended:
            execution = scope.execution
            if lane is None or lane.scope.execution is not execution or scope.driver.ending is None:
                raise ContextMisuseError(self._misuse(operation, lane is None))
            # after the end it is refused when it is awaited, which gives the event loop control
        operation.take_place(lane, frame)
        return operation

    def _misuse(self, operation: object, foreign: bool) -> str:
        scope, step = self._scope, CURRENT_STEP.get(None)
        if scope.ended:
            return f"{operation} is called after {scope} has ended; call it before, and await it"
        if foreign and step is not None:
            return (
                f'{operation} is called inside step "{step.name}"; a step holds no operations: call it from the '
                "workflow, or make the step a child context"
            )
        if foreign:
            return (
                f"{operation} is called where the workflow's order is not known: on a thread, in a callback, in a "
                "serializer or strategy, or in a task that the workflow's event loop did not make; call it in the "
                "workflow's own code"
            )
        return (
            f"{operation} is called on the context of {scope} from another context; use the context that was passed in"
        )


def _one_up(fields: dict[str, Any]) -> dict[str, Any]:
    """*fields* for a logger that is called from one function further in."""
    return {**fields, "stacklevel": fields.get("stacklevel", 1) + 1}
