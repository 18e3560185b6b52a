"""Steps one after the other: ``ours_steps.py async|threads|blocking STEPS INVOCATIONS [http|batched|optimistic]``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from fake import LambdaContext, invocation
from meter import report, usual
from ours_client import InProcess

from durable_core import Checkpointing, DurableContext, blocking, durable_execution


async def work(number: int) -> int:
    return number


def blocking_work(number: int) -> int:
    return number


async def on_the_loop(steps: int, ctx: DurableContext) -> int:
    for number in range(steps):
        await ctx.step(work, number)
    return steps


async def on_threads(steps: int, ctx: DurableContext) -> int:
    for number in range(steps):
        await ctx.step(blocking_work, number)
    return steps


def on_one_thread(steps: int, ctx: blocking.DurableContext) -> int:
    for number in range(steps):
        ctx.step(blocking_work, number)
    return steps


WORKFLOWS: dict[str, Callable[..., Any]] = {"async": on_the_loop, "threads": on_threads, "blocking": on_one_thread}


def main(flavour: str, steps: int, invocations: int, how: str = "eager") -> None:
    client = InProcess()
    checkpointing = Checkpointing.EAGER if how == "http" else Checkpointing(how)
    decorate = durable_execution(client=None if how == "http" else client, checkpointing=checkpointing)
    handler = decorate(WORKFLOWS[flavour])
    context = LambdaContext()
    handler(invocation(3), context)
    before = client.calls
    event = invocation(steps)
    each = usual(lambda: handler(event, context), invocations)
    report(cpu=each.cpu, wall=each.wall, calls=(client.calls - before) / invocations)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
