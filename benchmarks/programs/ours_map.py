"""A map whose items are a step each, which sleeps so long: ``ours_map.py async|blocking ITEMS MILLIS``."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any

from maps import measure_map
from meter import ThreadPeak
from ours_client import InProcess

from durable_core import DurableContext, ServiceLimits, blocking, durable_execution

NAP = int(sys.argv[3]) / 1_000
threads = ThreadPeak()


async def work(number: int) -> int:
    threads.look()
    if NAP:
        await asyncio.sleep(NAP)
    return number


def blocking_work(number: int) -> int:
    threads.look()
    if NAP:
        time.sleep(NAP)
    return number


async def branch(ctx: DurableContext, number: int, index: int) -> int:
    return await ctx.step(work, number)


def blocking_branch(ctx: blocking.DurableContext, number: int, index: int) -> int:
    return ctx.step(blocking_work, number)


async def mapped(items: int, ctx: DurableContext) -> int:
    return sum((await ctx.map(range(items), branch)).results)


def mapped_blocking(items: int, ctx: blocking.DurableContext) -> int:
    return sum(ctx.map(range(items), blocking_branch).results)


WORKFLOWS: dict[str, Callable[..., Any]] = {"async": mapped, "blocking": mapped_blocking}


def main(flavour: str, items: int) -> None:
    client = InProcess()
    handler = durable_execution(client=client, limits=ServiceLimits.DEFAULT)(WORKFLOWS[flavour])
    measure_map(handler, client, threads, items)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
