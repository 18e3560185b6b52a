"""The plugins of the suite ``plugin``: each hook of which a requirement speaks writes a line of JSON."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any

from durable_core import (
    AttemptEnd,
    AttemptStart,
    DurablePlugin,
    InvocationEnd,
    InvocationStart,
    OperationChange,
    OperationInfo,
)


class LoggingPlugin(DurablePlugin):
    """Writes lines that name the plugin, the hook and the execution."""

    label = "CONFPLUGIN"

    def __init__(self, start: InvocationStart) -> None:
        super().__init__(start)
        self._arn = start.execution_arn

    def tell(self, hook: str, **members: Any) -> None:
        """Write one line; what is ``None`` is left out."""
        record = {"plugin": self.label, "hook": hook, **members, "durableExecutionArn": self._arn}
        sys.stdout.write(json.dumps({name: each for name, each in record.items() if each is not None}) + "\n")


class Invocations(LoggingPlugin):
    """Whether an invocation is the first, and how it ends."""

    def on_invocation_start(self, info: InvocationStart) -> None:
        self.tell("invocation-start", first=info.is_first_invocation)

    def on_invocation_end(self, info: InvocationEnd) -> None:
        self.tell("invocation-end", status=info.status)


class FirstOfTwo(LoggingPlugin):
    label = "CONFPLUGIN-A"

    def on_invocation_start(self, info: InvocationStart) -> None:
        self.tell("invocation-start")

    def on_invocation_end(self, info: InvocationEnd) -> None:
        self.tell("invocation-end", status=info.status)


class SecondOfTwo(FirstOfTwo):
    label = "CONFPLUGIN-B"


class Steps(LoggingPlugin):
    """The beginnings and ends of steps."""

    def on_operation_start(self, info: OperationInfo) -> None:
        if info.operation_type == "STEP":
            self.tell("operation-start", op=info.operation_id, replay=info.is_replayed)

    def on_operation_end(self, info: OperationInfo) -> None:
        if info.operation_type == "STEP":
            self.tell("operation-end", op=info.operation_id, status=info.status)


class Waits(LoggingPlugin):
    """The beginnings and ends of waits."""

    def on_operation_start(self, info: OperationInfo) -> None:
        if info.operation_type == "WAIT":
            self.tell("operation-start", op=info.operation_id, type=info.operation_type)

    def on_operation_end(self, info: OperationInfo) -> None:
        if info.operation_type == "WAIT":
            self.tell("operation-end", op=info.operation_id, type=info.operation_type, status=info.status)


class UpdatedWaits(LoggingPlugin):
    """Waits that ended while the execution was suspended."""

    def on_invocation_start(self, info: InvocationStart) -> None:
        for id, each in info.updated_operations.items():
            if each.operation_type == "WAIT":
                self.tell("updated-on-invoke", op=id, status=each.status, first=info.is_first_invocation)


class Attempts(LoggingPlugin):
    """The attempts of steps."""

    def on_attempt_start(self, info: AttemptStart) -> None:
        if info.operation_type == "STEP":
            self.tell("attempt-start", n=info.attempt, op=info.operation_id)

    def on_attempt_end(self, info: AttemptEnd) -> None:
        if info.operation_type == "STEP":
            self.tell("attempt-end", n=info.attempt, outcome=info.outcome, op=info.operation_id)


class AttemptsAndEnds(Attempts):
    """The attempts of steps, and what comes of them."""

    def on_operation_end(self, info: OperationInfo) -> None:
        if info.operation_type == "STEP":
            self.tell("operation-end", op=info.operation_id, status=info.status)


class Branches(LoggingPlugin):
    """The functions of the branches of ``parallel``."""

    def on_attempt_start(self, info: AttemptStart) -> None:
        if info.sub_type == "ParallelBranch":
            self.tell("fn-start", op=info.operation_id, parent=info.parent_id or "NONE")

    def on_attempt_end(self, info: AttemptEnd) -> None:
        if info.sub_type == "ParallelBranch":
            self.tell("fn-end", op=info.operation_id, parent=info.parent_id or "NONE", outcome=info.outcome)


class Changes(LoggingPlugin):
    """What each answer of the service tells of steps."""

    def on_operation_change(self, info: OperationChange) -> None:
        for id, each in info.updated_operations.items():
            if each.operation_type == "STEP":
                self.tell("operation-change", op=id, status=each.status, in_full_map=id in info.operations)


class Faulty(LoggingPlugin):
    """Every hook raises."""

    label = "CONFPLUGIN-FAULTY"

    def on_invocation_start(self, info: InvocationStart) -> None:
        self._fail("invocation-start")

    def on_invocation_end(self, info: InvocationEnd) -> None:
        self._fail("invocation-end")

    def on_operation_start(self, info: OperationInfo) -> None:
        if info.operation_type == "STEP":
            self._fail("operation-start")

    def on_operation_end(self, info: OperationInfo) -> None:
        if info.operation_type == "STEP":
            self._fail("operation-end")

    def on_operation_change(self, info: OperationChange) -> None:
        raise RuntimeError("operation-change fails")

    def on_attempt_start(self, info: AttemptStart) -> None:
        if info.operation_type == "STEP":
            self._fail("attempt-start")

    def on_attempt_end(self, info: AttemptEnd) -> None:
        if info.operation_type == "STEP":
            self._fail("attempt-end")

    def _fail(self, hook: str) -> None:
        self.tell(hook)
        raise RuntimeError(f"{hook} fails")


class InvocationFields(LoggingPlugin):
    """All that is told of invocations."""

    def on_invocation_start(self, info: InvocationStart) -> None:
        self.tell("invocation-start", **_of_invocation(info), updatedOperationsCount=len(info.updated_operations))

    def on_invocation_end(self, info: InvocationEnd) -> None:
        self.tell(
            "invocation-end",
            **_of_invocation(info),
            status=info.status,
            terminal=info.status in {"SUCCEEDED", "FAILED"},
            executionError=None if info.error is None else str(info.error),
        )


class OperationFields(LoggingPlugin):
    """All that is told of steps."""

    def on_operation_start(self, info: OperationInfo) -> None:
        if info.operation_type == "STEP":
            self.tell("operation-start", **_of_operation(info))

    def on_operation_end(self, info: OperationInfo) -> None:
        if info.operation_type == "STEP":
            self.tell("operation-end", **_of_operation(info))


class AttemptFields(LoggingPlugin):
    """All that is told of the attempts of steps."""

    def on_attempt_start(self, info: AttemptStart) -> None:
        if info.operation_type == "STEP":
            self.tell("attempt-start", **_of_operation(info), isReplayingChildren=info.is_replaying_children)

    def on_attempt_end(self, info: AttemptEnd) -> None:
        if info.operation_type == "STEP":
            error = None if info.exception is None else str(info.exception)
            self.tell("attempt-end", **{**_of_operation(info), "error": error}, outcome=info.outcome)


class ChangeFields(LoggingPlugin):
    """All that is told of changes of steps."""

    def on_operation_change(self, info: OperationChange) -> None:
        for id, each in info.updated_operations.items():
            if each.operation_type == "STEP":
                self.tell(
                    "operation-change",
                    executionArn=info.execution_arn,
                    updatedOperationsCount=len(info.updated_operations),
                    operationsCount=len(info.operations),
                    inFullMap=id in info.operations,
                    **_of_operation(each),
                )


def _of_invocation(info: InvocationStart) -> dict[str, Any]:
    return {
        "isFirstInvocation": info.is_first_invocation,
        "requestId": info.request_id,
        "operationsCount": len(info.operations),
        "executionStartTimestamp": info.execution_start_time.isoformat(),
    }


def _of_operation(info: OperationInfo) -> dict[str, Any]:
    return {
        "id": info.operation_id,
        "name": info.name,
        "type": info.operation_type,
        "subType": info.sub_type,
        "parentId": info.parent_id,
        "status": info.status,
        "startTimestamp": _text_of(info.start_time),
        "endTimestamp": _text_of(info.end_time),
        "error": None if info.error is None else info.error.get("ErrorMessage"),
        "attempt": info.attempt,
        "isReplay": info.is_replayed,
    }


def _text_of(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()
