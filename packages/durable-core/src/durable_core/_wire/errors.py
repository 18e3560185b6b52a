"""What a refusal of the service means for the execution."""

from __future__ import annotations

from enum import Enum, auto


class Verdict(Enum):
    RETRY = auto()
    """It may go well next time: 408, 429, 5xx, a broken connection."""
    STALE = auto()
    """The token is no longer this invocation's: leave the handler, so that Lambda calls again."""
    PERMANENT = auto()
    """It will never go well: the execution fails."""


_RETRIED_CODES = frozenset(
    {"ConnectionError", "TooManyRequestsException", "ThrottlingException", "ServiceException", "RequestTimeout",
     "RequestTimeoutException", "InternalFailure", "ServiceUnavailableException"}
)  # fmt: skip
_EXPIRED_CODES = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidSignatureException", "NoCredentials"}
)


def classify(code: str, message: str, status: int | None) -> Verdict:
    """Decide on an error of the API by its code, message and HTTP status.

    The four ``KMS…Exception`` arrive as 502 and are permanent. Credentials that expired or vanished end the invocation
    only: the next one may run in a sandbox that has new ones.
    """
    if code.startswith("KMS"):
        return Verdict.PERMANENT
    if "invalid checkpoint token" in message.lower() or code in _EXPIRED_CODES:
        return Verdict.STALE
    if code in _RETRIED_CODES or status in (408, 429) or (status is not None and status >= 500):
        return Verdict.RETRY
    return Verdict.PERMANENT


def refuses_size(code: str, message: str) -> bool:
    """Whether the service refused an update as invalid, which for one over the smallest limit means its size."""
    return code in ("InvalidParameterValueException", "RequestEntityTooLargeException", "RequestTooLargeException")
