"""One operation, folded: what the API shows of it after each of its facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypedDict

from durable_core.spi import ErrorObject, Operation, OperationType
from durable_testing.service.facts import Details, Fact, Subject
from durable_testing.service.rules import OUTCOMES, OVER


class Outcome(TypedDict, total=False):
    """What the details of several kinds have in common."""

    Result: str
    Error: ErrorObject


def folded(before: Operation | None, fact: Fact) -> Operation:
    """Give the operation as it is after *fact*; *before* stays as it was."""
    subject = fact.subject
    assert subject is not None
    type_, status = OUTCOMES[fact.kind]
    after = before.copy() if before is not None else _begun(subject, fact.at)
    after["Status"] = "PENDING" if "NextAttemptDelaySeconds" in fact.details else status
    if after["Status"] in OVER and "EndTimestamp" not in after:
        after["EndTimestamp"] = fact.at
    DETAILS[type_](after, fact)
    return after


def _begun(subject: Subject, at: int) -> Operation:
    operation: Operation = {"Id": subject.id, "Type": subject.type, "Status": "STARTED", "StartTimestamp": at}
    if subject.parent_id is not None:
        operation["ParentId"] = subject.parent_id
    if subject.name is not None:
        operation["Name"] = subject.name
    if subject.sub_type is not None:
        operation["SubType"] = subject.sub_type
    return operation


def _execution(after: Operation, fact: Fact) -> None:
    if "Input" in fact.details:
        after["ExecutionDetails"] = {"InputPayload": fact.details["Input"]}


def _context(after: Operation, fact: Fact) -> None:
    after["ContextDetails"] = {}
    _settle(after["ContextDetails"], fact.details)
    if "ReplayChildren" in fact.details:
        after["ContextDetails"]["ReplayChildren"] = fact.details["ReplayChildren"]


def _step(after: Operation, fact: Fact) -> None:
    """Count an attempt when it ends; keep a poll's state until the next attempt has ended."""
    details = fact.details
    if "CurrentAttempt" not in details:  # StepStarted, StepReady
        after["StepDetails"] = after["StepDetails"].copy() if "StepDetails" in after else {"Attempt": 0}
        after["StepDetails"].pop("NextAttemptTimestamp", None)
        return
    after["StepDetails"] = {"Attempt": details["CurrentAttempt"]}
    _settle(after["StepDetails"], details)
    if "NextAttemptDelaySeconds" in details:
        after["StepDetails"]["NextAttemptTimestamp"] = fact.at + details["NextAttemptDelaySeconds"] * 1000


def _wait(after: Operation, fact: Fact) -> None:
    if "ScheduledEndTimestamp" in fact.details:
        after["WaitDetails"] = {"ScheduledEndTimestamp": fact.details["ScheduledEndTimestamp"]}


def _callback(after: Operation, fact: Fact) -> None:
    if "CallbackId" in fact.details:
        after["CallbackDetails"] = {"CallbackId": fact.details["CallbackId"]}
        return
    assert "CallbackDetails" in after
    after["CallbackDetails"] = after["CallbackDetails"].copy()
    _settle(after["CallbackDetails"], fact.details)


def _chained_invoke(after: Operation, fact: Fact) -> None:
    after["ChainedInvokeDetails"] = {}
    _settle(after["ChainedInvokeDetails"], fact.details)


def _settle(shown: Outcome, details: Details) -> None:
    if "Result" in details:
        shown["Result"] = details["Result"]
    if "Error" in details:
        shown["Error"] = details["Error"]


DETAILS: Final[Mapping[OperationType, Callable[[Operation, Fact], None]]] = {
    "EXECUTION": _execution,
    "CONTEXT": _context,
    "STEP": _step,
    "WAIT": _wait,
    "CALLBACK": _callback,
    "CHAINED_INVOKE": _chained_invoke,
}
