"""What each refusal of the service means for the execution, as a table."""

from __future__ import annotations

import pytest

from durable_core._wire.errors import Verdict, classify, refuses_size

RETRY, STALE, PERMANENT = Verdict.RETRY, Verdict.STALE, Verdict.PERMANENT

TABLE: list[tuple[str, str, int | None, Verdict]] = [
    # It may go well next time.
    ("ConnectionError", "ConnectionResetError: [Errno 104]", None, RETRY),
    ("TooManyRequestsException", "Rate Exceeded.", 429, RETRY),
    ("TooManyRequestsException", "Rate Exceeded.", None, RETRY),
    ("429", "", 429, RETRY),
    ("ThrottlingException", "Rate exceeded", 400, RETRY),
    ("ServiceException", "An error occurred", 500, RETRY),
    ("InternalFailure", "", 500, RETRY),
    ("ServiceUnavailableException", "", 503, RETRY),
    ("RequestTimeout", "", 408, RETRY),
    ("RequestTimeoutException", "", 408, RETRY),
    ("408", "", 408, RETRY),
    ("500", "", 500, RETRY),
    ("502", "Bad Gateway", 502, RETRY),
    ("503", "", 503, RETRY),
    ("504", "", 504, RETRY),
    ("SomethingNew", "of a later model", 599, RETRY),
    # Another invocation should try.
    ("InvalidParameterValueException", "Invalid checkpoint token", 400, STALE),
    ("InvalidParameterValueException", "Invalid Checkpoint Token: it was used already", 400, STALE),
    ("InvalidParameterValueException", "INVALID CHECKPOINT TOKEN", 400, STALE),
    ("ExpiredToken", "The provided token has expired.", 400, STALE),
    ("ExpiredTokenException", "The security token included in the request is expired", 403, STALE),
    ("RequestExpired", "", 400, STALE),
    ("InvalidSignatureException", "Signature expired: 20300101T000000Z is now earlier than …", 403, STALE),
    ("NoCredentials", "the environment no longer holds AWS_ACCESS_KEY_ID", None, STALE),
    # Nobody could do better.
    ("InvalidParameterValueException", "WaitSeconds must be at most 31622400", 400, PERMANENT),
    ("InvalidParameterValueException", "Invalid token in the checkpoint", 400, PERMANENT),
    ("KMSAccessDeniedException", "", 502, PERMANENT),
    ("KMSDisabledException", "", 502, PERMANENT),
    ("KMSInvalidStateException", "", 502, PERMANENT),
    ("KMSNotFoundException", "", 502, PERMANENT),
    ("ResourceNotFoundException", "Function not found", 404, PERMANENT),
    ("AccessDeniedException", "is not authorized to perform: lambda:CheckpointDurableExecution", 403, PERMANENT),
    ("UnrecognizedClientException", "The security token included in the request is invalid.", 403, PERMANENT),
    ("RequestEntityTooLargeException", "", 413, PERMANENT),
    ("ParamValidationError", "Invalid type for parameter Updates[0].Payload", None, PERMANENT),
    ("ClientFault", "KeyError: 'Updates'", None, PERMANENT),
    ("302", "", 302, PERMANENT),
    ("404", "", 404, PERMANENT),
    ("", "", None, PERMANENT),
]


@pytest.mark.parametrize(("code", "message", "status", "verdict"), TABLE)
def test_a_refusal_means_what_the_table_says(code: str, message: str, status: int | None, verdict: Verdict) -> None:
    """Retried, left to another invocation, or final."""
    assert classify(code, message, status) is verdict


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("InvalidParameterValueException", True),
        ("RequestEntityTooLargeException", True),
        ("RequestTooLargeException", True),
        ("ServiceException", False),
        ("KMSDisabledException", False),
        ("AccessDeniedException", False),
    ],
)
def test_only_an_invalid_or_too_large_update_can_have_been_refused_for_its_size(code: str, expected: bool) -> None:
    """Whatever the message: the service's words for it are not known."""
    assert refuses_size(code, "anything") is expected
