"""How one function invokes another."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from service_play import OOPS, Play, rejected, update

from durable_testing.service import ChainedInvoke, DurableService, Target
from durable_testing.service.arns import Function


def invoking(targets: Any = None, **members: Any) -> Play:
    """An execution that invokes a function, and waits for it."""
    play = Play()
    if targets is not None:
        play.service = DurableService(clock=play.clock, targets=targets)
        play.arn = play.service.start("orders", "{}")
        play.begin()
    play.record(update("START", "CHAINED_INVOKE", **members))
    play.suspend()
    return play


def plain(function: Function) -> Target:
    return Target("3", durable=False)


def waiting(play: Play) -> ChainedInvoke:
    (invoke,) = play.service.chained_invokes_waiting()
    return invoke


class TestDurableTargets:
    """A durable function runs as an execution of its own."""

    def child(self, play: Play) -> str:
        return str(waiting(play).durable_execution_arn)

    def test_it_exists_as_soon_as_it_is_asked_for(self) -> None:
        """With the payload as its input; nobody else has to start it."""
        play = invoking(Payload='"in"')
        arn = self.child(play)
        assert play.service.due(arn)
        assert play.service.get_durable_execution(DurableExecutionArn=arn).get("InputPayload") == '"in"'
        assert play.service.all_due() == [arn]

    def test_without_a_payload_its_input_is_empty(self) -> None:
        """As Lambda gives it."""
        play = invoking()
        assert waiting(play).payload == "{}"

    @pytest.mark.parametrize(
        ("answer", "status", "details"),
        [
            ({"Status": "SUCCEEDED", "Result": '"out"'}, "SUCCEEDED", {"Result": '"out"'}),
            ({"Status": "FAILED", "Error": OOPS}, "FAILED", {"Error": OOPS}),
        ],
    )
    def test_its_end_is_that_of_the_invoke(self, answer: Any, status: str, details: Any) -> None:
        """Result or error, and the caller is called again."""
        play = invoking()
        arn = self.child(play)
        play.service.begin_invocation(arn)
        assert not play.is_due()
        play.service.complete_invocation(arn, answer)
        assert (play.status(), play.operation()["ChainedInvokeDetails"]) == (status, details)
        assert play.service.chained_invokes_waiting() == []
        assert play.is_due()

    def test_stopping_it_stops_the_invoke(self) -> None:
        """STOPPED, with the error that was given."""
        play = invoking()
        play.service.stop_durable_execution(DurableExecutionArn=self.child(play), Error=OOPS)
        assert play.status() == "STOPPED"
        assert play.operation()["ChainedInvokeDetails"] == {"Error": OOPS}

    def test_an_end_that_it_recorded_itself_counts_when_its_invocation_is_over(self) -> None:
        """The caller hears of it with the event that ends it."""
        play = invoking()
        arn = self.child(play)
        token = play.service.begin_invocation(arn)["CheckpointToken"]
        end = update("SUCCEED", "EXECUTION", Payload='"out"')
        play.service.checkpoint_durable_execution(DurableExecutionArn=arn, CheckpointToken=token, Updates=[end])
        assert play.status() == "STARTED"
        play.service.complete_invocation(arn, {"Status": "SUCCEEDED"})
        assert play.operation()["ChainedInvokeDetails"] == {"Result": '"out"'}

    def test_its_end_means_nothing_to_a_caller_that_is_over(self) -> None:
        """Or that was deleted."""
        for deleted in (False, True):
            play = invoking()
            arn = self.child(play)
            play.service.stop_durable_execution(DurableExecutionArn=play.arn)
            if deleted:
                play.service.delete_durable_execution(DurableExecutionArn=play.arn)
            play.service.begin_invocation(arn)
            play.service.complete_invocation(arn, {"Status": "SUCCEEDED"})
            outcome = play.service.get_durable_execution(DurableExecutionArn=arn)["Status"]
            assert outcome == "SUCCEEDED"

    def test_a_result_that_is_too_large_is_a_failure(self) -> None:
        """The caller can take a megabyte."""
        play = invoking()
        arn = self.child(play)
        play.service.begin_invocation(arn)
        play.service.complete_invocation(arn, {"Status": "SUCCEEDED", "Result": "x" * 1_048_577})
        assert play.status() == "FAILED"
        assert "1,048,577 bytes" in play.operation()["ChainedInvokeDetails"]["Error"]["ErrorMessage"]

    def test_a_refused_batch_starts_nothing(self) -> None:
        """A batch is atomic, its invokes included."""
        play = Play()
        with rejected():
            play.record(update("START", "CHAINED_INVOKE"), update("CANCEL", "WAIT", "w"))
        assert play.service.chained_invokes_waiting() == []
        listed = play.service.list_durable_executions_by_function(FunctionName="other")
        assert listed.get("DurableExecutions") == []

    def test_a_version_may_be_named(self) -> None:
        """A number after the name; without one, $LATEST runs."""
        for name, version in (("other:5", "5"), ("other", "$LATEST"), ("other:live", "$LATEST")):
            play = invoking(ChainedInvokeOptions={"FunctionName": name})
            assert waiting(play).version == version
            assert f":function:other:{version}/" in self.child(play)


class TestPlainTargets:
    """A function that is not durable is run by the runner."""

    def test_the_runner_is_told_of_it(self) -> None:
        """Everything that it needs to run the function."""
        options = {"FunctionName": "other", "TenantId": "t1"}
        play = invoking(plain, Payload='"in"', ChainedInvokeOptions=options)
        assert waiting(play) == ChainedInvoke(play.arn, "a", "other", "3", '"in"', "t1", None)

    @pytest.mark.parametrize(
        ("status", "details"),
        [
            ("SUCCEEDED", {"result": '"out"'}),
            ("FAILED", {"error": OOPS}),
            ("TIMED_OUT", {"error": OOPS}),
            ("STOPPED", {"error": OOPS}),
        ],
    )
    def test_the_runner_says_how_it_ended(self, status: Any, details: Any) -> None:
        """And the caller is called again."""
        play = invoking(plain)
        play.service.finish_chained_invoke(play.arn, "a", status=status, **details)
        assert play.status() == status
        assert play.service.chained_invokes_waiting() == []
        assert play.is_due()

    @pytest.mark.parametrize("status", ["STARTED", "PENDING", "READY", "CANCELLED"])
    def test_it_ends_in_one_of_four_ways(self, status: Any) -> None:
        """Anything else is refused."""
        play = invoking(plain)
        with rejected(f"the CHAINED_INVOKE 'a' is STARTED; it cannot become {status}"):
            play.service.finish_chained_invoke(play.arn, "a", status=status)

    def test_it_ends_once(self) -> None:
        """And only what was asked for."""
        play = invoking(plain)
        play.service.finish_chained_invoke(play.arn, "a", status="SUCCEEDED")
        with rejected("is SUCCEEDED; it cannot become FAILED"):
            play.service.finish_chained_invoke(play.arn, "a", status="FAILED")
        with rejected("the operation 'b' does not exist"):
            play.service.finish_chained_invoke(play.arn, "b", status="FAILED")

    def test_nobody_waits_for_it_when_the_caller_is_over(self) -> None:
        """Its end is not recorded then."""
        play = invoking(plain)
        play.service.stop_durable_execution(DurableExecutionArn=play.arn)
        play.service.finish_chained_invoke(play.arn, "a", status="SUCCEEDED")
        assert play.status() == "STARTED"
        assert play.service.chained_invokes_waiting() == []


def test_a_function_that_does_not_exist_fails_at_once() -> None:
    """In the same batch, and its answer tells so."""
    play = Play()
    play.service = DurableService(clock=play.clock, targets=lambda function: None)
    play.arn = play.service.start("orders", "{}")
    play.begin()
    answer = play.record(update("START", "CHAINED_INVOKE"))
    (invoke,) = answer["NewExecutionState"].get("Operations", [])
    assert invoke["Status"] == "FAILED"
    assert play.story == ["ChainedInvokeStarted", "ChainedInvokeFailed"]
    assert play.operation()["ChainedInvokeDetails"]["Error"]["ErrorType"] == "ResourceNotFoundException"


def test_a_chain_of_invokes_unwinds() -> None:
    """The end of the innermost ends the next, and so on."""
    play = invoking()
    service = play.service
    arns = [play.arn]
    for _ in range(3):
        arns.append(str(service.chained_invokes_waiting()[-1].durable_execution_arn))
        token = service.begin_invocation(arns[-1])["CheckpointToken"]
        service.checkpoint_durable_execution(
            DurableExecutionArn=arns[-1], CheckpointToken=token, Updates=[update("START", "CHAINED_INVOKE")]
        )
        service.complete_invocation(arns[-1], {"Status": "PENDING"})
    for invoke in reversed(service.chained_invokes_waiting()):
        service.stop_durable_execution(DurableExecutionArn=str(invoke.durable_execution_arn))
    assert play.status() == "STOPPED"
    play.clock.advance(timedelta(days=1))
    assert service.chained_invokes_waiting() == []
