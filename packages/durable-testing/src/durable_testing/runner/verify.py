"""One more replay of a finished execution, in which nothing may be recorded and nothing may be new."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from durable_core.spi import (
    CheckpointAnswer,
    ExecutionState,
    InvocationAnswer,
    InvocationEvent,
    OperationUpdate,
    Seen,
    Workflow,
)
from durable_testing.errors import ReplayMismatchError


class _Reader:
    """A client that records nothing, but keeps a result that is too large for an answer."""

    large_result = ""

    def checkpoint(
        self,
        arn: str,
        token: str,
        updates: Sequence[OperationUpdate],
        client_token: str,
        *,
        timeout: float | None = None,
    ) -> CheckpointAnswer:
        for update in updates:
            if update["Type"] == "EXECUTION":
                self.large_result = update.get("Payload", "")
        return {"CheckpointToken": token, "NewExecutionState": {"Operations": []}}

    def get_state(self, arn: str, token: str, marker: str, *, timeout: float | None = None) -> ExecutionState:
        raise AssertionError("the state of this replay comes in one page")


def verify_replay(
    workflow: Workflow, event: InvocationEvent, seen: Sequence[Seen], result: str | None, lambda_context: Any
) -> None:
    """``ReplayMismatchError`` unless a replay sees what the run did, in the same order, and gives the same result.

    No step's body runs in it. *seen* is what the last invocation saw; what it saw inside children that are over is
    not replayed, and not compared. Branches of a blocking workflow run on threads: each has an order of its own.
    """
    again: list[Seen] = []
    reader = _Reader()
    answer = workflow.invoke(event, lambda_context, client=reader, see=again.append, impatient=True, dry=True)
    names = {each["Id"]: each.get("Name") for each in event["InitialExecutionState"].get("Operations", ())}
    before = [each for each in seen if each.operation_id in names]
    if not workflow.is_async:
        replayed = {each.lane for each in again}  # a branch that was not needed is not replayed
        before = sorted((each for each in before if each.lane in replayed), key=lambda each: each.lane)
        again.sort(key=lambda each: each.lane)
    for number, (first, second) in enumerate(zip_longest(before, again), start=1):
        if first != second:
            raise ReplayMismatchError(
                f"the workflow is not deterministic: outcome {number} was {_shown(first, names)}, and in a replay "
                f"{_shown(second, names)}{_ending(answer)}"
            )
    if answer["Status"] != "SUCCEEDED" or (answer.get("Result") or reader.large_result) != (result or ""):
        raise ReplayMismatchError(f"the workflow is not deterministic: it gave {result!r}{_ending(answer)}")


def _shown(seen: Seen | None, names: dict[str, str | None]) -> str:
    if seen is None:
        return "nothing"
    return f"{names.get(seen.operation_id) or seen.operation_id[:12]} {seen.status}"


def _ending(answer: InvocationAnswer) -> str:
    message = answer.get("Error", {}).get("ErrorMessage")
    shown = answer.get("Result") if message is None else message
    return f"; the replay ended {answer['Status']}" + (f": {shown}" if shown else "")
