"""When ``wait_for_condition`` looks again: strategies for polling.

A strategy is any callable ``(state, attempt) -> WaitDecision``; *attempt* is the number of the check that gave *state*,
from 1. The answer is recorded by the service, so a strategy may use randomness.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from msgspec import Struct

from durable_core.duration import whole_seconds
from durable_core.errors import ValidationError
from durable_core.limits import MAX_WAIT_SECONDS
from durable_core.retry import Jitter, check_attempts, check_delay

S = TypeVar("S")


class WaitDecision(Struct, frozen=True):
    """Look again later, or not. Made by ``continue_after``, ``done`` and ``give_up``."""

    delay: timedelta | None = None
    is_done: bool = False

    @classmethod
    def continue_after(cls, delay: timedelta) -> WaitDecision:
        """Look again after *delay*; the service counts whole seconds, at least one."""
        if not isinstance(delay, timedelta):
            raise ValidationError(
                f"WaitDecision.continue_after takes a timedelta such as Duration.from_seconds(5), got {delay!r}"
            )
        return cls(delay)

    @classmethod
    def done(cls) -> WaitDecision:
        """The state is the result."""
        return cls(is_done=True)

    @classmethod
    def give_up(cls) -> WaitDecision:
        """Wait no longer: ``ConditionNotMetError``."""
        return cls()


WaitStrategy = Callable[[S, int], WaitDecision]
"""Decides after a check: ``strategy(state, attempt)``, *attempt* from 1."""


def poll_every(
    duration: timedelta, *, until: Callable[[S], bool], max_attempts: int = 60
) -> Callable[[S, int], WaitDecision]:
    """Look again every *duration* until *until* holds for the state, at most *max_attempts* times."""
    _check_pause("poll_every's duration", duration)
    return _polling(until, max_attempts, lambda attempt: duration.total_seconds(), Jitter.NONE)


def poll_with_backoff(
    *,
    until: Callable[[S], bool],
    initial_delay: timedelta = timedelta(seconds=5),
    max_delay: timedelta = timedelta(minutes=5),
    multiplier: float = 1.5,
    jitter: Jitter = Jitter.FULL,
    max_attempts: int = 60,
) -> Callable[[S, int], WaitDecision]:
    """Look again ever more rarely: after ``initial_delay * multiplier ** (attempt - 1)``, at most *max_delay*.

    Until *until* holds for the state, at most *max_attempts* times.
    """
    _check_pause("initial_delay", initial_delay)
    _check_pause("max_delay", max_delay)
    given: object = multiplier
    if not isinstance(given, int | float) or not 1 <= given < math.inf:
        raise ValidationError(f"multiplier must be at least 1, got {given!r}")
    kind: object = jitter
    if not isinstance(kind, Jitter):
        raise ValidationError(f"jitter takes Jitter.NONE, FULL or HALF, got {kind!r}")

    def seconds(attempt: int) -> float:
        try:
            return min(initial_delay.total_seconds() * multiplier ** (attempt - 1), max_delay.total_seconds())
        except OverflowError:
            return max_delay.total_seconds()

    return _polling(until, max_attempts, seconds, jitter)


def _check_pause(name: str, delay: timedelta) -> None:
    check_delay(name, delay)
    whole_seconds(delay, name, most=MAX_WAIT_SECONDS)


def _polling(
    until: Callable[[S], bool], max_attempts: int, seconds: Callable[[int], float], jitter: Jitter
) -> Callable[[S, int], WaitDecision]:
    check_attempts(max_attempts)
    if not callable(until):
        raise ValidationError(f"until takes a function of the state that says whether to stop, got {until!r}")

    def decide(state: S, attempt: int) -> WaitDecision:
        if until(state):
            return WaitDecision.done()
        if attempt >= max_attempts:
            return WaitDecision.give_up()
        return WaitDecision.continue_after(timedelta(seconds=max(1, math.ceil(jitter.spread(seconds(attempt))))))

    return decide
