"""``ctx.wait_for_condition``: when it looks again, when its time is up, and sandboxes that die while it looks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from both_flavours import both_flavours, handler_of
from operation_runs import MINUTE, SECOND, DyingAttempts, outcome_of, run

from durable_core import (
    ConditionTimeoutError,
    DurableContext,
    Duration,
    FixedDelay,
    Jitter,
    NoRetry,
    WaitForConditionConfig,
    WaitStrategy,
    poll_every,
    poll_with_backoff,
    step_context,
)
from durable_testing import LocalRunner, TestResult


def never(state: Any) -> bool:
    return False


def count(state: int) -> int:
    return state + 1


def fail(state: int) -> int:
    raise ConnectionError("not yet")


def waiting(
    check: Callable[[Any], Any], strategy: WaitStrategy[Any], **settings: Any
) -> Callable[[DurableContext], Any]:
    """A workflow that waits for a condition, with these settings."""

    async def body(ctx: Any) -> Any:
        config = WaitForConditionConfig(wait_strategy=strategy, **settings)
        return await ctx.wait_for_condition(check, initial_state=0, name="it", config=config)

    return body


def pauses(result: TestResult[Any]) -> list[int]:
    """The pauses that were recorded after looks, in seconds."""
    details = (event.get(f"{event['EventType']}Details", {}).get("RetryDetails", {}) for event in result.history)
    return [each["NextAttemptDelaySeconds"] for each in details if "NextAttemptDelaySeconds" in each]


def took(result: TestResult[Any]) -> float:
    """How long the condition was waited for, in whole seconds of the service's clock."""
    duration = result.operation("it").duration
    assert duration is not None
    return duration // SECOND


@both_flavours
def test_it_looks_again_when_its_strategy_says(flavour: str) -> None:
    """The service's clock passes meanwhile, and nobody pays for it."""
    strategy = poll_with_backoff(
        until=never, initial_delay=2 * SECOND, max_delay=10 * SECOND, multiplier=2, jitter=Jitter.NONE, max_attempts=6
    )
    result = run(flavour, waiting(count, strategy))
    assert pauses(result) == [2, 4, 8, 10, 10]
    assert took(result) == 34
    assert len(result.invocations) == 6


@both_flavours
def test_a_pause_is_rounded_up_to_whole_seconds(flavour: str) -> None:
    result = run(flavour, waiting(count, poll_every(timedelta(seconds=1.2), until=never, max_attempts=3)))
    assert pauses(result) == [2, 2]


@both_flavours
def test_a_failed_look_is_tried_again_when_its_own_strategy_says(flavour: str) -> None:
    strategy = poll_every(MINUTE, until=never)
    result = run(flavour, waiting(fail, strategy, retry_strategy=FixedDelay(4, 7 * SECOND)))
    assert pauses(result) == [7, 7, 7]


@both_flavours
@pytest.mark.parametrize(
    ("pause", "timeout", "planned", "seconds"),
    [(4, 10, [4, 4, 2], 10), (5, 10, [5, 5], 10), (60, 10, [10], 10), (3, 1.5, [2], 2), (3600, 90, [90], 90)],
)
def test_time_is_up_when_it_is_up_and_not_at_the_next_look(
    flavour: str, pause: int, timeout: float, planned: list[int], seconds: int
) -> None:
    """The last pause is cut to what is left."""
    strategy = poll_every(Duration.from_seconds(pause), until=never)
    result = run(flavour, waiting(count, strategy, timeout=timedelta(seconds=timeout)))
    assert result.error is not None
    assert result.error.get("ErrorType") == "durable_core.ConditionTimeoutError"
    assert f"not met within {timedelta(seconds=timeout)}" in result.error.get("ErrorMessage", "")
    assert took(result) == seconds
    assert pauses(result) == planned


@both_flavours
def test_time_is_up_for_failed_looks_too(flavour: str) -> None:
    """Whatever their retry strategy says."""
    body = waiting(
        fail, poll_every(MINUTE, until=never), retry_strategy=FixedDelay(99, 4 * SECOND), timeout=10 * SECOND
    )
    result = run(flavour, body)
    assert result.error is not None
    assert result.error.get("ErrorType") == "durable_core.ConditionTimeoutError"
    assert pauses(result) == [4, 4, 2]


@both_flavours
def test_a_condition_that_is_met_in_time_is_met(flavour: str) -> None:
    result = run(flavour, waiting(count, poll_every(4 * SECOND, until=(3).__le__), timeout=10 * SECOND))
    assert result.value == 3


@both_flavours
@pytest.mark.parametrize("timeout", [timedelta(days=400), timedelta.max])
def test_time_can_be_as_long_as_a_timedelta(flavour: str, timeout: timedelta) -> None:
    """Python's threads wait for 292 years at most."""
    assert run(flavour, waiting(count, poll_every(SECOND, until=(2).__le__), timeout=timeout)).value == 2


@both_flavours
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_look_that_takes_too_long_is_cut_off_when_time_is_up(flavour: str, kind: str) -> None:
    """In real time; what a function on a thread still returns is discarded."""
    ended: list[str] = []

    def check(state: int) -> int:
        time.sleep(0.2)
        ended.append("on its thread")
        return 1

    async def check_later(state: int) -> int:
        await asyncio.sleep(30)
        return 1

    body = waiting(
        check if kind == "def" else check_later,
        poll_every(MINUTE, until=bool),
        timeout=timedelta(seconds=0.05),
        retry_strategy=FixedDelay(9, SECOND),
    )

    async def catching(ctx: DurableContext) -> str:
        try:
            await body(ctx)
        except ConditionTimeoutError as error:
            return str(error)
        return "met"

    began = time.monotonic()
    result = run(flavour, catching)
    assert result.value == "the condition was not met within 0:00:00.050000, after 1 checks"
    assert time.monotonic() - began < 5
    assert ended == (["on its thread"] if kind == "def" else [])


@both_flavours
def test_the_look_when_time_is_up_counts_however_long_it_takes(flavour: str) -> None:
    """Or is not begun: it must not depend on how quick it is."""

    def outcome(seconds: float) -> str:
        async def check(state: int) -> int:
            if seconds and state:
                await asyncio.sleep(seconds)
            return state + 1

        return run(flavour, waiting(check, poll_every(10 * SECOND, until=(2).__le__), timeout=10 * SECOND)).status

    assert outcome(0.03) == outcome(0)


def dying(
    flavour: str, looks: set[int], strategy: Any
) -> tuple[TestResult[Any], list[tuple[int, int]], list[dict[str, Any]]]:
    """A run whose sandboxes die in these looks: its result, the state and attempt of each look, and what came of it."""
    seen: list[tuple[int, int]] = []
    outcomes: list[dict[str, Any]] = []

    def check(state: int) -> int:
        seen.append((state, step_context().attempt))
        time.sleep(0.03)  # until the START is recorded
        return state + 1

    async def body(ctx: DurableContext) -> None:
        looking = waiting(check, poll_every(MINUTE, until=(3).__le__), retry_strategy=strategy)
        outcomes.append(await outcome_of(looking(ctx)))
        await ctx.wait(SECOND)

    runner = LocalRunner(handler_of(flavour, body), client=lambda inner: DyingAttempts(inner, looks))
    return runner.run(), seen, outcomes


@both_flavours
@pytest.mark.parametrize("strategy", [None, NoRetry()])
def test_a_sandbox_that_dies_while_it_looks_looks_again_with_the_state_from_before(flavour: str, strategy: Any) -> None:
    """As the same attempt, uncounted."""
    result, seen, outcomes = dying(flavour, {2, 4}, strategy)
    assert seen == [(0, 1), (1, 2), (1, 2), (2, 3), (2, 3)]
    assert outcomes[-1] == {"value": 3}
    assert result.operation("it").attempts == 3


@both_flavours
def test_a_sandbox_that_dies_while_it_looks_is_a_failed_look_to_a_retry_strategy(flavour: str) -> None:
    """Of the program's: which can so end a look that kills its sandbox each time."""
    result, seen, outcomes = dying(flavour, {2}, FixedDelay(3, SECOND))
    assert seen == [(0, 1), (1, 2), (1, 3), (2, 4)]
    assert outcomes[-1] == {"value": 3}
    assert result.operation("it").attempts == 4


@both_flavours
def test_a_look_that_kills_its_sandbox_each_time_uses_up_its_attempts(flavour: str) -> None:
    _, seen, outcomes = dying(flavour, {2, 3}, FixedDelay(2, SECOND))
    assert seen == [(0, 1), (1, 2), (1, 3)]
    assert len(outcomes) > 1
    assert all(each == outcomes[0] for each in outcomes)
    assert outcomes[0]["classes"][0] == "durable_core.StepInterruptedError"
    assert "durable_core.ConditionNotMetError" in outcomes[0]["classes"]
    assert outcomes[0]["text"] == "attempt 3 was cut off before its outcome was recorded"
