"""A map whose items pause: the invocation that they suspend, and the next: ``ours_pauses.py ITEMS``."""

from __future__ import annotations

import sys

from maps import measure_pauses
from ours_client import InProcess

from durable_core import DurableContext, Duration, ServiceLimits, durable_execution


async def branch(ctx: DurableContext, number: int, index: int) -> int:
    await ctx.wait(Duration.from_days(1))
    return number


async def mapped(items: int, ctx: DurableContext) -> int:
    return sum((await ctx.map(range(items), branch, name="all")).results)


def main(items: int) -> None:
    client = InProcess()
    handler = durable_execution(client=client, limits=ServiceLimits.DEFAULT)(mapped)
    measure_pauses(handler, client, items)


if __name__ == "__main__":
    main(int(sys.argv[1]))
