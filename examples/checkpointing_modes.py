"""Checkpointing: fewer calls to the service, against more work to redo after a crash."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from durable_core import (
    Checkpointing,
    DurableContext,
    DurableFunction,
    DurableServiceClient,
    blocking,
    durable_execution,
)
from durable_core.spi import CheckpointAnswer, ExecutionState, OperationUpdate
from durable_testing import LocalRunner, TestResult


def normalize(row: int) -> int:
    return row * 10  # cheap, and may be done twice: the kind of step that the other modes are for


# The default: a step's result is durable before the next step starts. A call for each step, or two if it is slow.
@durable_execution(checkpointing=Checkpointing.EAGER)
async def one_by_one(rows: int, ctx: DurableContext) -> int:
    return sum([await ctx.step(normalize, row, name=f"row-{row}") for row in range(rows)])


# The workflow goes on at once; after 50 updates they travel in one call. A crash redoes at most those.
@durable_execution(checkpointing=Checkpointing.BATCHED)
async def fifty_at_a_time(rows: int, ctx: DurableContext) -> int:
    return sum([await ctx.step(normalize, row, name=f"row-{row}") for row in range(rows)])


# It goes on while calls are on their way, up to 2,500 updates. A crash redoes what had not arrived.
@durable_execution(checkpointing=Checkpointing.OPTIMISTIC)
async def without_waiting(rows: int, ctx: DurableContext) -> int:
    return sum([await ctx.step(normalize, row, name=f"row-{row}") for row in range(rows)])


@durable_execution(checkpointing=Checkpointing.BATCHED)
def fifty_at_a_time_blocking(rows: int, ctx: blocking.DurableContext) -> int:
    return sum([ctx.step(normalize, row, name=f"row-{row}") for row in range(rows)])


class Counting:
    """A client that counts the calls which it passes on to *inner*."""

    def __init__(self, inner: DurableServiceClient) -> None:
        self._inner = inner
        self.calls = 0

    def checkpoint(
        self,
        arn: str,
        token: str,
        updates: Sequence[OperationUpdate],
        client_token: str,
        *,
        timeout: float | None = None,
    ) -> CheckpointAnswer:
        self.calls += 1
        return self._inner.checkpoint(arn, token, updates, client_token, timeout=timeout)

    def get_state(self, arn: str, token: str, marker: str, *, timeout: float | None = None) -> ExecutionState:
        return self._inner.get_state(arn, token, marker, timeout=timeout)


def counted(handler: DurableFunction[Any], rows: int) -> tuple[TestResult[Any], int]:
    """The run of *handler*, and the checkpoint calls that it took."""
    clients: list[Counting] = []

    def counting(inner: DurableServiceClient) -> DurableServiceClient:
        clients.append(Counting(inner))
        return clients[-1]

    with LocalRunner(handler, client=counting) as runner:
        return runner.run(rows), clients[0].calls


def main() -> None:
    """Run each of them on 200 rows."""
    for handler in (one_by_one, fifty_at_a_time, without_waiting, fifty_at_a_time_blocking):
        result, calls = counted(handler, 200)
        print(f"{handler.__name__}: {result.value} with {calls} calls")
    print("\nThe history is the same. Its first rows:")
    print("\n".join(result.to_table().splitlines()[:5]))
    print(f"{result.status} after {len(result.invocations)} invocation")


if __name__ == "__main__":
    main()
