"""Retry strategies: figures, delays by attempt, jitter, filters, and arguments that no strategy could mean."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from durable_core import (
    Duration,
    ExponentialBackoff,
    FixedDelay,
    Jitter,
    LinearBackoff,
    NoRetry,
    RetryDecision,
    RetryPresets,
    RetryStrategy,
    ValidationError,
)

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
BOOM = ValueError("connection reset by peer")
FILTERED: list[Callable[..., RetryStrategy]] = [ExponentialBackoff, FixedDelay, LinearBackoff]


def seconds(strategy: RetryStrategy, attempt: int, error: BaseException = BOOM) -> float | None:
    """The pause that *strategy* decides on; ``None``: it gives up."""
    delay = strategy(error, attempt).delay
    return None if delay is None else delay.total_seconds()


def settings(strategy: Any) -> dict[str, Any]:
    """The figures of *strategy*, the filters left out."""
    names = [field.name for field in fields(strategy) if field.name not in ("retry_on", "give_up_on")]
    return {name: getattr(strategy, name) for name in names}


EXPONENTIAL = {"max_attempts": 3, "base_delay": SECOND, "max_delay": HOUR, "multiplier": 2.0, "jitter": Jitter.FULL}


@pytest.mark.parametrize(
    ("strategy", "figures"),
    [
        (ExponentialBackoff(), EXPONENTIAL),
        (FixedDelay(3, SECOND), {"max_attempts": 3, "delay": SECOND}),
        (LinearBackoff(3, SECOND, HOUR), {"max_attempts": 3, "base_delay": SECOND, "max_delay": HOUR}),
        (NoRetry(), {}),
        (
            RetryPresets.DEFAULT,
            EXPONENTIAL | {"max_attempts": 6, "base_delay": 5 * SECOND, "max_delay": 60 * SECOND},
        ),
        (RetryPresets.NONE, {}),
        (RetryPresets.TRANSIENT, EXPONENTIAL | {"max_delay": 10 * SECOND, "jitter": Jitter.HALF}),
        (
            RetryPresets.RESOURCE_AVAILABILITY,
            EXPONENTIAL | {"max_attempts": 5, "base_delay": 5 * SECOND, "max_delay": 300 * SECOND},
        ),
        (
            RetryPresets.CRITICAL,
            EXPONENTIAL | {"max_attempts": 10, "max_delay": 60 * SECOND, "multiplier": 1.5},
        ),
        (ExponentialBackoff.from_millis(3, 1000, 30_000), EXPONENTIAL | {"max_delay": 30 * SECOND}),
        (FixedDelay.from_millis(4, 1_500), {"max_attempts": 4, "delay": 1.5 * SECOND}),
        (
            LinearBackoff.from_millis(5, 250, 1_000),
            {"max_attempts": 5, "base_delay": SECOND / 4, "max_delay": SECOND},
        ),
        (NoRetry.from_millis(), {}),
    ],
)
def test_the_figures_are_those_of_the_contract(strategy: Any, figures: dict[str, Any]) -> None:
    """A default that moves changes every workflow that relies on it."""
    assert settings(strategy) == figures
    if figures:
        assert (strategy.retry_on, strategy.give_up_on) == (None, None)


def test_the_default_preset_pauses_5_10_20_40_and_60_seconds_at_most() -> None:
    """Six attempts, so five pauses."""
    steady = replace(RetryPresets.DEFAULT, jitter=Jitter.NONE)
    assert [seconds(steady, attempt) for attempt in range(1, 8)] == [5, 10, 20, 40, 60, None, None]


@pytest.mark.parametrize("preset", ["DEFAULT", "TRANSIENT", "RESOURCE_AVAILABILITY", "CRITICAL"])
def test_every_preset_but_none_retries_and_gives_up_at_last(preset: str) -> None:
    """What each is for stands in its docstring; these are the figures that all share."""
    strategy: ExponentialBackoff = getattr(RetryPresets, preset)
    assert strategy.max_attempts >= 3
    assert seconds(strategy, strategy.max_attempts - 1) is not None
    assert seconds(strategy, strategy.max_attempts) is None


@pytest.mark.parametrize("strategy", [NoRetry(), RetryPresets.NONE])
@pytest.mark.parametrize("attempt", [1, 2, 100])
def test_no_retry_lets_the_first_failure_stand(strategy: NoRetry, attempt: int) -> None:
    """Whatever the error."""
    assert strategy(BOOM, attempt) == RetryDecision.stop()


@pytest.mark.parametrize(
    ("strategy", "pauses"),
    [
        (ExponentialBackoff(6, SECOND, 10 * SECOND, jitter=Jitter.NONE), [1, 2, 4, 8, 10, None]),
        (ExponentialBackoff(4, SECOND, multiplier=3, jitter=Jitter.NONE), [1, 3, 9, None]),
        (ExponentialBackoff(3, 7 * SECOND, multiplier=1, jitter=Jitter.NONE), [7, 7, None]),
        (ExponentialBackoff(3, HOUR, SECOND, jitter=Jitter.NONE), [1, 1, None]),
        (ExponentialBackoff(4, SECOND, multiplier=1.5, jitter=Jitter.NONE), [1, 2, 3, None]),
        (FixedDelay(4, 90 * SECOND), [90, 90, 90, None]),
        (FixedDelay(1), [None, None]),
        (FixedDelay.from_millis(3, 1), [1, 1, None]),
        (FixedDelay.from_millis(3, 1_001), [2, 2, None]),
        (LinearBackoff(5, 2 * SECOND, 5 * SECOND), [2, 4, 5, 5, None]),
    ],
)
def test_the_pause_after_each_attempt(strategy: RetryStrategy, pauses: list[float | None]) -> None:
    """In whole seconds, rounded up; ``max_attempts`` counts every attempt, the first included."""
    assert [seconds(strategy, attempt) for attempt in range(1, len(pauses) + 1)] == pauses


def test_a_power_beyond_every_float_is_the_longest_pause() -> None:
    """2.0 ** 9998 is an OverflowError."""
    assert seconds(ExponentialBackoff(10_000, jitter=Jitter.NONE), 9_999) == 3_600


@given(st.sampled_from(Jitter), st.integers(1, 40), st.floats(1, 5), st.integers(1, 10**7), st.integers(1, 10**7))
def test_a_jittered_pause_stays_within_its_bounds(
    jitter: Jitter, attempt: int, multiplier: float, base: int, most: int
) -> None:
    """NONE is the pause itself, FULL up to it, HALF from its half; a second at least, and in whole ones."""
    strategy = ExponentialBackoff(
        41, timedelta(milliseconds=base), timedelta(milliseconds=most), multiplier=multiplier, jitter=jitter
    )
    steady = min(base * multiplier ** (attempt - 1), most) / 1000
    least = {Jitter.NONE: steady, Jitter.FULL: 0, Jitter.HALF: steady / 2}[jitter]
    pause = seconds(strategy, attempt)
    assert pause is not None
    assert pause.is_integer()
    assert max(1, math.ceil(least - 1e-6)) <= pause <= max(1, math.ceil(steady + 1e-6))


@given(st.floats(0, 1e6))
def test_jitter_spreads_over_its_own_range(whole: float) -> None:
    """The bounds of each, before rounding."""
    assert Jitter.NONE.spread(whole) == whole
    assert 0 <= Jitter.FULL.spread(whole) <= whole
    assert whole / 2 <= Jitter.HALF.spread(whole) <= whole


def test_full_jitter_really_varies() -> None:
    """Many executions must not retry in step."""
    assert len({Jitter.FULL.spread(1_000) for _ in range(50)}) > 40
    assert len({Jitter.HALF.spread(1_000) for _ in range(50)}) > 40


FILTERS: list[tuple[Any, BaseException, bool]] = [
    (ValueError, BOOM, True),
    (Exception, BOOM, True),
    (KeyError, BOOM, False),
    ((KeyError, ValueError), BOOM, True),
    ([KeyError, ValueError], BOOM, True),
    ((KeyError, OSError), BOOM, False),
    ("connection reset", BOOM, True),
    ("reset.*peer$", BOOM, True),
    ("Connection", BOOM, False),
    (re.compile("CONNECTION", re.IGNORECASE), BOOM, True),
    (re.compile("^reset"), BOOM, False),
    (("timeout", "reset"), BOOM, True),
    ((KeyError, "reset"), BOOM, True),
    ((KeyError, re.compile("timeout")), BOOM, False),
    (lambda error: "peer" in str(error), BOOM, True),
    (lambda error: False, BOOM, False),
    ((), BOOM, False),
    ([], BOOM, False),
    (SystemExit, SystemExit(1), True),
]


@pytest.mark.parametrize("make", FILTERED)
@pytest.mark.parametrize(("wanted", "error", "hit"), FILTERS)
def test_a_filter_takes_classes_patterns_and_predicates_alone_or_in_a_sequence(
    make: Callable[..., RetryStrategy], wanted: Any, error: BaseException, hit: bool
) -> None:
    """``retry_on`` says what is tried again, ``give_up_on`` what is not."""
    assert (seconds(make(retry_on=wanted), 1, error) is not None) is hit
    assert (seconds(make(give_up_on=wanted), 1, error) is None) is hit


@pytest.mark.parametrize("make", FILTERED)
def test_giving_up_wins_over_retrying(make: Callable[..., RetryStrategy]) -> None:
    """An error that both name is not tried again."""
    strategy = make(retry_on=OSError, give_up_on=FileNotFoundError)
    assert seconds(strategy, 1, ConnectionError()) is not None
    assert seconds(strategy, 1, FileNotFoundError()) is None
    assert seconds(strategy, 1, ValueError()) is None


@pytest.mark.parametrize("attempts", [0, -1, 1.5, 2.0, True, "3", None, math.inf])
@pytest.mark.parametrize("make", [*FILTERED, lambda n: ExponentialBackoff.from_millis(n, 1, 1)])
def test_attempts_are_a_whole_number_from_1(make: Callable[..., RetryStrategy], attempts: Any) -> None:
    """The first attempt counts, so that 0 would forbid the call itself."""
    with pytest.raises(ValidationError, match="max_attempts counts every attempt, the first included: from 1, got "):
        make(attempts)


@pytest.mark.parametrize("delay", [timedelta(0), timedelta(seconds=-1), 5, 5.0, "5", None])
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda delay: FixedDelay(3, delay), "delay"),
        (lambda delay: ExponentialBackoff(3, delay), "base_delay"),
        (lambda delay: ExponentialBackoff(3, SECOND, delay), "max_delay"),
        (lambda delay: LinearBackoff(3, delay), "base_delay"),
        (lambda delay: LinearBackoff(3, SECOND, delay), "max_delay"),
    ],
)
def test_a_delay_is_a_timedelta_above_zero(make: Callable[[Any], RetryStrategy], name: str, delay: Any) -> None:
    """The message names the parameter."""
    with pytest.raises(ValidationError, match=f"^{name} must be a timedelta above zero"):
        make(delay)


@pytest.mark.parametrize("millis", [0, -1, -0.5])
@pytest.mark.parametrize(
    "make",
    [
        lambda millis: FixedDelay.from_millis(3, millis),
        lambda millis: ExponentialBackoff.from_millis(3, millis, 1_000),
        lambda millis: LinearBackoff.from_millis(3, 1_000, millis),
    ],
)
def test_milliseconds_are_above_zero(make: Callable[[float], RetryStrategy], millis: float) -> None:
    """As every delay."""
    with pytest.raises(ValidationError):
        make(millis)


@pytest.mark.parametrize("multiplier", [0.5, 0, -2, math.nan, math.inf])
def test_a_multiplier_that_does_not_grow_is_refused(multiplier: float) -> None:
    """A back-off that shrinks is a mistake."""
    with pytest.raises(ValidationError, match="multiplier must be at least 1, got "):
        ExponentialBackoff(multiplier=multiplier)


@pytest.mark.parametrize("delay", [5, 5.0, "5", None])
def test_a_decision_takes_a_timedelta(delay: Any) -> None:
    """A bare number could be seconds or milliseconds."""
    with pytest.raises(ValidationError, match="takes a timedelta such as"):
        RetryDecision.retry_after(delay)


def test_a_decision_is_a_delay_or_a_stop() -> None:
    """Both compare by what they say."""
    assert RetryDecision.retry_after(Duration.from_seconds(5)) == RetryDecision(timedelta(seconds=5))
    assert RetryDecision.stop() == RetryDecision(None)


@pytest.mark.parametrize("strategy", [ExponentialBackoff(), FixedDelay(), LinearBackoff(), NoRetry()])
def test_a_strategy_is_a_value(strategy: Any) -> None:
    """Equal figures are equal strategies, and nobody changes one that others use."""
    assert strategy == type(strategy)()
    assert hash(strategy) == hash(type(strategy)())
    with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
        strategy.max_attempts = 99


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: FixedDelay.from_millis(3, math.nan), id="NaN milliseconds"),
        pytest.param(lambda: FixedDelay.from_millis(3, math.inf), id="endless milliseconds"),
        pytest.param(lambda: FixedDelay.from_millis(3, "1000"), id="milliseconds as text"),  # type: ignore[arg-type]
        pytest.param(lambda: ExponentialBackoff(multiplier="2"), id="a multiplier as text"),  # type: ignore[arg-type]
        pytest.param(lambda: ExponentialBackoff(jitter="full"), id="a jitter as text"),  # type: ignore[arg-type]
        pytest.param(lambda: FixedDelay(retry_on=5), id="a number to retry on"),  # type: ignore[arg-type]
        pytest.param(lambda: LinearBackoff(give_up_on=[5]), id="numbers to give up on"),  # type: ignore[list-item]
        pytest.param(lambda: FixedDelay(retry_on="("), id="no regular expression"),
    ],
)
def test_nonsense_is_refused_where_the_strategy_is_made(make: Callable[[], RetryStrategy]) -> None:
    """In the module that says it, not in the first attempt that fails."""
    with pytest.raises(ValidationError):
        make()
