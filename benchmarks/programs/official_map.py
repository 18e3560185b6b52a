"""A map whose items are a step each, which sleeps so long, in the official SDK: ``official_map.py ITEMS MILLIS``."""

# mypy: disable-error-code="import-not-found"
# pyright: reportMissingImports=false

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

from aws_durable_execution_sdk_python import durable_execution, durable_step
from fake import LambdaContext, invocation
from meter import SUCCEEDED, Spent, ThreadPeak, peak_memory, report, usual
from official_client import InProcess

FEW = 1_000
NAP = int(sys.argv[2]) / 1_000
threads = ThreadPeak()


def work(step: Any, number: int) -> int:
    threads.look()
    if NAP:
        time.sleep(NAP)
    return number


work_step = durable_step(work)


def branch(ctx: Any, number: int, index: int, items: Sequence[int]) -> Any:
    return ctx.step(work_step(number))


def mapped(items: int, ctx: Any) -> int:
    return sum(ctx.map(range(items), branch).get_results())


def main(items: int) -> None:
    client, context = InProcess(), LambdaContext()
    handler = durable_execution(mapped, boto3_client=client)

    def a_map(items: int, times: int = 1) -> Spent:
        event, result = invocation(items), str(sum(range(items)))
        return usual(lambda: handler(event, context), times, expected={**SUCCEEDED, "Result": result})

    a_map(3)
    before, idle = client.calls, peak_memory()
    each = a_map(items)
    calls, peak = client.calls - before, peak_memory()
    few = each if items == FEW else a_map(FEW, 5)
    report(
        cpu=each.cpu,
        wall=each.wall,
        growth=each.cpu / items / (few.cpu / FEW),
        calls=calls,
        threads=threads.most,
        memory=peak - idle,
        peak=peak,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
