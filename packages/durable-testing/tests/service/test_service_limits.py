"""How much an execution takes: at each limit it does, and one more is too many."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from service_play import Play, rejected, update

from durable_core.spi import ErrorObject, OperationUpdate
from durable_testing.service import CURRENT, DEFAULT, Limits
from durable_testing.service.sizes import error_size


def error_of(size: int) -> ErrorObject:
    """An error that is as large as this, as JSON."""
    error: ErrorObject = {"ErrorType": "E", "ErrorMessage": ""}
    error["ErrorMessage"] = "x" * (size - error_size(error))
    return error


def carrying(type_: str, payload: str) -> OperationUpdate:
    """An update of that type which carries a payload."""
    if type_ == "CHAINED_INVOKE":
        return update("START", type_, Payload=payload)
    return update("SUCCEED", type_, Payload=payload)


@pytest.mark.parametrize("limits", [DEFAULT, CURRENT], ids=["default", "current"])
@pytest.mark.parametrize("type_", ["STEP", "CONTEXT", "CHAINED_INVOKE", "EXECUTION"])
def test_a_payload_has_as_many_bytes_as_its_type_allows(type_: str, limits: Limits) -> None:
    """At the limit it is taken; a byte more, in UTF-8, is refused, and the figures are said."""
    most = {
        "STEP": limits.operation_payload,
        "CONTEXT": limits.operation_payload,
        "CHAINED_INVOKE": limits.invoke_payload,
        "EXECUTION": limits.execution_payload,
    }[type_]
    play = Play(limits=limits)
    if type_ == "CONTEXT":
        play.record(update("START", type_))
    if type_ != "EXECUTION":  # there, the model's own limit of characters speaks first
        with rejected(f"Payload has {most + 1:,} bytes; at most {most:,} are taken"):
            play.record(carrying(type_, "x" * (most + 1)))
    with rejected(f"Payload has {most + 2:,} bytes; at most {most:,} are taken"):
        play.record(carrying(type_, "x" * (most - 2) + "éé"))
    play.record(carrying(type_, "x" * (most - 2) + "é"))


@pytest.mark.parametrize("limits", [DEFAULT, CURRENT], ids=["default", "current"])
def test_an_error_has_as_many_bytes_as_its_limit(limits: Limits) -> None:
    """All its fields together, as JSON."""
    most = limits.error_object
    play = Play(limits=limits)
    with rejected(f"Error has {most + 1:,} bytes as JSON; at most {most:,} are taken"):
        play.record(update("FAIL", "STEP", Error=error_of(most + 1)))
    play.record(update("FAIL", "STEP", Error=error_of(most)))
    assert play.status() == "FAILED"


def test_the_trace_counts_towards_an_error() -> None:
    """A long stack trace is refused like a long message."""
    with rejected("Error has"):
        Play().record(update("FAIL", "STEP", Error={"StackTrace": ["x" * 1000] * 40}))


@pytest.mark.parametrize(
    ("limits", "synchronous", "most"),
    [
        (DEFAULT, True, 6_291_456),
        (DEFAULT, False, 6_291_456),
        (CURRENT, True, 6_291_456),
        (CURRENT, False, 1_048_576),
    ],
)
def test_an_execution_is_started_with_so_much(limits: Limits, *, synchronous: bool, most: int) -> None:
    """More when someone waits for its answer than when nobody does, since late 2026."""
    Play(limits=limits, payload="x" * most, begin=False, synchronous=synchronous)
    with rejected(f"the payload has {most + 1:,} bytes", "RequestTooLargeException"):
        Play(limits=limits, payload="x" * (most + 1), begin=False, synchronous=synchronous)


def test_a_result_that_nobody_waits_for_is_smaller_too() -> None:
    """The limit of an event's execution holds for its result."""
    play = Play(limits=CURRENT, synchronous=False)
    with rejected("Payload has"):
        play.record(update("SUCCEED", "EXECUTION", Payload="x" * (1_048_576 + 1)))
    play.record(update("SUCCEED", "EXECUTION", Payload="x" * 1_048_576))


def answer_of(size: int) -> str:
    """A result with which the whole answer is as long as this, as JSON."""
    return "x" * (size - len(json.dumps({"Status": "SUCCEEDED", "Result": ""})))


def test_an_answer_is_as_long_as_lambda_takes() -> None:
    """The whole response counts, not only the result."""
    play = Play()
    play.succeed(answer_of(DEFAULT.response))
    assert play.outcome == "SUCCEEDED"
    play = Play()
    play.succeed(answer_of(DEFAULT.response + 1))
    assert play.outcome == "RUNNING"
    assert play.history[-1]["InvocationCompletedDetails"]["Error"]["Payload"] == {
        "ErrorType": "Function.ResponseSizeTooLarge",
        "ErrorMessage": "the response has 6,291,457 bytes; Lambda takes at most 6,291,456",
    }


def test_an_answer_counts_as_it_is_escaped() -> None:
    """A quote is two bytes in a JSON string, and an accent six."""
    limits = replace(DEFAULT, response=100)
    for result, fits in (('"' * 20, True), ('"' * 40, False), ("é" * 10, True), ("é" * 12, False)):
        play = Play(limits=limits)
        play.succeed(result)
        assert (play.outcome == "SUCCEEDED") is fits, result


def step(place: int, **members: Any) -> OperationUpdate:
    return update("SUCCEED", "STEP", f"s{place}", **members)


class TestQuotas:
    """A quota lets the batch that goes over it be recorded, and closes the execution."""

    limits = replace(DEFAULT, operations=4)

    def test_as_many_operations_as_the_quota_are_taken(self) -> None:
        """The execution itself is one of them."""
        play = Play(limits=self.limits)
        play.record(step(1), step(2), step(3))
        assert play.outcome == "RUNNING"
        assert play.token is not None

    def test_one_more_closes_the_execution(self) -> None:
        """No token, and an error that says how many."""
        play = Play(limits=self.limits)
        play.record(step(1), step(2), step(3))
        answer = play.record(step(4))
        assert "CheckpointToken" not in answer
        assert play.outcome == "FAILED"
        assert play.described["Error"]["ErrorMessage"] == "5 operations; an execution takes at most 4"

    def test_its_end_is_told_after_its_invocation(self) -> None:
        """The batch is recorded; then the invocation ends; then the execution."""
        play = Play(limits=self.limits)
        play.record(step(1), step(2), step(3), step(4))
        play.suspend()
        assert play.story == ["StepSucceeded"] * 4 + ["InvocationCompleted", "ExecutionFailed"]

    def test_retries_do_not_count_unless_they_are_metered(self) -> None:
        """The default profile counts operations only."""
        for metered, outcome in ((False, "RUNNING"), (True, "FAILED")):
            play = Play(limits=replace(self.limits, metered=metered))
            for _ in range(3):
                play.record(update("RETRY", "STEP"))
                if play.outcome == "RUNNING":
                    play.skip()
            assert play.outcome == outcome

    def test_an_invocation_that_is_tried_again_counts_if_metered(self) -> None:
        """A crash costs an operation of the quota."""
        for metered, outcome in ((False, "RUNNING"), (True, "FAILED")):
            play = Play(limits=replace(self.limits, metered=metered))
            play.crash()
            play.begin()
            play.record(step(1), step(2), step(3))
            assert play.outcome == outcome

    def test_bytes_are_counted_where_there_is_a_quota_of_them(self) -> None:
        """Input, payloads and errors together."""
        for persisted, outcome in ((None, "RUNNING"), (1_002, "RUNNING"), (1_001, "FAILED")):
            play = Play(limits=replace(DEFAULT, persisted=persisted))  # the input, {}, is two bytes
            play.record(step(1, Payload="x" * 1_000))
            assert play.outcome == outcome

    def test_an_execution_that_ends_in_the_batch_is_not_closed_by_a_quota(self) -> None:
        """Its own end comes first."""
        play = Play(limits=self.limits)
        play.record(step(1), step(2), step(3), step(4), update("SUCCEED", "EXECUTION", "x"))
        assert play.outcome == "SUCCEEDED"
