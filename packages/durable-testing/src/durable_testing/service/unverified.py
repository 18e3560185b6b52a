"""What nobody could check against the real service, in one place: each is a guess that an SDK must not rest on.

Figures and names are below. Behaviour that is a guess too, and where it stands:

- A name, subtype or parent that an update leaves out does not match one that the operation has (``checks.check_same``).
- Under a parent that is over, only a CANCEL is taken (``checks.check_parent``).
- An EXECUTION's update may have any id that is free (``machine.Draft``).
- A RETRY replaces the result and the error of the attempt before (``operations``).
- Whatever the handler records makes the count of failed invocations begin anew (``rules.PROGRESS``).
- The pause after a failed invocation is kept even if something happens meanwhile (``execution.Execution.due``).
- A quota lets the batch that goes over it be recorded, and then closes the execution (``machine.over_quota``).
- An end that the handler has recorded takes effect at once; its event follows InvocationCompleted (``lifecycle``).
- A name stays taken until its execution is deleted, over or not (``executions``).
- An execution is gone as soon as its deletion is asked for, so that none is ever DELETING (``verbs``).
"""

from __future__ import annotations

from typing import Final

RETRIES: Final = 5
"""Invocations that may fail in a row, with nothing recorded in between, and be tried again."""

BACKOFF: Final = (1_000, 2_000, 4_000, 8_000, 16_000)
"""Milliseconds from a failed invocation to the next."""

NO_PAYLOAD: Final = "{}"
"""What a function is given that is invoked without a payload."""

INVALID_ANSWER: Final = "InvalidParameterValueException"
"""The error type of an invocation whose answer may not be."""

RESPONSE_TOO_LARGE: Final = "Function.ResponseSizeTooLarge"
"""The error type of an invocation whose answer Lambda does not take."""

EXECUTION_TIMEOUT: Final = "Execution.Timeout"
"""The error type of an execution that timed out."""

QUOTA_EXCEEDED: Final = "Execution.QuotaExceeded"
"""The error type of an execution that a quota closed."""

FUNCTION_NOT_FOUND: Final = "ResourceNotFoundException"
"""The error type of a CHAINED_INVOKE whose function does not exist."""

RESULT_TOO_LARGE: Final = "ChainedInvoke.ResultTooLarge"
"""The error type of a CHAINED_INVOKE whose function gave more than it may."""
