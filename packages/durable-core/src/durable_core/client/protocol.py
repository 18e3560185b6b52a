"""The two calls that a durable function makes, and the one way in which they fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from durable_core._wire.shapes import CheckpointAnswer, ExecutionState, OperationUpdate


class ServiceError(Exception):
    """The service, or the way to it, refused a call.

    *code* is the API's name for the error, such as ``TooManyRequestsException``; ``ConnectionError`` where no answer
    came. *status* is the HTTP status, *retry_after* seconds, where there were any.
    """

    def __init__(self, code: str, message: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.retry_after = retry_after


def check_answer(answer: Mapping[str, Any], *members: str) -> None:
    """``ServiceError`` unless *answer* has one of *members*, which every answer of the service has.

    Half an answer, or the page of a captive portal, is an empty answer to botocore; taken for the last page of state,
    it would make a replay run again what is recorded.
    """
    if not any(answer.get(member) is not None for member in members):
        raise ServiceError("ConnectionError", f"an answer with none of {', '.join(members)}")


class DurableServiceClient(Protocol):
    """Where checkpoints go. A call may come from any thread, one at a time; it raises ``ServiceError``.

    It does not retry: the SDK does, with the same *client_token*. *timeout* is in seconds, for the whole call.
    """

    def checkpoint(
        self,
        arn: str,
        token: str,
        updates: Sequence[OperationUpdate],
        client_token: str,
        *,
        timeout: float | None = None,
    ) -> CheckpointAnswer:
        """Record *updates* (none: ask what changed) and return what changed, with the next token."""
        ...

    def get_state(self, arn: str, token: str, marker: str, *, timeout: float | None = None) -> ExecutionState:
        """The page of the execution's operations that starts at *marker*."""
        ...
