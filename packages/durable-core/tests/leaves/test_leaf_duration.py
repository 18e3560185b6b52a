"""Durations: units where they are made, whole seconds, and nothing that the service could not count."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from durable_core import DurableError, Duration, ValidationError
from durable_core.duration import whole_seconds
from durable_core.limits import MAX_WAIT_SECONDS

UNITS = {
    "seconds": 1,
    "minutes": 60,
    "hours": 60 * 60,
    "days": 24 * 60 * 60,
    "weeks": 7 * 24 * 60 * 60,
    "months": 30 * 24 * 60 * 60,
    "years": 365 * 24 * 60 * 60,
}
NOT_AMOUNTS = [
    pytest.param(amount, id=repr(amount))
    for amount in (0, 0.0, -0.0, -1, -0.5, math.nan, math.inf, -math.inf, True, False, "5", None, 1j, timedelta(1), [1])
]


@pytest.mark.parametrize(("unit", "seconds"), UNITS.items())
def test_each_unit_has_its_length_in_seconds(unit: str, seconds: int) -> None:
    """A month is 30 days, a year 365."""
    made = getattr(Duration, f"from_{unit}")(3)
    assert made == timedelta(seconds=3 * seconds)
    assert type(made) is Duration


@pytest.mark.parametrize(
    ("made", "seconds"),
    [
        (Duration.from_seconds(1.5), 2),
        (Duration.from_seconds(0.001), 1),
        (Duration.from_seconds(2.0), 2),
        (Duration.from_seconds(2.000001), 3),
        (Duration.from_minutes(0.5), 30),
        (Duration.from_minutes(0.01), 1),
        (Duration.from_hours(1.5), 5_400),
        (Duration.from_days(0.5), 43_200),
        (Duration.from_weeks(0.5), 302_400),
        (Duration.from_months(0.5), 1_296_000),
        (Duration.from_years(1 / 365), 86_400),
    ],
)
def test_fractions_are_rounded_up_to_whole_seconds(made: Duration, seconds: int) -> None:
    """Waiting a little longer is right where waiting a little less is not."""
    assert made == timedelta(seconds=seconds)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("amount", NOT_AMOUNTS)
def test_what_is_no_amount_above_zero_is_refused(unit: str, amount: Any) -> None:
    """The message names the call and what it got."""
    with pytest.raises(ValidationError, match=f"Duration.from_{unit} takes a number above zero"):
        getattr(Duration, f"from_{unit}")(amount)


@pytest.mark.parametrize("amount", [1e12, 10**9, 1e300, 10**400])
def test_what_is_too_long_for_a_timedelta_is_refused(amount: float) -> None:
    """It is not an OverflowError, which no caller expects."""
    with pytest.raises(ValidationError, match="longer than a timedelta can be"):
        Duration.from_years(amount)


def test_a_refusal_is_a_value_error_and_an_error_of_this_package() -> None:
    """Both are what a caller might catch."""
    with pytest.raises(ValueError) as caught:
        Duration.from_seconds(0)
    assert isinstance(caught.value, DurableError)


@given(st.sampled_from(sorted(UNITS)), st.floats(min_value=1e-6, max_value=1_000))
def test_a_duration_is_the_least_whole_number_of_seconds_that_is_long_enough(unit: str, amount: float) -> None:
    """Never shorter than what was asked for, and by less than a second longer."""
    seconds = getattr(Duration, f"from_{unit}")(amount).total_seconds()
    assert seconds.is_integer()
    assert amount * UNITS[unit] <= seconds < amount * UNITS[unit] + 1


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_a_duration_compares_and_adds_as_the_timedelta_it_is(a: int, b: int) -> None:
    """Arithmetic may give a plain timedelta, equal to the duration of the sum."""
    assert Duration.from_seconds(a) + Duration.from_seconds(b) == Duration.from_seconds(a + b)
    assert (Duration.from_seconds(a) < Duration.from_seconds(b)) == (a < b)
    assert hash(Duration.from_seconds(a)) == hash(timedelta(seconds=a))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (timedelta(microseconds=1), 1),
        (timedelta(milliseconds=1_001), 2),
        (timedelta(seconds=1), 1),
        (timedelta(minutes=1), 60),
        (Duration.from_minutes(1), 60),
        (timedelta(seconds=MAX_WAIT_SECONDS), MAX_WAIT_SECONDS),
    ],
)
def test_the_service_is_given_whole_seconds(value: timedelta, seconds: int) -> None:
    """Any timedelta will do where a duration is expected."""
    assert whole_seconds(value, "wait", most=MAX_WAIT_SECONDS) == seconds


@pytest.mark.parametrize(
    "value",
    [
        timedelta(0),
        timedelta(seconds=-1),
        timedelta(microseconds=-1),
        timedelta(seconds=MAX_WAIT_SECONDS, microseconds=1),
        timedelta.max,
        timedelta.min,
    ],
)
def test_a_duration_outside_of_the_services_range_is_refused(value: timedelta) -> None:
    """With the range and what was asked for."""
    with pytest.raises(ValidationError, match=r"^wait must be from 1 second to 31622400 seconds \(366 days\), got "):
        whole_seconds(value, "wait", most=MAX_WAIT_SECONDS)


@pytest.mark.parametrize("value", [5, 5.0, "5", None, True])
def test_a_bare_number_is_no_duration(value: object) -> None:
    """``ctx.wait(5.0)`` could mean anything; the message shows how to say it."""
    with pytest.raises(ValidationError, match=r"wait takes a timedelta such as Duration.from_seconds\(5\), got "):
        whole_seconds(value, "wait", most=MAX_WAIT_SECONDS)
