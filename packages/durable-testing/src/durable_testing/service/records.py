"""What each accepted update records: the details of its fact."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from durable_core.spi import Operation, OperationAction, OperationType, OperationUpdate
from durable_testing.service.facts import Details
from durable_testing.service.state import Origin
from durable_testing.service.times import detached
from durable_testing.service.tokens import callback_id


class Setting(NamedTuple):
    """Where an update is recorded: in which execution, when, and on what."""

    origin: Origin
    at: int
    known: Operation | None


def details_of(update: OperationUpdate, setting: Setting) -> Details:
    """Give what an update records, in the members of the API's events."""
    return RECORDS[update["Type"], update["Action"]](update, setting)


def _nothing(update: OperationUpdate, setting: Setting) -> Details:
    return {}


def _outcome(update: OperationUpdate, setting: Setting) -> Details:
    details: Details = {}
    if "Payload" in update:
        details["Result"] = update["Payload"]
    if "Error" in update:
        details["Error"] = detached(update["Error"])
    return details


def _context_outcome(update: OperationUpdate, setting: Setting) -> Details:
    details = _outcome(update, setting)
    if "ContextOptions" in update and "ReplayChildren" in update["ContextOptions"]:
        details["ReplayChildren"] = update["ContextOptions"]["ReplayChildren"]
    return details


def _attempt(update: OperationUpdate, setting: Setting) -> Details:
    details = _outcome(update, setting)
    known = setting.known
    done = known["StepDetails"].get("Attempt", 0) if known is not None and "StepDetails" in known else 0
    details["CurrentAttempt"] = done + 1
    if "StepOptions" in update and "NextAttemptDelaySeconds" in update["StepOptions"]:
        details["NextAttemptDelaySeconds"] = update["StepOptions"]["NextAttemptDelaySeconds"]
    return details


def _wait(update: OperationUpdate, setting: Setting) -> Details:
    assert "WaitOptions" in update
    seconds = update["WaitOptions"].get("WaitSeconds", 0)
    return {"Duration": seconds, "ScheduledEndTimestamp": setting.at + seconds * 1000}


def _callback(update: OperationUpdate, setting: Setting) -> Details:
    origin = setting.origin
    details: Details = {"CallbackId": callback_id(origin.secret, origin.arn, update["Id"])}
    options = update.get("CallbackOptions", {})
    if timeout := options.get("TimeoutSeconds"):
        details["Timeout"] = timeout
    if heartbeat := options.get("HeartbeatTimeoutSeconds"):
        details["HeartbeatTimeout"] = heartbeat
    return details


def _chained_invoke(update: OperationUpdate, setting: Setting) -> Details:
    assert "ChainedInvokeOptions" in update
    options = update["ChainedInvokeOptions"]
    details: Details = {"FunctionName": options["FunctionName"]}
    if "TenantId" in options:
        details["TenantId"] = options["TenantId"]
    if "Payload" in update:
        details["Input"] = update["Payload"]
    return details


RECORDS: Final[Mapping[tuple[OperationType, OperationAction], Callable[[OperationUpdate, Setting], Details]]] = {
    ("EXECUTION", "SUCCEED"): _outcome,
    ("EXECUTION", "FAIL"): _outcome,
    ("CONTEXT", "START"): _nothing,
    ("CONTEXT", "SUCCEED"): _context_outcome,
    ("CONTEXT", "FAIL"): _outcome,
    ("STEP", "START"): _nothing,
    ("STEP", "SUCCEED"): _attempt,
    ("STEP", "FAIL"): _attempt,
    ("STEP", "RETRY"): _attempt,
    ("WAIT", "START"): _wait,
    ("WAIT", "CANCEL"): _nothing,
    ("CALLBACK", "START"): _callback,
    ("CHAINED_INVOKE", "START"): _chained_invoke,
}
