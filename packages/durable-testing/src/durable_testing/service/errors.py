"""How the service says no: as the errors of the API, which a boto3 client raises as ``ClientError``."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Final, Literal

from botocore.exceptions import ClientError  # pyright: ignore[reportMissingTypeStubs]

ErrorCode = Literal[
    "InvalidParameterValueException",
    "CallbackTimeoutException",
    "ResourceNotFoundException",
    "ResourceConflictException",
    "DurableExecutionAlreadyStartedException",
    "RequestTooLargeException",
]

HTTP_STATUS: Final[Mapping[ErrorCode, int]] = {
    "InvalidParameterValueException": 400,
    "CallbackTimeoutException": 400,
    "ResourceNotFoundException": 404,
    "ResourceConflictException": 409,
    "DurableExecutionAlreadyStartedException": 409,
    "RequestTooLargeException": 413,
}

CLASSES: Final[Mapping[str, type[Exception]]] = {code: type(code, (ClientError,), {}) for code in HTTP_STATUS}

EXCEPTIONS: Final = SimpleNamespace(ClientError=ClientError, **CLASSES)
"""The classes of the errors, as boto3 makes them for ``client.exceptions``."""


class Rejection(Exception):
    """A request that changed nothing, and why."""

    def __init__(self, message: str, code: ErrorCode = "InvalidParameterValueException") -> None:
        super().__init__(message)
        self.code: ErrorCode = code


def client_error(rejection: Rejection, operation: str) -> Exception:
    """Give the error that a boto3 client raises from the method of this API operation."""
    message = str(rejection)
    status = HTTP_STATUS[rejection.code]
    body = {
        "Error": {"Code": rejection.code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status, "RetryAttempts": 0},
        "Type": "User",
        "message": message,
    }
    return CLASSES[rejection.code](body, operation)
