"""The service refuses, fails, or answers late, after the workflow has gone on."""

from __future__ import annotations

import time
from typing import Any

import pytest
from both_flavours import both_flavours
from checkpoint_runs import (
    BATCHED,
    HOUR,
    OPTIMISTIC,
    Bodies,
    Stage,
    Watched,
    ahead_of_the_record,
    every_mode,
    handler_of,
)

from durable_core import CheckpointError, Checkpointing, DurableContext, ServiceError
from durable_testing import DurableService
from durable_testing.service.limits import CURRENT

TOO_LARGE = 300_000
"""Bytes that the SDK's profile takes, and the service does not."""


class Refusing(Watched):
    """From the call with the number ``at`` on, this is all that the service says."""

    at = 1
    error: Exception = ServiceError("AccessDeniedException", "not allowed", status=403)

    def before(self, number: int) -> None:
        if number >= self.at:
            raise self.error


class RefusingAtTheEnd(Refusing):
    """The first call with the update of a step with this name is refused."""

    def before(self, number: int) -> None:
        if any(update.get("Name") == "last" for update in self.calls[-1]):
            raise self.error


async def large(ctx: DurableContext) -> int:
    return len(await ctx.step(lambda: "x" * TOO_LARGE, name="large"))


@both_flavours
@ahead_of_the_record
@pytest.mark.parametrize("swallowed", [False, True], ids=["", "swallowed"])
def test_a_value_too_large_for_the_service_fails_the_execution_even_when_it_is_noticed_by_the_last_flush(
    flavour: str, mode: Checkpointing, swallowed: bool
) -> None:
    async def workflow(ctx: DurableContext) -> int:
        try:
            return await large(ctx)
        except Exception:
            return -1 if swallowed else 0

    answer = Stage(handler_of(flavour, mode, workflow)).invoke()
    assert answer["Status"] == "FAILED"
    error = answer.get("Error", {})
    assert error.get("ErrorType") == "durable_core.ExecutionError"
    assert '"large"' in error.get("ErrorMessage", "")
    assert "bytes" in error.get("ErrorMessage", "")


@both_flavours
@ahead_of_the_record
def test_the_same_is_so_when_a_pause_notices_it(flavour: str, mode: Checkpointing) -> None:
    async def workflow(ctx: DurableContext) -> int:
        found = await large(ctx)
        try:
            await ctx.wait(HOUR)
        except BaseException:
            return found
        return found

    stage = Stage(handler_of(flavour, mode, workflow))
    answer = stage.invoke()
    assert answer["Status"] == "FAILED"
    assert '"large"' in answer.get("Error", {}).get("ErrorMessage", "")


@both_flavours
@ahead_of_the_record
def test_and_when_the_handler_fails_of_itself(flavour: str, mode: Checkpointing) -> None:
    async def workflow(ctx: DurableContext) -> int:
        await large(ctx)
        raise LookupError("of itself")

    answer = Stage(handler_of(flavour, mode, workflow)).invoke()
    assert answer["Status"] == "FAILED"


@both_flavours
@every_mode
def test_a_large_value_that_the_service_takes_is_recorded(flavour: str, mode: Checkpointing) -> None:
    async def workflow(ctx: DurableContext) -> list[int]:
        found = [await large(ctx) for _ in range(5)]
        await ctx.wait(HOUR)
        return [*found, await large(ctx)]

    stage = Stage(handler_of(flavour, mode, workflow), service=DurableService(limits=CURRENT))
    assert stage.invoke() == {"Status": "PENDING"}
    stage.pass_time(HOUR)
    assert stage.invoke().get("Result") == str([TOO_LARGE] * 6).replace(" ", "")


@both_flavours
@every_mode
def test_a_value_over_the_sdks_own_limit_fails_its_step_alone_in_every_mode(flavour: str, mode: Checkpointing) -> None:
    async def workflow(ctx: DurableContext) -> str:
        try:
            await ctx.step(lambda: "x" * 1_048_577, name="large")
        except Exception as error:
            return type(error).__name__
        return "accepted"

    stage = Stage(handler_of(flavour, mode, workflow))
    assert stage.invoke().get("Result") == '"SizeLimitError"'
    assert stage.at_the_answer == {"large": "FAILED"}


@both_flavours
@every_mode
def test_a_refusal_for_good_fails_the_execution(flavour: str, mode: Checkpointing) -> None:
    async def workflow(ctx: DurableContext) -> str:
        work = Bodies()
        try:
            for number in range(60):
                await work.step(ctx, f"step-{number}")
        except BaseException:
            return "swallowed"
        return "done"

    answer = Stage(handler_of(flavour, mode, workflow), Refusing).invoke()
    assert answer["Status"] == "FAILED"
    assert "not allowed" in answer.get("Error", {}).get("ErrorMessage", "")


@both_flavours
@every_mode
def test_a_refusal_of_the_last_step_alone_fails_the_execution(flavour: str, mode: Checkpointing) -> None:
    async def workflow(ctx: DurableContext) -> str:
        work = Bodies()
        for name in "abc":
            await work.step(ctx, name)
        await ctx.create_callback(name="question")  # all before it is recorded
        return await work.step(ctx, "last")

    stage = Stage(handler_of(flavour, mode, workflow), RefusingAtTheEnd)
    answer = stage.invoke()
    assert answer["Status"] == "FAILED"
    assert '"last"' in answer.get("Error", {}).get("ErrorMessage", "")
    assert {stage.at_the_answer[name] for name in "abc"} == {"SUCCEEDED"}


@both_flavours
@every_mode
def test_a_token_that_is_no_longer_good_ends_the_invocation_and_the_next_goes_on(
    flavour: str, mode: Checkpointing
) -> None:
    work = Bodies()

    async def workflow(ctx: DurableContext) -> str:
        return "".join([await work.step(ctx, name) for name in "abc"])

    class Stale(Refusing):
        error = ServiceError("InvalidParameterValueException", "Invalid Checkpoint Token", status=400)

    stage = Stage(handler_of(flavour, mode, workflow), Stale)
    with pytest.raises(CheckpointError):
        stage.invoke()
    stage.client.at = 10_000
    stage.pass_time(HOUR)
    assert stage.invoke().get("Result") == '"abc"'
    assert stage.at_the_answer == dict.fromkeys("abc", "SUCCEEDED")


@both_flavours
@every_mode
@pytest.mark.parametrize("taken", [False, True], ids=["refused", "taken"])
@pytest.mark.parametrize("code", ["TooManyRequestsException", "ConnectionError"])
def test_throttling_and_lost_answers_do_not_show(flavour: str, mode: Checkpointing, taken: bool, code: str) -> None:
    """Every third call goes wrong once, after the service has taken it or before."""
    work = Bodies()
    troubled: set[Any] = set()

    def trouble(number: int) -> None:
        if number % 3 == 1 and number not in troubled:
            troubled.add(number)
            raise ServiceError(code, "come again", status=429 if code.startswith("Too") else None)

    class Troubled(Watched):
        def before(self, number: int) -> None:
            if not taken:
                trouble(number)

        def after(self, number: int) -> None:
            if taken:
                trouble(number)

    async def workflow(ctx: DurableContext) -> int:
        return len([await work.step(ctx, f"step-{number}") for number in range(8 if mode is not OPTIMISTIC else 60)])

    stage = Stage(handler_of(flavour, mode, workflow), Troubled)
    assert stage.invoke()["Status"] == "SUCCEEDED"
    assert troubled
    assert set(work.ran.values()) == {1}
    assert set(stage.at_the_answer.values()) == {"SUCCEEDED"}


@both_flavours
@ahead_of_the_record
def test_no_result_is_given_once_the_service_withholds_its_token(flavour: str, mode: Checkpointing) -> None:
    work = Bodies()

    async def workflow(ctx: DurableContext) -> str:
        return "".join([await work.step(ctx, name) for name in "abc"])

    class Withholding(Watched):
        def checkpoint(self, *args: Any, **options: Any) -> Any:
            answer = super().checkpoint(*args, **options)
            answer.pop("CheckpointToken", None)
            return answer

    assert Stage(handler_of(flavour, mode, workflow), Withholding).invoke() == {"Status": "PENDING"}


@both_flavours
@ahead_of_the_record
def test_answers_that_do_not_show_what_their_batch_did_change_nothing(flavour: str, mode: Checkpointing) -> None:
    work = Bodies()

    class Silent(Watched):
        def checkpoint(self, *args: Any, **options: Any) -> Any:
            answer = super().checkpoint(*args, **options)
            return {**answer, "NewExecutionState": {"Operations": []}}

    async def workflow(ctx: DurableContext) -> int:
        return len([await work.step(ctx, f"step-{number}") for number in range(100)])

    stage = Stage(handler_of(flavour, mode, workflow), Silent)
    assert stage.invoke().get("Result") == "100"
    assert set(stage.at_the_answer.values()) == {"SUCCEEDED"}


@both_flavours
@every_mode
def test_a_refusal_of_the_executions_own_result_fails_the_execution(flavour: str, mode: Checkpointing) -> None:
    async def workflow(ctx: DurableContext) -> str:
        await Bodies().step(ctx, "before")
        return "é" * 1_100_000

    class RefusingTheResult(Refusing):
        def before(self, number: int) -> None:
            if any(update["Type"] == "EXECUTION" for update in self.calls[-1]):
                raise self.error

    assert Stage(handler_of(flavour, mode, workflow), RefusingTheResult).invoke()["Status"] == "FAILED"


@pytest.mark.parametrize(
    ("flavour", "mode"),
    [
        ("async", OPTIMISTIC),
        ("async", BATCHED),
        ("blocking", OPTIMISTIC),
        ("blocking", BATCHED),
    ],
)
def test_a_workflow_does_not_run_on_for_long_once_its_record_has_failed(flavour: str, mode: Checkpointing) -> None:
    """What it does then is done for nothing, and done again."""
    work = Bodies()

    async def until_it_has_failed() -> None:  # without giving anybody else control
        patience = time.monotonic() + 20
        while not stage.client.calls and time.monotonic() < patience:
            time.sleep(0.001)
        time.sleep(0.05)

    async def workflow(ctx: DurableContext) -> None:
        for number in range(10):
            await work.step(ctx, f"before-{number}")
        await ctx.step(until_it_has_failed, name="long")
        for number in range(1_000):
            await work.step(ctx, f"after-{number}")

    stage = Stage(handler_of(flavour, mode, workflow), Refusing)
    assert stage.invoke()["Status"] == "FAILED"
    assert len(work.order) < 500
