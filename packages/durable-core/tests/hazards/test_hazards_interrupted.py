"""The world fails: the sandbox dies. (Every crash point of many programs: ``tests/crash``.)"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from both_flavours import both_flavours, handler_of
from hazard_clients import Call, Watched
from hazard_runs import Stage, Wrapper

from durable_core import (
    DurableContext,
    Duration,
    FixedDelay,
    NoRetry,
    RetryStrategy,
    StepConfig,
    StepInterruptedError,
    StepSemantics,
    step_context,
)
from durable_core.spi import CheckpointAnswer, DurableServiceClient
from durable_testing import LocalRunner
from durable_testing.faults import CrashingClient, SandboxDied, Side

AT_MOST_ONCE = StepSemantics.AT_MOST_ONCE_PER_RETRY


class Outcomes(Watched):
    """The sandbox dies when the outcome of a body that ran is to be recorded, so many *times*."""

    times = 99

    def checkpointed(self, arn: str, call: Call) -> CheckpointAnswer:
        for update in call.updates:
            ran = update["Type"] == "STEP" and update["Action"] != "START"
            interrupted = "StepInterruptedError" in update.get("Error", {}).get("ErrorType", "")
            if ran and not interrupted and self.times and update.get("Name") == "heavy":
                self.times -= 1
                raise SandboxDied
        return super().checkpointed(arn, call)


def dying(times: int) -> Wrapper:
    """A client of ``Outcomes``."""

    def wrap(inner: DurableServiceClient) -> Outcomes:
        client = Outcomes(inner)
        client.times = times
        return client

    return wrap


def heavy(attempts: list[int], config: StepConfig) -> Callable[[DurableContext], Any]:
    """A workflow around a step that takes long enough for its START to be recorded before it ends."""

    def work() -> str:
        attempts.append(step_context().attempt)
        time.sleep(0.03)
        return "done"

    async def body(ctx: DurableContext) -> str:
        try:
            return await ctx.step(work, name="heavy", config=config)
        except StepInterruptedError as error:
            return f"gave up: {error}"

    return body


@both_flavours
@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_crash_beside_a_checkpoint_loses_nothing_and_redoes_nothing_recorded(
    flavour: str, side: Side, at: int
) -> None:
    ran: list[str] = []

    async def body(ctx: DurableContext) -> list[str]:
        async def child(inner: DurableContext) -> str:
            ran.append(await inner.step(str, "inner", name="inner"))
            return ran[-1]

        first = await ctx.step(str, "first", name="first")
        return [first, await ctx.run_in_child_context(child), await ctx.step(str, "last", name="last")]

    clients: list[CrashingClient] = []

    def crashing(inner: DurableServiceClient) -> DurableServiceClient:
        clients.append(CrashingClient(inner, at, side))
        return clients[0]

    result = LocalRunner(handler_of(flavour, body), client=crashing).run()
    assert result.value == ["first", "inner", "last"]
    assert len(result.invocations) == 2
    assert [each.attempts for each in result.operations if each.type == "STEP"] == [1, 1, 1]


@both_flavours
def test_an_at_least_once_step_that_was_cut_off_runs_again_as_the_same_attempt(flavour: str) -> None:
    attempts: list[int] = []
    runner = LocalRunner(handler_of(flavour, heavy(attempts, StepConfig())), client=dying(1))
    result = runner.run()
    assert result.value == "done"
    assert attempts == [1, 1]
    assert result.operation("heavy").attempts == 1


@both_flavours
def test_an_at_least_once_step_that_is_never_retried_runs_again_all_the_same(flavour: str) -> None:
    """Else ``NoRetry`` would turn it into an at-most-once step."""
    attempts: list[int] = []
    body = heavy(attempts, StepConfig(retry_strategy=NoRetry()))
    assert LocalRunner(handler_of(flavour, body), client=dying(1)).run().value == "done"
    assert attempts == [1, 1]


@both_flavours
def test_an_at_most_once_step_that_was_cut_off_never_runs_again(flavour: str) -> None:
    attempts: list[int] = []
    body = heavy(attempts, StepConfig(step_semantics=AT_MOST_ONCE, retry_strategy=NoRetry()))
    result = LocalRunner(handler_of(flavour, body), client=dying(1)).run()
    assert result.value.startswith("gave up: attempt 1 was cut off")
    assert attempts == [1]


@both_flavours
@pytest.mark.parametrize("semantics", StepSemantics)
def test_a_step_that_kills_the_sandbox_each_time_ends_with_its_last_attempt(
    flavour: str, semantics: StepSemantics
) -> None:
    attempts: list[int] = []
    body = heavy(attempts, StepConfig(step_semantics=semantics, retry_strategy=FixedDelay(3)))
    result = LocalRunner(handler_of(flavour, body), client=dying(99)).run()
    assert result.value.startswith("gave up: attempt 3 was cut off")
    assert attempts == [1, 2, 3]


@both_flavours
def test_the_handlers_strategy_counts_cut_off_attempts_too(flavour: str) -> None:
    attempts: list[int] = []
    handler = handler_of(flavour, heavy(attempts, StepConfig()), retry_strategy=FixedDelay(2))
    assert LocalRunner(handler, client=dying(99)).run().value.startswith("gave up: attempt 2 was cut off")
    assert attempts == [1, 2]


@both_flavours
def test_the_strategy_is_asked_about_the_interruption(flavour: str) -> None:
    asked: list[tuple[str, int]] = []

    def strategy(error: BaseException, attempt: int) -> Any:
        asked.append((type(error).__name__, attempt))
        return FixedDelay(2)(error, attempt)

    given: RetryStrategy = strategy
    body = heavy([], StepConfig(step_semantics=AT_MOST_ONCE, retry_strategy=given))
    LocalRunner(handler_of(flavour, body), client=dying(1)).run()
    assert asked == [("StepInterruptedError", 1)]


@both_flavours
def test_no_code_of_the_workflow_runs_after_the_sandbox_has_died(flavour: str) -> None:
    after: list[str] = []

    async def body(ctx: DurableContext) -> None:
        try:
            await ctx.step(str, "first")
        except BaseException:
            after.append("except")
            raise
        finally:
            after.append("finally")

    stage = Stage(handler_of(flavour, body), client=partial(CrashingClient, at=1))
    with pytest.raises(SandboxDied):
        stage.invoke()
    if flavour == "async":
        assert not after
    assert stage.invoke()["Status"] == "SUCCEEDED"


@both_flavours
def test_a_wait_is_not_started_twice_when_its_answer_was_lost_with_the_sandbox(flavour: str) -> None:
    async def body(ctx: DurableContext) -> str:
        await ctx.wait(Duration.from_minutes(1), name="pause")
        return "done"

    client = partial(CrashingClient, at=1, side=Side.AFTER)
    result = LocalRunner(handler_of(flavour, body), client=client).run()
    assert result.value == "done"
    assert result.operation("pause").duration == Duration.from_minutes(1)
