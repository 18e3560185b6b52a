"""The service's times, which come in three forms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from durable_core._wire.shapes import Operation, Timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def millis(value: Timestamp) -> int:
    """*value* as whole milliseconds since the epoch.

    Always floored to milliseconds: that is all that an invocation's event carries, and outcomes must have the same
    order on the first run, where the API's answers know more, as on a replay.
    """
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value * 1000 + 5e-4)  # 1.001 is stored as 1.00099…: not a millisecond less
    return (value - _EPOCH) // _MILLISECOND


def ended(operation: Operation) -> int:
    """When *operation* ended, in milliseconds; 0 where the service did not say."""
    end = operation.get("EndTimestamp")
    return 0 if end is None else millis(end)


def latest(operation: Operation) -> int:
    """The latest moment that *operation* proves to have passed at the service."""
    return max(millis(operation["StartTimestamp"]), ended(operation))
