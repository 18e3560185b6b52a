"""What the runner reads in the service besides its verbs."""

from __future__ import annotations

from durable_core.spi import InvocationEvent, Operation
from durable_testing.service.pages import state_page
from durable_testing.service.times import detached
from durable_testing.service.verbs import DurableService


def recorded_operations(service: DurableService, arn: str) -> list[Operation]:
    """Every operation of an execution, in the order in which they were started."""
    state = service._executions.find(arn).state
    return [detached(state.operations[id]) for id in state.ids]


def replay_event(service: DurableService, arn: str) -> InvocationEvent:
    """The event of an invocation that would replay an execution as it stands, in one page."""
    state = service._executions.find(arn).state
    operations: list[Operation] = []
    place: int | None = 0
    while place is not None:
        page = state_page(state, place, len(state.ids) + 1)
        operations += map(detached, page.operations)
        place = page.next
    return {
        "DurableExecutionArn": arn,
        "CheckpointToken": "cmVwbGF5",
        "InitialExecutionState": {"Operations": operations},
        "UpdatedOperationIds": [],
    }
