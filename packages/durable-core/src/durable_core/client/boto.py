"""A boto3 Lambda client, or anything with its methods, as a ``DurableServiceClient``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

from durable_core._wire.shapes import CheckpointAnswer, ExecutionState, OperationUpdate
from durable_core.client.protocol import ServiceError, check_answer


class LambdaVerbs(Protocol):
    """The part of boto3's Lambda client that is needed here."""

    @property
    def checkpoint_durable_execution(self) -> Callable[..., Any]:
        """The method that records updates."""
        ...

    @property
    def get_durable_execution_state(self) -> Callable[..., Any]:
        """The method that gives a page of state."""
        ...


class BotoClient:
    """Calls through boto3; retries and time-outs within a call are those of the boto3 client's own configuration."""

    def __init__(self, verbs: LambdaVerbs) -> None:
        self._verbs = verbs

    def checkpoint(
        self,
        arn: str,
        token: str,
        updates: Sequence[OperationUpdate],
        client_token: str,
        *,
        timeout: float | None = None,
    ) -> CheckpointAnswer:
        """Record *updates*, as ``DurableServiceClient.checkpoint``."""
        try:
            answer: CheckpointAnswer = self._verbs.checkpoint_durable_execution(
                DurableExecutionArn=arn, CheckpointToken=token, Updates=list(updates), ClientToken=client_token
            )
        except Exception as error:
            raise _service_error(error) from error
        check_answer(answer, "CheckpointToken", "NewExecutionState")
        return answer

    def get_state(self, arn: str, token: str, marker: str, *, timeout: float | None = None) -> ExecutionState:
        """A page of state, as ``DurableServiceClient.get_state``."""
        try:
            page: ExecutionState = self._verbs.get_durable_execution_state(
                DurableExecutionArn=arn, CheckpointToken=token, Marker=marker
            )
        except Exception as error:
            raise _service_error(error) from error
        check_answer(page, "Operations", "NextMarker")
        return page


def _service_error(error: Exception) -> ServiceError:
    """*error* of botocore as a ``ServiceError``, told apart by shape: botocore need not be imported for it."""
    found: object = getattr(error, "response", None)
    if isinstance(found, dict):
        response = cast("dict[str, Any]", found)
        details = response.get("Error", {})
        metadata = response.get("ResponseMetadata", {})
        retry_after = metadata.get("HTTPHeaders", {}).get("retry-after")
        return ServiceError(
            str(details.get("Code", "Unknown")),
            str(details.get("Message") or response.get("message") or error),
            status=metadata.get("HTTPStatusCode"),
            retry_after=seconds(retry_after),
        )
    if type(error).__name__ in ("NoCredentialsError", "PartialCredentialsError"):
        return ServiceError("NoCredentials", str(error))
    if type(error).__name__ in ("ParamValidationError", "UnknownParameterError", "MissingParametersError"):
        return ServiceError("ParamValidationError", str(error))
    if isinstance(error, TypeError | AttributeError | KeyError):
        return ServiceError("ClientFault", f"{type(error).__name__}: {error}")
    return ServiceError("ConnectionError", f"{type(error).__name__}: {error}")


def seconds(header: object) -> float | None:
    """A ``Retry-After`` header in seconds, if it is one."""
    try:
        value = float(str(header))
    except ValueError:
        return None
    return value if 0 <= value < 86_400 else None
