"""When a callback is answered: before the workflow looks, while it works, after it has looked, or too late."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from both_flavours import both_flavours, handler_of
from botocore.exceptions import ClientError
from operation_runs import MINUTE, SECOND, outcome_of, run, value_of

from durable_core import (
    CallbackConfig,
    CallbackTimeoutError,
    DurableContext,
    Duration,
)
from durable_core.spi import CheckpointAnswer, DurableServiceClient, ExecutionState, OperationUpdate
from durable_testing import DurableService, LocalRunner, SystemClock, VirtualClock
from durable_testing.faults import SandboxDied

Answer = Callable[..., None]


def answering(flavour: str, body: Any, **options: Any) -> LocalRunner:
    """A runner of *body*, which is given a function that answers callbacks."""

    def answer(callback_id: str, result: str = '"yes"') -> None:
        runner.service.send_durable_execution_callback_success(CallbackId=callback_id, Result=result)

    runner = LocalRunner(handler_of(flavour, lambda ctx: body(ctx, answer)), **options)
    return runner


def heartbeats(timeout: int | None, heartbeat: int | None) -> CallbackConfig[Any]:
    def seconds(number: int | None) -> Duration | None:
        return None if number is None else Duration.from_seconds(number)

    return CallbackConfig(timeout=seconds(timeout), heartbeat_timeout=seconds(heartbeat))


def asking(config: CallbackConfig[Any] | None = None) -> Callable[[Any], Any]:
    """A workflow that creates a callback and waits for its answer."""

    async def body(ctx: Any) -> Any:
        return await (await ctx.create_callback(name="approval", config=config)).result()

    return body


@both_flavours
def test_an_answer_in_the_body_of_a_step_is_there_when_the_step_is_over(flavour: str) -> None:
    """The workflow does not suspend, and the replay of the whole run sees the same."""

    async def body(ctx: DurableContext, answer: Answer) -> Any:
        callback = await ctx.create_callback(name="approval")
        await ctx.step(answer, callback.callback_id)
        return await callback.result()

    result = answering(flavour, body).run()
    assert (result.value, len(result.invocations)) == ("yes", 1)


@both_flavours
def test_an_answer_may_come_long_before_anybody_asks_for_it(flavour: str) -> None:
    async def body(ctx: DurableContext, answer: Answer) -> Any:
        callback = await ctx.create_callback(name="approval")
        await ctx.step(answer, callback.callback_id)
        for _ in range(3):
            await ctx.wait(MINUTE)
        return await callback.result()

    result = answering(flavour, body).run()
    assert result.value == "yes"
    took = result.operation("approval").duration
    assert took is not None
    assert took < SECOND


@both_flavours
def test_an_answer_between_invocations_calls_the_workflow_again(flavour: str) -> None:
    """The callback has the same id in each of them."""
    ids: list[str] = []

    async def body(ctx: DurableContext) -> Any:
        callback = await ctx.create_callback(name="approval")
        ids.append(callback.callback_id)
        return await callback.result()

    started = LocalRunner(handler_of(flavour, body)).start()
    pending = started.wait_for_callback("approval")
    assert len(started.snapshot().invocations) == 1
    pending.succeed({"by": "Ann"})
    result = started.result()
    assert (result.value, len(result.invocations)) == ({"by": "Ann"}, 2)
    assert set(ids) == {pending.callback_id}


@both_flavours
def test_other_work_goes_on_while_a_callback_waits(flavour: str) -> None:
    """Its result is asked for when the program comes to it."""

    async def body(ctx: DurableContext) -> list[Any]:
        callback = await ctx.create_callback(name="approval")
        first = await ctx.step(str, "first", name="first")
        await ctx.wait(MINUTE)
        return [first, await callback.result(), await ctx.step(str, "last", name="last")]

    assert value_of(flavour, body, callbacks={"approval": 7}) == ["first", 7, "last"]


@pytest.mark.parametrize("where", ["a step's thread", "a foreign thread"])
def test_an_answer_that_lands_while_a_sibling_works_is_acted_on_then(where: str) -> None:
    """In real time: the service is asked now and then about what is parked."""
    order: list[str] = []

    async def body(ctx: DurableContext, answer: Answer) -> None:
        callback = await ctx.create_callback(name="approval")

        def work() -> None:
            if where == "a foreign thread":
                threading.Timer(0.1, answer, [callback.callback_id]).start()
            else:
                answer(callback.callback_id)
            time.sleep(2)

        async def approve() -> None:
            order.append(await callback.result())
            order.append(await ctx.step(str, "approved", name="approved"))

        async def toil() -> None:
            await ctx.step(work)
            order.append("worked")

        await asyncio.gather(approve(), toil())

    result = answering("async", body, service=DurableService(clock=SystemClock()), verify_replay=False).run()
    assert result.status == "SUCCEEDED"
    assert order == ["yes", "approved", "worked"]
    assert len(result.invocations) == 1


class AnsweringAtOnce:
    """Somebody answers a callback before the workflow has read that it was created; once, the answer is then lost."""

    def __init__(self, inner: DurableServiceClient, answer: Answer, *, fatal: bool) -> None:
        self.inner = inner
        self.answer = answer
        self.fatal = fatal

    def checkpoint(
        self,
        arn: str,
        token: str,
        updates: Sequence[OperationUpdate],
        client_token: str,
        *,
        timeout: float | None = None,
    ) -> CheckpointAnswer:
        answer = self.inner.checkpoint(arn, token, updates, client_token, timeout=timeout)
        if any(update["Type"] == "CALLBACK" for update in updates):
            for operation in answer["NewExecutionState"].get("Operations", []):
                if "CallbackDetails" in operation:
                    self.answer(operation["CallbackDetails"].get("CallbackId"))
            if self.fatal:
                raise SandboxDied
        return answer

    def get_state(self, arn: str, token: str, marker: str, *, timeout: float | None = None) -> ExecutionState:
        return self.inner.get_state(arn, token, marker, timeout=timeout)


@both_flavours
@pytest.mark.parametrize("fatal", [False, True], ids=["and the answer is read", "and the sandbox dies"])
@pytest.mark.parametrize("work", [False, True], ids=["asked for at once", "asked for later"])
def test_an_answer_may_land_before_the_workflow_has_read_that_the_callback_exists(
    flavour: str, fatal: bool, work: bool
) -> None:
    async def body(ctx: DurableContext) -> list[Any]:
        callback = await ctx.create_callback(name="approval")
        done = [await ctx.step(str, "worked", name="work")] if work else []
        return [*done, await callback.result()]

    service = DurableService()

    def answer(callback_id: str) -> None:
        service.send_durable_execution_callback_success(CallbackId=callback_id, Result='"yes"')

    def client(inner: DurableServiceClient) -> AnsweringAtOnce:
        return AnsweringAtOnce(inner, answer, fatal=fatal)

    result = LocalRunner(handler_of(flavour, body), service=service, client=client).run()
    assert result.value == [*(["worked"] if work else []), "yes"]


@both_flavours
def test_a_callback_that_nobody_asks_about_keeps_nobody_waiting(flavour: str) -> None:
    """Its answer is refused when the execution is over."""

    async def body(ctx: DurableContext) -> str:
        await ctx.create_callback(name="approval")
        return "done"

    runner = LocalRunner(handler_of(flavour, body))
    started = runner.start()
    started.settle()
    assert started.result().value == "done"
    (operation,) = runner.service.operations(started.execution_arn)[1:]
    with pytest.raises(ClientError, match="CallbackTimeoutException"):
        runner.service.send_durable_execution_callback_success(
            CallbackId=operation.get("CallbackDetails", {}).get("CallbackId", "")
        )


@both_flavours
@pytest.mark.parametrize("first", ["succeed", "fail"])
@pytest.mark.parametrize("second", ["succeed", "fail", "heartbeat"])
def test_the_first_answer_stands_and_every_later_one_is_refused(flavour: str, first: str, second: str) -> None:
    started = LocalRunner(handler_of(flavour, lambda ctx: outcome_of(asking()(ctx)))).start()
    pending = started.wait_for_callback("approval")
    acts: dict[str, Callable[[], None]] = {
        "succeed": lambda: pending.succeed("an answer"),
        "fail": lambda: pending.fail("a failure"),
        "heartbeat": pending.heartbeat,
    }
    acts[first]()
    with pytest.raises(ClientError, match="CallbackTimeoutException"):
        acts[second]()
    outcome = started.result().value
    assert outcome.get("value", outcome.get("text")) == {"succeed": "an answer", "fail": "a failure"}[first]


@both_flavours
@pytest.mark.parametrize(
    ("config", "kind", "seconds"),
    [
        (heartbeats(90, None), "Callback.Timeout", 90),
        (heartbeats(None, 30), "Callback.Heartbeat", 30),
        (heartbeats(90, 30), "Callback.Heartbeat", 30),
        (heartbeats(90, 90), "Callback.Timeout", 90),
    ],
)
def test_time_is_up_when_the_configuration_says(flavour: str, config: Any, kind: str, seconds: int) -> None:
    """From the creation on, by the service's clock; an answer after that is refused."""
    caught: list[Any] = []

    async def body(ctx: DurableContext) -> None:
        try:
            await asking(config)(ctx)
        except CallbackTimeoutError as error:
            caught.append((error.error_type, error.name, str(error)))
        await ctx.wait(SECOND)

    started = LocalRunner(handler_of(flavour, body)).start()
    pending = started.wait_for_callback("approval")
    result = started.result()
    assert result.operation("approval").status == "TIMED_OUT"
    took = result.operation("approval").duration
    assert took is not None
    assert took // SECOND == seconds
    assert len(caught) > 1
    assert set(caught) == {(kind, "approval", caught[0][2])}
    with pytest.raises(ClientError, match="CallbackTimeoutException"):
        pending.succeed("too late")


@both_flavours
def test_heartbeats_keep_a_callback_alive(flavour: str) -> None:
    """Each one begins the heartbeat's time anew."""
    runner = LocalRunner(handler_of(flavour, asking(heartbeats(None, 30))))
    started = runner.start()
    pending = started.wait_for_callback("approval")
    for _ in range(5):
        runner.clock.advance(Duration.from_seconds(29))
        pending.heartbeat()
        started.settle()
    assert not started.is_over
    pending.succeed("at last")
    assert started.result().value == "at last"


@both_flavours
def test_heartbeats_do_not_move_the_timeout(flavour: str) -> None:
    runner = LocalRunner(handler_of(flavour, lambda ctx: outcome_of(asking(heartbeats(60, 30))(ctx))))
    started = runner.start()
    pending = started.wait_for_callback("approval")
    for _ in range(2):
        runner.clock.advance(Duration.from_seconds(29))
        pending.heartbeat()
    outcome = started.result().value
    assert outcome["fields"]["error_type"] == "Callback.Timeout"


@both_flavours
def test_a_heartbeat_where_none_is_asked_for_does_nothing(flavour: str) -> None:
    runner = LocalRunner(handler_of(flavour, asking()))
    started = runner.start()
    pending = started.wait_for_callback("approval")
    pending.heartbeat()
    assert isinstance(runner.clock, VirtualClock)
    assert runner.service.next_alarm() is None
    pending.succeed("yes")
    assert started.result().value == "yes"


@both_flavours
def test_what_was_logged_before_the_answer_is_not_logged_again_after_it(
    flavour: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer is news; that the callback was created is not."""
    caplog.set_level("INFO", "durable")
    replaying: list[bool] = []

    async def body(ctx: DurableContext) -> None:
        callback = await ctx.create_callback(name="approval")
        ctx.logger.info("created")
        await ctx.step(str, "sent", name="send")
        replaying.append(ctx.is_replaying)
        ctx.logger.info("sent")
        await callback.result()
        replaying.append(ctx.is_replaying)
        ctx.logger.info("answered")
        await ctx.wait(SECOND)

    result = run(flavour, body, callbacks={"approval": True})
    assert len(result.invocations) == 3
    assert [record.getMessage() for record in caplog.records] == ["created", "sent", "answered"]
    assert replaying[:3] == [False, True, False]
    assert replaying[3:5] == [True, True]


@both_flavours
def test_its_id_stands_in_nothing_that_is_shown(flavour: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever has it can answer: not in a representation, a message, a log line or an error."""
    caplog.set_level("DEBUG")
    shown: list[str] = []
    ids: list[str] = []

    async def body(ctx: DurableContext) -> None:
        callback = await ctx.create_callback(name="approval")
        ids.append(callback.callback_id)
        shown.extend([repr(callback), str(callback)])
        ctx.logger.info("created", callback=callback)
        shown.append(str(await outcome_of(callback.result())))

    run(flavour, body, callbacks={"approval": ValueError("no")})
    assert ids[0]
    assert all(ids[0] not in text for text in (*shown, caplog.text))
