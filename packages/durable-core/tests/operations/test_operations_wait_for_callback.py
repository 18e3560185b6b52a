"""``ctx.wait_for_callback``: a callback, the step that tells somebody its id, and the answer, recorded as one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from both_flavours import both_flavours, handler_of
from operation_runs import MINUTE, SECOND, DyingAttempts, outcome_of, run, value_of

from durable_core import (
    TEXT,
    CallbackError,
    CallbackSubmitterError,
    CallbackTimeoutError,
    DurableContext,
    FixedDelay,
    NoRetry,
    OperationError,
    SerDesContext,
    StepSemantics,
    WaitForCallbackConfig,
    durable_step,
    step_context,
)
from durable_core.spi import ErrorObject
from durable_testing import LocalRunner, PendingCallback

ONCE: WaitForCallbackConfig[Any] = WaitForCallbackConfig(retry_strategy=NoRetry())


class PaymentDeclined(Exception):
    """An error with a field of its own."""

    def __init__(self, code: int) -> None:
        super().__init__(f"declined with {code}")
        self.code = code


@dataclass
class Approval:
    by: UUID
    amount: float


class Reversed:
    """Text, written backwards."""

    def serialize(self, value: str, context: SerDesContext) -> str:
        return value[::-1]

    def deserialize(self, data: str, context: SerDesContext) -> str:
        return data[::-1]


def send(callback_id: str) -> None:
    """Tell nobody."""


def decline(callback_id: str) -> None:
    raise PaymentDeclined(51)


def asking(
    submitter: Callable[..., Any] = send, *args: Any, config: WaitForCallbackConfig[Any] | None = None
) -> Callable[[DurableContext], Any]:
    """A workflow that asks for an approval."""

    async def body(ctx: Any) -> Any:
        return await ctx.wait_for_callback(submitter, *args, name="approval", config=config)

    return body


def failing_with(answer: BaseException | ErrorObject | str) -> Callable[[PendingCallback], None]:
    return lambda callback: callback.fail(answer)


def caught(flavour: str, ask: Callable[[DurableContext], Any], answer: Any = None, **settings: Any) -> dict[str, Any]:
    """All that is known of the error of *ask*, which is the same on a replay."""
    outcomes: list[Any] = []

    async def body(ctx: DurableContext) -> None:
        outcomes.append(await outcome_of(ask(ctx)))
        await ctx.wait(SECOND)

    runner = LocalRunner(handler_of(flavour, body, **settings))
    result = runner.run(callbacks={} if answer is None else {"approval": answer})
    assert result.status == "SUCCEEDED", result.error
    assert all(each == outcomes[0] for each in outcomes[1:])
    found: dict[str, Any] = outcomes[0]
    return found


@both_flavours
def test_it_is_a_context_with_a_callback_and_a_step(flavour: str) -> None:
    result = run(flavour, asking(), callbacks={"approval": True})
    shown = [(each.type, each.subtype, each.name, each.status, each.result) for each in result.operations]
    assert shown == [
        ("CONTEXT", "WaitForCallback", "approval", "SUCCEEDED", True),
        ("CALLBACK", "Callback", "approval", "SUCCEEDED", True),
        ("STEP", "Step", "send", "SUCCEEDED", None),
    ]
    context = result.operations[0]
    assert result.children(context) == list(result.operations[1:])
    assert context.parent_id is None


@both_flavours
def test_the_submitter_is_told_the_callbacks_id_and_its_arguments(flavour: str) -> None:
    told: list[tuple[Any, ...]] = []

    def tell(callback_id: str, order: str, amount: float) -> None:
        told.append((callback_id, order, amount, step_context().name))

    runner = LocalRunner(handler_of(flavour, asking(tell, "ORD-1", 9.99)))
    started = runner.start()
    callback = started.wait_for_callback("approval")
    callback.succeed("yes")
    assert started.result().value == "yes"
    assert told == [(callback.callback_id, "ORD-1", 9.99, "tell")]


@both_flavours
@pytest.mark.parametrize("kind", ["async", "partial", "method", "lambda", "step"])
def test_a_submitter_is_any_function_that_a_step_takes(flavour: str, kind: str) -> None:
    told: list[str] = []

    async def later(callback_id: str) -> None:
        told.append(callback_id)

    submitters: dict[str, Callable[..., Any]] = {
        "async": later,
        "partial": partial(lambda mark, callback_id: told.append(callback_id), "mark"),
        "method": told.append,
        "lambda": lambda callback_id: told.append(callback_id),  # noqa: PLW0108 (a lambda is what is tested)
        "step": durable_step(name="send")(later),
    }
    assert value_of(flavour, asking(submitters[kind]), callbacks={"approval": 1}) == 1
    assert len(told) == 1


@both_flavours
def test_an_answer_in_the_submitter_is_there_at_once(flavour: str) -> None:
    """As where the one who is asked answers before the request returns."""

    def answer(callback_id: str) -> None:
        runner.service.send_durable_execution_callback_success(CallbackId=callback_id, Result='"at once"')

    runner = LocalRunner(handler_of(flavour, asking(answer)))
    result = runner.run()
    assert (result.value, len(result.invocations)) == ("at once", 1)


@both_flavours
def test_what_a_submitter_returns_is_of_no_account(flavour: str) -> None:
    """It may be the response of some client."""
    result = run(flavour, asking(lambda callback_id: object()), callbacks={"approval": "yes"})
    assert result.value == "yes"


@both_flavours
@pytest.mark.parametrize(
    ("config", "text", "value"),
    [
        (None, '{"ok": [1, 2.5, null]}', {"ok": [1, 2.5, None]}),
        (None, "null", None),
        (None, None, None),
        (WaitForCallbackConfig(returns=int), None, None),
        (WaitForCallbackConfig(returns=Approval), None, None),
        (WaitForCallbackConfig(serdes=TEXT), None, None),
        (WaitForCallbackConfig(serdes=TEXT), "null", "null"),
        (WaitForCallbackConfig(serdes=TEXT), "not JSON", "not JSON"),
        (WaitForCallbackConfig(serdes=TEXT), "", ""),
        (WaitForCallbackConfig(serdes=Reversed()), "sey", "yes"),
        (WaitForCallbackConfig(returns=int), "7", 7),
        (WaitForCallbackConfig(returns=UUID), f'"{UUID(int=7)}"', UUID(int=7)),
        (
            WaitForCallbackConfig(returns=Approval),
            f'{{"amount": 9.5, "by": "{UUID(int=7)}"}}',
            Approval(UUID(int=7), 9.5),
        ),
    ],
)
def test_the_answer_is_read_as_its_configuration_says(flavour: str, config: Any, text: str | None, value: Any) -> None:
    """On the first run and on a replay; no payload is ``None``, whatever the type."""
    seen: list[Any] = []

    async def body(ctx: DurableContext) -> None:
        seen.append(await asking(config=config)(ctx))
        await ctx.wait(SECOND)

    run(flavour, body, callbacks={"approval": lambda callback: callback.succeed_with_text(text)})
    assert len(seen) > 1
    assert all((type(each), each) == (type(value), value) for each in seen)


@both_flavours
@pytest.mark.parametrize(("config", "text"), [(None, "no JSON"), (WaitForCallbackConfig(returns=int), '"seven"')])
def test_an_answer_that_cannot_be_read_is_a_failure(flavour: str, config: Any, text: str) -> None:
    found = caught(flavour, asking(config=config), lambda callback: callback.succeed_with_text(text))
    assert found["classes"][1:3] == ["durable_core.CallbackError", "durable_core.OperationError"]
    assert found["fields"]["error_type"] == "durable_core.SerDesError"
    assert '"approval"' in found["text"]


@both_flavours
def test_an_answer_that_is_a_failure_keeps_its_type_message_and_data(flavour: str) -> None:
    answer: ErrorObject = {"ErrorType": "NotOnDuty", "ErrorMessage": "gone home", "ErrorData": '{"until": 9}'}
    found = caught(flavour, asking(), answer=failing_with(answer))
    assert found["classes"][0] == "durable_core.CallbackError"
    assert found["text"] == found["fields"]["error_message"] == "gone home"
    assert (found["fields"]["error_type"], found["fields"]["error_data"]) == ("NotOnDuty", '{"until": 9}')
    assert found["fields"]["name"] == "approval"


@both_flavours
def test_an_answer_that_is_a_failure_is_of_a_class_that_the_program_declared(flavour: str) -> None:
    answer: ErrorObject = {
        "ErrorType": f"{__name__}.PaymentDeclined",
        "ErrorMessage": "declined with 7",
        "ErrorData": '{"attributes": {"code": 7}}',
    }
    declared = caught(flavour, asking(), failing_with(answer), errors=[PaymentDeclined])
    assert declared["classes"][:2] == [f"{__name__}.PaymentDeclined", "durable_core.CallbackError"]
    assert declared["fields"]["code"] == 7
    assert caught(flavour, asking(), failing_with(answer))["classes"][0] == "durable_core.CallbackError"


OTHERS: dict[str, ErrorObject] = {
    "a timeout": {"ErrorType": "Callback.Timeout", "ErrorMessage": "late"},
    "a missed heartbeat": {"ErrorType": "Callback.Heartbeat", "ErrorMessage": "late"},
    "the submitter": {"ErrorType": "Oops", "ErrorMessage": "no", "ErrorData": "submitter"},
    "the submitter with data": {"ErrorType": "Oops", "ErrorMessage": "no", "ErrorData": "submitter:{}"},
    "the clock": {"ErrorType": "Oops", "ErrorMessage": "no", "ErrorData": "time:"},
    "a timeout by its class": {"ErrorType": "durable_core.CallbackTimeoutError", "ErrorMessage": "late"},
    "the submitter by its class": {"ErrorType": "durable_core.CallbackSubmitterError", "ErrorMessage": "no"},
    "an answer": {"ErrorType": "Oops", "ErrorMessage": "no", "ErrorData": "answer:answer:"},
}


@both_flavours
@pytest.mark.parametrize("whom", OTHERS)
def test_an_answer_cannot_pass_itself_off_as_somebody_else(flavour: str, whom: str) -> None:
    """It is what ``Callback.result`` would raise: an answer, with what was answered."""
    found = caught(flavour, asking(), failing_with(OTHERS[whom]))
    assert found["classes"][0] == "durable_core.CallbackError"
    assert found["fields"]["error_type"] == OTHERS[whom].get("ErrorType")
    assert found["fields"]["error_data"] == OTHERS[whom].get("ErrorData")


@both_flavours
@pytest.mark.parametrize(
    ("config", "kind"),
    [
        (WaitForCallbackConfig(timeout=MINUTE), "Callback.Timeout"),
        (WaitForCallbackConfig(timeout=2 * MINUTE, heartbeat_timeout=MINUTE), "Callback.Heartbeat"),
    ],
)
def test_no_answer_in_time_is_a_timeout(flavour: str, config: Any, kind: str) -> None:
    found = caught(flavour, asking(config=config))
    assert found["classes"][0] == "durable_core.CallbackTimeoutError"
    assert (found["fields"]["error_type"], found["fields"]["error_data"]) == (kind, None)


@both_flavours
def test_a_submitter_that_fails_for_good_is_an_error_of_its_class_too(flavour: str) -> None:
    """As a step's: with the fields of what it raised."""
    found = caught(flavour, asking(decline, config=ONCE))
    assert found["classes"][:3] == [
        f"{__name__}.PaymentDeclined",
        "durable_core.CallbackSubmitterError",
        "durable_core.CallbackError",
    ]
    assert (found["text"], found["fields"]["code"]) == ("declined with 51", 51)
    assert found["fields"]["error_type"] == f"{__name__}.PaymentDeclined"
    assert found["fields"]["name"] == "approval"


@both_flavours
@pytest.mark.parametrize("length", [32_600, 32_768, 40_000])
@pytest.mark.parametrize("stack_traces", [False, True])
def test_a_submitters_error_that_is_cut_to_fit_is_still_the_submitters(
    flavour: str, length: int, stack_traces: bool
) -> None:
    def shout(callback_id: str) -> None:
        raise RuntimeError("!" * length)

    found = caught(flavour, asking(shout, config=ONCE), stack_traces=stack_traces)
    assert found["classes"][:2] == ["builtins.RuntimeError", "durable_core.CallbackSubmitterError"]
    assert found["text"].startswith("!" * 30_000)
    assert "cut to fit" in found["text"]


@both_flavours
def test_a_submitter_is_tried_again_as_its_strategy_says(flavour: str) -> None:
    ids: list[str] = []

    def flaky(callback_id: str) -> None:
        ids.append(callback_id)
        if step_context().attempt < 3:
            raise ConnectionError("not yet")

    config: WaitForCallbackConfig[Any] = WaitForCallbackConfig(retry_strategy=FixedDelay(3, MINUTE))
    result = run(flavour, asking(flaky, config=config), callbacks={"approval": "yes"})
    assert result.value == "yes"
    assert (len(ids), len(set(ids))) == (3, 1)
    assert result.operation("flaky").attempts == 3


@both_flavours
@pytest.mark.parametrize(
    ("settings", "attempts"), [({}, 6), ({"retry_strategy": FixedDelay(2)}, 2), ({"retry_strategy": NoRetry()}, 1)]
)
def test_a_submitter_is_tried_as_often_as_any_step_unless_told_otherwise(
    flavour: str, settings: dict[str, Any], attempts: int
) -> None:
    """By the handler's strategy, else by the default one."""
    runner = LocalRunner(handler_of(flavour, asking(decline), **settings))
    result = runner.run()
    assert result.status == "FAILED"
    assert result.operation("decline").attempts == attempts


@both_flavours
@pytest.mark.parametrize(
    ("semantics", "told", "value"),
    [
        (StepSemantics.AT_LEAST_ONCE_PER_RETRY, 2, "yes"),
        (StepSemantics.AT_MOST_ONCE_PER_RETRY, 1, "attempt 1 was cut off before its outcome was recorded"),
    ],
)
def test_a_submitter_whose_sandbox_dies_tells_its_id_again_if_it_may_run_twice(
    flavour: str, semantics: StepSemantics, told: int, value: str
) -> None:
    ids: list[str] = []

    def tell(callback_id: str) -> None:
        ids.append(callback_id)
        time.sleep(0.03)  # until the START is recorded

    async def body(ctx: DurableContext) -> Any:
        try:
            return await asking(tell, config=config)(ctx)
        except CallbackSubmitterError as error:
            return str(error)

    config: WaitForCallbackConfig[Any] = WaitForCallbackConfig(retry_strategy=NoRetry(), step_semantics=semantics)
    runner = LocalRunner(handler_of(flavour, body), client=lambda inner: DyingAttempts(inner, {1}))
    assert runner.run(callbacks={"approval": "yes"}).value == value
    assert (len(ids), len(set(ids))) == (told, 1)


@both_flavours
def test_a_callback_that_is_answered_while_the_submitter_fails_is_not_waited_for(flavour: str) -> None:
    def answer_and_fail(callback_id: str) -> None:
        runner.service.send_durable_execution_callback_success(CallbackId=callback_id, Result='"too soon"')
        raise RuntimeError("the request failed all the same")

    async def body(ctx: DurableContext) -> Any:
        try:
            return await asking(answer_and_fail, config=ONCE)(ctx)
        except CallbackSubmitterError as error:
            return str(error)

    runner = LocalRunner(handler_of(flavour, body))
    assert runner.run().value == "the request failed all the same"


@both_flavours
def test_the_three_failures_are_told_apart_by_their_classes(flavour: str) -> None:
    """And are all ``CallbackError``."""
    assert issubclass(CallbackSubmitterError, CallbackError)
    assert issubclass(CallbackTimeoutError, CallbackError)
    assert not issubclass(CallbackSubmitterError, CallbackTimeoutError)

    async def body(ctx: DurableContext) -> list[str]:
        found: list[str] = []
        for submitter, config in ((decline, ONCE), (send, None), (send, WaitForCallbackConfig(timeout=MINUTE))):
            try:
                await ctx.wait_for_callback(submitter, name=f"ask-{len(found)}", config=config)
            except CallbackSubmitterError:
                found.append("submitter")
            except CallbackTimeoutError:
                found.append("time")
            except CallbackError:
                found.append("answer")
        return found

    assert value_of(flavour, body, callbacks={"ask-1": ValueError("no")}) == ["submitter", "answer", "time"]


def test_the_cause_is_there_on_the_first_run_only() -> None:
    """What the step raised, under what is recorded of it."""
    causes: list[Any] = []

    async def body(ctx: DurableContext) -> None:
        try:
            await asking(decline, config=ONCE)(ctx)
        except OperationError as error:
            causes.append(error.__cause__)
        await ctx.wait(SECOND)

    run("async", body)
    assert isinstance(causes[0], CallbackSubmitterError)
    assert isinstance(causes[0].__cause__, PaymentDeclined)
    assert causes[1:] == [None] * (len(causes) - 1)
