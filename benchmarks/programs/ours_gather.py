"""Branches of two steps each, side by side: ``ours_gather.py BRANCHES``."""

from __future__ import annotations

import asyncio
import sys

from fake import LambdaContext, invocation
from meter import ThreadPeak, report, usual
from ours_client import InProcess

from durable_core import DurableContext, durable_execution

threads = ThreadPeak()


async def fetch(number: int) -> int:
    threads.look()
    return number


async def store(number: int) -> int:
    threads.look()
    return number


async def branch(ctx: DurableContext, number: int) -> int:
    return await ctx.step(store, await ctx.step(fetch, number))


async def side_by_side(branches: int, ctx: DurableContext) -> int:
    return len(await asyncio.gather(*(branch(ctx, number) for number in range(branches))))


def main(branches: int) -> None:
    client, context = InProcess(), LambdaContext()
    handler = durable_execution(client=client)(side_by_side)
    handler(invocation(3), context)
    before = client.calls
    each = usual(lambda: handler(invocation(branches), context))
    report(cpu=each.cpu, wall=each.wall, calls=client.calls - before, threads=threads.most)


if __name__ == "__main__":
    main(int(sys.argv[1]))
