"""What the history shows: the events of the API's model, as the real service was seen to write them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import chain
from typing import Any

import pytest
from service_model import MODEL, assert_answers, assert_fits
from service_play import OOPS, Play, rejected, update

from durable_testing.service import DurableService, Target
from durable_testing.service.facts import VISIBLE


def callback_id(play: Play) -> str:
    return str(play.operation()["CallbackDetails"]["CallbackId"])


def a_step(play: Play) -> None:
    play.record(update("START", "STEP", Name="charge", SubType="Step"))
    play.record(update("SUCCEED", "STEP", Name="charge", SubType="Step", Payload='"ok"'))


def a_retry(play: Play) -> None:
    play.record(update("START", "STEP"), update("RETRY", "STEP", Error=OOPS))
    play.suspend()
    play.skip()
    play.begin()
    play.record(update("START", "STEP"), update("FAIL", "STEP", Error=OOPS))


def a_poll(play: Play) -> None:
    play.record(update("START", "STEP"), update("RETRY", "STEP", Payload="1"))
    play.suspend()
    play.skip()
    play.begin()
    play.record(update("START", "STEP"), update("SUCCEED", "STEP", Payload="2"))


def a_wait(play: Play) -> None:
    play.record(update("START", "WAIT", SubType="Wait"))
    play.suspend()
    play.skip()
    play.begin()


def a_cancelled_wait(play: Play) -> None:
    play.record(update("START", "WAIT"))
    play.record(update("CANCEL", "WAIT"))


def contexts(play: Play) -> None:
    play.record(
        update("START", "CONTEXT", "c", Name="kid"),
        update("START", "CONTEXT", "d", ParentId="c"),
        update("FAIL", "CONTEXT", "d", ParentId="c", Error=OOPS),
        update("SUCCEED", "CONTEXT", "c", Name="kid", Payload="1", ContextOptions={"ReplayChildren": True}),
    )


def a_callback(play: Play) -> None:
    play.record(update("START", "CALLBACK", CallbackOptions={"TimeoutSeconds": 5, "HeartbeatTimeoutSeconds": 3}))
    play.service.send_durable_execution_callback_success(CallbackId=callback_id(play), Result=b'{"a": 1}')


def a_failed_callback(play: Play) -> None:
    play.record(update("START", "CALLBACK"))
    play.service.send_durable_execution_callback_failure(CallbackId=callback_id(play), Error=OOPS)


def a_late_callback(play: Play) -> None:
    play.record(update("START", "CALLBACK", CallbackOptions={"TimeoutSeconds": 5}))
    play.skip()


def an_invoke(play: Play, status: Any = "SUCCEEDED") -> None:
    options = {"FunctionName": "other", "TenantId": "t1"}
    play.record(update("START", "CHAINED_INVOKE", ChainedInvokeOptions=options, Payload='"in"'))
    result, error = ('"out"', None) if status == "SUCCEEDED" else (None, OOPS)
    play.service.finish_chained_invoke(play.arn, "a", status=status, result=result, error=error)


def a_pause(play: Play) -> None:
    play.service.pause_durable_execution(DurableExecutionArn=play.arn, Reason="lunch")
    play.record()
    play.service.resume_durable_execution(DurableExecutionArn=play.arn, Reason="fed")
    play.suspend()
    play.begin()


def an_end_by_update(play: Play) -> None:
    play.record(update("SUCCEED", "EXECUTION", Payload="1"))


def nothing(play: Play) -> None:
    pass


STORIES: dict[str, tuple[Callable[[Play], None], str]] = {
    "step": (a_step, "StepStarted StepSucceeded"),
    "retry": (a_retry, "StepStarted StepFailed InvocationCompleted StepStarted StepFailed"),
    "poll": (a_poll, "StepStarted StepSucceeded InvocationCompleted StepStarted StepSucceeded"),
    "wait": (a_wait, "WaitStarted InvocationCompleted WaitSucceeded"),
    "cancel": (a_cancelled_wait, "WaitStarted WaitCancelled"),
    "contexts": (contexts, "ContextStarted ContextStarted ContextFailed ContextSucceeded"),
    "callback": (a_callback, "CallbackStarted CallbackSucceeded"),
    "failed callback": (a_failed_callback, "CallbackStarted CallbackFailed"),
    "late callback": (a_late_callback, "CallbackStarted CallbackTimedOut"),
    "invoke": (an_invoke, "ChainedInvokeStarted ChainedInvokeSucceeded"),
    "failed invoke": (lambda play: an_invoke(play, "FAILED"), "ChainedInvokeStarted ChainedInvokeFailed"),
    "late invoke": (lambda play: an_invoke(play, "TIMED_OUT"), "ChainedInvokeStarted ChainedInvokeTimedOut"),
    "stopped invoke": (lambda play: an_invoke(play, "STOPPED"), "ChainedInvokeStarted ChainedInvokeStopped"),
    "pause": (a_pause, "ExecutionPaused ExecutionResumed InvocationCompleted"),
    "end": (an_end_by_update, ""),
}

ENDS: dict[str, tuple[Callable[[Play], None], str]] = {
    "succeeded": (lambda play: play.succeed("1"), "InvocationCompleted ExecutionSucceeded"),
    "failed": (
        lambda play: play.service.complete_invocation(play.arn, {"Status": "FAILED", "Error": OOPS}),
        "InvocationCompleted ExecutionFailed",
    ),
    "crashed": (lambda play: play.crash(), "InvocationCompleted"),
    "stopped": (
        lambda play: void(play.service.stop_durable_execution(DurableExecutionArn=play.arn)),
        "ExecutionStopped",
    ),
    "late": (lambda play: play.clock.advance(timedelta(days=1)), "ExecutionTimedOut"),
}


def void(answer: object) -> None:
    """Leave an answer unread."""


def played(story: Callable[[Play], None], end: Callable[[Play], None] = nothing) -> Play:
    """An execution in which this happened."""
    play = Play(execution_timeout=timedelta(hours=1))
    story(play)
    end(play)
    return play


def details(play: Play, event_id: int) -> Any:
    """The details of an event."""
    event = play.history[event_id - 1]
    return event[f"{event['EventType']}Details"]


@pytest.mark.parametrize("story", STORIES)
def test_what_happens_is_told_in_the_events_of_the_model(story: str) -> None:
    """The order is that of the batch; every event has what the model requires."""
    happen, kinds = STORIES[story]
    play = played(happen)
    assert play.story == kinds.split()
    for event in play.history:
        if event["EventType"] in MODEL.shape_for("EventType").enum:
            assert_fits("Event", event)
            assert f"{event['EventType']}Details" in event


@pytest.mark.parametrize("end", ENDS)
def test_ends_are_told_in_the_events_of_the_model(end: str) -> None:
    """InvocationCompleted precedes the end of the execution."""
    happen, kinds = ENDS[end]
    play = played(nothing, happen)
    assert play.story == kinds.split()
    for event in play.history:
        assert_fits("Event", event)


def test_every_kind_of_event_is_told_in_these_tests() -> None:
    """No event of the model is left unrendered."""
    kinds = [kind for _, story in [*STORIES.values(), *ENDS.values()] for kind in story.split()]
    assert {*kinds, "ExecutionStarted"} == VISIBLE


@pytest.mark.parametrize("story", STORIES)
def test_events_are_numbered_from_one(story: str) -> None:
    """EventIds are consecutive, and times never go back."""
    events = played(STORIES[story][0], ENDS["succeeded"][0]).history
    assert [event["EventId"] for event in events] == list(range(1, len(events) + 1))
    assert events[0]["EventType"] == "ExecutionStarted"
    times = [event["EventTimestamp"] for event in events]
    assert times == sorted(times)


def test_the_first_event_has_the_input_and_the_timeout() -> None:
    """366 days if none was given."""
    play = Play(payload='{"a": 1}', begin=False)
    assert details(play, 1) == {"Input": {"Payload": '{"a": 1}', "Truncated": False}, "ExecutionTimeout": 31_622_400}
    assert details(played(nothing), 1)["ExecutionTimeout"] == 3_600


def test_an_events_operation_is_described_on_each_of_its_events() -> None:
    """Id, Name, SubType and ParentId, where there are any."""
    play = played(contexts)
    inner, outer = play.history[2], play.history[4]
    assert (inner["Id"], inner["ParentId"]) == ("d", "c")
    assert "Name" not in inner
    assert (outer["Id"], outer["Name"]) == ("c", "kid")
    assert "ParentId" not in outer


def test_an_invocations_event_has_no_operation() -> None:
    """But its times and its request."""
    play = Play(begin=False)
    play.service.begin_invocation(play.arn, "request-1")
    play.crash()
    event = play.history[1]
    assert "Id" not in event
    assert details(play, 2)["RequestId"] == "request-1"
    assert details(play, 2)["StartTimestamp"] < details(play, 2)["EndTimestamp"] == event["EventTimestamp"]


def test_a_crashed_invocation_has_its_error() -> None:
    """As Lambda names it; the others have none."""
    play = played(a_wait, ENDS["crashed"][0])
    assert details(play, 5)["Error"]["Payload"] == {"ErrorType": "Runtime.ExitError", "ErrorMessage": "exit 1"}
    assert "Error" not in details(play, 3)


def test_attempts_are_counted_on_success_too() -> None:
    """CurrentAttempt is on every end of an attempt, from 1."""
    assert details(played(a_step), 3) == {
        "Result": {"Payload": '"ok"', "Truncated": False},
        "RetryDetails": {"CurrentAttempt": 1},
    }


def test_a_retry_tells_its_delay_and_the_last_failure_none() -> None:
    """NextAttemptDelaySeconds is there only if there is a next attempt."""
    play = played(a_retry)
    assert details(play, 3)["RetryDetails"] == {"CurrentAttempt": 1, "NextAttemptDelaySeconds": 5}
    assert details(play, 6)["RetryDetails"] == {"CurrentAttempt": 2}
    assert details(play, 6)["Error"] == {"Payload": OOPS, "Truncated": False}


def test_a_poll_that_goes_on_is_a_success_with_its_state() -> None:
    """A RETRY with a payload is StepSucceeded."""
    play = played(a_poll)
    assert details(play, 3) == {
        "Result": {"Payload": "1", "Truncated": False},
        "RetryDetails": {"CurrentAttempt": 1, "NextAttemptDelaySeconds": 5},
    }
    assert details(play, 6)["RetryDetails"] == {"CurrentAttempt": 2}


def test_a_wait_has_its_duration_on_both_events() -> None:
    """In seconds."""
    play = played(a_wait)
    assert details(play, 2)["Duration"] == details(play, 4)["Duration"] == 5
    assert details(play, 2)["ScheduledEndTimestamp"] == play.history[3]["EventTimestamp"]


def test_a_callback_has_its_timeouts_if_it_has_any() -> None:
    """Timeout and HeartbeatTimeout, in seconds."""
    play = played(a_callback)
    assert details(play, 2) == {"CallbackId": callback_id(play), "Timeout": 5, "HeartbeatTimeout": 3}
    assert details(play, 3) == {"Result": {"Payload": '{"a": 1}', "Truncated": False}}
    assert set(details(played(a_failed_callback), 2)) == {"CallbackId"}


def test_an_invoke_has_its_target() -> None:
    """The version that runs, the tenant, and the execution that it began."""
    play = played(an_invoke)
    started = details(play, 2)
    assert started["FunctionName"] == "other"
    assert started["Input"] == {"Payload": '"in"', "Truncated": False}
    assert started["ExecutedVersion"] == "$LATEST"
    assert started["TenantId"] == "t1"
    assert started["DurableExecutionArn"].startswith("arn:aws:lambda:us-east-1:123456789012:function:other:$LATEST/")


def test_an_invoke_of_a_function_that_is_not_durable_has_no_execution() -> None:
    """Only the version."""
    play = Play()
    play.service = DurableService(clock=play.clock, targets=lambda function: Target("7", durable=False))
    play.arn = play.service.start("orders", "{}")
    play.begin()
    play.record(update("START", "CHAINED_INVOKE"))
    assert details(play, 2) == {"FunctionName": "other", "ExecutedVersion": "7"}


def test_a_pause_has_its_reason_and_when_it_was_asked_for() -> None:
    """The event is later than the request."""
    play = played(a_pause)
    assert details(play, 2)["Reason"] == {"Payload": "lunch", "Truncated": False}
    assert details(play, 2)["ExecutionTimeoutPaused"] is True
    assert details(play, 2)["PauseRequestTimestamp"] < play.history[1]["EventTimestamp"]
    assert details(play, 3)["Reason"] == {"Payload": "fed", "Truncated": False}


def test_an_end_that_the_handler_recorded_is_told_after_its_invocation() -> None:
    """The execution is over at once; the event follows InvocationCompleted."""
    play = played(an_end_by_update)
    assert play.outcome == "SUCCEEDED"
    assert play.story == []
    play.succeed("")
    assert play.story == ["InvocationCompleted", "ExecutionSucceeded"]
    assert details(play, 3) == {"Result": {"Payload": "1", "Truncated": False}}


def test_a_success_without_a_payload_has_an_empty_result() -> None:
    """The member is there, and says that nothing was cut."""
    play = Play()
    play.record(update("SUCCEED", "STEP"))
    assert details(play, 2)["Result"] == {"Truncated": False}


class TestPages:
    """The history comes in pages, from either end."""

    def pages(self, play: Play, **parameters: Any) -> list[list[int]]:
        """The EventIds of every page."""
        pages: list[list[int]] = []
        marker: str | None = None
        while marker or not pages:
            answer: Any = play.service.get_durable_execution_history(
                DurableExecutionArn=play.arn, Marker=marker, **parameters
            )
            assert_answers("GetDurableExecutionHistory", answer)
            pages.append([event["EventId"] for event in answer["Events"]])
            marker = answer.get("NextMarker")
        return pages

    def long(self) -> Play:
        play = Play()
        play.record(*(update("SUCCEED", "STEP", f"s{n}") for n in range(249)))
        return play

    def test_a_page_has_a_hundred_events_unless_asked(self) -> None:
        """The last one has the rest, and no marker."""
        assert [len(page) for page in self.pages(self.long())] == [100, 100, 50]
        assert [len(page) for page in self.pages(self.long(), MaxItems=0)] == [100, 100, 50]

    def test_pages_follow_each_other(self) -> None:
        """Every event once, in order."""
        assert list(chain(*self.pages(self.long(), MaxItems=60))) == list(range(1, 251))

    def test_they_do_backwards_too(self) -> None:
        """The newest first."""
        assert list(chain(*self.pages(self.long(), MaxItems=60, ReverseOrder=True))) == list(range(250, 0, -1))

    @pytest.mark.parametrize("backwards", [True, False])
    def test_a_last_page_that_is_full_has_no_marker(self, *, backwards: bool) -> None:
        """125 and 125 are two pages."""
        assert len(self.pages(self.long(), MaxItems=125, ReverseOrder=backwards)) == 2

    def test_what_happens_between_two_pages_moves_none(self) -> None:
        """Going backwards, a new event does not shift the next page."""
        play = self.long()
        answer: Any = play.service.get_durable_execution_history(
            DurableExecutionArn=play.arn, MaxItems=10, ReverseOrder=True
        )
        play.record(update("START", "STEP", "late"))
        following: Any = play.service.get_durable_execution_history(
            DurableExecutionArn=play.arn, MaxItems=10, ReverseOrder=True, Marker=answer["NextMarker"]
        )
        assert [event["EventId"] for event in following["Events"]] == list(range(240, 230, -1))

    def test_a_marker_of_another_kind_is_refused(self) -> None:
        """A place in the state is none in the history."""
        play = self.long()
        with rejected("Marker 'MS4yLjM=' is not one that was given"):
            play.service.get_durable_execution_history(DurableExecutionArn=play.arn, Marker="MS4yLjM=")

    def test_a_marker_beyond_the_end_gives_nothing_more_than_there_is(self) -> None:
        """An end is an end."""
        play = self.long()
        for backwards in (True, False):
            answer = play.service.get_durable_execution_history(
                DurableExecutionArn=play.arn, Marker="OTk5OQ==", ReverseOrder=backwards
            )
            assert len(answer["Events"]) <= 100


@pytest.mark.parametrize("story", STORIES)
def test_data_is_left_out_if_nobody_asks_for_it(story: str) -> None:
    """Inputs, results, errors and reasons say that they were left out; everything else stays."""
    play = played(STORIES[story][0], ENDS["succeeded"][0])
    answer: Any = play.service.get_durable_execution_history(DurableExecutionArn=play.arn, IncludeExecutionData=False)
    for full, bare in zip(play.history, answer["Events"], strict=True):
        assert "Payload" not in str(bare)
        assert full.keys() == bare.keys()
        kind = full["EventType"]
        for name, value in full[f"{kind}Details"].items():
            hidden = isinstance(value, dict) and "Payload" in value
            assert bare[f"{kind}Details"][name] == ({"Truncated": True} if hidden else value)
