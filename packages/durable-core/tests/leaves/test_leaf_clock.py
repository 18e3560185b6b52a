"""The service's times: three forms, one number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given, strategies as st

from durable_core._core.clock import ended, latest, millis
from durable_core._wire.shapes import Operation
from durable_core.spi import millis as public_millis

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = 86_400_000
A_DAY = 1_790_035_200_000
"""22 September 2026, 00:00 UTC."""


def as_datetime(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)


@given(st.integers(A_DAY, A_DAY + DAY - 1))
@example(1_001)
@example(0)
def test_the_three_forms_of_a_moment_are_one_number(moment: int) -> None:
    """An invocation's event says ms, the API's JSON seconds, boto3 a datetime."""
    assert millis(moment) == millis(moment / 1000) == millis(as_datetime(moment * 1000)) == moment


def test_moments_all_over_a_day_read_alike_in_all_three_forms() -> None:
    """The step is a prime, so that every millisecond of a second comes up."""
    for moment in range(A_DAY, A_DAY + DAY, 4_999):
        assert millis(moment / 1000) == millis(as_datetime(moment * 1000)) == moment


@pytest.mark.parametrize(
    ("seconds", "moment"), [(1.001, 1_001), (0.003, 3), (1.005, 1_005), (1_790_035_200.123, 1_790_035_200_123)]
)
def test_a_fraction_that_binary_cannot_hold_loses_no_millisecond(seconds: float, moment: int) -> None:
    """1.001 is stored as 1.00099…"""
    assert millis(seconds) == moment


@given(st.integers(A_DAY * 1000, (A_DAY + DAY) * 1000 - 1))
@example(A_DAY * 1000 + 999)
@example(1_001_999)
def test_microseconds_are_dropped_in_every_form(microseconds: int) -> None:
    """An event carries whole milliseconds, so an answer that knows more must not order outcomes otherwise."""
    assert millis(microseconds / 1e6) == microseconds // 1000
    assert millis(as_datetime(microseconds)) == microseconds // 1000


def test_a_moment_does_not_depend_on_the_zone_that_it_is_told_in() -> None:
    """boto3 gives the machine's zone."""
    berlin = timezone(timedelta(hours=2))
    assert millis(datetime(2026, 9, 22, 2, tzinfo=berlin)) == millis(datetime(2026, 9, 22, tzinfo=UTC)) == A_DAY


def test_the_reader_of_times_is_public_for_tools() -> None:
    """The same function, so that a tool orders as the core does."""
    assert public_millis is millis


@pytest.mark.parametrize(
    ("operation", "end", "last"),
    [
        ({"StartTimestamp": 5}, 0, 5),
        ({"StartTimestamp": 5, "EndTimestamp": 7}, 7, 7),
        ({"StartTimestamp": 9, "EndTimestamp": 7}, 7, 9),
        ({"StartTimestamp": 0.005, "EndTimestamp": 0.007}, 7, 7),
    ],
)
def test_an_operation_proves_the_later_of_its_times(operation: Operation, end: int, last: int) -> None:
    """Service time is what the service has shown; one that has not ended shows its start only."""
    assert (ended(operation), latest(operation)) == (end, last)
