"""A map whose items pause: the invocation that they suspend, and the next: ``ours_pauses.py ITEMS``."""

from __future__ import annotations

import sys

from fake import LambdaContext, invocation, recorded_pauses
from meter import PENDING, SUCCEEDED, report, usual
from ours_client import InProcess

from durable_core import DurableContext, Duration, ServiceLimits, durable_execution

TIMES = 3


async def branch(ctx: DurableContext, number: int, index: int) -> int:
    await ctx.wait(Duration.from_days(1))
    return number


async def mapped(items: int, ctx: DurableContext) -> int:
    return sum((await ctx.map(range(items), branch, name="all")).results)


def main(items: int) -> None:
    client, context = InProcess(), LambdaContext()
    handler = durable_execution(client=client, limits=ServiceLimits.DEFAULT)(mapped)
    handler(invocation(3), context)
    first, next_one = invocation(items), invocation(items, recorded_pauses(items, "all"))
    before = client.updates
    suspend = usual(lambda: handler(first, context), TIMES, expected=PENDING)
    assert client.updates - before == TIMES * (1 + 2 * items)  # nothing but what begins
    result = str(sum(range(items)))
    resume = usual(lambda: handler(next_one, context), TIMES, expected={**SUCCEEDED, "Result": result})
    report(suspend=suspend.cpu, resume=resume.cpu)


if __name__ == "__main__":
    main(int(sys.argv[1]))
