"""The service's limits, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

MAX_WAIT_SECONDS = 31_622_400
"""366 days: ``WaitSeconds`` and ``NextAttemptDelaySeconds`` in the API model."""

MAX_CALLBACK_SECONDS = 99_999_999
"""``TimeoutSeconds`` and ``HeartbeatTimeoutSeconds`` in the API model."""

BATCH_BYTES = 750_000
BATCH_UPDATES = 250
"""The official SDK's own bounds for one checkpoint call; the service is known to take them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLimits:
    """What the service takes, in UTF-8 bytes and counts; ``None`` is no limit.

    ``DEFAULT`` are the figures of the service's first release, ``CURRENT`` those of the API model and the quota page
    of late 2026. What is over the profile in force is refused in the workflow, catchably, before it is sent.
    """

    payload_bytes: int
    """Payload of a STEP, CONTEXT, WAIT or CALLBACK."""
    error_bytes: int
    """An error object, all fields as JSON."""
    invoke_bytes: int = 1_048_576
    """Input and output of a chained invoke."""
    result_bytes: int = 6_291_456
    """Result of an execution."""
    response_bytes: int = 6_291_456
    """Lambda's response body, the whole JSON after escaping."""
    operations: int
    """Operations in an execution."""
    metered: bool
    """Whether retries, polls and invocations count as operations too."""
    persisted_bytes: int | None = None

    DEFAULT: ClassVar[ServiceLimits]
    CURRENT: ClassVar[ServiceLimits]


def error_limit(limits: ServiceLimits) -> int:
    """Bytes to cut an error to: what any profile takes, since nobody needs more of a message."""
    return min(limits.error_bytes, ServiceLimits.DEFAULT.error_bytes)


ServiceLimits.DEFAULT = ServiceLimits(payload_bytes=262_144, error_bytes=32_768, operations=25_000, metered=False)
ServiceLimits.CURRENT = ServiceLimits(
    payload_bytes=1_048_576, error_bytes=1_048_576, operations=3_000, metered=True, persisted_bytes=100_000_000
)
