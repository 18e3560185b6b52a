"""How invocations begin and end, and how an execution starts, pauses and stops. Pure: from a state to facts."""

from __future__ import annotations

from typing import Final, cast

from durable_core.spi import ErrorObject, InvocationAnswer
from durable_testing.service.checks import check_answer
from durable_testing.service.errors import Rejection
from durable_testing.service.facts import Details, Fact, Subject
from durable_testing.service.rules import ENDINGS
from durable_testing.service.sizes import escaped_size
from durable_testing.service.state import State
from durable_testing.service.times import detached
from durable_testing.service.unverified import BACKOFF, INVALID_ANSWER, RESPONSE_TOO_LARGE, RETRIES

IDLE_ANSWERS: Final = 3
"""Answers in a row that say PENDING with nothing pending; the last of them fails the execution."""

IDLE: Final[ErrorObject] = {
    "ErrorType": INVALID_ANSWER,
    "ErrorMessage": "Cannot return PENDING status with no pending operations.",
}


def start(subject: Subject, payload: str, timeout: int | None, now: int) -> Fact:
    """Give the first fact of an execution; *timeout* is in seconds."""
    details: Details = {"Input": payload}
    if timeout is not None:
        details["ExecutionTimeout"] = timeout
    return Fact("ExecutionStarted", now, details, subject)


def begin(state: State, request_id: str, now: int) -> Fact:
    """Give the fact that an invocation begins."""
    if state.status != "RUNNING":
        raise Rejection(f"the execution is {state.status}; it is not invoked", "ResourceConflictException")
    return Fact("InvocationStarted", now, {"RequestId": request_id})


def complete(state: State, answer: InvocationAnswer, *, untold: bool, now: int) -> list[Fact]:
    """Give the facts of an invocation that answered; *untold* is whether the service knows more than it has told it.

    An answer that may not be counts as a failed invocation.
    """
    if state.ending is not None:
        return [_ended(state, now), *announce(state, now)]
    answer = cast(InvocationAnswer, _stated(answer))
    if fault := fault_of(state, answer):
        return fail(state, fault, now)
    status = answer["Status"]
    if status == "PENDING":
        expected = state.parked or untold or state.called_for or state.status != "RUNNING"
        return [_ended(state, now), *take_pause(state, now)] if expected else _idle(state, now)
    details: Details = {}
    if "Result" in answer:
        details["Result"] = answer["Result"]
    if "Error" in answer:
        details["Error"] = detached(answer["Error"])
    return [_ended(state, now), Fact(ENDINGS[status], now, details, state.origin.subject)]


def fail(state: State, error: ErrorObject, now: int) -> list[Fact]:
    """Give the facts of an invocation that did not answer: another follows, unless too many have failed in a row."""
    if state.ending is not None:
        return [_ended(state, now, error), *announce(state, now)]
    if state.failures >= RETRIES:
        return [_ended(state, now, error), Fact("ExecutionFailed", now, {"Error": error}, state.origin.subject)]
    ended = _ended(state, now, error)
    ended.details["RetryDelay"] = BACKOFF[state.failures]
    return [ended, *take_pause(state, now)]


def fault_of(state: State, answer: InvocationAnswer) -> ErrorObject | None:
    """Give what is wrong with an answer, if anything is."""
    try:
        check_answer(answer, state.origin.limits)
    except Rejection as flaw:
        return {"ErrorType": INVALID_ANSWER, "ErrorMessage": str(flaw)}
    size, most = escaped_size(answer), state.origin.limits.response
    if size <= most:
        return None
    message = f"the response has {size:,} bytes; Lambda takes at most {most:,}"
    return {"ErrorType": RESPONSE_TOO_LARGE, "ErrorMessage": message}


def pause(state: State, request: Details, now: int) -> Fact:
    """Give the fact that a pause is asked for: it waits for the next checkpoint of an invocation under way."""
    if state.status != "RUNNING":
        raise Rejection(f"the execution is {state.status}; it cannot be paused", "ResourceConflictException")
    details: Details = {**request, "PauseRequestTimestamp": now}
    return Fact("ExecutionPaused" if state.running is None else "ExecutionPausing", now, details)


def take_pause(state: State, now: int) -> list[Fact]:
    """Give the fact that a pause which was waiting begins, if one was."""
    return [Fact("ExecutionPaused", now, state.pause)] if state.status == "PAUSING" else []


def resume(state: State, request: Details, now: int) -> Fact:
    """Give the fact that the execution goes on; a pause that had not begun is taken back, unseen by the history."""
    details: Details = {**request, "ResumeRequestTimestamp": now}
    if state.status == "PAUSING":
        return Fact("ExecutionUnpausing", now, details)
    if state.status != "PAUSED":
        raise Rejection(f"the execution is {state.status}; it cannot be resumed", "ResourceConflictException")
    return Fact("ExecutionResumed", now, details)


def announce(state: State, now: int) -> list[Fact]:
    """Give the event of an end that the handler recorded, once no invocation runs that it should follow."""
    if state.announcement is None or state.ending is None:
        return []
    return [Fact(state.announcement, now, state.ending, state.origin.subject)]


def _stated(answer: object) -> object:
    """Give an answer without the members that are null: the API does not tell them from those that are absent."""
    if not isinstance(answer, dict):  # whatever the function returned
        return answer
    return {member: value for member, value in cast(dict[str, object], answer).items() if value is not None}


def _idle(state: State, now: int) -> list[Fact]:
    ended = _ended(state, now, IDLE)
    ended.details["Idle"] = True
    if state.idle + 1 >= IDLE_ANSWERS:
        return [ended, Fact("ExecutionFailed", now, {"Error": IDLE}, state.origin.subject)]
    ended.details["RetryDelay"] = BACKOFF[state.idle]
    return [ended]


def _ended(state: State, now: int, error: ErrorObject | None = None) -> Fact:
    if state.running is None:
        raise Rejection("no invocation of the execution is running", "ResourceConflictException")
    details: Details = {
        "StartTimestamp": state.running.since,
        "EndTimestamp": now,
        "RequestId": state.running.request_id,
    }
    if error is not None:
        details["Error"] = error
    return Fact("InvocationCompleted", now, details)
