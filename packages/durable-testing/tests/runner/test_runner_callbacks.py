"""Answers by name, and callbacks that a test holds in its hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError
from runner_workflows import ask, ask_blocking, ask_in_time, ask_later, call

from durable_core import (
    TEXT,
    CallbackConfig,
    CallbackError,
    DurableContext,
    Duration,
    SerDesError,
    ValidationError,
    durable_execution,
)
from durable_core.spi import ErrorObject
from durable_testing import LocalRunner, PendingCallback, RunnerError

both = pytest.mark.parametrize("handler", [ask, ask_blocking], ids=["async", "blocking"])


@dataclass
class Approval:
    by: str
    amount: float


class TestAnswersByName:
    """``run(callbacks=…)``."""

    @both
    @pytest.mark.parametrize("answer", [True, 0, "yes", None, [1, {"a": None}], 2.5], ids=repr)
    def test_a_value_is_answered_as_json(self, handler: Any, answer: Any) -> None:
        """With the workflow suspended, and called again."""
        result = LocalRunner(handler).run(callbacks={"approval": answer})
        assert result.value == answer
        assert len(result.invocations) == 2

    def test_an_object_is_answered_in_its_json_form(self) -> None:
        """As the one who answers would have written it."""
        assert LocalRunner(ask).run(callbacks={"approval": Approval("Ann", 9.5)}).value == {"by": "Ann", "amount": 9.5}

    def test_an_object_without_a_json_form_is_an_error_of_the_test(self) -> None:
        """It is not answered with something else."""
        with pytest.raises(SerDesError, match="cannot be written as JSON"):
            LocalRunner(ask).run(callbacks={"approval": object()})

    @both
    def test_an_exception_is_answered_as_a_failure(self, handler: Any) -> None:
        """With its class's name, as another program would report it, and its message."""
        result = LocalRunner(handler).run(callbacks={"approval": LookupError("nobody")})
        assert result.error == {"ErrorType": "LookupError", "ErrorMessage": "nobody"}
        assert result.operation("approval").status == "FAILED"

    @both
    def test_a_function_is_given_the_callback(self, handler: Any) -> None:
        """And answers it as it likes."""
        given: list[PendingCallback] = []

        def answer(callback: PendingCallback) -> None:
            given.append(callback)
            callback.succeed(callback.name)

        assert LocalRunner(handler).run(callbacks={"approval": answer}).value == "approval"
        assert len(given) == 1

    def test_a_function_of_the_name_stands_for_a_mapping(self) -> None:
        """A ``LookupError`` leaves the callback to others."""
        asked: list[str] = []

        def answers(name: str) -> Any:
            asked.append(name)
            return {"approval": 7}[name]

        assert LocalRunner(ask).run(callbacks=answers).value == 7
        with pytest.raises(RunnerError):
            LocalRunner(ask).run(callbacks=lambda name: {}[name])
        assert asked == ["approval"]

    def test_each_callback_of_a_name_gets_that_answer(self) -> None:
        """And one without a name none."""
        started = LocalRunner(ask_later).start(callbacks={"approval": 1})
        pending = started.wait_for_callback()
        assert pending.name is None
        pending.succeed(2)
        assert started.result().value == [1, 1, 2]

    def test_the_callbacks_of_an_invoked_function_are_answered_too(self) -> None:
        """It runs as an execution of its own, for the same test."""
        runner = LocalRunner(call)
        runner.register("other", ask)
        assert runner.run(callbacks={"approval": "yes"}).value == "yes"

    def test_answers_are_given_when_nothing_else_can_go_on(self) -> None:
        """But before time passes: a timeout is not waited for."""
        result = LocalRunner(ask_in_time).run(callbacks={"approval": "yes"})
        took = result.operation("approval").duration
        assert took is not None
        assert took < Duration.from_seconds(1)

    def test_a_callback_that_has_no_answer_times_out(self) -> None:
        """If it has a timeout, as in production."""
        result = LocalRunner(ask_in_time).run(callbacks={"something else": 1})
        assert result.error is not None
        assert result.error.get("ErrorType") == "Callback.Heartbeat"

    @both
    @pytest.mark.parametrize("answers", [None, {}, {"aproval": 1}])
    def test_a_callback_that_nobody_will_answer_is_named(self, handler: Any, answers: Any) -> None:
        """With a table of what there is: it is the test that has to change."""
        with pytest.raises(RunnerError, match=r"nobody in this test will bring(?s:.*)approval +Callback +STARTED"):
            LocalRunner(handler).run(callbacks=answers)

    @pytest.mark.parametrize("answer", [lambda callback: None, lambda callback: callback.heartbeat(), ValueError])
    def test_a_function_that_does_not_answer_does_not_hang_the_test(self, answer: Any) -> None:
        """A class that is meant as a value or an error, for one."""
        with pytest.raises(RunnerError, match="nobody in this test will bring"):
            LocalRunner(ask).run(callbacks={"approval": answer})

    def test_what_a_function_raises_fails_the_test(self) -> None:
        """A ``LookupError`` too: the answer was found."""

        def answer(callback: PendingCallback) -> None:
            raise KeyError("a typing error in the test")

        with pytest.raises(KeyError, match="a typing error"):
            LocalRunner(ask).run(callbacks={"approval": answer})

    @pytest.mark.parametrize("callbacks", [5, "approval", ["approval"], True])
    def test_answers_are_a_mapping_or_a_function(self, callbacks: Any) -> None:
        """Nothing is run with something else."""
        with pytest.raises(ValidationError, match="callbacks takes answers by name"):
            LocalRunner(ask).run(callbacks=callbacks)


class TestPendingCallbacks:
    """``start(…).wait_for_callback(…)``."""

    @both
    def test_it_has_the_id_that_the_workflow_gave_away(self, handler: Any) -> None:
        """Which stands in no representation."""
        runner = LocalRunner(handler)
        started = runner.start()
        pending = started.wait_for_callback("approval")
        (operation,) = runner.service.operations(started.execution_arn)[1:]
        assert pending.callback_id == operation.get("CallbackDetails", {}).get("CallbackId")
        assert repr(pending) == "<PendingCallback approval>"

    def test_text_is_answered_as_it_is(self) -> None:
        """For a callback that takes no JSON."""

        @durable_execution
        async def handler(event: object, ctx: DurableContext) -> list[Any]:
            callbacks = [await ctx.create_callback(config=CallbackConfig(serdes=TEXT)) for _ in range(3)]
            return [await callback.result() for callback in callbacks]

        started = LocalRunner(handler).start()
        for text in ("no JSON", "", None):
            started.wait_for_callback().succeed_with_text(text)
        assert started.result().value == ["no JSON", "", None]

    @pytest.mark.parametrize(
        ("failure", "error"),
        [
            ("not today", {"ErrorMessage": "not today"}),
            (PermissionError("not you"), {"ErrorType": "PermissionError", "ErrorMessage": "not you"}),
            ({"ErrorType": "Refused"}, {"ErrorType": "Refused"}),
        ],
    )
    def test_a_failure_is_a_message_an_exception_or_an_error_object(self, failure: Any, error: ErrorObject) -> None:
        """Recorded as it is."""
        started = LocalRunner(ask).start()
        started.wait_for_callback("approval").fail(failure)
        assert started.result().operation("approval").error == error

    @pytest.mark.parametrize("failure", [3, {"Code": 1}])
    def test_a_failure_that_the_service_would_not_take_is_refused(self, failure: Any) -> None:
        """As boto3 would."""
        started = LocalRunner(ask).start()
        with pytest.raises(ClientError, match="InvalidParameterValueException"):
            started.wait_for_callback("approval").fail(failure)

    def test_it_knows_whether_it_still_waits(self) -> None:
        """Answered, timed out, or over with its execution: it does not."""
        started = LocalRunner(ask_in_time).start()
        pending = started.wait_for_callback("approval")
        pending.heartbeat()
        assert pending.is_waiting
        assert started.result().status == "FAILED"
        assert not pending.is_waiting

    def test_a_second_answer_is_refused_as_in_production(self) -> None:
        """And changes nothing."""
        started = LocalRunner(ask).start()
        pending = started.wait_for_callback("approval")
        pending.succeed(1)
        with pytest.raises(ClientError, match="CallbackTimeoutException"):
            pending.succeed(2)
        with pytest.raises(ClientError, match="CallbackTimeoutException"):
            pending.heartbeat()
        assert started.result().value == 1

    def test_a_workflow_sees_a_failure_as_its_own_error(self) -> None:
        """Of a builtin class, if it is one."""

        @durable_execution
        async def handler(event: object, ctx: DurableContext) -> list[bool]:
            try:
                await (await ctx.create_callback(name="approval")).result()
            except CallbackError as error:
                return [isinstance(error, PermissionError), str(error) == "not you"]
            return []

        assert LocalRunner(handler).run(callbacks={"approval": PermissionError("not you")}).value == [True, True]
