"""Executions as the API describes and lists them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from durable_testing.service.answers import Description, PauseDetails, Summary
from durable_testing.service.arns import function_arn
from durable_testing.service.execution import Execution
from durable_testing.service.pages import marker, numbers_of
from durable_testing.service.state import LONGEST
from durable_testing.service.times import detached, moment


def summarised(execution: Execution) -> Summary:
    """Give the line of a listing that stands for an execution."""
    state, birth = execution.state, execution.birth
    summary: Summary = {
        "DurableExecutionArn": execution.arn,
        "DurableExecutionName": birth.name,
        "FunctionArn": function_arn(birth.function_name, birth.version),
        "Status": state.status,
        "StartTimestamp": moment(state.started_at),
    }
    if state.ending is not None:
        summary["EndTimestamp"] = moment(state.ended_at)
    return summary


def described(execution: Execution, *, data: bool) -> Description:
    """Give all that is told of an execution, with somebody's data or without."""
    state, birth = execution.state, execution.birth
    timeout = LONGEST // 1000 if birth.execution_timeout is None else birth.execution_timeout
    description: Description = {
        **summarised(execution),  # type: ignore[typeddict-item]
        "Version": birth.version,
        "ExecutionDataIncluded": data,
        "DurableConfig": {"ExecutionTimeout": timeout},
    }
    if state.status in {"PAUSING", "PAUSED"}:
        description["PauseDetails"] = _pause(execution, data=data)
    if state.limit is not None:
        description["ExpectedExecutionTimeoutTimestamp"] = moment(state.limit)
    if data:
        _add_data(description, execution)
    return description


def _add_data(description: Description, execution: Execution) -> None:
    ending = execution.state.ending or {}
    description["InputPayload"] = execution.birth.payload
    if "Result" in ending:
        description["Result"] = ending["Result"]
    if "Error" in ending:
        description["Error"] = detached(ending["Error"])


def _pause(execution: Execution, *, data: bool) -> PauseDetails:
    request = execution.state.pause
    shown: PauseDetails = {
        "PauseRequestTimestamp": moment(request.get("PauseRequestTimestamp", 0)),
        "ExecutionTimeoutPaused": request.get("ExecutionTimeoutPaused", False),
    }
    if data and "Reason" in request:
        shown["Reason"] = request["Reason"]
    return shown


class Wanted(NamedTuple):
    """Which executions a listing is about; ``None`` leaves a respect open."""

    function_name: str
    version: str | None
    name: str | None
    statuses: frozenset[str] | None
    after: int | None
    before: int | None

    def covers(self, execution: Execution) -> bool:
        """Whether an execution is wanted."""
        birth, began = execution.birth, execution.state.started_at
        return (
            birth.function_name == self.function_name
            and self.version in {None, birth.version}
            and self.name in {None, birth.name}
            and (self.statuses is None or execution.state.status in self.statuses)
            and (self.after is None or began > self.after)
            and (self.before is None or began < self.before)
        )


def listed(
    found: Sequence[Execution], text: str | None, most: int, *, youngest_first: bool
) -> tuple[list[Summary], str | None]:
    """Give the executions from a marker on, and the marker of those that follow."""
    ordered = found[::-1] if youngest_first else found
    first = numbers_of(text, 1)[0] if text else 0
    page = [summarised(execution) for execution in ordered[first : first + most]]
    return page, marker(first + most) if first + most < len(ordered) else None
