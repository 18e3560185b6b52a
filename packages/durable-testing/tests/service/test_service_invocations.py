"""When a function is called, with what, and what becomes of its answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from service_play import OOPS, Play, rejected, update

from durable_core.spi import InvocationAnswer
from durable_testing.service.unverified import BACKOFF, RETRIES


def complete(play: Play, answer: Any) -> None:
    given: InvocationAnswer = answer
    play.service.complete_invocation(play.arn, given)


def callback_succeeds(play: Play, id_: str = "a") -> None:
    play.service.send_durable_execution_callback_success(
        CallbackId=play.operation(id_)["CallbackDetails"]["CallbackId"]
    )


class TestDue:
    """An execution is invoked when there is something that its handler does not know."""

    def test_a_new_execution_is(self) -> None:
        """The first invocation needs no reason."""
        assert Play(begin=False).is_due()

    def test_one_that_is_running_is_not(self) -> None:
        """One invocation at a time, whatever happens meanwhile."""
        play = Play()
        assert not play.is_due()
        play.record(update("START", "CALLBACK"))
        callback_succeeds(play)
        assert not play.is_due()

    def test_one_that_waits_is_not(self) -> None:
        """Until what it waits for has happened."""
        play = Play()
        play.record(update("START", "WAIT"))
        play.suspend()
        assert not play.is_due()
        play.skip()
        assert play.is_due()
        assert play.service.all_due() == [play.arn]

    def test_a_retry_calls_again(self) -> None:
        """When the step is READY."""
        play = Play()
        play.record(update("RETRY", "STEP"))
        play.suspend()
        play.skip()
        assert play.is_due()
        assert play.begin().get("UpdatedOperationIds") == ["a"]

    def test_every_completion_calls_again(self) -> None:
        """Even if the handler waits for something else: it may end with that, or suspend again."""
        play = Play()
        play.record(update("START", "CALLBACK"), update("START", "CALLBACK", "b"))
        play.suspend()
        callback_succeeds(play)
        assert play.begin().get("UpdatedOperationIds") == ["a"]
        play.suspend()
        assert not play.is_due()
        callback_succeeds(play, "b")
        assert play.begin().get("UpdatedOperationIds") == ["b"]
        play.succeed()
        assert play.story.count("InvocationCompleted") == 3

    def test_what_happens_while_it_runs_calls_once_more(self) -> None:
        """Unless an answer has told of it."""
        play = Play()
        play.record(update("START", "CALLBACK"), update("START", "CALLBACK", "b"))
        callback_succeeds(play)
        play.record()
        callback_succeeds(play, "b")
        play.suspend()
        assert play.is_due()
        assert play.begin().get("UpdatedOperationIds") == ["b"]

    def test_what_an_answer_told_does_not_call_again(self) -> None:
        """The handler has acted on it, or has not."""
        play = Play()
        play.record(update("START", "CALLBACK"), update("START", "CALLBACK", "b"))
        callback_succeeds(play)
        play.record()
        play.suspend()
        assert not play.is_due()

    def test_one_that_is_over_is_not(self) -> None:
        """Nothing calls it again."""
        play = Play()
        play.record(update("START", "WAIT"))
        play.succeed()
        play.clock.advance(timedelta(hours=1))
        assert not play.is_due()
        assert play.service.all_due() == []

    def test_one_that_is_not_there_is_an_error(self) -> None:
        """An unknown ARN is ResourceNotFoundException."""
        with rejected("not found", "ResourceNotFoundException"):
            Play().service.due("arn:aws:lambda:us-east-1:123456789012:function:f:1/durable-execution/n/i")


class TestAnswers:
    """What a function may answer, and what that means."""

    def test_a_result_ends_the_execution(self) -> None:
        """With the result as it is."""
        play = Play()
        play.succeed('{"a":  1}')
        assert (play.outcome, play.described["Result"]) == ("SUCCEEDED", '{"a":  1}')

    def test_a_result_may_be_missing(self) -> None:
        """Null is not there."""
        for answer in ({"Status": "SUCCEEDED"}, {"Status": "SUCCEEDED", "Result": None, "Error": None}):
            play = Play()
            complete(play, answer)
            assert play.outcome == "SUCCEEDED"
            assert "Result" not in play.described

    def test_a_failure_ends_the_execution(self) -> None:
        """With the error as it is; there is no second try."""
        play = Play()
        complete(play, {"Status": "FAILED", "Error": OOPS})
        assert (play.outcome, play.described["Error"]) == ("FAILED", OOPS)
        assert not play.is_due()

    def test_an_end_by_update_needs_no_result(self) -> None:
        """What the handler recorded stands, whatever it answers."""
        for answer in ({"Status": "SUCCEEDED", "Result": ""}, {"Status": "PENDING"}, {"Status": "FAILED"}, {}):
            play = Play()
            play.record(update("SUCCEED", "EXECUTION", Payload='"large"'))
            complete(play, answer)
            assert (play.outcome, play.described["Result"]) == ("SUCCEEDED", '"large"')
            assert play.story == ["InvocationCompleted", "ExecutionSucceeded"]

    def test_a_crash_after_an_end_by_update_changes_nothing(self) -> None:
        """The execution is over already."""
        play = Play()
        play.record(update("SUCCEED", "EXECUTION", Payload="1"))
        play.crash()
        assert play.outcome == "SUCCEEDED"
        assert "Error" in play.history[1]["InvocationCompletedDetails"]
        assert not play.is_due()

    @pytest.mark.parametrize(
        ("answer", "match"),
        [
            (None, "is null, not a structure"),
            ("done", "is a str, not a structure"),
            ({}, "Status is missing"),
            ({"Status": "DONE"}, "Status is 'DONE'; it may be FAILED, PENDING, SUCCEEDED"),
            ({"Status": "SUCCEEDED", "Result": {"a": 1}}, "Result is a dict, not a string"),
            ({"Status": "SUCCEEDED", "Error": {}}, "the answer is SUCCEEDED; Error not allowed"),
            ({"Status": "FAILED", "Result": "1"}, "the answer is FAILED; Result not allowed"),
            ({"Status": "PENDING", "Result": "1"}, "the answer is PENDING; Result not allowed"),
            ({"Status": "FAILED", "Error": "no"}, "Error is a str, not a structure"),
            ({"Status": "FAILED", "Error": {"ErrorMessage": "x" * 40_000}}, "Error has"),
            ({"Status": "SUCCEEDED", "Result": "1", "Extra": "x"}, "Extra is unknown; there are Status, Result, Error"),
        ],
        ids=str,
    )
    def test_an_answer_that_may_not_be_is_a_failed_invocation(self, answer: Any, match: str) -> None:
        """It is recorded with what is wrong, and tried again."""
        play = Play()
        complete(play, answer)
        assert play.outcome == "RUNNING"
        error = play.history[-1]["InvocationCompletedDetails"]["Error"]["Payload"]
        assert error["ErrorType"] == "InvalidParameterValueException"
        assert match in error["ErrorMessage"]
        play.skip()
        assert play.is_due()

    def test_nothing_can_be_answered_when_nothing_runs(self) -> None:
        """Neither before the first invocation nor twice."""
        play = Play(begin=False)
        with rejected("no invocation of the execution is running", "ResourceConflictException"):
            play.succeed()
        play.begin()
        play.succeed()
        with rejected("no invocation of the execution is running", "ResourceConflictException"):
            play.crash()


class TestIdle:
    """PENDING must mean that something is pending."""

    @pytest.mark.parametrize(
        "pending",
        [
            update("RETRY", "STEP"),
            update("START", "WAIT"),
            update("START", "CALLBACK"),
            update("START", "CHAINED_INVOKE"),
        ],
        ids=lambda pending: str(pending["Type"]),
    )
    def test_a_parked_operation_is_pending(self, pending: Any) -> None:
        """A retry's delay, a wait, a callback, an invoke."""
        play = Play()
        play.record(pending)
        play.suspend()
        assert "Error" not in play.history[-1]["InvocationCompletedDetails"]

    @pytest.mark.parametrize(
        "updates",
        [
            [],
            [update("START", "STEP")],
            [update("START", "CONTEXT")],
            [update("SUCCEED", "STEP")],
            [update("START", "WAIT"), update("CANCEL", "WAIT")],
        ],
    )
    def test_anything_else_is_not(self, updates: list[Any]) -> None:
        """A step that was started, a context, what is over."""
        play = Play()
        for each in updates:
            play.record(each)
        play.suspend()
        assert play.history[-1]["InvocationCompletedDetails"]["Error"]["Payload"]["ErrorMessage"] == (
            "Cannot return PENDING status with no pending operations."
        )

    def test_a_change_that_nobody_was_told_of_is(self) -> None:
        """The handler could not know that it was over."""
        play = Play()
        play.record(update("START", "CALLBACK"))
        callback_succeeds(play)
        play.suspend()
        assert "Error" not in play.history[-1]["InvocationCompletedDetails"]
        assert play.is_due()

    def test_a_change_that_it_was_told_of_is_not(self) -> None:
        """The handler should have acted on it."""
        play = Play()
        play.record(update("START", "CALLBACK"))
        callback_succeeds(play)
        play.record()
        play.suspend()
        assert "Error" in play.history[-1]["InvocationCompletedDetails"]

    def test_a_step_that_is_ready_and_told_is_not(self) -> None:
        """It is the handler's turn."""
        play = Play()
        play.record(update("RETRY", "STEP"))
        play.suspend()
        play.skip()
        play.begin()
        play.suspend()
        assert "Error" in play.history[-1]["InvocationCompletedDetails"]

    def test_the_third_in_a_row_fails_the_execution(self) -> None:
        """After two that were tried again."""
        play = Play()
        play.suspend()
        for _ in range(2):
            assert play.outcome == "RUNNING"
            assert not play.is_due()
            play.skip()
            assert play.is_due()
            play.begin()
            play.suspend()
        assert play.outcome == "FAILED"
        assert play.story == ["InvocationCompleted"] * 3 + ["ExecutionFailed"]
        error = play.described["Error"]
        assert error["ErrorMessage"] == "Cannot return PENDING status with no pending operations."

    @pytest.mark.parametrize("meanwhile", ["record", "crash"])
    def test_only_in_a_row_do_they_count(self, meanwhile: str) -> None:
        """Anything recorded, or another kind of failure, starts the count anew."""
        play = Play()
        for _ in range(2):
            play.suspend()
            play.skip()
            play.begin()
        if meanwhile == "crash":
            play.crash()
            play.skip()
            play.begin()
        else:
            play.record(update("SUCCEED", "STEP"))
        play.suspend()
        assert play.outcome == "RUNNING"


class TestCrashes:
    """An invocation that does not answer is followed by another."""

    def test_it_is_called_again_after_a_while(self) -> None:
        """Not at once; and with the whole state."""
        play = Play()
        play.record(update("START", "STEP"))
        play.crash()
        assert not play.is_due()
        began = play.clock.now()
        play.skip()
        assert play.clock.now() - began == BACKOFF[0]
        assert play.is_due()
        assert [each["Id"] for each in play.begin()["InitialExecutionState"].get("Operations", [])][1:] == ["a"]

    def test_what_happens_meanwhile_does_not_hurry_it(self) -> None:
        """The pause is kept, and one invocation follows, not two."""
        play = Play()
        play.record(update("START", "CALLBACK"))
        play.crash()
        callback_succeeds(play)
        assert not play.is_due()
        play.skip()
        assert play.begin().get("UpdatedOperationIds") == ["a"]
        play.record(update("START", "WAIT", "w"))
        play.suspend()
        assert not play.is_due()

    def crash_until_it_fails(self, play: Play) -> int:
        for count in range(1, 20):
            play.crash()
            if play.outcome == "FAILED":
                return count
            play.skip()
            play.begin()
        raise AssertionError

    def test_too_many_in_a_row_fail_the_execution(self) -> None:
        """Five more after the first, with longer and longer pauses."""
        play = Play()
        began = play.clock.now()
        assert self.crash_until_it_fails(play) == RETRIES + 1
        assert play.clock.now() - began >= sum(BACKOFF)
        assert play.described["Error"] == {"ErrorType": "Runtime.ExitError", "ErrorMessage": "exit 1"}
        assert play.story == ["InvocationCompleted"] * 6 + ["ExecutionFailed"]

    def test_what_an_invocation_recorded_starts_the_count_anew(self) -> None:
        """It was not in vain."""
        play = Play()
        for _ in range(RETRIES):
            play.crash()
            play.skip()
            play.begin()
        play.record(update("START", "STEP"))
        assert self.crash_until_it_fails(play) == RETRIES + 1

    def test_a_poll_records_nothing(self) -> None:
        """An empty batch does not start the count anew."""
        play = Play()
        for _ in range(RETRIES):
            play.crash()
            play.skip()
            play.begin()
            play.record()
        play.crash()
        assert play.outcome == "FAILED"

    def test_a_good_answer_starts_the_count_anew(self) -> None:
        """PENDING with something pending."""
        play = Play()
        play.record(update("START", "WAIT", "w", WaitOptions={"WaitSeconds": 3_600}), update("START", "CALLBACK"))
        for _ in range(RETRIES):
            play.crash()
            play.skip()
            play.begin()
        play.suspend()
        callback_succeeds(play)
        play.begin()
        assert self.crash_until_it_fails(play) == RETRIES + 1

    def test_an_invocation_that_begins_early_needs_no_other(self) -> None:
        """A runner may call before the pause is over."""
        play = Play()
        play.crash()
        play.begin()
        assert play.service.next_alarm() is None


class TestRequestIds:
    """An answer is that of the invocation which gives it."""

    def test_the_answer_of_one_that_was_superseded_is_not_taken(self) -> None:
        """The younger one goes on."""
        play = Play(begin=False)
        play.service.begin_invocation(play.arn, "r1")
        token = play.service.begin_invocation(play.arn, "r2")["CheckpointToken"]
        play.service.complete_invocation(play.arn, {"Status": "FAILED", "Error": OOPS}, request_id="r1")
        play.service.fail_invocation(play.arn, OOPS, request_id="r1")
        assert play.story == []
        play.token = token
        play.record(update("START", "STEP"))
        play.service.complete_invocation(play.arn, {"Status": "SUCCEEDED", "Result": "1"}, request_id="r2")
        assert play.history[2]["InvocationCompletedDetails"]["RequestId"] == "r2"
        assert play.outcome == "SUCCEEDED"


@pytest.mark.parametrize("over", ["succeed", "stop", "pause"])
def test_an_execution_that_is_over_or_paused_is_not_invoked(over: str) -> None:
    """A conflict, HTTP 409."""
    play = Play()
    if over == "succeed":
        play.succeed()
    elif over == "stop":
        play.service.stop_durable_execution(DurableExecutionArn=play.arn)
    else:
        play.service.pause_durable_execution(DurableExecutionArn=play.arn)
    with rejected("it is not invoked", "ResourceConflictException"):
        play.begin()
