"""What happens after a failed attempt: strategies, and the presets for common cases.

A strategy is any callable ``(error, attempt) -> RetryDecision``; *attempt* is the number of the attempt that just
failed, from 1. The answer is recorded by the service, so a strategy may use randomness.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import timedelta
from enum import Enum
from typing import ClassVar, Self

from msgspec import Struct

from durable_core.errors import ValidationError


class RetryDecision(Struct, frozen=True):
    """Try again after ``delay``, or stop where it is ``None``. Made by ``retry_after`` and ``stop``."""

    delay: timedelta | None

    @classmethod
    def retry_after(cls, delay: timedelta) -> RetryDecision:
        """Try again after *delay*; the service counts whole seconds, at least one."""
        if not isinstance(delay, timedelta):
            raise ValidationError(
                f"RetryDecision.retry_after takes a timedelta such as Duration.from_seconds(5), got {delay!r}"
            )
        return cls(delay)

    @classmethod
    def stop(cls) -> RetryDecision:
        """Let the failure stand."""
        return cls(None)


RetryStrategy = Callable[[BaseException, int], RetryDecision]
"""Decides after a failed attempt: ``strategy(error, attempt)``, *attempt* from 1."""
ErrorFilter = (
    type[BaseException]
    | str
    | re.Pattern[str]
    | Callable[[BaseException], bool]
    | Sequence[type[BaseException] | str | re.Pattern[str]]
)
"""Exception classes, patterns searched in the message, or a predicate."""


class Jitter(Enum):
    """How a delay is spread, so that many executions do not retry in step."""

    NONE = "none"
    FULL = "full"
    """Anything from zero to the delay."""
    HALF = "half"
    """Half the delay, and up to as much again."""

    def spread(self, seconds: float) -> float:
        """*seconds* after this jitter."""
        match self:
            case Jitter.NONE:
                return seconds
            case Jitter.FULL:
                return _chance() * seconds
            case Jitter.HALF:
                return seconds / 2 * (1 + _chance())


def _chance() -> float:
    """A number from 0 up to 1."""
    import random  # only who retries needs it

    return random.random()


def matches(error: BaseException, wanted: ErrorFilter) -> bool:
    """Whether *error* is one that *wanted* describes."""
    if isinstance(wanted, type):
        return isinstance(error, wanted)
    if isinstance(wanted, str | re.Pattern):
        return re.search(wanted, str(error)) is not None
    if callable(wanted):
        return wanted(error)
    return any(matches(error, each) for each in wanted)


def check_attempts(max_attempts: object) -> None:
    """``ValidationError`` unless *max_attempts* is a count from 1."""
    if isinstance(max_attempts, bool) or not isinstance(max_attempts, int) or max_attempts < 1:
        raise ValidationError(f"max_attempts counts every attempt, the first included: from 1, got {max_attempts!r}")


def check_delay(name: str, delay: object) -> None:
    """``ValidationError`` unless *delay* is a duration above zero."""
    if not isinstance(delay, timedelta) or delay <= timedelta(0):
        raise ValidationError(f"{name} must be a timedelta above zero, such as Duration.from_seconds(1), got {delay!r}")


def _check_filters(*filters: object) -> None:
    for each in filters:
        parts = each if isinstance(each, list | tuple | set | frozenset) else (each,)
        for part in parts:
            if isinstance(part, str):
                _check_pattern(part)
            elif part is not None and not (callable(part) or isinstance(part, re.Pattern)):
                raise ValidationError(
                    f"retry_on and give_up_on take exception classes, message patterns, or a predicate, got {part!r}"
                )


def _check_pattern(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValidationError(f"{pattern!r} is no regular expression: {error}") from error


def _millis(value: object) -> timedelta:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e14:
        raise ValidationError(f"from_millis takes numbers of milliseconds above zero, got {value!r}")
    return timedelta(milliseconds=value)


@dataclass(frozen=True, slots=True)
class ExponentialBackoff:
    """Wait longer after each failure: ``base_delay * multiplier ** (attempt - 1)``, at most ``max_delay``."""

    max_attempts: int = 3
    base_delay: timedelta = timedelta(seconds=1)
    max_delay: timedelta = timedelta(hours=1)
    _: KW_ONLY
    multiplier: float = 2.0
    jitter: Jitter = Jitter.FULL
    retry_on: ErrorFilter | None = None
    """Retry these errors only."""
    give_up_on: ErrorFilter | None = None
    """Never retry these; it wins over ``retry_on``."""

    def __post_init__(self) -> None:
        check_attempts(self.max_attempts)
        check_delay("base_delay", self.base_delay)
        check_delay("max_delay", self.max_delay)
        multiplier: object = self.multiplier
        if not isinstance(multiplier, int | float) or not 1 <= multiplier < math.inf:
            raise ValidationError(f"multiplier must be at least 1, got {multiplier!r}")
        if not isinstance(self.jitter, Jitter):
            raise ValidationError(f"jitter takes Jitter.NONE, FULL or HALF, got {self.jitter!r}")
        _check_filters(self.retry_on, self.give_up_on)

    @classmethod
    def from_millis(cls, max_attempts: int, base_delay: float, max_delay: float) -> Self:
        """The same from milliseconds, as other SDKs write them."""
        return cls(max_attempts, _millis(base_delay), _millis(max_delay))

    def __call__(self, error: BaseException, attempt: int) -> RetryDecision:
        """Decide after the failed *attempt*, from 1."""
        if attempt >= self.max_attempts or not _wanted(error, self.retry_on, self.give_up_on):
            return RetryDecision.stop()
        try:
            seconds = self.base_delay.total_seconds() * self.multiplier ** (attempt - 1)
        except OverflowError:
            seconds = math.inf
        return _after(self.jitter.spread(min(seconds, self.max_delay.total_seconds())))


@dataclass(frozen=True, slots=True)
class FixedDelay:
    """Wait the same time after each failure."""

    max_attempts: int = 3
    delay: timedelta = timedelta(seconds=1)
    _: KW_ONLY
    retry_on: ErrorFilter | None = None
    give_up_on: ErrorFilter | None = None

    def __post_init__(self) -> None:
        check_attempts(self.max_attempts)
        check_delay("delay", self.delay)
        _check_filters(self.retry_on, self.give_up_on)

    @classmethod
    def from_millis(cls, max_attempts: int, delay: float) -> Self:
        """The same from milliseconds."""
        return cls(max_attempts, _millis(delay))

    def __call__(self, error: BaseException, attempt: int) -> RetryDecision:
        """Decide after the failed *attempt*, from 1."""
        if attempt >= self.max_attempts or not _wanted(error, self.retry_on, self.give_up_on):
            return RetryDecision.stop()
        return _after(self.delay.total_seconds())


@dataclass(frozen=True, slots=True)
class LinearBackoff:
    """Wait ``base_delay * attempt``, at most ``max_delay``."""

    max_attempts: int = 3
    base_delay: timedelta = timedelta(seconds=1)
    max_delay: timedelta = timedelta(hours=1)
    _: KW_ONLY
    retry_on: ErrorFilter | None = None
    give_up_on: ErrorFilter | None = None

    def __post_init__(self) -> None:
        check_attempts(self.max_attempts)
        check_delay("base_delay", self.base_delay)
        check_delay("max_delay", self.max_delay)
        _check_filters(self.retry_on, self.give_up_on)

    @classmethod
    def from_millis(cls, max_attempts: int, base_delay: float, max_delay: float) -> Self:
        """The same from milliseconds."""
        return cls(max_attempts, _millis(base_delay), _millis(max_delay))

    def __call__(self, error: BaseException, attempt: int) -> RetryDecision:
        """Decide after the failed *attempt*, from 1."""
        if attempt >= self.max_attempts or not _wanted(error, self.retry_on, self.give_up_on):
            return RetryDecision.stop()
        return _after(min(self.base_delay.total_seconds() * attempt, self.max_delay.total_seconds()))


@dataclass(frozen=True, slots=True)
class NoRetry:
    """Let the first failure stand."""

    @classmethod
    def from_millis(cls) -> Self:
        """The same; it has no numbers."""
        return cls()

    def __call__(self, error: BaseException, attempt: int) -> RetryDecision:
        """Decide after the failed *attempt*, from 1."""
        return RetryDecision.stop()


class RetryPresets:
    """Strategies for common cases."""

    DEFAULT: ClassVar = ExponentialBackoff(6, timedelta(seconds=5), timedelta(seconds=60))
    """What a step gets unless it or its handler says otherwise: 6 attempts, 5 s doubled up to 60 s, full jitter."""
    NONE: ClassVar = NoRetry()
    TRANSIENT: ClassVar = ExponentialBackoff(3, timedelta(seconds=1), timedelta(seconds=10), jitter=Jitter.HALF)
    """A hiccup: 3 attempts within seconds."""
    RESOURCE_AVAILABILITY: ClassVar = ExponentialBackoff(5, timedelta(seconds=5), timedelta(minutes=5))
    """Something has to come up first: 5 attempts within minutes."""
    CRITICAL: ClassVar = ExponentialBackoff(10, timedelta(seconds=1), timedelta(seconds=60), multiplier=1.5)
    """It must not be given up lightly: 10 attempts."""


def _wanted(error: BaseException, retry_on: ErrorFilter | None, give_up_on: ErrorFilter | None) -> bool:
    if give_up_on is not None and matches(error, give_up_on):
        return False
    return retry_on is None or matches(error, retry_on)


def _after(seconds: float) -> RetryDecision:
    return RetryDecision(timedelta(seconds=max(1, math.ceil(seconds))))
