"""Wait strategies: when they look again, when they stop, and arguments that none could mean."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from durable_core import Duration, Jitter, ValidationError, WaitDecision, WaitStrategy, poll_every, poll_with_backoff

SECOND, MINUTE, YEAR = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=366)
TOO_LONG = timedelta(days=366, seconds=1)


def never(state: object) -> bool:
    return False


def delays(strategy: WaitStrategy[Any], attempts: int) -> list[float | None]:
    """The pause after each of the first *attempts* checks, in seconds; ``None``: there is none."""
    decisions = [strategy("state", attempt) for attempt in range(1, attempts + 1)]
    return [None if each.delay is None else each.delay.total_seconds() for each in decisions]


def test_a_decision_is_one_of_three() -> None:
    """Look again later, the state is the result, or give up."""
    assert WaitDecision.continue_after(MINUTE) == WaitDecision(delay=MINUTE, is_done=False)
    assert WaitDecision.done() == WaitDecision(delay=None, is_done=True)
    assert WaitDecision.give_up() == WaitDecision(delay=None, is_done=False)


@pytest.mark.parametrize("delay", [5, 5.0, "5 s", None])
def test_a_decision_takes_no_bare_number(delay: Any) -> None:
    """Nobody could say which unit it has."""
    with pytest.raises(ValidationError, match="continue_after takes a timedelta"):
        WaitDecision.continue_after(delay)


@pytest.mark.parametrize("strategy", [poll_every(SECOND, until=str.isupper), poll_with_backoff(until=str.isupper)])
def test_the_state_decides_when_to_stop(strategy: WaitStrategy[str]) -> None:
    """Whatever the number of the attempt."""
    assert strategy("DONE", 1) == strategy("DONE", 60) == strategy("DONE", 1_000) == WaitDecision.done()
    assert strategy("waiting", 1).delay is not None
    assert not strategy("waiting", 59).is_done


@pytest.mark.parametrize("strategy", [poll_every(SECOND, until=never), poll_with_backoff(until=never)])
def test_it_gives_up_after_sixty_looks_unless_told_otherwise(strategy: WaitStrategy[Any]) -> None:
    """The last look decides too: sixty looks, and fifty-nine pauses."""
    assert strategy("state", 59).delay is not None
    assert strategy("state", 60) == WaitDecision.give_up()


@pytest.mark.parametrize("most", [1, 2, 7])
def test_max_attempts_counts_every_look_the_first_included(most: int) -> None:
    """As for retries."""
    assert delays(poll_every(SECOND, until=never, max_attempts=most), 9).count(None) == 10 - most
    assert delays(poll_with_backoff(until=never, max_attempts=most), 9).count(None) == 10 - most


def test_a_fixed_pause_is_the_same_each_time_in_whole_seconds() -> None:
    """Rounded up, as everywhere."""
    assert delays(poll_every(MINUTE, until=never), 3) == [60, 60, 60]
    assert delays(poll_every(timedelta(seconds=1.5), until=never), 2) == [2, 2]
    assert delays(poll_every(timedelta(milliseconds=1), until=never), 2) == [1, 1]
    assert delays(poll_every(YEAR, until=never), 1) == [YEAR.total_seconds()]


def test_a_growing_pause_grows_up_to_its_greatest() -> None:
    """By the multiplier, rounded up."""
    strategy = poll_with_backoff(
        until=never, initial_delay=2 * SECOND, max_delay=10 * SECOND, multiplier=1.5, jitter=Jitter.NONE
    )
    assert delays(strategy, 7) == [2, 3, 5, 7, 10, 10, 10]


def test_a_multiplier_that_overflows_gives_the_greatest_pause() -> None:
    """Like any other that is too long."""
    strategy = poll_with_backoff(until=never, multiplier=1e300, jitter=Jitter.NONE, max_attempts=999)
    assert delays(strategy, 4) == [5, 300, 300, 300]


@given(
    st.integers(1, 100), st.floats(1, 10), st.timedeltas(SECOND, MINUTE), st.timedeltas(SECOND, MINUTE),
    st.sampled_from(Jitter),
)  # fmt: skip
def test_a_pause_is_whole_seconds_within_its_bounds(
    attempt: int, multiplier: float, initial: timedelta, most: timedelta, jitter: Jitter
) -> None:
    """Whatever the jitter: from one second to the greatest pause."""
    strategy = poll_with_backoff(
        until=never, initial_delay=initial, max_delay=most, multiplier=multiplier, jitter=jitter, max_attempts=101
    )
    delay = strategy("state", attempt).delay
    assert delay is not None
    assert 1 <= delay.total_seconds() <= math.ceil(most.total_seconds())
    assert not delay.microseconds


BAD: list[tuple[Any, dict[str, Any], str]] = [
    *[(poll_every, {"duration": each}, "poll_every's duration must be a timedelta above zero") for each in (5, "5 s")],
    *[(poll_every, {"duration": SECOND * each}, "poll_every's duration must be a timedelta") for each in (0, -1)],
    (poll_every, {"duration": TOO_LONG}, "poll_every's duration must be from 1 second to 31622400 seconds"),
    (poll_every, {"duration": Duration.from_years(2)}, "366 days"),
    *[
        (poll_with_backoff, {name: each}, f"{name} must be a timedelta above zero")
        for name in ("initial_delay", "max_delay")
        for each in (5, "5 s", None, timedelta(0), -SECOND)
    ],
    *[(poll_with_backoff, {name: TOO_LONG}, f"{name} must be from 1") for name in ("initial_delay", "max_delay")],
    *[
        (poll_with_backoff, {"multiplier": each}, "multiplier must be at least 1")
        for each in (0, 0.5, -2, math.inf, math.nan, "2", None)
    ],
    *[(poll_with_backoff, {"jitter": each}, "jitter takes Jitter.NONE, FULL or HALF") for each in ("full", None, True)],
    *[
        (poll, {**given, "max_attempts": each}, "max_attempts counts every attempt")
        for poll, given in ((poll_every, {"duration": SECOND}), (poll_with_backoff, {}))
        for each in (0, -1, 1.5, "3", None, True)
    ],
    *[
        (poll, {**given, "until": each}, "until takes a function of the state")
        for poll, given in ((poll_every, {"duration": SECOND}), (poll_with_backoff, {}))
        for each in (True, None, "done")
    ],
]


@pytest.mark.parametrize(("poll", "arguments", "message"), BAD)
def test_what_no_strategy_could_mean_is_refused_where_it_is_written(
    poll: Any, arguments: dict[str, Any], message: str
) -> None:
    """Not after the first look."""
    with pytest.raises(ValidationError, match=message):
        poll(**{"until": never, **arguments})
