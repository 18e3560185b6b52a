"""The judge of the conformance suite lets nothing pass: what it must find, in requirements of our own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from conformance_handlers import Player
from conformance_logs import LogRule, function_log, log_differences, records_in
from conformance_matching import Bindings, differences
from conformance_play import Play, breaches, play
from conformance_requirements import Requirement, requirement

from durable_core import DurableContext, DurableFunction, Duration, durable_execution

TWO_OPERATIONS = """
Variables: {NUMBER: "${GEN_STR:3}"}
Input: ["${NUMBER}"]
ExpectedResult: {ExecutionStatus: SUCCEEDED, Result: ["${NUMBER}", true]}
ExpectedExecutionHistory:
  - {EventType: StepStarted, EventId: 2, Id: "${STEP}", Name: double, StepStartedDetails: {}}
  - {EventType: StepSucceeded, EventId: 3, Id: "${STEP}", Name: double, StepSucceededDetails: {Result: {}}}
  - {EventType: WaitStarted, EventId: 4, Id: "${WAIT}", WaitStartedDetails: {Duration: 5}}
  - {EventType: InvocationCompleted, EventId: 5, InvocationCompletedDetails: {}}
  - {EventType: WaitSucceeded, EventId: 6, Id: "${WAIT}", WaitSucceededDetails: {Duration: 5}}
  - {EventType: InvocationCompleted, EventId: 7, InvocationCompletedDetails: {}}
ExpectedLogs:
  - {match: {message: "/^double ${NUMBER}$/", operation: "${STEP}"}, count: 1}
"""

STILL_WAITING = """
Input: ["abc"]
ExpectedExecutionHistory:
  - {EventType: WaitStarted, EventId: 4, WaitStartedDetails: {Duration: 5}}
  - {EventType: InvocationCompleted, EventId: 5, InvocationCompletedDetails: {}}
"""


@durable_execution
async def two_operations(event: list[str], ctx: DurableContext) -> list[Any]:
    async def double() -> str:
        return event[0]

    step = ctx.step(double)
    ctx.logger.info("double %s", event[0], operation=step.operation_id)
    number = await step
    await ctx.wait(Duration.from_seconds(5))
    return [number, True]


@durable_execution
async def another_result(event: list[str], ctx: DurableContext) -> list[Any]:
    return [*event, 1]


def judged(text: str, handler: DurableFunction[Any] = two_operations) -> tuple[Requirement, Play]:
    """A requirement, and the run of a handler that plays it."""
    stated = requirement("own", "0-1", text)
    return stated, play(stated, Player(handler, None))


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*", None),
        ({}, {}),
        ({}, "whatever"),
        (1, 1),
        ("one", "one"),
        (["*", 2], ["one", 2]),
        ({"a": {"b": "*"}}, {"a": {"b": None, "c": 1}, "d": 2}),
        ("${/ne$/}", "one"),
        ("${/^1/}", 12),
        ({"a": "${X}", "b": "${X}"}, {"a": 1, "b": 1}),
        ({"a": "${X}", "b": "${Y}"}, {"a": 1, "b": 1}),
        ({"ParentId": "*"}, {"ParentId": "p"}),
    ],
)
def test_what_fits_a_pattern_passes(pattern: Any, found: Any) -> None:
    assert list(differences(pattern, found, "it", Bindings())) == []


@pytest.mark.parametrize(
    ("pattern", "found", "sentence"),
    [
        ({"a": {}}, {}, "it.a is missing"),
        ({"a": "*"}, {"b": 1}, "it.a is missing"),
        ({"a": 1}, [1], "it is [1], and has no members"),
        (1, True, "it is True, not 1"),
        (1, 1.0, "it is 1.0, not 1"),
        ("1", 1, "it is 1, not '1'"),
        ([1], [1, 2], "it is [1, 2], not a list of 1"),
        ([1, 2], [2, 1], "it[0] is 2, not 1"),
        ("${/^e/}", "one", "it is 'one', in which '^e' is not found"),
        ({"a": "${X}", "b": "${X}"}, {"a": 1, "b": 2}, "it.b is 2, but X was 1 before"),
        ([{"Id": "${X}"}, {"Id": "${Y}"}], [{"Id": "i"}] * 2, "it[1].Id is 'i' for Y, but that is the id of X"),
        ({"Id": "i"}, {"Id": "i", "ParentId": "p"}, "it.ParentId is 'p', and may not be there"),
        (
            {"CurrentAttempt": 2},
            {"CurrentAttempt": 2, "NextAttemptDelaySeconds": 0},
            "it.NextAttemptDelaySeconds is 0, and may not be there",
        ),
    ],
)
def test_what_does_not_fit_a_pattern_is_named(pattern: Any, found: Any, sentence: str) -> None:
    assert sentence in list(differences(pattern, found, "it", Bindings()))


def test_a_run_as_the_requirement_has_it_is_no_breach() -> None:
    assert breaches(*judged(TWO_OPERATIONS)) == []


def test_one_event_too_many_or_too_few_is_a_breach_wherever_it_is() -> None:
    stated, found = judged(TWO_OPERATIONS)
    history = found.history
    for place, event in enumerate(history):
        fewer = [*history[:place], *history[place + 1 :]]
        more = [*history[:place], event, *history[place:]]
        assert breaches(stated, found._replace(history=numbered(fewer)))
        assert breaches(stated, found._replace(history=numbered(more)))


def numbered(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The *events* with ids as the service gives them."""
    return [{**event, "EventId": number} for number, event in enumerate(events, start=1)]


def test_another_status_or_result_or_log_is_a_breach() -> None:
    stated, found = judged(TWO_OPERATIONS)
    assert breaches(stated, found._replace(status="FAILED")) == ["the execution is FAILED, not SUCCEEDED"]
    for result in (None, "null", "[]", found.result and found.result.replace("true", "1")):
        [sentence] = breaches(stated, found._replace(result=result))
        assert sentence.startswith(f"the result is {result!r}, not ")
    for records in ([], [*found.records] * 2):
        [sentence] = breaches(stated, found._replace(records=records))
        assert sentence.startswith(f"the log has {len(records)} records like ")


def test_a_handler_that_does_something_else_is_told_everything_that_is_missing() -> None:
    wrong = breaches(*judged(TWO_OPERATIONS, another_result))
    assert "event 2.EventType is 'InvocationCompleted', not 'StepStarted'" in wrong
    assert "there is no event 7" in wrong
    assert "the history has 3 events, not 8" in wrong


def test_an_execution_that_nobody_waits_for_is_left_where_its_events_are_there() -> None:
    stated, found = judged(STILL_WAITING)
    assert breaches(stated, found) == []
    assert (found.status, len(found.history)) == ("RUNNING", 5)
    assert breaches(stated, found._replace(status="SUCCEEDED")) == ["the execution is SUCCEEDED, not RUNNING"]


A, B, C = ({"n": n} for n in "abc")


@pytest.mark.parametrize(
    ("rule", "broken"),
    [
        (LogRule(A, 2, 2, (), ()), False),
        (LogRule(A, 1, 1, (), ()), True),
        (LogRule(A, 1, None, (), ()), False),
        (LogRule(A, 3, None, (), ()), True),
        (LogRule(C, 0, 0, (), ()), False),
        (LogRule(C, 1, None, (), ()), True),
        (LogRule({"n": "/^[ab]$/"}, 3, 3, (), ()), False),
        (LogRule({"n": " a"}, 2, 2, (), ()), False),
        (LogRule({"flag": "/^True$/"}, 3, 3, (), ()), False),
        (LogRule({"flag": 1}, 0, 0, (), ()), False),
        (LogRule(B, 1, 1, [A], ()), True),
        (LogRule({"last": True}, 1, 1, [B], ()), False),
        (LogRule({"last": True}, 1, 1, (), [B]), True),
        (LogRule(B, 1, 1, (), [{"last": True}]), False),
        (LogRule(B, 1, 1, [C], ()), True),
        (LogRule(B, 1, 1, (), [C]), True),
    ],
)
def test_a_rule_of_the_log_counts_and_orders(rule: LogRule, broken: bool) -> None:
    records = [{"n": "a", "flag": True}, {"n": "b", "flag": True}, {"n": "a", "flag": True, "last": True}]
    assert bool(list(log_differences([rule], records, Bindings()))) is broken


def test_only_lines_of_json_that_name_the_execution_are_records() -> None:
    """Alone or in either member; what a step prints is read like what a logger writes."""
    with function_log() as log:
        print('{"durableExecutionArn": "arn:1", "n": 1}')
        print('{"executionArn": "arn:1", "n": 2}')
        print('{"durableExecutionArn": "arn:2", "n": 3}')
        print('[{"durableExecutionArn": "arn:1"}]')
        print('INFO {"durableExecutionArn": "arn:1"}')
        print()
    assert [record["n"] for record in records_in(log.getvalue(), "arn:1")] == [1, 2]
