"""Which of the queued updates may travel in one checkpoint call."""

from __future__ import annotations

from collections import deque
from typing import Protocol, TypeVar

from durable_core._wire.shapes import OperationUpdate
from durable_core.limits import BATCH_BYTES, BATCH_UPDATES


class Queued(Protocol):
    """An update in the queue: its size as JSON in bytes, and whether it must have a call to itself."""

    @property
    def update(self) -> OperationUpdate: ...
    @property
    def size(self) -> int: ...
    @property
    def alone(self) -> bool: ...


Q = TypeVar("Q", bound=Queued)


def take_batch(queue: deque[Q], most: int = BATCH_UPDATES) -> list[Q]:
    """Remove from the front of *queue* what one call may carry, in order; at least one if there is any.

    An id stands once in a call, but for the START and one further update of a STEP or CONTEXT.
    """
    if len(queue) == 1 or (queue and queue[0].alone):
        return [queue.popleft()]
    batch: list[Q] = []
    last: dict[str, OperationUpdate] = {}
    size = 0
    while queue and len(batch) < most:
        item = queue[0]
        size += item.size
        if item.alone or (batch and size > BATCH_BYTES) or not _may_follow(last.get(item.update["Id"]), item.update):
            break
        last[item.update["Id"]] = item.update
        batch.append(queue.popleft())
    return batch


def _may_follow(earlier: OperationUpdate | None, update: OperationUpdate) -> bool:
    if earlier is None:
        return True
    return earlier["Action"] == "START" != update["Action"] and update["Type"] in ("STEP", "CONTEXT")
