"""Durations: whole seconds, because the service counts in them."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Self

from durable_core.errors import ValidationError

_SECONDS = {
    "seconds": 1,
    "minutes": 60,
    "hours": 3_600,
    "days": 86_400,
    "weeks": 604_800,
    "months": 2_592_000,
    "years": 31_536_000,
}


class Duration(timedelta):
    """A ``timedelta`` that says its unit where it is made, in whole seconds.

    Every parameter that takes a duration takes any ``timedelta``. Fractions are rounded up; a month is 30 days, a
    year 365. Zero and negative amounts are a ``ValidationError``.
    """

    @classmethod
    def from_seconds(cls, amount: float) -> Self:
        """*amount* seconds."""
        return cls._of(amount, "seconds")

    @classmethod
    def from_minutes(cls, amount: float) -> Self:
        """*amount* minutes."""
        return cls._of(amount, "minutes")

    @classmethod
    def from_hours(cls, amount: float) -> Self:
        """*amount* hours."""
        return cls._of(amount, "hours")

    @classmethod
    def from_days(cls, amount: float) -> Self:
        """*amount* days of 24 hours."""
        return cls._of(amount, "days")

    @classmethod
    def from_weeks(cls, amount: float) -> Self:
        """*amount* weeks."""
        return cls._of(amount, "weeks")

    @classmethod
    def from_months(cls, amount: float) -> Self:
        """*amount* months of 30 days."""
        return cls._of(amount, "months")

    @classmethod
    def from_years(cls, amount: float) -> Self:
        """*amount* years of 365 days."""
        return cls._of(amount, "years")

    @classmethod
    def _of(cls, amount: float, unit: str) -> Self:
        number: object = amount
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number < math.inf:
            raise ValidationError(f"Duration.from_{unit} takes a number above zero, got {amount!r}")
        try:
            return cls(seconds=math.ceil(amount * _SECONDS[unit]))
        except OverflowError:
            raise ValidationError(f"{amount!r} {unit} is longer than a timedelta can be") from None


def whole_seconds(value: object, what: str, *, most: int) -> int:
    """*value* in seconds, rounded up; ``ValidationError`` unless it is a duration from 1 to *most* seconds."""
    if not isinstance(value, timedelta):
        raise ValidationError(
            f"{what} takes a timedelta such as Duration.from_seconds(5), got {value!r} of type {type(value).__name__}"
        )
    seconds = math.ceil(value.total_seconds())
    if not 1 <= seconds <= most:
        raise ValidationError(f"{what} must be from 1 second to {most} seconds ({most // 86_400} days), got {value}")
    return seconds
