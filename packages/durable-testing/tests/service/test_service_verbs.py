"""The operations of the API that are about executions, and about callbacks."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from service_model import assert_answers, needs_current_model
from service_play import OOPS, Play, rejected, update

from durable_testing.service import DurableService, VirtualClock

UNKNOWN = "arn:aws:lambda:us-east-1:123456789012:function:f:1/durable-execution/n/i"


class TestStart:
    """An execution is started by name, once."""

    def test_its_arn_is_one_of_lambdas(self) -> None:
        """Function, version, name and an id."""
        arn = DurableService().start("orders", "{}", name="o-1", version="7")
        assert arn.startswith("arn:aws:lambda:us-east-1:123456789012:function:orders:7/durable-execution/o-1/")

    def test_without_a_name_each_is_new(self) -> None:
        """The name is made up."""
        service = DurableService()
        assert service.start("orders", "{}") != service.start("orders", "{}")

    def test_the_same_name_payload_and_version_give_the_one_that_is_there(self) -> None:
        """Running or over."""
        play = Play(name="o-1")
        assert play.service.start("orders", "{}", name="o-1") == play.arn
        play.succeed()
        assert play.service.start("orders", "{}", name="o-1") == play.arn
        assert len(play.history) == 3

    @pytest.mark.parametrize("other", [{"payload": "[]"}, {"version": "2"}])
    def test_the_same_name_with_something_else_is_a_conflict(self, other: dict[str, str]) -> None:
        """HTTP 409."""
        play: Any = Play(name="o-1")
        given: dict[str, Any] = {"payload": "{}", "name": "o-1", **other}
        with pytest.raises(ClientError, match="named 'o-1'") as caught:
            play.service.start("orders", **given)
        assert caught.value.response["Error"]["Code"] == "DurableExecutionAlreadyStartedException"
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409

    def test_another_function_has_names_of_its_own(self) -> None:
        """The same name there is another execution."""
        play = Play(name="o-1")
        assert play.service.start("refunds", "{}", name="o-1") != play.arn

    @pytest.mark.parametrize(
        ("given", "match"),
        [
            ({"function_name": "a b"}, "function_name does not match"),
            ({"name": "a/b"}, "name does not match"),
            ({"name": "x" * 65}, "name has 65 characters"),
            ({"version": "prod"}, "version does not match"),
            ({"payload": b"{}"}, "payload is a bytes, not a string"),
        ],
        ids=str,
    )
    def test_what_the_model_does_not_allow_is_refused(self, given: dict[str, Any], match: str) -> None:
        """Names are short, versions are numbers or $LATEST."""
        service: Any = DurableService()
        with rejected(match):
            service.start(**{"function_name": "orders", "payload": "{}", **given})


class TestDescription:
    """GetDurableExecution."""

    def test_it_describes_a_running_execution(self) -> None:
        """Without an end."""
        play = Play(name="o-1", payload="[1]", execution_timeout=timedelta(minutes=1))
        described = play.described
        assert_answers("GetDurableExecution", described)
        assert described["Status"] == "RUNNING"
        assert described["DurableExecutionName"] == "o-1"
        assert described["FunctionArn"] == "arn:aws:lambda:us-east-1:123456789012:function:orders:$LATEST"
        assert described["InputPayload"] == "[1]"
        assert described["DurableConfig"] == {"ExecutionTimeout": 60}
        assert not described.keys() & {"EndTimestamp", "Result", "Error", "PauseDetails"}

    def test_it_leaves_data_out_if_asked_to(self) -> None:
        """And says so."""
        play = Play()
        play.succeed("1")
        bare: Any = play.service.get_durable_execution(DurableExecutionArn=play.arn, IncludeExecutionData=False)
        assert_answers("GetDurableExecution", bare)
        assert bare["ExecutionDataIncluded"] is False
        assert not bare.keys() & {"InputPayload", "Result", "Error"}
        assert play.described["ExecutionDataIncluded"] is True

    def test_an_unknown_execution_is_not_found(self) -> None:
        """By none of the operations that are about one."""
        service = DurableService()
        for verb in (
            service.get_durable_execution,
            service.get_durable_execution_history,
            service.stop_durable_execution,
            service.pause_durable_execution,
            service.resume_durable_execution,
            service.delete_durable_execution,
        ):
            with rejected("Durable execution not found", "ResourceNotFoundException"):
                verb(DurableExecutionArn=UNKNOWN)


class TestStop:
    """StopDurableExecution."""

    def test_it_ends_the_execution_at_once(self) -> None:
        """With the error that was given."""
        play = Play()
        answer: Any = play.service.stop_durable_execution(DurableExecutionArn=play.arn, Error=OOPS)
        assert_answers("StopDurableExecution", answer)
        assert (play.outcome, play.described["Error"]) == ("STOPPED", OOPS)
        assert play.described["EndTimestamp"] == answer["StopTimestamp"]
        assert play.story == ["ExecutionStopped"]

    def test_it_is_idempotent(self) -> None:
        """The first time counts, and the time of the first is told."""
        play = Play()
        first = play.service.stop_durable_execution(DurableExecutionArn=play.arn)
        play.clock.advance(timedelta(minutes=1))
        again = play.service.stop_durable_execution(DurableExecutionArn=play.arn, Error=OOPS)
        assert first["StopTimestamp"] == again["StopTimestamp"]
        assert len(play.history) == 2

    def test_one_that_is_over_stays_as_it_is(self) -> None:
        """What succeeded has succeeded."""
        play = Play()
        play.succeed("1")
        play.service.stop_durable_execution(DurableExecutionArn=play.arn)
        assert play.outcome == "SUCCEEDED"

    def test_the_invocation_under_way_may_end_as_it_likes(self) -> None:
        """Its end is told, and changes nothing."""
        play = Play()
        play.service.stop_durable_execution(DurableExecutionArn=play.arn)
        play.succeed("1")
        assert play.outcome == "STOPPED"
        assert play.story == ["ExecutionStopped", "InvocationCompleted"]

    def test_an_error_that_is_too_large_is_refused(self) -> None:
        """And the execution goes on."""
        play = Play()
        with rejected("Error has"):
            play.service.stop_durable_execution(DurableExecutionArn=play.arn, Error={"ErrorData": "x" * 40_000})
        assert play.outcome == "RUNNING"


@needs_current_model
class TestPause:
    """PauseDurableExecution and ResumeDurableExecution."""

    def pause(self, play: Play, **parameters: Any) -> None:
        answer: Any = play.service.pause_durable_execution(DurableExecutionArn=play.arn, **parameters)
        assert_answers("PauseDurableExecution", answer)

    def resume(self, play: Play, **parameters: Any) -> None:
        answer: Any = play.service.resume_durable_execution(DurableExecutionArn=play.arn, **parameters)
        assert_answers("ResumeDurableExecution", answer)

    def waiting(self, seconds: int = 5) -> Play:
        play = Play(execution_timeout=timedelta(hours=1))
        play.record(update("START", "WAIT", WaitOptions={"WaitSeconds": seconds}))
        play.suspend()
        return play

    def test_it_takes_effect_at_once_if_nothing_runs(self) -> None:
        """The status is PAUSED, and the details say why."""
        play = self.waiting()
        self.pause(play, Reason="lunch")
        described = play.described
        assert_answers("GetDurableExecution", described)
        assert described["Status"] == "PAUSED"
        assert described["PauseDetails"]["Reason"] == "lunch"
        assert described["PauseDetails"]["ExecutionTimeoutPaused"] is True

    def test_a_running_invocation_goes_on_to_its_next_checkpoint(self) -> None:
        """PAUSING until then; that batch is recorded, and no token is given."""
        play = Play()
        self.pause(play)
        assert play.outcome == "PAUSING"
        answer = play.record(update("SUCCEED", "STEP"))
        assert "CheckpointToken" not in answer
        assert play.outcome == "PAUSED"
        assert play.story == ["StepSucceeded", "ExecutionPaused"]

    def test_a_running_invocation_that_makes_no_checkpoint_ends_first(self) -> None:
        """Then the pause begins."""
        play = Play()
        play.record(update("START", "WAIT"))
        self.pause(play)
        play.suspend()
        assert play.story == ["WaitStarted", "InvocationCompleted", "ExecutionPaused"]

    def test_pending_is_a_good_answer_to_a_pause(self) -> None:
        """Though nothing is pending; also if the execution has been resumed by then."""
        for resumed in (False, True):
            play = Play()
            self.pause(play)
            play.record(update("SUCCEED", "STEP"))
            if resumed:
                self.resume(play)
            play.suspend()
            assert "Error" not in play.history[-1]["InvocationCompletedDetails"]
            assert play.is_due() is resumed

    def test_a_result_is_a_good_answer_to_a_pause_too(self) -> None:
        """The execution is over; there is nothing left to pause."""
        for recorded in (True, False):
            play = Play()
            self.pause(play)
            if recorded:
                play.record()
            play.succeed("1")
            assert play.outcome == "SUCCEEDED"

    def test_a_batch_that_ends_the_execution_ends_the_pause(self) -> None:
        """SUCCEEDED, not PAUSED."""
        play = Play()
        self.pause(play)
        play.record(update("SUCCEED", "EXECUTION", Payload="1"))
        assert play.outcome == "SUCCEEDED"

    def test_timers_and_callbacks_go_on_and_nothing_is_invoked(self) -> None:
        """What they bring is told after the pause."""
        play = self.waiting()
        self.pause(play)
        play.skip()
        assert play.status() == "SUCCEEDED"
        assert not play.is_due()
        self.resume(play)
        assert play.is_due()
        assert play.begin().get("UpdatedOperationIds") == ["a"]

    def test_without_a_change_it_goes_on_waiting(self) -> None:
        """A pause that interrupted nothing calls nothing."""
        play = self.waiting()
        self.pause(play)
        self.resume(play)
        assert play.outcome == "RUNNING"
        assert not play.is_due()

    def test_an_invocation_that_it_cut_short_is_followed_by_another(self) -> None:
        """After the pause."""
        play = Play()
        self.pause(play)
        play.record(update("START", "WAIT"))
        play.suspend()
        assert not play.is_due()
        self.resume(play)
        assert play.is_due()

    def test_a_first_invocation_waits_for_the_end_of_the_pause(self) -> None:
        """Nothing runs before."""
        play = Play(begin=False)
        self.pause(play)
        assert not play.is_due()
        self.resume(play)
        assert play.is_due()

    def test_a_crash_is_tried_again_after_the_pause(self) -> None:
        """Its own delay passes meanwhile."""
        play = Play()
        self.pause(play)
        play.crash()
        play.skip()
        assert not play.is_due()
        self.resume(play)
        assert play.is_due()

    def test_an_invocation_that_ended_for_the_pause_is_followed_by_another(self) -> None:
        """It said PENDING with nothing pending, and would else never be called again."""
        play = Play()
        self.pause(play)
        play.suspend()
        assert play.outcome == "PAUSED"
        self.resume(play)
        assert play.is_due()

    def test_a_pause_that_has_not_begun_can_be_taken_back(self) -> None:
        """The invocation goes on, and the history knows nothing of it."""
        play = Play()
        self.pause(play)
        self.resume(play)
        assert play.outcome == "RUNNING"
        assert "CheckpointToken" in play.record(update("SUCCEED", "STEP"))
        assert play.story == ["StepSucceeded"]

    def test_a_second_pause_and_a_resume_of_nothing_are_conflicts(self) -> None:
        """HTTP 409; so is a pause of what is over."""
        play = self.waiting()
        with rejected("the execution is RUNNING; it cannot be resumed", "ResourceConflictException"):
            self.resume(play)
        self.pause(play)
        with rejected("the execution is PAUSED; it cannot be paused", "ResourceConflictException"):
            self.pause(play)
        play.service.stop_durable_execution(DurableExecutionArn=play.arn)
        for verb in (self.pause, self.resume):
            with rejected("the execution is STOPPED", "ResourceConflictException"):
                verb(play)

    def test_the_same_request_again_is_no_conflict(self) -> None:
        """For a quarter of an hour, by its client token and parameters."""
        play = self.waiting(seconds=86_400)
        self.pause(play, ClientToken="c1", Reason="lunch")
        self.pause(play, ClientToken="c1", Reason="lunch")
        with rejected(code="ResourceConflictException"):
            self.pause(play, ClientToken="c1", Reason="dinner")
        with rejected(code="ResourceConflictException"):
            self.pause(play, ClientToken="c2", Reason="lunch")
        self.resume(play, ClientToken="c1")
        self.resume(play, ClientToken="c1")
        assert play.outcome == "RUNNING"
        play.clock.advance(timedelta(minutes=16))
        with rejected(code="ResourceConflictException"):
            self.resume(play, ClientToken="c1")

    def test_the_executions_timeout_waits_too(self) -> None:
        """What was left before the pause is left after it."""
        play = self.waiting(seconds=10_000)
        self.pause(play)
        assert play.described["ExpectedExecutionTimeoutTimestamp"] - play.described["StartTimestamp"] == timedelta(366)
        play.clock.advance(timedelta(hours=5))
        self.resume(play)
        left = play.described["ExpectedExecutionTimeoutTimestamp"] - play.described["StartTimestamp"]
        assert timedelta(hours=6) <= left < timedelta(hours=6, seconds=1)

    def test_the_executions_timeout_goes_on_if_asked(self) -> None:
        """Then the pause does not help."""
        play = self.waiting(seconds=10_000)
        self.pause(play, ExecutionTimeoutPaused=False)
        play.clock.advance(timedelta(hours=2))
        assert play.outcome == "TIMED_OUT"

    def test_no_execution_lives_longer_than_366_days(self) -> None:
        """Not even paused."""
        play = self.waiting(seconds=31_622_400)
        self.pause(play)
        play.clock.advance(timedelta(days=366))
        assert play.outcome == "TIMED_OUT"
        assert play.story[-1] == "ExecutionTimedOut"

    def test_one_without_a_timeout_stays_paused(self) -> None:
        """Nothing is held, and nothing comes back."""
        play = Play(begin=False)
        self.pause(play)
        self.resume(play)
        assert "ExpectedExecutionTimeoutTimestamp" not in play.described


@needs_current_model
class TestDelete:
    """DeleteDurableExecution."""

    def test_an_execution_that_is_over_is_gone(self) -> None:
        """And its name is free again."""
        play = Play(name="o-1")
        play.succeed()
        answer = play.service.delete_durable_execution(DurableExecutionArn=play.arn)
        assert_answers("DeleteDurableExecution", answer)
        with rejected(code="ResourceNotFoundException"):
            play.service.get_durable_execution(DurableExecutionArn=play.arn)
        assert play.service.start("orders", "[]", name="o-1") != play.arn

    def test_one_that_is_not_over_stays(self) -> None:
        """A conflict, HTTP 409."""
        play = Play()
        with rejected("the execution is RUNNING, not over", "ResourceConflictException"):
            play.service.delete_durable_execution(DurableExecutionArn=play.arn)
        assert play.outcome == "RUNNING"


class TestList:
    """ListDurableExecutionsByFunction."""

    def shelf(self) -> tuple[DurableService, list[str]]:
        """Five executions of one function, a minute apart, and one of another."""
        clock = VirtualClock()
        service = DurableService(clock=clock)
        arns = []
        for n in range(5):
            arns.append(service.start("orders", "{}", name=f"o-{n}", version="2" if n == 4 else "1"))
            clock.advance(timedelta(minutes=1))
        service.start("refunds", "{}")
        service.stop_durable_execution(DurableExecutionArn=arns[0])
        return service, arns

    def names(self, service: DurableService, **parameters: Any) -> list[str]:
        answer: Any = service.list_durable_executions_by_function(**{"FunctionName": "orders", **parameters})
        assert_answers("ListDurableExecutionsByFunction", answer)
        return [each["DurableExecutionName"] for each in answer["DurableExecutions"]]

    @pytest.mark.parametrize(
        ("parameters", "names"),
        [
            ({}, "43210"),
            ({"ReverseOrder": True}, "01234"),
            ({"ReverseOrder": False}, "43210"),
            ({"Statuses": ["STOPPED"]}, "0"),
            ({"Statuses": ["RUNNING", "FAILED"]}, "4321"),
            ({"DurableExecutionName": "o-3"}, "3"),
            ({"Qualifier": "2"}, "4"),
            ({"FunctionName": "orders:1"}, "3210"),
            ({"FunctionName": "arn:aws:lambda:us-east-1:123456789012:function:orders:2"}, "4"),
            ({"StartedAfter": datetime(2026, 1, 1, 0, 2, 30, tzinfo=UTC)}, "43"),
            ({"StartedBefore": datetime(2026, 1, 1, 0, 2, 30, tzinfo=UTC)}, "210"),
            ({"StartedBefore": datetime(2026, 1, 1, 0, 2, 30, tzinfo=UTC).timestamp()}, "210"),
            ({"FunctionName": "nobody"}, ""),
        ],
        ids=str,
    )
    def test_it_finds_what_is_asked_for(self, parameters: dict[str, Any], names: str) -> None:
        """The youngest first, unless reversed."""
        service, _ = self.shelf()
        assert self.names(service, **parameters) == [f"o-{n}" for n in names]

    def test_it_gives_pages(self) -> None:
        """Two, two and one."""
        service, _ = self.shelf()
        found, marker = [], None
        while True:
            answer: Any = service.list_durable_executions_by_function(FunctionName="orders", MaxItems=2, Marker=marker)
            found.append(len(answer["DurableExecutions"]))
            marker = answer.get("NextMarker")
            if marker is None:
                break
        assert found == [2, 2, 1]

    @pytest.mark.parametrize(
        ("parameters", "match"),
        [
            ({"Statuses": []}, "Statuses has 0 members"),
            ({"Statuses": ["DONE"]}, r"Statuses\[0\] is 'DONE'"),
            ({"FunctionName": "a b"}, "FunctionName does not match"),
            ({"StartedAfter": "yesterday"}, "StartedAfter is a str, not a time"),
        ],
        ids=str,
    )
    def test_what_the_model_does_not_allow_is_refused(self, parameters: dict[str, Any], match: str) -> None:
        """The parameters are checked."""
        with rejected(match):
            self.names(DurableService(), **parameters)


class TestCallbacks:
    """The world completes a callback by its id, once."""

    def waiting(self, **options: int) -> tuple[Play, str]:
        """A callback that nobody has answered, and its id."""
        play = Play()
        play.record(update("START", "CALLBACK", CallbackOptions=options))
        play.suspend()
        return play, play.operation()["CallbackDetails"]["CallbackId"]

    @pytest.mark.parametrize("payload", [b'{"status": "approved"}', '{"status": "approved"}', bytearray(b"x y")])
    def test_a_payload_is_kept_as_it_is(self, payload: Any) -> None:
        """Character for character."""
        play, id_ = self.waiting()
        answer = play.service.send_durable_execution_callback_success(CallbackId=id_, Result=payload)
        assert_answers("SendDurableExecutionCallbackSuccess", answer)
        expected = payload if isinstance(payload, str) else bytes(payload).decode()
        assert play.operation()["CallbackDetails"]["Result"] == expected
        assert play.is_due()

    def test_there_may_be_none(self) -> None:
        """A success without a payload has no result."""
        play, id_ = self.waiting()
        play.service.send_durable_execution_callback_success(CallbackId=id_)
        assert play.status() == "SUCCEEDED"
        assert "Result" not in play.operation()["CallbackDetails"]

    def test_an_error_is_kept_as_it_is(self) -> None:
        """The sender's own words."""
        play, id_ = self.waiting()
        answer = play.service.send_durable_execution_callback_failure(CallbackId=id_, Error=OOPS)
        assert_answers("SendDurableExecutionCallbackFailure", answer)
        assert (play.status(), play.operation()["CallbackDetails"]["Error"]) == ("FAILED", OOPS)

    def test_there_may_be_no_error_either(self) -> None:
        """A failure that says nothing."""
        play, id_ = self.waiting()
        play.service.send_durable_execution_callback_failure(CallbackId=id_)
        assert play.operation()["CallbackDetails"]["Error"] == {}

    def attempts(self, play: Play, id_: str) -> None:
        """Every way to reach a callback is closed."""
        for verb in (
            play.service.send_durable_execution_callback_success,
            play.service.send_durable_execution_callback_failure,
            play.service.send_durable_execution_callback_heartbeat,
        ):
            with rejected(code="CallbackTimeoutException"):
                verb(CallbackId=id_)

    def test_a_second_completion_is_refused(self) -> None:
        """The first one counts."""
        play, id_ = self.waiting()
        play.service.send_durable_execution_callback_success(CallbackId=id_, Result=b"1")
        self.attempts(play, id_)
        assert play.operation()["CallbackDetails"]["Result"] == "1"

    def test_one_at_its_deadline_is_late(self) -> None:
        """The deadline comes first."""
        play, id_ = self.waiting(TimeoutSeconds=5)
        play.clock.move_to(play.service.next_alarm() or 0)
        self.attempts(play, id_)
        assert play.status() == "TIMED_OUT"

    def test_one_before_its_deadline_is_not(self) -> None:
        """Two milliseconds are enough."""
        play, id_ = self.waiting(TimeoutSeconds=5)
        play.clock.move_to((play.service.next_alarm() or 0) - 2)
        play.service.send_durable_execution_callback_success(CallbackId=id_)
        assert play.status() == "SUCCEEDED"

    @pytest.mark.parametrize("id_", ["bm9ib2R5", "x", "YQpiCmM=", "////"])
    def test_an_unknown_one_is_refused_like_a_late_one(self, id_: str) -> None:
        """The sender cannot tell."""
        self.attempts(Play(), id_)

    def test_one_of_an_execution_that_is_over_is_refused(self) -> None:
        """Nobody waits for it."""
        play, id_ = self.waiting()
        play.service.stop_durable_execution(DurableExecutionArn=play.arn)
        self.attempts(play, id_)

    def test_nobody_guesses_one(self) -> None:
        """The same place in another execution has another id, and a part that is made up does not fit."""
        (play, id_), (_, other) = self.waiting(), self.waiting()
        assert id_ != other
        self.attempts(play, other)
        self.attempts(play, id_[:-8] + "AAAAAAA=")
        assert play.status() == "STARTED"

    @pytest.mark.parametrize(("size", "fits"), [(262_144, True), (262_145, False)])
    def test_a_payload_has_a_limit(self, size: int, *, fits: bool) -> None:
        """That of every operation."""
        play, id_ = self.waiting()
        if fits:
            play.service.send_durable_execution_callback_success(CallbackId=id_, Result=b"x" * size)
        else:
            with rejected("Result has 262,145 bytes"):
                play.service.send_durable_execution_callback_success(CallbackId=id_, Result=b"x" * size)
        assert (play.status() == "SUCCEEDED") is fits

    def test_a_payload_is_text(self) -> None:
        """Bytes that are not UTF-8 are refused, and the callback goes on waiting."""
        play, id_ = self.waiting()
        with rejected("Result is not UTF-8"):
            play.service.send_durable_execution_callback_success(CallbackId=id_, Result=b"\xff")
        assert play.status() == "STARTED"

    def test_a_payload_is_not_an_object(self) -> None:
        """As with boto3, it is for the sender to encode."""
        play, id_ = self.waiting()
        verb: Any = play.service.send_durable_execution_callback_success
        with rejected("Result is a dict, not bytes"):
            verb(CallbackId=id_, Result={"a": 1})

    def test_an_error_has_a_limit(self) -> None:
        """That of every error."""
        play, id_ = self.waiting()
        with rejected("Error has"):
            play.service.send_durable_execution_callback_failure(CallbackId=id_, Error={"ErrorData": "x" * 40_000})
        assert play.status() == "STARTED"


def test_errors_are_those_of_a_boto3_client() -> None:
    """By code, by class, by status, and as ``ClientError``."""
    service = DurableService()
    with pytest.raises(service.exceptions.ResourceNotFoundException) as caught:
        service.get_durable_execution(DurableExecutionArn=UNKNOWN)
    assert isinstance(caught.value, ClientError)
    assert caught.value.operation_name == "GetDurableExecution"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert isinstance(service.exceptions.ClientError, type)


def test_many_threads_may_call_at_once() -> None:
    """Each call is whole; every execution ends, and every id of its events is there once."""
    service = DurableService()

    def run(n: int) -> None:
        arn = service.start("orders", "{}", name=f"o-{n}")
        token: Any = service.begin_invocation(arn)["CheckpointToken"]
        for k in range(50):
            steps: list[Any] = [update("START", "STEP", f"s{k}"), update("SUCCEED", "STEP", f"s{k}")]
            answer: Any = service.checkpoint_durable_execution(
                DurableExecutionArn=arn, CheckpointToken=token, Updates=steps
            )
            token = answer["CheckpointToken"]
        service.complete_invocation(arn, {"Status": "SUCCEEDED"})

    threads = [threading.Thread(target=run, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in service.list_durable_executions_by_function(FunctionName="orders")["DurableExecutions"]:
        assert each["Status"] == "SUCCEEDED"
        history = service.get_durable_execution_history(DurableExecutionArn=each["DurableExecutionArn"], MaxItems=1000)[
            "Events"
        ]
        assert [event["EventId"] for event in history] == list(range(1, 104))
