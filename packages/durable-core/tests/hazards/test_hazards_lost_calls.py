"""The world fails: a call to the service is lost, throttled, refused, or answered with less than one hoped for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest
from both_flavours import both_flavours, handler_of
from hazard_clients import Answering, Call, Refusing, Silent, Watched
from hazard_runs import Stage, failure_of

from durable_core import (
    CheckpointError,
    DurableContext,
    Duration,
    FixedDelay,
    InvocationError,
    NoRetry,
    ServiceError,
    StepConfig,
    blocking,
    durable_execution,
    step_context,
)
from durable_core._runtime import sender
from durable_core.spi import CheckpointAnswer
from durable_testing import DurableService, LocalRunner

LOST = ServiceError("ConnectionError", "ConnectionResetError: reset by peer")
THROTTLED = ServiceError("TooManyRequestsException", "slow down", status=429, retry_after=0.3)
BROKEN = ServiceError("ServiceException", "internal error", status=500)


@pytest.fixture(autouse=True)
def _nothing_leaves_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a START may linger long enough to leave alone: these tests count calls."""
    monkeypatch.setattr(sender, "LINGER", 0.3)


def troubled(*troubles: Exception | None, after: bool = False) -> type[Answering]:
    """A client whose first calls end so."""
    return type("Troubled", (Answering,), {"troubles": troubles, "after": after})


def one_step(flavour: str, runs: list[str]) -> Any:
    async def body(ctx: DurableContext) -> str:
        def charge() -> str:
            runs.append("charge")
            return "paid"

        return await ctx.step(charge)

    return handler_of(flavour, body)


@both_flavours
def test_a_lost_answer_is_asked_for_again_with_the_same_client_token_and_nothing_is_applied_twice(flavour: str) -> None:
    runs: list[str] = []
    stage = Stage(one_step(flavour, runs), client=troubled(LOST, LOST, after=True))
    assert stage.invoke() == {"Status": "SUCCEEDED", "Result": '"paid"'}
    assert isinstance(stage.client, Watched)
    assert len({(call.token, call.client_token) for call in stage.client.calls[:3]}) == 1
    assert runs == ["charge"]
    assert stage.statuses == {"charge": "SUCCEEDED"}


@both_flavours
def test_two_calls_never_share_a_client_token(flavour: str) -> None:
    async def body(ctx: DurableContext) -> None:
        for number in range(3):
            await ctx.step(str, number)

    stage = Stage(handler_of(flavour, body), client=Watched)
    stage.invoke()
    assert isinstance(stage.client, Watched)
    assert len(stage.client.calls) == len({call.client_token for call in stage.client.calls}) == 3


@both_flavours
@pytest.mark.parametrize("trouble", [LOST, BROKEN, ServiceError("ThrottlingException", "Rate exceeded", status=400)])
def test_what_passes_is_tried_again(flavour: str, trouble: ServiceError) -> None:
    runs: list[str] = []
    stage = Stage(one_step(flavour, runs), client=troubled(trouble, trouble))
    assert stage.invoke()["Status"] == "SUCCEEDED"
    assert runs == ["charge"]


@both_flavours
def test_a_throttled_call_waits_as_long_as_it_is_told(flavour: str) -> None:
    """In real time: 0.3 seconds."""
    stage = Stage(one_step(flavour, []), client=troubled(THROTTLED))
    began = time.monotonic()
    assert stage.invoke()["Status"] == "SUCCEEDED"
    assert time.monotonic() - began >= 0.3


@both_flavours
def test_a_pause_that_would_end_after_the_deadline_is_not_begun(flavour: str) -> None:
    patient = ServiceError("TooManyRequestsException", "slow down", status=429, retry_after=20)
    stage = Stage(one_step(flavour, []), client=troubled(patient))
    began = time.monotonic()
    with pytest.raises(CheckpointError, match="slow down"):
        stage.invoke(left=5)
    assert time.monotonic() - began < 1


@both_flavours
def test_a_service_that_stays_away_is_an_error_with_its_cause_before_the_deadline(flavour: str) -> None:
    """In real time: a second."""
    stage = Stage(one_step(flavour, []), client=troubled(*[LOST] * 1_000))
    began = time.monotonic()
    with pytest.raises(CheckpointError, match="reset by peer") as caught:
        stage.invoke(left=1.2)
    assert time.monotonic() - began < 1.2
    assert caught.value.__cause__ is LOST


class ResetConnections(DurableService):
    """boto3's way of losing a connection, and its way of saying 500."""

    troubles: Sequence[str] = ()

    def checkpoint_durable_execution(self, **parameters: Any) -> CheckpointAnswer:
        if self.troubles:
            trouble, self.troubles = self.troubles[0], self.troubles[1:]
            if trouble == "reset":
                raise ConnectionResetError(104, "Connection reset by peer")
            from botocore.exceptions import ClientError, ReadTimeoutError

            if trouble == "timeout":
                raise ReadTimeoutError(endpoint_url="https://lambda.eu-west-1.amazonaws.com")
            body: Any = {"Error": {"Code": trouble, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": 502}}
            raise ClientError(body, "CheckpointDurableExecution")
        return super().checkpoint_durable_execution(**parameters)


@both_flavours
def test_what_boto3_raises_is_classified_by_its_shape(flavour: str) -> None:
    service = ResetConnections()
    service.troubles = ["reset", "timeout", "ServiceException"]
    stage = Stage(one_step(flavour, []), service=service)
    assert stage.invoke()["Status"] == "SUCCEEDED"
    assert not service.troubles


@both_flavours
def test_a_key_that_kms_refuses_is_not_tried_again_though_it_comes_as_502(flavour: str) -> None:
    service = ResetConnections()
    service.troubles = ["KMSAccessDeniedException", "ServiceException"]
    stage = Stage(one_step(flavour, []), service=service)
    answer = stage.invoke()
    assert answer["Status"] == "FAILED"
    assert "KMSAccessDeniedException" in failure_of(answer).get("ErrorMessage", "")
    assert service.troubles == ["ServiceException"]


@both_flavours
def test_a_refusal_fails_the_execution_and_names_the_operation(flavour: str) -> None:
    stage = Stage(one_step(flavour, []), client=Refusing)
    answer = stage.invoke()
    assert answer["Status"] == "FAILED"
    message = failure_of(answer).get("ErrorMessage", "")
    assert 'STEP "charge"' in message
    assert "AccessDeniedException: not allowed" in message


@both_flavours
@pytest.mark.parametrize("error", [LOST, ServiceError("InvalidParameterValueException", "Invalid Checkpoint Token x")])
def test_code_that_swallows_a_failed_checkpoint_reports_no_success(flavour: str, error: ServiceError) -> None:
    """In real time: a second at most."""
    later: list[str] = []

    async def body(ctx: DurableContext) -> str:
        try:
            await ctx.step(str, "first")
        except BaseException:
            later.append("swallowed")
        try:
            await ctx.step(later.append, "second")
        except BaseException:
            later.append("swallowed")
        return "done"

    class Dead(Refusing):
        pass

    Dead.error = error
    stage = Stage(handler_of(flavour, body), client=Dead)
    with pytest.raises(CheckpointError):
        stage.invoke(left=1.2)
    assert "second" not in later


@both_flavours
def test_code_that_swallows_a_refusal_reports_no_success(flavour: str) -> None:
    async def body(ctx: DurableContext) -> str:
        try:
            await ctx.step(str, "first")
        except BaseException:
            pass
        return "done"

    assert Stage(handler_of(flavour, body), client=Refusing).invoke()["Status"] == "FAILED"


@both_flavours
def test_no_except_exception_sees_a_failed_checkpoint(flavour: str) -> None:
    caught: list[Exception] = []

    async def body(ctx: DurableContext) -> str:
        try:
            return await ctx.step(str, "first")
        except Exception as error:
            caught.append(error)
            raise

    assert Stage(handler_of(flavour, body), client=Refusing).invoke()["Status"] == "FAILED"
    assert not caught


@both_flavours
def test_a_client_that_is_broken_itself_hangs_nobody(flavour: str) -> None:
    class Broken(Watched):
        def checkpointed(self, arn: str, call: Call) -> CheckpointAnswer:
            raise ZeroDivisionError("in the client")

    with pytest.raises(ZeroDivisionError, match="in the client"):
        Stage(one_step(flavour, []), client=Broken).invoke()


def test_a_failure_that_the_sender_meets_reaches_every_waiter() -> None:
    """The checkpoint of one branch fails while the body of the other keeps the loop awake."""
    ended: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            ended.append("slow")

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> list[Any]:
        return [*await asyncio.gather(ctx.step(slow), ctx.step(str, 1), ctx.step(str, 2), return_exceptions=True)]

    began = time.monotonic()
    assert Stage(handler, client=Refusing).invoke()["Status"] == "FAILED"
    assert time.monotonic() - began < 2
    assert ended == ["slow"]


@both_flavours
def test_answers_that_do_not_show_their_own_batch_run_nothing_twice(flavour: str) -> None:
    attempts: list[int] = []

    async def body(ctx: DurableContext) -> list[Any]:
        def flaky() -> str:
            attempts.append(step_context().attempt)
            time.sleep(0.02)  # long enough for its START to be answered on its own
            if len(attempts) < 3:
                raise ConnectionError("not yet")
            return "answer"

        async def child(inner: DurableContext) -> int:
            return await inner.step(len, "four")

        first = await ctx.step(flaky, config=StepConfig(retry_strategy=FixedDelay(3)))
        second = await ctx.run_in_child_context(child)
        await ctx.wait(Duration.from_seconds(5))
        return [first, second]

    result = LocalRunner(handler_of(flavour, body), client=Silent).run()
    assert (result.status, result.value) == ("SUCCEEDED", ["answer", 4])
    assert attempts == [1, 2, 3]


@both_flavours
def test_an_error_of_a_step_stays_that_error_where_the_answer_does_not_show_it(flavour: str) -> None:
    async def body(ctx: DurableContext) -> str:
        def decline() -> None:
            raise LookupError("no such order")

        try:
            await ctx.step(decline, config=StepConfig(retry_strategy=NoRetry()))
        except LookupError as error:
            return str(error)
        return "charged"

    assert LocalRunner(handler_of(flavour, body), client=Silent).run().value == "no such order"


def test_an_invocation_error_of_the_program_is_raised_so_that_lambda_calls_again() -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        raise InvocationError("try me again")

    @durable_execution
    def blocking_handler(event: object, ctx: blocking.DurableContext) -> None:
        raise InvocationError("try me again")

    for each in (handler, blocking_handler):
        with pytest.raises(InvocationError, match="try me again"):
            Stage(each).invoke()
