"""Milliseconds inside, ``datetime`` towards callers: the two forms in which the service writes a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, TypeVar, cast

from durable_core.spi import Timestamp

T = TypeVar("T")

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


def since_epoch(instant: datetime) -> int:
    """Give the milliseconds of a ``datetime``; a naive one is taken as UTC."""
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return (aware - EPOCH) // MILLISECOND


def milliseconds(time: Timestamp) -> int:
    """Give a time of the service's own as the whole milliseconds that it is."""
    assert isinstance(time, int)
    return time


def dated(shape: T) -> T:
    """Give a copy of an operation or of an event's details as boto3 shows it, with times as ``datetime``."""
    return cast(T, _copied(cast(dict[str, object], shape), moment))


def detached(shape: T) -> T:
    """Give a copy of a structure that its receiver may change without harm to the original."""
    return cast(T, _copied(cast(dict[str, object], shape), int))


def _copied(shape: dict[str, object], time: Callable[[int], object]) -> dict[str, object]:
    copy = shape.copy()
    for name, member in shape.items():
        if name in TIMES:
            copy[name] = time(cast(int, member))
        elif isinstance(member, dict):
            copy[name] = _copied(cast(dict[str, object], member), time)
        elif isinstance(member, list):  # a stack trace: texts
            copy[name] = cast(list[str], member).copy()
    return copy
