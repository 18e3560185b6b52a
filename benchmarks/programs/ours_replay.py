"""The replay of recorded steps: ``ours_replay.py async|blocking STEPS``."""

from __future__ import annotations

import sys

from fake import LambdaContext, invocation, recorded_step
from meter import peak_memory, report, usual
from ours_client import InProcess

from durable_core import DurableContext, blocking, durable_execution

FEW = 1_000


async def work(number: int) -> int:
    raise AssertionError("a recorded step does not run")


async def replayed(steps: int, ctx: DurableContext) -> int:
    return sum([await ctx.step(work, number) for number in range(steps)])


def replayed_blocking(steps: int, ctx: blocking.DurableContext) -> int:
    return sum([ctx.step(work, number) for number in range(steps)])


def main(flavour: str, steps: int) -> None:
    client, context = InProcess(), LambdaContext()
    handler = durable_execution(client=client)(replayed if flavour == "async" else replayed_blocking)

    def a_step(steps: int, times: int) -> float:
        event = invocation(steps, (recorded_step(number + 1, "work") for number in range(steps)))
        return usual(lambda: handler(event, context), times).cpu / steps

    few = a_step(FEW, 10)
    idle = peak_memory()
    many = few if steps == FEW else a_step(steps, 1)
    assert client.calls == 0
    report(cpu=many, growth=many / few, memory=peak_memory() - idle)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
