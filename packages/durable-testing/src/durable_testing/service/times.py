"""Milliseconds inside, ``datetime`` towards callers: the two forms in which the service writes a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, TypeAlias, TypeVar, cast

from durable_core.spi import Timestamp

T = TypeVar("T")

Value: TypeAlias = "str | int | datetime | list[str] | Shape"
Shape: TypeAlias = dict[str, Value]

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)

TIMES: Final = frozenset(
    {
        "StartTimestamp",
        "EndTimestamp",
        "NextAttemptTimestamp",
        "ScheduledEndTimestamp",
        "PauseRequestTimestamp",
        "ResumeRequestTimestamp",
    }
)
"""The members of operations and of events' details that are times."""


@lru_cache(maxsize=256)  # all times of a batch are alike
def moment(milliseconds: int) -> datetime:
    """Give the aware ``datetime`` of a time in milliseconds, exactly."""
    return EPOCH + timedelta(milliseconds=milliseconds)


def since_epoch(instant: datetime | float) -> int:
    """Give the milliseconds of a time as boto3 takes it: a ``datetime``, taken as UTC if it is naive, or seconds."""
    if not isinstance(instant, datetime):
        return int(instant * 1000)
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return (aware - EPOCH) // MILLISECOND


def milliseconds(time: Timestamp) -> int:
    """Give a time of the service's own as the whole milliseconds that it is."""
    assert isinstance(time, int)
    return time


def dated(shape: T) -> T:
    """Give a copy of an operation or of an event's details as boto3 shows it, with times as ``datetime``."""
    return cast(T, _copied(cast(Shape, shape), moment))


def detached(shape: T) -> T:
    """Give a copy of a structure that its receiver may change without harm to the original."""
    return cast(T, _copied(cast(Shape, shape), int))


def _copied(shape: Shape, time: Callable[[int], Value]) -> Shape:
    copy = shape.copy()
    for name, member in shape.items():
        if isinstance(member, dict):
            copy[name] = _copied(member, time)
        elif isinstance(member, list):  # a stack trace: texts
            copy[name] = member.copy()
        elif name in TIMES and isinstance(member, int):
            copy[name] = time(member)
    return copy
