"""A workflow of steps, then of waits, in the local test runner: ``ours_runner.py STEPS WAITS``."""

from __future__ import annotations

import sys
import time
from typing import Any

from meter import report

import durable_testing
from durable_core import DurableContext, Duration, durable_execution

LocalRunner: Any = getattr(durable_testing, "LocalRunner", None)


async def work(number: int) -> int:
    return number


@durable_execution
async def workflow(plan: dict[str, int], ctx: DurableContext) -> int:
    for number in range(plan["steps"]):
        await ctx.step(work, number)
    for _ in range(plan["waits"]):
        await ctx.wait(Duration.from_days(1))
    return plan["steps"]


def main(steps: int, waits: int) -> None:
    start = time.perf_counter()
    with LocalRunner(workflow) as runner:
        result = runner.run({"steps": steps, "waits": waits})
    wall = time.perf_counter() - start
    assert result.status == "SUCCEEDED", result
    report(wall=wall)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
