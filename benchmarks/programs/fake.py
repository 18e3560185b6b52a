"""The service, as little of it as both SDKs need, and the events that it calls a function with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:bench:1/durable-execution/bench/0001"
_EPOCH_MILLIS = 1_750_000_000_000
_DAY_MILLIS = 86_400_000


class LambdaContext:
    """What Lambda passes next to the event."""

    aws_request_id = "00000000-0000-0000-0000-000000000000"
    function_name = "bench"
    function_version = "1"
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:bench:1"
    memory_limit_in_mb = "1024"
    log_group_name = "/aws/lambda/bench"
    log_stream_name = "bench"
    tenant_id = None

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def invocation(payload: object, recorded: Iterable[dict[str, Any]] = ()) -> dict[str, Any]:
    """The event of an execution that was started with *payload*, and has *recorded* operations."""
    execution = {
        "Id": ARN.rpartition("/")[2],
        "Type": "EXECUTION",
        "Status": "STARTED",
        "StartTimestamp": _EPOCH_MILLIS,
        "ExecutionDetails": {"InputPayload": json.dumps(payload)},
    }
    return {
        "DurableExecutionArn": ARN,
        "CheckpointToken": "0000",
        "InitialExecutionState": {"Operations": [execution, *recorded]},
    }


def recorded_step(number: int, name: str) -> dict[str, Any]:
    """The *number*-th operation of an execution, counted from 1: a step that returned its number."""
    return {
        "Id": _id(str(number)),
        "Type": "STEP",
        "SubType": "Step",
        "Name": name,
        "Status": "SUCCEEDED",
        "StartTimestamp": _EPOCH_MILLIS + number,
        "EndTimestamp": _EPOCH_MILLIS + number,
        "StepDetails": {"Attempt": 1, "Result": str(number)},
    }


def recorded_pauses(items: int, name: str) -> Iterator[dict[str, Any]]:
    """The first operations of an execution: a map of *items*, under way, each of which has paused for a day."""
    over = _EPOCH_MILLIS + _DAY_MILLIS
    begun = {"Type": "CONTEXT", "Status": "STARTED", "StartTimestamp": _EPOCH_MILLIS}
    pause = {"Type": "WAIT", "SubType": "Wait", "Status": "SUCCEEDED", "StartTimestamp": _EPOCH_MILLIS}
    pause |= {"EndTimestamp": over, "WaitDetails": {"ScheduledEndTimestamp": over}}
    batch = _id("1")
    yield {**begun, "Id": batch, "SubType": "Map", "Name": name}
    for index in range(items):
        item = _id(f"{batch}-{index}")
        yield {**begun, "Id": item, "ParentId": batch, "SubType": "MapIteration", "Name": f"map-item-{index}"}
        yield {**pause, "Id": _id(f"{item}-1"), "ParentId": item}


def _id(place: str) -> str:
    return hashlib.blake2b(place.encode()).hexdigest()[:64]


def answer(call: int, updates: Iterable[Mapping[str, Any]], now: datetime | float) -> dict[str, Any]:
    """The answer to the *call*-th checkpoint, made at *now*: whatever was asked for is recorded."""
    operations: dict[str, dict[str, Any]] = {}  # a START and its end in one call change one operation
    for update in updates:
        operations[update["Id"]] = _recorded(update, now)
    return {"CheckpointToken": f"{call:04}", "NewExecutionState": {"Operations": list(operations.values())}}


def _recorded(update: Mapping[str, Any], now: datetime | float) -> dict[str, Any]:
    operation = {"Id": update["Id"], "Type": update["Type"], "StartTimestamp": now}
    for member in ("Name", "SubType", "ParentId"):
        if member in update:
            operation[member] = update[member]
    if update["Action"] == "START":
        if update["Type"] == "WAIT":
            operation["WaitDetails"] = {"ScheduledEndTimestamp": _after(now, update["WaitOptions"]["WaitSeconds"])}
        return operation | {"Status": "STARTED"}
    if update["Action"] != "SUCCEED":
        raise AssertionError(f"nothing fails in a benchmark, but here is {update}")
    details = {"Attempt": 1} if update["Type"] == "STEP" else {}
    operation[_DETAILS[update["Type"]]] = details | {"Result": update.get("Payload")}
    return operation | {"Status": "SUCCEEDED", "EndTimestamp": now}


def _after(now: datetime | float, seconds: int) -> datetime | float:
    return now + timedelta(seconds=seconds) if isinstance(now, datetime) else now + seconds


_DETAILS = {"STEP": "StepDetails", "CONTEXT": "ContextDetails"}
