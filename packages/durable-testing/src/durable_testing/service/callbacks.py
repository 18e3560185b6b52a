"""How the world outside completes a callback, by the id that the function gave away."""

from __future__ import annotations

import hmac

from durable_core.spi import ErrorObject
from durable_testing.service.checks import check_error, check_text
from durable_testing.service.errors import Rejection
from durable_testing.service.execution import Execution
from durable_testing.service.executions import Executions
from durable_testing.service.facts import Details, Fact
from durable_testing.service.machine import outside
from durable_testing.service.times import detached
from durable_testing.service.tokens import callback_place


def succeed(executions: Executions, id_: str, result: bytes | bytearray | str | None) -> None:
    """Record a callback's payload, character for character."""
    execution, operation_id, now = _open(executions, id_)
    details: Details = {}
    if result is not None:
        details["Result"] = _text(result)
        check_text("Result", details["Result"], execution.state.origin.limits.operation_payload)
    executions.record(execution, [outside(execution.state, operation_id, "SUCCEEDED", details, now)])


def fail(executions: Executions, id_: str, error: ErrorObject) -> None:
    """Record the error that a callback ended with, as it is."""
    execution, operation_id, now = _open(executions, id_)
    check_error(error, execution.state.origin.limits)
    executions.record(execution, [outside(execution.state, operation_id, "FAILED", {"Error": detached(error)}, now)])


def beat(executions: Executions, id_: str) -> None:
    """Begin a callback's heartbeat timeout anew, if it has one."""
    execution, operation_id, now = _open(executions, id_)
    seconds = execution.state.heartbeats.get(operation_id)
    if seconds is not None:
        subject = execution.state.subjects[operation_id]
        executions.record(execution, [Fact("CallbackHeartbeat", now, {"HeartbeatTimeout": seconds}, subject)])


def _open(executions: Executions, id_: str) -> tuple[Execution, str, int]:
    """Give the callback that waits for this id, and the time; late, over and unknown are all the same to the sender."""
    arn, operation_id = callback_place(id_)
    execution = executions.get(arn)
    if execution is not None:
        now = executions.advance(execution)
        operation = execution.state.operations.get(operation_id)
        known = "" if operation is None else operation.get("CallbackDetails", {}).get("CallbackId", "")
        waits = operation is not None and operation["Status"] == "STARTED" and execution.state.ending is None
        if waits and hmac.compare_digest(known, id_):
            return execution, operation_id, now
    raise Rejection("the callback is unknown, has timed out, or is over", "CallbackTimeoutException")


def _text(result: bytes | bytearray | str) -> str:
    try:
        return result if isinstance(result, str) else bytes(result).decode()
    except UnicodeDecodeError:
        raise Rejection("Result is not UTF-8") from None
